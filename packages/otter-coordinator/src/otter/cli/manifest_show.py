"""`otter manifest show`: counts by step and type, and what failed, by cause."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any

import attrs

from otter.cli.manifest_flags import add_json_flag, add_manifest_argument, add_step_flag
from otter.cli.printing import count, first_line, print_json, say
from otter.core import exit_codes
from otter.manifest.model import Result
from otter.observers.excerpt import excerpt
from otter.report import ReleaseFacts, StepFacts, read_release
from otter.report.causes import CauseGroup, failures, recovered
from otter.report.links import Links, blocked
from otter.report.output import find_manifest
from otter.util.units import format_duration

EXIT_CODES = "exit codes: 0 it was shown, whatever it says; 22 there is no such manifest or step"
CAUSES = 10
"""Causes that are shown to a person."""
NAMED = 3
"""Tasks of a cause that are named."""
LOG_LINES = 6
WORDS = {
    Result.SUCCESS: "succeeded", Result.FAILURE: "failed", Result.ABORTED: "aborted", Result.PENDING: "pending",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the action."""
    add_manifest_argument(parser)
    add_step_flag(parser)
    add_json_flag(parser)


@attrs.frozen
class Digest:
    """What is said of a step.

    Attributes:
        types: results of the tasks by type.
        failures: what failed for good, by cause.
        recovered: what failed and succeeded when it was tried again, by cause.
        blocked: for each cause the number of tasks that never began because of it.
    """

    step: StepFacts
    counts: Counter[Result]
    types: dict[str, Counter[Result]]
    failures: list[CauseGroup]
    recovered: list[CauseGroup]
    blocked: list[int]

    @classmethod
    def of(cls, step: StepFacts) -> Digest:
        """What is to say of a step."""
        types: dict[str, Counter[Result]] = {}
        for task in step.tasks:
            types.setdefault(task.kind, Counter())[task.result] += 1
        groups, links = failures(step.tasks), Links.of(step.tasks)
        return cls(
            step, Counter(task.result for task in step.tasks), types, groups, recovered(step.tasks),
            [blocked(step.tasks, links, group.tasks) for group in groups],
        )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Show it; the exit code."""
    release = read_release(find_manifest(args.manifest))
    steps = [release.step(wanted) for wanted in dict.fromkeys(args.step)] if args.step else release.steps
    digests = [Digest.of(step) for step in steps]
    if args.json:
        print_json(_table(release, digests))
    else:
        _print(release, digests)
    return exit_codes.SUCCESS


def _print(release: ReleaseFacts, digests: list[Digest]) -> None:
    say(f"{release.path}: {release.result}, {count(len(release.steps), 'step')}")
    if release.problem is not None:
        say(f"warning: {release.problem}")
    for digest in digests:
        say()
        _print_step(digest)


def _print_step(digest: Digest) -> None:
    step = digest.step
    elapsed = f" in {format_duration(step.elapsed)}" if step.elapsed is not None else ""
    say(f"{step.key}: {step.result}{elapsed}, {count(len(step.tasks), 'task')}: {_counted(digest.counts)}")
    if step.reason and step.result is not Result.SUCCESS:
        say(f"    {first_line(step.reason)}")
    if digest.types:
        width = max(map(len, digest.types))
        for kind, counts in sorted(digest.types.items(), key=lambda item: -item[1].total()):
            say(f"    {kind:<{width}}  {_counted(counts)}")
    for place, group in enumerate(digest.failures[:CAUSES]):
        _print_cause(step, group, digest.blocked[place])
    if len(digest.failures) > CAUSES:
        say(f"  … and {count(len(digest.failures) - CAUSES, 'more cause')}; --json has all of them")
    for group in digest.recovered[:CAUSES]:
        names = count(len(group.tasks), "task")
        say(f"  succeeded when tried again: {names} after {_title(group)}")


def _print_cause(step: StepFacts, group: CauseGroup, waiting: int) -> None:
    tasks = [step.tasks[place] for place in group.tasks]
    say(f"  {count(len(tasks), 'task')} failed: {_title(group)}")
    for task in tasks[:NAMED]:
        attempts = f" (attempt {task.attempts[-1].number})" if len(task.attempts) > 1 else ""
        say(f"    {task.name}{attempts}: {first_line(task.reason)}")
    if len(tasks) > NAMED:
        say(f"    … and {len(tasks) - NAMED:,} more: otter manifest query --result failure")
    if waiting:
        say(f"    {count(waiting, 'task')} never began because of it")
    for line in excerpt(tasks[0].log)[-LOG_LINES:]:
        say(f"    | {line}")
    if tasks[0].log_file is not None:
        say(f"    log: {tasks[0].log_file}")


def _title(group: CauseGroup) -> str:
    return group.cause.title + (f" ({group.cause.detail})" if group.cause.detail else "")


def _counted(counts: Counter[Result]) -> str:
    return ", ".join(f"{counts[result]:,} {word}" for result, word in WORDS.items() if counts[result]) or "none"


def _table(release: ReleaseFacts, digests: list[Digest]) -> dict[str, Any]:
    return {
        "manifest": str(release.path), "result": release.result.value, "problem": release.problem,
        "steps": [
            {
                "key": digest.step.key, "name": digest.step.name, "result": digest.step.result.value,
                "elapsed": digest.step.elapsed, "failure_reason": digest.step.reason,
                "counts": _plain(digest.counts),
                "types": {kind: _plain(counts) for kind, counts in digest.types.items()},
                "failures": [
                    {**_cause(digest.step, group), "blocked": number}
                    for group, number in zip(digest.failures, digest.blocked, strict=True)
                ],
                "recovered": [_cause(digest.step, group) for group in digest.recovered],
            }
            for digest in digests
        ],
    }  # fmt: skip


def _plain(counts: Counter[Result]) -> dict[str, int]:
    return {result.value: counts[result] for result in Result}


def _cause(step: StepFacts, group: CauseGroup) -> dict[str, Any]:
    tasks = [step.tasks[place] for place in group.tasks]
    return {
        "cause": group.cause.title, "kind": group.cause.kind, "detail": group.cause.detail, "sample": group.sample,
        "tasks": [task.name for task in tasks],
    }  # fmt: skip
