"""`RecordedTasks`: the tasks of a step's manifest, kept as JSON and made into models when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import orjson

from otter.manifest.model import TaskManifest


class RecordedTasks(Sequence[TaskManifest]):
    """Task manifests of a run that may have a million tasks.

    Args:
        size: how many there are.
        read: gives the JSON of one by its place.
    """

    def __init__(self, size: int, read: Callable[[int], bytes]) -> None:
        self._size = size
        self._read = read

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> TaskManifest: ...
    @overload
    def __getitem__(self, place: slice) -> list[TaskManifest]: ...
    def __getitem__(self, place: int | slice) -> TaskManifest | list[TaskManifest]:
        if isinstance(place, slice):
            return [self[index] for index in range(*place.indices(self._size))]
        if place < 0:
            place += self._size
        if not 0 <= place < self._size:
            raise IndexError("there are fewer tasks")
        values: dict[str, Any] = orjson.loads(self._read(place))
        return TaskManifest(**values)

    def __iter__(self) -> Iterator[TaskManifest]:
        return (self[place] for place in range(self._size))

    def __repr__(self) -> str:
        return f"<{self._size} task manifests>"
