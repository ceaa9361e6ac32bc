"""`otter completion`: a script with which a shell completes verbs, flags and file names."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from otter.core import exit_codes

SHELLS = ("bash", "zsh", "fish")

_HOW = """\
bash:  otter completion bash > ~/.local/share/bash-completion/completions/otter
zsh:   otter completion zsh > DIR/_otter, where DIR is in $fpath
fish:  otter completion fish > ~/.config/fish/completions/otter.fish
"""

FILES = frozenset(
    {"FILE", "FILE.toml", "FILE.json", "FILE.yaml", "REQUEST.json", "MANIFEST", "OLD", "NEW", "OUT", "PATH", "PYTHON"}
)
DIRECTORIES = frozenset({"DIR"})
"""What arguments are called whose values are files, and directories."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _HOW
    parser.add_argument("shell", choices=SHELLS, help="the shell")


def run(args: argparse.Namespace) -> int:
    """Print the script; the exit code."""
    try:
        import shtab
    except ModuleNotFoundError:
        print('otter: error: completion needs shtab: pip install "otter-coordinator[completion]"', file=sys.stderr)
        return exit_codes.FAILED
    from otter.cli.main import VERBS, make_parser

    parser = make_parser(VERBS)
    for part in _parsers(parser):
        for action in part._actions:  # noqa: SLF001 - argparse has no other way to its arguments
            names = {action.metavar} if isinstance(action.metavar, str) else set()
            if names & FILES or action.type is Path:
                action.complete = shtab.FILE  # type: ignore[attr-defined]  # what shtab looks for
            if names & DIRECTORIES:
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    sys.stdout.write(shtab.complete(parser, shell=args.shell) + "\n")
    return exit_codes.SUCCESS


def _parsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """A parser and those of its verbs, at any depth."""
    found = [parser]
    for part in found:  # grows while it is walked
        for action in part._actions:  # noqa: SLF001 - likewise
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - likewise
                found += action.choices.values()
    return found
