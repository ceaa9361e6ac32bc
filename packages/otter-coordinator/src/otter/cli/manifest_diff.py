"""`otter manifest diff`: what differs between two runs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import attrs

from otter.cli.manifest_flags import add_json_flag, named_manifest
from otter.cli.printing import first_line, print_json, say, say_some
from otter.core import exit_codes
from otter.inspection import StepDifference, differences
from otter.inspection.difference import ArtifactChange, Content
from otter.util.units import format_duration, format_size

EXIT_CODES = """\
exit codes: 0 the same results and artifacts; 1 something differs, durations not counted;
22 a manifest cannot be read"""
SHORT = 12
"""Digits of a digest that are shown to a person."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the action."""
    parser.add_argument("old", metavar="OLD", help="a manifest, or its directory")
    parser.add_argument("new", metavar="NEW", help="another one")
    add_json_flag(parser)


def run(args: argparse.Namespace) -> int:
    """Print what differs; the exit code."""
    found = differences(named_manifest(args.old), named_manifest(args.new))
    if args.json:
        print_json({"steps": [attrs.asdict(step) for step in found]})
    else:
        for step in found:
            _print(step)
        if not any(step.matters for step in found):
            say("the same results and artifacts")
    return exit_codes.FAILED if any(step.matters for step in found) else exit_codes.SUCCESS


def _print(step: StepDifference) -> None:
    if not step.matters and not step.durations:
        return
    before, after = step.elapsed
    elapsed = f" ({_duration(before)} → {_duration(after)})" if before is not None and after is not None else ""
    result = f": {_change(step.result.old, step.result.new)}" if step.result is not None else ""
    say(f"{step.key}{result}{elapsed}")
    _section("results", (f"{c.name}: {_change(c.old, c.new)}{_because(c.note)}" for c in step.results))
    _section("tasks of one run only", (f"{change.name}: {_change(change.old, change.new)}" for change in step.tasks))
    _section("artifacts", map(_artifact, step.artifacts))
    _section(
        "durations",
        (
            f"{found.name}: {_duration(found.old)} → {_duration(found.new)}"
            f" ({_times(found.old, found.new)})" for found in step.durations
        ),
    )  # fmt: skip


def _section(title: str, lines: Iterator[str]) -> None:
    listed = list(lines)
    if listed:
        say(f"  {title}")
        say_some(listed)


def _change(old: str | None, new: str | None) -> str:
    if old is None:
        return f"only in the new manifest ({new})"
    return f"{old} → {new}" if new is not None else f"only in the old manifest ({old})"


def _because(reason: str | None) -> str:
    return f": {first_line(reason)}" if reason else ""


def _artifact(change: ArtifactChange) -> str:
    if change.old is None or change.new is None:
        side = "new" if change.old is None else "old"
        return f"{change.location}: only in the {side} manifest"
    return f"{change.location}: {' → '.join(_content(content) for content in (change.old, change.new))}"


def _content(content: Content) -> str:
    size = format_size(content.size) if content.size is not None else "of unknown size"
    return f"{size}, {content.sha256[:SHORT]}" if content.sha256 is not None else size


def _duration(seconds: Any) -> str:
    return format_duration(float(seconds))


def _times(old: float, new: float) -> str:
    if min(old, new) < 0.001:
        return "longer" if new > old else "shorter"
    return f"{new / old:.1f} times as long" if new > old else f"{old / new:.1f} times as fast"
