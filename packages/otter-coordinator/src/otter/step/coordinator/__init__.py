"""The coordinator: runs the tasks of a step in worker processes, to their end."""

from otter.step.coordinator.coordinator import Coordinator
from otter.step.coordinator.run_loop import COORDINATOR_POLLING_INTERVAL

__all__ = ["COORDINATOR_POLLING_INTERVAL", "Coordinator"]
