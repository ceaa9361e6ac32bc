"""Attempts in lanes: one for each worker, with as many rows as attempts ran in it at the same time."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import attrs

from otter.report.facts import StepFacts

UNKNOWN_WORKER = -1


@attrs.frozen
class Bar:
    """An attempt that took place.

    Attributes:
        task: place of its task.
        attempt: place among the attempts of its task.
        row: its row, counted over all lanes.
    """

    task: int
    attempt: int
    start: int
    end: int
    row: int


@attrs.frozen
class Lane:
    """The rows of a worker, from `first` on."""

    worker: int
    first: int
    rows: int


@attrs.frozen
class Lanes:
    """All attempts of a step, by task and attempt, and the workers that they ran in."""

    lanes: list[Lane]
    bars: list[Bar]


def lanes_of(step: StepFacts) -> Lanes:
    """Put the attempts of a step into lanes. Attempts of an earlier run, and those that never began, are in none."""
    ended = step.ended
    by_worker: dict[int, list[tuple[int, int, int, int]]] = {}
    for place, task in enumerate(step.tasks):
        if task.reused:
            continue
        for number, attempt in enumerate(task.attempts):
            if attempt.started is not None:
                end = attempt.finished if attempt.finished is not None else ended
                worker = attempt.worker if attempt.worker is not None else UNKNOWN_WORKER
                row = (attempt.started, max(end, attempt.started), place, number)
                by_worker.setdefault(worker, []).append(row)
    lanes: list[Lane] = []
    bars: list[Bar] = []
    first = 0
    for worker in sorted(by_worker):
        intervals = sorted(by_worker[worker])
        rows, count = _rows(intervals)
        bars += [
            Bar(task, attempt, start, end, first + row)
            for (start, end, task, attempt), row in zip(intervals, rows, strict=True)
        ]
        lanes.append(Lane(worker, first, count))
        first += count
    bars.sort(key=lambda bar: (bar.task, bar.attempt))
    return Lanes(lanes, bars)


def _rows(intervals: Sequence[tuple[int, int, int, int]]) -> tuple[list[int], int]:
    """The lowest free row for each interval; they are sorted by their beginning."""
    busy: list[tuple[int, int]] = []
    free: list[int] = []
    rows: list[int] = []
    count = 0
    for start, end, *_ in intervals:
        while busy and busy[0][0] <= start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if free:
            row = heapq.heappop(free)
        else:
            row = count
            count += 1
        heapq.heappush(busy, (end, row))
        rows.append(row)
    return rows, count
