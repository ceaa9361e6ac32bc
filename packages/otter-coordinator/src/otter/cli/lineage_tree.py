"""Where an artifact came from, drawn as a tree: below each task what it read, below that who made it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import attrs

from otter.cli.printing import moment
from otter.inspection import Origin
from otter.manifest.model import Result

T = TypeVar("T")

SHOWN = 8
"""Branches of one kind that are drawn at one place."""


def lineage_tree(origins: Iterable[Origin], makers: Sequence[int], depth: int) -> Iterator[str]:
    """The lines of the tree below an artifact.

    Args:
        origins: what `Lineage.trace` gave.
        makers: numbers of the artifacts at the top.
        depth: generations that are drawn.
    """
    return _Tree({origin.made.number: origin for origin in origins}, depth).makers(makers, "", 1)


@attrs.define
class _Tree:
    origins: dict[int, Origin]
    depth: int
    drawn: set[int] = attrs.field(factory=set)

    def makers(self, numbers: Sequence[int], lead: str, level: int) -> Iterator[str]:
        """Who made something; a branch that was drawn before is not drawn again."""
        for branch, inner, number in _branches(lead, numbers):
            origin = self.origins[number]
            note = " (see above)" if number in self.drawn else ""
            yield f"{branch}made by {_described(origin)}{note}"
            if number not in self.drawn:
                self.drawn.add(number)
                yield from self._sources(origin, inner, level)
        yield from _rest(lead, numbers, "maker")

    def _sources(self, origin: Origin, lead: str, level: int) -> Iterator[str]:
        for branch, inner, source in _branches(lead, origin.sources):
            if not source.makers:
                yield f"{branch}from {source.location}"
            elif level < self.depth:
                yield f"{branch}from {source.location}"
                yield from self.makers(source.makers, inner, level + 1)
            else:
                yield f"{branch}from {source.location} … (--depth {2 * self.depth} draws more)"
        yield from _rest(lead, origin.sources, "source")


def _described(origin: Origin) -> str:
    task = origin.made.task
    result = f", {task.result}" if task.result != Result.SUCCESS else ""
    ended = task.entry.get("finished_validation_at") or task.entry.get("finished_run_at")
    return f"{task.name} ({task.step}{result}, {moment(ended)})"


def _branches(lead: str, items: Sequence[T]) -> Iterator[tuple[str, str, T]]:
    """The lead of each branch, the lead of what is below it, and its item."""
    for place, item in enumerate(items[:SHOWN]):
        is_last = place == len(items) - 1
        yield f"{lead}{'└─ ' if is_last else '├─ '}", f"{lead}{'   ' if is_last else '│  '}", item


def _rest(lead: str, items: Sequence[object], what: str) -> Iterator[str]:
    if len(items) > SHOWN:
        more = len(items) - SHOWN
        yield f"{lead}└─ … and {more:,} more {what}{'s' * (more != 1)}; --json has all of them"
