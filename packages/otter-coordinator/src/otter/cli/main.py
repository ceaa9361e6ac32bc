"""The entry point: finds the verb and loads its module only, so that `otter --help` costs next to nothing."""

from __future__ import annotations

import argparse
import atexit
import errno
import gc
import importlib
import signal
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from otter.cli.streams import directory_is_gone, provide_streams
from otter.core import exit_codes
from otter.observers.lines import silence

VERBS = {
    "run": "run a step of a pipeline file",
    "check": "find every mistake in pipeline files, without running anything",
    "plan": "show what a run would do, in what order, why, and how long it would take",
    "graph": "draw the tasks of a step as Mermaid, DOT or SVG",
    "init": "make a pipeline file and a package of task types to begin with",
    "tasks": "list the task types at hand, or say all about one of them",
    "schema": "print a JSON Schema of pipeline files, for editors",
    "status": "show what the runs in a work directory are doing, and why tasks wait",
    "logs": "print the log of a task, also while it grows",
    "replay": "really run the last attempt of a task again, alone, in the debugger if need be",
    "manifest": "show what happened, choose tasks, compare two runs, verify artifacts",
    "report": "write a page about a run: failures by cause, timeline, graph, tasks",
    "export": "turn a manifest into a trace, lineage events or a research object",
    "completion": "print a script with which a shell completes what is typed",
    "convert": "turn a configuration of the first generation (YAML) into TOML",
}
"""Verbs and what they do; the verb `x` lives in the module `otter.cli.x`, with `add_arguments` and `run`."""

EXIT_CODES = """\
exit codes:
  0   the step succeeded            22   the pipeline file, a flag or a variable is wrong
  1   the step failed               75   the same step is running here already
  2   a task package is missing     129, 130, 143   stopped by SIGHUP, Ctrl-C, SIGTERM
"""


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are mistakes of configuration."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.set_defaults(parser=self)  # of parsers within each other the innermost one stays

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Say which arguments nobody knows, and exit with 22."""
        word = unknown[0].partition("=")[0]
        hint = _hint(word, self._option_string_actions) if word.startswith("-") else ""
        self.error(f"unknown {'arguments' if len(unknown) > 1 else 'argument'} {' '.join(unknown)}{hint}")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and exit with 22."""
        self.exit(22, f"{self.prog}: error: {message}\ntry '{self.prog} --help'\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit code.
    """
    if argv is None:  # the process is ours
        provide_streams()
        atexit.register(gc.freeze)  # or the interpreter would take everything apart before it ends
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        try:
            code = _run(arguments)
        except SystemExit:  # argparse has printed its help
            sys.stdout.flush()
            raise
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has left, as `head` does: what he does not hear is no error
        silence(sys.stdout)
        return exit_codes.SUCCESS
    except KeyboardInterrupt:
        return exit_codes.SIGNALLED + signal.SIGINT
    except OSError as error:
        if error.filename is None and error.errno == errno.ENOENT and directory_is_gone():
            print("otter: error: the working directory is gone", file=sys.stderr)
            return exit_codes.FAILED
        if error.filename is not None or error.errno not in exit_codes.NO_ROOM:
            raise
        silence(sys.stdout)
        print(f"otter: error: what was to be printed has no room: {error.strerror}", file=sys.stderr)
        return exit_codes.FAILED
    return code


def _run(arguments: Sequence[str]) -> int:
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    # This loads most of what the verb needs, which takes its time.
    parser = make_parser([chosen] if chosen in VERBS else [], alone=chosen in arguments[:1])
    if chosen is not None and chosen not in VERBS:
        parser.error(f"there is no command {chosen!r}{_hint(chosen, VERBS)}")
    args, unknown = parser.parse_known_args(arguments)
    if unknown:
        args.parser.refuse(unknown)
    if args.version:
        print(_versions())
        return exit_codes.SUCCESS
    if args.verb is None:
        parser.print_help()
        return exit_codes.SUCCESS
    code: int = importlib.import_module(f"otter.cli.{args.verb}").run(args)
    return code


def make_parser(verbs: Iterable[str], *, alone: bool = False) -> Parser:
    """The parser of the command.

    Args:
        verbs: those whose own arguments it knows; their modules are loaded.
        alone: it needs to know no others: what it is to read begins with one of them.
    """
    parser = Parser(
        prog="otter",
        description="Runs one step of a data pipeline: tasks in a TOML file, in parallel, recorded in a manifest.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the versions of the installed distributions")
    commands = parser.add_subparsers(dest="verb", metavar="COMMAND", title="commands")
    wanted = set(verbs)
    for verb, text in VERBS.items():
        if alone and verb not in wanted:
            continue
        sub = commands.add_parser(verb, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False)
        if verb in wanted:
            importlib.import_module(f"otter.cli.{verb}").add_arguments(sub)
    return parser


def _hint(word: str, known: Iterable[str]) -> str:
    from otter.pipeline.nearest import nearest

    near = nearest(word, known)
    return f"; did you mean {near!r}?" if near is not None else ""


def _versions() -> str:
    from otter.util.installed import installed_versions

    names = ("otter-coordinator", "otter-model", "otter-worker")
    found = installed_versions(names)
    return "\n".join(f"{name} {found.get(name, 'is not installed here')}" for name in names)
