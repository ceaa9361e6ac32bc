"""The coordinator: runs the tasks of a step in worker processes, to their end."""

from typing import TYPE_CHECKING

from otter.util.lazily import lazily

if TYPE_CHECKING:
    from otter.step.coordinator.coordinator import Coordinator
    from otter.step.coordinator.run_loop import COORDINATOR_POLLING_INTERVAL

__all__ = ["COORDINATOR_POLLING_INTERVAL", "Coordinator"]

__getattr__ = lazily(
    __name__,
    {
        "coordinator": ("Coordinator",),
        "run_loop": ("COORDINATOR_POLLING_INTERVAL",),
    },
)
