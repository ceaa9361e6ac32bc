"""`TabledSpecs`: the specs of a step, kept as the tables of its file and made into objects when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from otter.task.model import Spec


class TabledSpecs(Sequence[Spec]):
    """Specs of a run that may have a million tasks.

    Args:
        tables: one for each.
    """

    def __init__(self, tables: Sequence[dict[str, Any]]) -> None:
        self._tables = tables

    def __len__(self) -> int:
        return len(self._tables)

    @overload
    def __getitem__(self, place: int) -> Spec: ...
    @overload
    def __getitem__(self, place: slice) -> list[Spec]: ...
    def __getitem__(self, place: int | slice) -> Spec | list[Spec]:
        if isinstance(place, slice):
            return [Spec(**table) for table in self._tables[place]]
        return Spec(**self._tables[place])

    def __iter__(self) -> Iterator[Spec]:
        return (Spec(**table) for table in self._tables)

    def __repr__(self) -> str:
        return f"<{len(self._tables)} specs>"
