"""The reference pages, made from the code that they are about."""

from __future__ import annotations

import argparse
import importlib
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from otter.cli.main import EXIT_CODES, VERBS
from otter.core.settings import FIELDS
from otter.core.types import describe
from otter.pipeline.kinds import annotation_for
from otter.pipeline.schema import json_schema
from otter.pipeline.writer import value_text
from otter.task.task_type import Field, TaskType
from otter.util.convert import expectation

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "packages/otter-coordinator/docs/reference"
NOTE = "<!-- Made from the code by `python -m tests.docs`; a change here does not last. -->\n\n"


def commands_page() -> str:
    """The commands and their arguments."""
    lines = ["# Commands", "", "| command | does |", "|---|---|"]
    lines += [f"| [`otter {verb}`](#otter-{verb}) | {_cell(text)} |" for verb, text in VERBS.items()]
    lines += ["", "Exit codes of `otter run`, and of the others where nothing else is said:", ""]
    lines += ["```text", *EXIT_CODES.partition("\n")[2].rstrip().splitlines(), "```", ""]
    for verb, text in VERBS.items():
        parser = argparse.ArgumentParser(
            prog=f"otter {verb}", description=f"{text[0].upper()}{text[1:]}.", add_help=False
        )
        importlib.import_module(f"otter.cli.{verb}").add_arguments(parser)
        lines += _command(parser, "##")
    return _page(lines)


def _command(parser: argparse.ArgumentParser, heading: str) -> Iterator[str]:
    yield from (f"{heading} `{parser.prog}`", "", *_paragraph(parser.description or ""))
    actions = parser._actions  # noqa: SLF001 - argparse has no other way to its arguments
    nested = [action for action in actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    plain = [a for a in actions if a not in nested and a.help != argparse.SUPPRESS and a.dest != "help"]
    if plain:
        yield from ("| argument | |", "|---|---|")
        yield from (f"| {_usage(action)} | {_cell(_help(action))} |" for action in plain)
        yield ""
    if parser.epilog:
        if parser.epilog.startswith("exit codes"):
            yield from _paragraph(f"{parser.epilog[0].upper()}{parser.epilog[1:].rstrip('.')}.")
        else:
            yield from ("```text", *parser.epilog.splitlines(), "```", "")
    for action in nested:
        for child in action.choices.values():
            yield from _command(child, f"{heading}#")


def _usage(action: argparse.Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if not action.option_strings:
        return f"`[{name}]`" if action.nargs in ("?", "*") else f"`{name}`" + (" …" if action.nargs == "+" else "")
    value = "" if action.nargs == 0 else f" {name}"
    return ", ".join(f"`{flag}{value}`" for flag in action.option_strings)


def _help(action: argparse.Action) -> str:
    text = (action.help or "") % {"default": action.default}
    if action.choices is not None:
        text += f"; one of {', '.join(f'`{choice}`' for choice in action.choices)}"
    return f"{text}; may be repeated" if isinstance(action, argparse._AppendAction) else text  # noqa: SLF001


def pipeline_page() -> str:
    """What stands in a pipeline file."""
    schema = json_schema([TaskType("any", open=True)])
    top, definitions = schema["properties"], schema["definitions"]
    tables = ("scratchpad", "defaults", "pools", "workers", "steps")
    engine = definitions["outline-of-any"]["properties"]
    lines = ["# Pipeline files", "", "Keys at the top of the file:", ""]
    lines += _keys({name: value for name, value in top.items() if name not in tables})
    names = ", ".join(f"`OTTER_{field.upper()}`" for field in FIELDS)
    lines += ["", *_paragraph(
        f"Flags win over environment variables, and these over the file. The variables are {names}; an application "
        "with a runner of its own has its own prefix."
    )]  # fmt: skip
    lines += ["Tables:", "", "| table | |", "|---|---|"]
    lines += [f"| `[{name}]` | {_cell(top[name]['description'])} |" for name in tables if name != "steps"]
    lines += [f"| `[[steps.NAME]]` | {_cell(top['steps']['description'])} |", "", "## `[workers]`", ""]
    lines += _keys(top["workers"]["properties"])
    lines += ["", "## Tasks", "", "Every task has these keys; all others belong to its type:", ""]
    lines += ["| key | |", "|---|---|"]
    lines += [f"| `{name}` | {_cell(engine[name]['description'])} |" for name in engine]
    lines += ["", "## `policy`", "", "Of a task, or in `[defaults]` for all that say nothing else.", ""]
    lines += _keys(definitions["policy"]["properties"])
    return _page(lines)


def _keys(properties: Mapping[str, Any]) -> Iterator[str]:
    yield from ("| key | default | |", "|---|---|---|")
    for name, schema in properties.items():
        default = f"`{value_text(schema['default'])}`" if "default" in schema else ""
        bounds: Mapping[str, int] = next((arm for arm in schema.get("anyOf", ()) if "maximum" in arm), {})
        limit = f" {bounds['minimum']:,} to {bounds['maximum']:,}." if bounds else ""
        yield f"| `{name}` | {default} | {_cell(schema['description'])}{limit} |"


def types_page() -> str:
    """The task types that come with otter-worker."""
    tables = orjson.loads(describe(("otter.commands",)))["task_types"]
    types = [TaskType.from_json(table) for table in tables if table["module"].startswith("otter.")]
    lines = ["# Task types of otter-worker", "", "| type | does |", "|---|---|"]
    kinds = sorted(types, key=lambda kind: kind.name)
    lines += [f"| [`{kind.name}`](#{kind.name}) | {_cell(kind.doc.partition(chr(10))[0])} |" for kind in kinds]
    lines += ["", "Tasks of every type have [some keys more](pipeline-file.md#tasks).", ""]
    for kind in kinds:
        lines += [f"## `{kind.name}`", ""]
        for part in kind.doc.split("\n\n"):
            lines += _part(part)
        if kind.module.startswith("otter.commands"):
            lines += ["The operator enables it: `otter run --tasks otter.commands`.", ""]
        manner = "It is asynchronous: it shares a worker with others." if kind.asynchronous else ""
        lines += [manner, ""] if manner else []
        lines += ["| field | | |", "|---|---|---|"]
        lines += [f"| `{field.name}` | {_cell(_facts(field))} | {_cell(field.doc)} |" for field in kind.fields]
        lines += [""]
    return _page(lines)


def _part(text: str) -> list[str]:
    """An example, a list or a paragraph of a docstring."""
    if text.startswith("    "):
        return ["```toml fragment", *textwrap.dedent(text).splitlines(), "```", ""]
    if text.startswith("- "):
        return [*_escaped(text).splitlines(), ""]
    return _paragraph(text)


def _facts(field: Field) -> str:
    expected = expectation(annotation_for(field.schema)) or "anything"
    if field.required:
        return f"{expected}, required"
    return expected if field.default is None else f"{expected}, default `{value_text(field.default)}`"


def _cell(text: str) -> str:
    return " ".join(_escaped(text).replace("|", "\\|").split())


def _escaped(text: str) -> str:
    """A text in which `<` opens no element; code spans keep what they hold."""
    parts = text.split("`")
    return "`".join(part if place % 2 else part.replace("<", "&lt;") for place, part in enumerate(parts))


def _paragraph(text: str) -> list[str]:
    return [*textwrap.wrap(_escaped(text), 100), ""]


def _page(lines: list[str]) -> str:
    return NOTE + "\n".join(lines).rstrip() + "\n"


REFERENCE: dict[str, Callable[[], str]] = {
    "commands.md": commands_page, "pipeline-file.md": pipeline_page, "task-types.md": types_page,
}  # fmt: skip
"""The pages, and what makes them."""
