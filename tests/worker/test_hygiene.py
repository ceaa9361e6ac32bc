"""What a task leaves behind in its process is put back, and what was there before it stays."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from otter.step.worker.hygiene import Fingerprint

TIMERS = [signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF]


@pytest.fixture(params=TIMERS)
def timer(request: pytest.FixtureRequest) -> Iterator[int]:
    """A timer of the process, which is off before and after the test."""
    number: int = request.param
    former = signal.setitimer(number, 0)
    yield number
    signal.setitimer(number, *former)


def test_a_timer_that_a_task_set_is_off_for_the_next_one(timer: int) -> None:
    """Its signal would end a task that knows nothing of it."""
    fingerprint = Fingerprint()
    signal.setitimer(timer, 3600.0)
    assert fingerprint.restore() is None
    assert signal.getitimer(timer) == (0.0, 0.0)


def test_a_timer_that_was_set_before_all_tasks_goes_on(timer: int) -> None:
    """As that of a profiler that looks at the whole worker."""
    signal.setitimer(timer, 3600.0)
    fingerprint = Fingerprint()
    assert fingerprint.restore() is None
    assert signal.getitimer(timer) != (0.0, 0.0)
