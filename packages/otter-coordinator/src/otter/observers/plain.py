"""What a run says where there is no terminal: few lines, each whole, safe to keep in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from otter.observers.excerpt import TRACEBACK, excerpt, first_of_chain
from otter.observers.lines import write_line
from otter.pipeline import Problem, render, visible
from otter.step.coordinator.coordinator import Coordinator
from otter.step.coordinator.events import TaskId
from otter.step.coordinator.silent import SilentObserver
from otter.step.model import Step
from otter.util.units import format_duration

if TYPE_CHECKING:
    from otter.step.coordinator.explanation import Explanation
    from otter.step.coordinator.failures import RootCause

QUIET_ABOVE = 50
"""Tasks of a step above which successes are only counted."""
CAUSES, NAMES = 10, 3
"""Causes of failures that the summary tells, and names of tasks with each."""
LOG_LINES, TRACE_LINES = 10, 12
"""Lines of a failed task that are shown at once, and those of its traceback at most."""
COUNT_INTERVAL = 10.0
"""Seconds between two lines that count."""


class PlainObserver(SilentObserver):
    """Writes lines.

    Args:
        stream: where to.
        step: name of the step.
        quiet: write failures and the summary only.
    """

    def __init__(self, stream: TextIO, step: str, quiet: bool = False) -> None:
        self._stream = stream
        self._step = step
        self._quiet = quiet
        self._total = 0
        self._ended = 0
        self._failed = 0
        self._said_at = time.monotonic()

    def warn(self, problems: Sequence[Problem]) -> None:
        """What is not as it should be, and does not keep the step from running."""
        for line in render(problems).splitlines():
            self._say(line)

    def advise(self, text: str) -> None:
        """What the person at the terminal may want to know now."""
        self._say(text)

    def on_begin(self, total: int) -> None:
        self._total = total
        if not self._quiet:
            self._say(f"step {self._step}: {total} task{'s' if total != 1 else ''}")

    def on_added(self, count: int, by: str) -> None:
        self._total += count

    def on_retry(self, name: str, attempt: int, reason: str, delay: float) -> None:
        again = f"again in {format_duration(delay)}" if delay else "again at once"
        self._say(f"{name}: attempt {attempt} failed ({_line(reason)}), {again}")

    def on_end(self, task: TaskId, name: str, entry: dict[str, Any]) -> None:
        self._ended += 1
        result = entry.get("result")
        if result == "failure":
            self._failed += 1
            self._say(f"{name}: FAILED: {_line(str(entry.get('failure_reason')))}")
            for line in last_lines(list(entry.get("log") or [])):
                self._say(f"    {line}")
        elif self._quiet:
            return
        elif result == "aborted":
            self._say(f"{name}: aborted")
        elif self._total <= QUIET_ABOVE and result == "success":
            how = "done before" if entry.get("reused") else f"done in {format_duration(entry.get('elapsed') or 0.0)}"
            self._say(f"{name}: {how}")
        elif time.monotonic() - self._said_at >= COUNT_INTERVAL:
            self._said_at = time.monotonic()
            self._say(f"{self._ended} of {self._total} tasks ended, {self._failed} failed")

    def on_stop(self, reason: str) -> None:
        for line in reason.splitlines():
            self._say(line)

    def conclude(self, step: Step, coordinator: Coordinator) -> None:
        """The summary: accounts for every task, and names the manifest."""
        for line in summary_lines(step, coordinator):
            self._say(line)

    def explain(self, explanation: Explanation) -> None:
        """Say on the standard output why a task ran, or did not."""
        sys.stdout.write(f"{visible(explanation.name)}: {visible(explanation.why)}\n")

    def close(self) -> None:
        """Nothing is left on the stream that would have to be taken away."""

    def _say(self, text: str) -> None:
        write_line(self._stream, visible(text))


def last_lines(log: list[str]) -> list[str]:
    """The end of a log: what the task said last, and the end of the traceback, which must not take its place."""
    lines = excerpt(log)
    heads = [place for place, line in enumerate(lines) if line.startswith(TRACEBACK)]
    trace = lines[heads[-1] :] if heads else []
    if len(trace) > TRACE_LINES:
        trace = [trace[0], "  …", *trace[2 - TRACE_LINES :]]
    return [*lines[: first_of_chain(lines)][-LOG_LINES:], *trace]


def summary_lines(step: Step, coordinator: Coordinator) -> list[str]:
    """The end of a run in words."""
    manifest, counts = step.manifest, coordinator.counts()
    words = {"success": "succeeded", "failure": "failed", "aborted": "aborted", "pending": "never begun"}
    parts = [f"{counts[key]} {word}" for key, word in words.items() if counts[key] or key == "success"]
    total = sum(counts.values())
    verdict = {"success": "succeeded", "failure": "failed", "aborted": "was stopped"}.get(manifest.result, "ended")
    elapsed = format_duration(manifest.elapsed or 0.0)
    lines = [f"step {step.name} {verdict} in {elapsed}: {total} task{'s' if total != 1 else ''}: {', '.join(parts)}"]
    if manifest.failure_reason and manifest.result != "success":
        lines.append(f"reason: {_line(manifest.failure_reason)}")
    lines += cause_lines(coordinator.root_causes())
    written = "" if coordinator.published else " (not written)"
    lines.append(f"manifest: {coordinator.manifest_location}{written}")
    return lines


def cause_lines(causes: list[RootCause]) -> list[str]:
    """What failed, a line for each cause, and how many tasks it kept from beginning."""
    lines = ["failed, by cause:"] if causes else []
    for root in causes[:CAUSES]:
        cause = root.cause
        what = f"{cause.title} ({cause.detail})" if cause.detail else cause.title
        names = ", ".join(root.failed[:NAMES])
        if len(root.failed) > NAMES:
            names += f" and {len(root.failed) - NAMES:,} more"
        blocked = f"{root.blocked or 0:,} blocked"
        lines.append(f"  {len(root.failed):,} failed, {blocked}: {_line(what)}: {_line(names)}")
    rest = causes[CAUSES:]
    if rest:
        tasks = sum(len(root.failed) for root in rest)
        lines.append(f"  {tasks:,} failed for {len(rest):,} other causes; `otter manifest show --json` has all of them")
    return lines


def _line(text: str) -> str:
    first = text.strip().splitlines()[0] if text.strip() else text
    return first if len(first) <= 300 else f"{first[:297]}…"
