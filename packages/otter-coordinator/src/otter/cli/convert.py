"""`otter convert`: a configuration of the first generation (YAML) as TOML that loads to equal values."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any

import attrs
import tomli

from otter.cli.printing import count
from otter.cli.toml_layout import Layout
from otter.cli.yaml_tree import read_yaml
from otter.core import exit_codes
from otter.pipeline import PipelineError, Problem, render_one, visible
from otter.report.output import STANDARD_OUTPUT
from otter.util.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("file", metavar="FILE.yaml", type=Path, help="the configuration")
    parser.add_argument(
        "-o", "--output", metavar="FILE.toml", type=Path, help="where to write it (default: standard output)"
    )
    parser.add_argument("-f", "--force", action="store_true", help="replace the output if it exists")


def run(args: argparse.Namespace) -> int:
    """Convert the file; the exit code: 0, or 22 if it is no configuration or nothing could be written."""
    try:
        if args.file.suffix == ".toml":
            raise ConfigError(f"{args.file} is TOML already")
        conversion = convert(args.file)
        if args.output in (None, Path(STANDARD_OUTPUT)):
            sys.stdout.write(conversion.text)
        else:
            _write(args.output, conversion.text, args.force)
    except PipelineError as error:
        print("\n".join(render_one(problem) for problem in error.problems), file=sys.stderr)
        return exit_codes.BAD_CONFIGURATION
    except ConfigError as error:
        print(f"otter: error: {error}", file=sys.stderr)
        return exit_codes.BAD_CONFIGURATION
    for line, note in conversion.notes:
        print(visible(f"{args.file}:{line}: {note}"), file=sys.stderr)
    print(visible(f"{args.file}: {conversion.summary()}"), file=sys.stderr)
    return exit_codes.SUCCESS


@attrs.frozen
class Conversion:
    """A configuration as TOML.

    Attributes:
        text: the TOML.
        value: what it says.
        notes: what was dropped or read otherwise than it is written, each with its line.
    """

    text: str
    value: dict[str, Any]
    notes: list[tuple[int, str]]

    def summary(self) -> str:
        """`40 steps, 166 tasks; 1 note above`."""
        steps = self.value.get("steps")
        listed = [specs for specs in steps.values() if isinstance(specs, list)] if isinstance(steps, dict) else []
        counts = f"{count(len(listed), 'step')}, {count(sum(map(len, listed)), 'task')}"
        return f"{counts}; {count(len(self.notes), 'note')} above" if self.notes else counts


def convert(path: Path) -> Conversion:
    """The configuration in a file as TOML.

    Raises:
        PipelineError: it cannot be read, is no YAML, or holds what TOML has nothing for.
        ConfigError: ruamel.yaml is not installed.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise PipelineError([Problem(code="unreadable", message=message, file=str(path))]) from error
    except UnicodeDecodeError as error:
        raise PipelineError([Problem(code="not-utf8", message="is no UTF-8", file=str(path))]) from error
    source = read_yaml(text, str(path))
    value = source.root.plain()
    if not isinstance(value, dict):
        message = "a configuration is a mapping"
        raise PipelineError([Problem(code="yaml", message=message, file=str(path), line=source.root.line, column=1)])
    layout = Layout(source)
    toml = layout.text()
    if not equal(tomli.loads(toml), value):
        raise ConfigError(f"{path}: the TOML does not load to equal values; please report this with the file")
    return Conversion(
        toml, value, sorted([*source.notes, *((line, f"dropped {text}") for line, text in layout.dropped)])
    )


def equal(left: Any, right: Any) -> bool:
    """Whether two values are the same, types and NaN included."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right) or (isinstance(left, float) and math.isnan(left) and math.isnan(right))


def _write(path: Path, text: str, force: bool) -> None:
    try:
        with path.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{path} exists; --force replaces it") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
