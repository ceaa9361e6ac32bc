"""`TabledSpecs`: the specs of a step, kept as the tables of its file and made into objects when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otter.task.model import Spec
from otter.util.made_on_demand import MadeOnDemand


class TabledSpecs(MadeOnDemand[Spec]):
    """Specs of a run that may have a million tasks.

    Args:
        tables: one for each.
    """

    def __init__(self, tables: Sequence[dict[str, Any]]) -> None:
        super().__init__(len(tables), lambda place: Spec(**tables[place]), "specs")
