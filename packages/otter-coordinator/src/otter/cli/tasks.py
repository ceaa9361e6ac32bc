"""`otter tasks`: the task types at hand, and what their fields are for."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator
from typing import TextIO

from otter.cli.type_flags import add_type_flags, task_types
from otter.core import exit_codes
from otter.core.runner import exit_code
from otter.pipeline.kinds import annotation_for
from otter.pipeline.writer import value_text
from otter.task.task_registry import unknown_type
from otter.task.task_type import Field, TaskType
from otter.util.convert import expectation
from otter.util.errors import ConfigError, OtterError

WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("type", metavar="TYPE", nargs="?", help="say all that is known of this type")
    parser.add_argument(
        "--json", action="store_true", help="print JSON, which --types takes where the task code is not installed"
    )
    add_type_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Print the types; the exit code."""
    try:
        types = task_types(args)
        if args.type is not None and args.type not in types:
            raise ConfigError(unknown_type(args.type, types))
    except OtterError as error:
        print(f"otter: error: {error}", file=sys.stderr)
        return exit_code(error)
    chosen = [types[args.type]] if args.type is not None else [types[name] for name in sorted(types)]
    if args.json:
        _print_json(chosen)
    elif args.type is not None:
        _print_type(sys.stdout, chosen[0])
    else:
        _print_list(sys.stdout, chosen)
    return exit_codes.SUCCESS


def _print_json(types: list[TaskType]) -> None:
    import orjson

    table = {"task_types": [kind.to_json() for kind in types]}
    sys.stdout.buffer.write(orjson.dumps(table, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _print_list(stream: TextIO, types: list[TaskType]) -> None:
    if not types:
        print("no task types are installed; name a package with --tasks", file=stream)
        return
    width = max(len(kind.name) for kind in types)
    for kind in types:
        print(f"{kind.name:<{width}}  {kind.doc.splitlines()[0] if kind.doc else ''}".rstrip(), file=stream)


def _print_type(stream: TextIO, kind: TaskType) -> None:
    from otter.cli.printing import wants_colour

    bold, dim, reset = ("\x1b[1m", "\x1b[2m", "\x1b[0m") if wants_colour(stream) else ("", "", "")
    print(f"{bold}{kind.name}{reset}{dim}  {_manner(kind)}{reset}", file=stream)
    if kind.doc:
        print(f"\n{textwrap.indent(kind.doc, '    ')}", file=stream)
    print(f"\n{bold}fields{reset}", file=stream)
    for field in kind.fields:
        print(f"    {bold}{field.name}{reset}  {dim}{_facts(field)}{reset}", file=stream)
        for line in _wrapped(field.doc):
            print(f"        {line}", file=stream)
    if kind.open:
        print("    any: the type declares none", file=stream)
    elif not kind.fields:
        print("    none of its own", file=stream)
    print("\nEvery task has name, requires, policy and scratchpad_ignore_missing as well.", file=stream)


def _manner(kind: TaskType) -> str:
    facts = ["asynchronous: shares a worker with others" if kind.asynchronous else "has a worker to itself"]
    if kind.generates:
        facts.append("generates tasks")
    if kind.stores:
        facts.append("stores values in the scratchpad")
    return f"({'; '.join(facts)}; from {kind.module})" if kind.module else f"({'; '.join(facts)})"


def _facts(field: Field) -> str:
    """`an integer, default 3`."""
    expected = expectation(annotation_for(field.schema)) or "anything"
    if field.required:
        return f"{expected}, required"
    return expected if field.default is None else f"{expected}, default {value_text(field.default)}"


def _wrapped(doc: str) -> Iterator[str]:
    for paragraph in doc.split("\n\n"):
        yield from textwrap.wrap(paragraph, WIDTH - 8)
