"""The trace event format of Chrome, which Perfetto, chrome://tracing and speedscope open.

A step is a process, a worker a thread; where attempts overlapped in one worker, it is as many threads as there were at
once. Who waited for whom are flows, how many attempts ran is a counter. Times are microseconds after the first attempt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from otter.manifest.model import Result
from otter.report.facts import StepFacts, TaskFacts
from otter.report.lanes import UNKNOWN_WORKER, Bar, Lane, Lanes, lanes_of
from otter.report.links import Links
from otter.util.instants import instant_text

_COLOURS = {Result.FAILURE.value: "terrible", Result.ABORTED.value: "bad", Result.SUCCESS.value: "good"}
"""Names of colours that the older viewer knows; the newer one chooses its own."""

Event = dict[str, Any]


def chrome_trace(steps: Sequence[StepFacts]) -> dict[str, Any]:
    """The steps as one trace."""
    lanes = [lanes_of(step) for step in steps]
    origin = min((bar.start for found in lanes for bar in found.bars), default=0)
    events: list[Event] = []
    flows = 0
    for number, (step, found) in enumerate(zip(steps, lanes, strict=True), 1):
        events += _names(number, step, found.lanes)
        events += _slices(number, step, found.bars, origin)
        arrows = list(_flows(number, step, found.bars, origin, flows))
        flows += len(arrows) // 2
        events += arrows
        events += _counter(number, found, origin)
    return {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {"started_at": instant_text(origin), "steps": [step.key for step in steps]},
    }


def _names(process: int, step: StepFacts, lanes: Sequence[Lane]) -> Iterator[Event]:
    yield _meta("process_name", process, 0, name=f"step {step.key}: {step.result.value}")
    yield _meta("process_sort_index", process, 0, sort_index=process)
    for lane in lanes:
        worker = "unknown worker" if lane.worker == UNKNOWN_WORKER else f"worker {lane.worker}"
        for row in range(lane.rows):
            thread = lane.first + row + 1
            yield _meta("thread_name", process, thread, name=worker if lane.rows == 1 else f"{worker} · {row + 1}")
            yield _meta("thread_sort_index", process, thread, sort_index=thread)


def _meta(kind: str, process: int, thread: int, **args: Any) -> Event:
    return {"ph": "M", "name": kind, "pid": process, "tid": thread, "args": args}


def _slices(process: int, step: StepFacts, bars: Sequence[Bar], origin: int) -> Iterator[Event]:
    for bar in bars:
        task = step.tasks[bar.task]
        attempt = task.attempts[bar.attempt]
        thread, start = bar.row + 1, bar.start - origin
        args = {
            "result": attempt.result, "attempt": attempt.number, "reason": attempt.reason, "signal": attempt.signal,
            "peak_memory": attempt.peak_memory, "requires": task.requires or None, "generated_by": task.parent,
            "destinations": _destinations(task) or None,
        }  # fmt: skip
        yield {
            "ph": "X", "name": task.name, "cat": task.kind, "pid": process, "tid": thread, "ts": start,
            "dur": bar.end - bar.start, "cname": _COLOURS.get(attempt.result, "terrible"),
            "args": {name: value for name, value in args.items() if value is not None},
        }  # fmt: skip
        last = bar.attempt == len(task.attempts) - 1
        if last and task.checked is not None and bar.start <= task.checked <= bar.end:
            yield {
                "ph": "X", "name": "validate", "cat": task.kind, "pid": process, "tid": thread,
                "ts": task.checked - origin, "dur": bar.end - task.checked, "args": {},
            }  # fmt: skip


def _flows(process: int, step: StepFacts, bars: Sequence[Bar], origin: int, number: int) -> Iterator[Event]:
    """An arrow from the end of each task to the beginning of each one that waited for it."""
    links = Links.of(step.tasks)
    first: dict[int, Bar] = {}
    last: dict[int, Bar] = {}
    for bar in bars:
        first.setdefault(bar.task, bar)
        last[bar.task] = bar
    for place, to in first.items():
        parent = links.parent[place]
        for other in [*links.requires[place], *([parent] if parent >= 0 else [])]:
            source = last.get(other)
            if source is None or source.end > to.start:
                continue
            number += 1
            common = {"name": "waits for", "cat": "requires", "id": number, "pid": process}
            inside = max(source.end - 1, source.start)  # at its end itself, the slice is over
            yield {"ph": "s", "tid": source.row + 1, "ts": inside - origin, **common}
            yield {"ph": "f", "bp": "e", "tid": to.row + 1, "ts": to.start - origin, **common}


def _counter(process: int, lanes: Lanes, origin: int) -> Iterator[Event]:
    changes: dict[int, int] = {}
    for bar in lanes.bars:
        changes[bar.start] = changes.get(bar.start, 0) + 1
        changes[bar.end] = changes.get(bar.end, 0) - 1
    running = 0
    for moment in sorted(changes):
        running += changes[moment]
        yield {
            "ph": "C", "name": "running attempts", "pid": process, "tid": 0, "ts": moment - origin,
            "args": {"running": running},
        }  # fmt: skip


def _destinations(task: TaskFacts) -> list[str]:
    named = [artifact.get("destination") for artifact in task.artifacts]
    return [
        name for value in named for name in (value if isinstance(value, list) else [value]) if isinstance(name, str)
    ]
