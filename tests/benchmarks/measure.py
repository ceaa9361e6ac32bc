"""Repeating measurements so that a busy machine disturbs all of them alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

import attrs

Figures = dict[str, float]
"""What one run of something gave, by name."""


@attrs.frozen
class Series:
    """The values of one figure, one for each round, in order."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The value that the table shows."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """Smallest and largest value: of five rounds there is no honest way to say more."""
        return min(self.values), max(self.values)

    def map(self, change: Callable[[float], float]) -> Series:
        """The series of what `change` makes of each value, such as a rate of seconds."""
        return Series(tuple(change(value) for value in self.values))


def ratio(ours: Series, theirs: Series) -> float:
    """Ours by theirs.

    What was measured in the same rounds is compared round by round: a neighbour who takes half of the machine for a
    round slows both down.
    """
    if len(ours.values) == len(theirs.values):
        return statistics.median(a / b for a, b in zip(ours.values, theirs.values, strict=True))
    return ours.median / theirs.median


def rounds(
    count: int, measured: Sequence[Callable[[], Figures]], before: Callable[[], None] = lambda: None
) -> list[dict[str, Series]]:
    """Do several things `count` times, one after the other in each round, every other round backwards.

    Args:
        measured: each call does the thing once.
        before: called at the beginning of each round.

    Returns:
        For each thing its figures by name.
    """
    runs: list[list[Figures]] = [[] for _ in measured]
    places = list(range(len(measured)))
    for number in range(count):
        before()
        for place in places if number % 2 == 0 else reversed(places):
            runs[place].append(measured[place]())
    return [{name: Series(tuple(run[name] for run in own)) for name in own[0]} for own in runs]
