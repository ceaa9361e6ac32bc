"""`MadeOnDemand`: a sequence whose items are made when they are asked for, and not kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, overload

Item = TypeVar("Item")


class MadeOnDemand(Sequence[Item]):
    """Items of which a run may have a million, and of which most are never looked at.

    Args:
        size: how many there are.
        make: makes the one at a place.
        what: what they are, for those who print it.
    """

    def __init__(self, size: int, make: Callable[[int], Item], what: str) -> None:
        self._size = size
        self._make = make
        self._what = what

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> Item: ...
    @overload
    def __getitem__(self, place: slice) -> list[Item]: ...
    def __getitem__(self, place: int | slice) -> Item | list[Item]:
        if isinstance(place, slice):
            return [self._make(index) for index in range(*place.indices(self._size))]
        if place < 0:
            place += self._size
        if not 0 <= place < self._size:
            raise IndexError(f"there are fewer {self._what}")
        return self._make(place)

    def __iter__(self) -> Iterator[Item]:
        return map(self._make, range(self._size))

    def __repr__(self) -> str:
        return f"<{self._size} {self._what}>"
