"""`RecordedTasks`: the tasks of a step's manifest, kept as JSON and made into models when they are asked for."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from otter.manifest.model import TaskManifest
from otter.util.made_on_demand import MadeOnDemand


class RecordedTasks(MadeOnDemand[TaskManifest]):
    """Task manifests of a run that may have a million tasks.

    Args:
        size: how many there are.
        read: gives the JSON of one by its place.
    """

    def __init__(self, size: int, read: Callable[[int], bytes]) -> None:
        super().__init__(size, lambda place: TaskManifest(**orjson.loads(read(place))), "task manifests")
