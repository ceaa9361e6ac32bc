"""`otter manifest query`: tasks that have something in common; or where an artifact came from."""

from __future__ import annotations

import argparse
import sys
from fnmatch import fnmatchcase
from typing import Any

from otter.cli.lineage_tree import lineage_tree
from otter.cli.manifest_flags import add_json_flag, add_manifest_argument, add_step_flag, chosen_manifest
from otter.cli.printing import first_line, print_json, say
from otter.core import exit_codes
from otter.inspection import Lineage, ManifestView, Origin, TaskView
from otter.inspection.manifest_view import locations
from otter.manifest.model import Result
from otter.pipeline import visible
from otter.util.errors import ConfigError
from otter.util.units import format_duration

EXIT_CODES = """\
exit codes: 0 something was found; 1 nothing was; 22 there is no such manifest or step, or several
artifacts are meant"""
DEPTH = 10
MAX_DEPTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the action."""
    add_manifest_argument(parser)
    add_step_flag(parser)
    parser.add_argument(
        "--result", action="append", default=[], choices=[*map(str, Result)], help="tasks with this result"
    )
    parser.add_argument("--type", action="append", default=[], metavar="TYPE", help="tasks of this type")
    parser.add_argument(
        "--name", action="append", default=[], metavar="PATTERN", help="tasks with such a name; * stands for anything"
    )
    parser.add_argument(
        "--artifact", metavar="PATH",
        help="instead of tasks: what made this artifact, from what, who made that, and so on through all steps; "
        "the end of its path is enough",
    )  # fmt: skip
    parser.add_argument(
        "--depth", type=_depth, default=DEPTH, metavar="N", help=f"with --artifact: generations to show ({DEPTH})"
    )
    add_json_flag(parser)


def run(args: argparse.Namespace) -> int:
    """Print what was asked for; the exit code."""
    manifest = chosen_manifest(args.manifest)
    found = _lineage(args, manifest) if args.artifact is not None else _tasks(args, manifest)
    return exit_codes.SUCCESS if found else exit_codes.FAILED


def _depth(text: str) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text) <= MAX_DEPTH:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected 1 to {MAX_DEPTH}, got {text!r}")


def _tasks(args: argparse.Namespace, manifest: ManifestView) -> bool:
    steps = manifest.keys_of(args.step) if args.step else None
    tasks = [task for task in manifest.tasks(steps) if _fits(task, args)]
    if args.json:
        print_json([{"step": task.step, **task.entry} for task in tasks])
    for task in tasks if not args.json else ():
        elapsed = format_duration(task.elapsed) if task.elapsed is not None else "-"
        reason = f": {first_line(task.reason)}" if task.reason and task.result != Result.SUCCESS else ""
        say(f"{task.result:<7}  {elapsed:>7}  {task.step}  {task.name}{reason}")
    if not tasks and not args.json:
        print(visible(f"no task of {manifest.path} is so"), file=sys.stderr)
    return bool(tasks)


def _fits(task: TaskView, args: argparse.Namespace) -> bool:
    return (
        (not args.result or task.result in args.result)
        and (not args.type or task.kind in args.type)
        and (not args.name or any(fnmatchcase(task.name, pattern) for pattern in args.name))
    )


def _lineage(args: argparse.Namespace, manifest: ManifestView) -> bool:
    lineage = Lineage(manifest)
    found = lineage.find(args.artifact)
    if len(found) > 1:
        shown = "".join(f"\n    {location}" for location in found[:10]) + ("\n    …" if len(found) > 10 else "")
        raise ConfigError(f"{args.artifact!r} is the end of {len(found):,} locations; name more of the one:{shown}")
    location = found[0] if found else args.artifact
    origins = lineage.trace(location) if found else []
    if args.json:
        print_json({"artifact": location, "origins": [_table(origin) for origin in origins]})
    elif not origins:
        say(f"{location}: no task of {manifest.path} made it")
    else:
        say(location)
        for line in lineage_tree(origins, [made.number for made in lineage.writers(location)], args.depth):
            say(line)
    return bool(origins)


def _table(origin: Origin) -> dict[str, Any]:
    task = origin.made.task
    return {
        "number": origin.made.number, "step": task.step, "task": task.name, "result": task.result,
        "finished_at": task.entry.get("finished_validation_at") or task.entry.get("finished_run_at"),
        "destination": locations(origin.made.artifact, "destination"),
        "sources": [{"location": source.location, "made_by": source.makers} for source in origin.sources],
    }  # fmt: skip
