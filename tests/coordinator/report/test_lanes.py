"""Attempts in lanes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from otter.manifest.model import Result
from otter.report.facts import AttemptFacts, StepFacts, TaskFacts
from otter.report.lanes import UNKNOWN_WORKER, Bar, lanes_of

SPANS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(0, 9)), max_size=30)


def step(spans: list[tuple[int | None, int, int | None]], *, reused: bool = False) -> StepFacts:
    """A step with a task for each worker, start and length."""
    tasks = []
    for place, (worker, start, length) in enumerate(spans):
        end = start + length if length is not None else None
        attempt = AttemptFacts(number=1, worker=worker, result="success", started=start, finished=end)
        tasks.append(TaskFacts(name=str(place), kind="x", result=Result.SUCCESS, attempts=[attempt], reused=reused))
    return StepFacts(key="otter_x", name="x", result=Result.SUCCESS, finished=100, tasks=tasks)


@given(SPANS)
def test_no_two_attempts_overlap_in_a_row(spans: list[tuple[int | None, int, int | None]]) -> None:
    """Every attempt has a row of its worker, and a worker has no more rows than it ran attempts at once."""
    found = lanes_of(step(spans))
    assert list(range(len(spans))) == [bar.task for bar in found.bars]
    rows: dict[int, list[Bar]] = {}
    for bar in found.bars:
        rows.setdefault(bar.row, []).append(bar)
    for bars in rows.values():
        ordered = sorted(bars, key=lambda bar: (bar.start, bar.end))
        assert all(one.end <= other.start for one, other in pairwise(ordered))
    for lane in found.lanes:
        mine = [(start, start + (length or 0)) for worker, start, length in spans if worker == lane.worker]
        at_once = max(sum(one <= start and (start < end or one == start) for one, end in mine) for start, _ in mine)
        assert lane.rows <= at_once


def test_an_attempt_that_never_ended_lasts_as_long_as_the_step() -> None:
    """So it is seen where a run was killed."""
    assert [100] == [bar.end for bar in lanes_of(step([(0, 5, None)])).bars]


def test_attempts_of_an_earlier_run_are_in_no_lane() -> None:
    """Their times belong to another run."""
    assert [] == lanes_of(step([(0, 5, 1)], reused=True)).bars


def test_attempts_without_a_worker_have_a_lane_of_their_own() -> None:
    """An older manifest does not say who ran a task."""
    assert [UNKNOWN_WORKER] == [lane.worker for lane in lanes_of(step([(None, 5, 1)])).lanes]
