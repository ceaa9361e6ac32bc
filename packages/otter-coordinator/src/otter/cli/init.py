"""`otter init`: a pipeline file and a package of task types to begin with."""

from __future__ import annotations

import argparse
import keyword
import re
import shlex
import sys
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from otter.core import exit_codes
from otter.core.runner import exit_code
from otter.util.errors import ConfigError, FSError, OtterError

TEMPLATE = ".in"
"""Ends the names of the files of the skeleton, so that no tool takes them for what they will become."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.description = (
        "Make a project: a pipeline file with comments, a package with a synchronous and an asynchronous task type, "
        "and tests of both. Nothing that exists is changed."
    )
    parser.add_argument("directory", metavar="DIR", nargs="?", type=Path, default=Path(), help="where (default: here)")
    parser.add_argument("--name", metavar="NAME", help="of the project (default: that of the directory)")


def run(args: argparse.Namespace) -> int:
    """Write the files; the exit code."""
    try:
        name = project_name(args.name if args.name is not None else args.directory.absolute().name)
        written = write_skeleton(args.directory, name)
    except OtterError as error:
        print(f"otter: error: {error}", file=sys.stderr)
        return exit_code(error)
    print(f"made {len(written)} files in {args.directory}; README.md says what they are")
    if args.directory != Path():
        print(f"    cd {shlex.quote(str(args.directory))}")
    print('    pip install -e ".[dev]"\n    otter run pipeline.toml\n    pytest')
    return exit_codes.SUCCESS


def project_name(name: str) -> str:
    """A name that a distribution may have, and with underscores a package.

    Raises:
        ConfigError: nothing can be made of it.
    """
    made = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    package = made.replace("-", "_")
    if not package.isidentifier() or keyword.iskeyword(package) or package in (*sys.stdlib_module_names, "otter"):
        raise ConfigError(f"{name!r} cannot be the name of a Python package: choose one with --name")
    return made


def write_skeleton(directory: Path, name: str) -> list[Path]:
    """Write the files of a new project; their paths.

    Raises:
        ConfigError: one of them exists already; then none is written.
        FSError: one cannot be written.
    """
    package = name.replace("-", "_")
    texts: dict[Path, str] = {}
    for relative, template in _templates(files("otter.cli").joinpath("skeleton")):
        path = directory / str(relative).removesuffix(TEMPLATE).replace("src/package", f"src/{package}")
        text = template.read_text(encoding="utf-8")
        texts[path] = text.replace("{{name}}", name).replace("{{package}}", package)
    if directory.exists() and not directory.is_dir():
        raise ConfigError(f"{directory} is not a directory")
    if taken := [str(path) for path in texts if path.exists()]:
        raise ConfigError(f"nothing was written, since there is already {', '.join(taken)}")
    for path, text in texts.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise FSError(f"{path}: {error.strerror}") from error
    return list(texts)


def _templates(folder: Traversable, below: Path = Path()) -> Iterator[tuple[Path, Traversable]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from _templates(item, below / item.name)
        elif item.name.endswith(TEMPLATE):
            yield below / item.name, item
