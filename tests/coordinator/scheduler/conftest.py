"""The fixture that all tests of the scheduler use."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.scheduling import Driver, check_history


@pytest.fixture
def drive() -> Iterator[Callable[..., Driver]]:
    """Makes drivers from settings. Invariants are checked after each event, and at the end the commands as a whole."""
    drivers: list[Driver] = []

    def make(**settings: object) -> Driver:
        drivers.append(Driver(**settings))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.scheduler.check_invariants()
        check_history(driver.commands)
