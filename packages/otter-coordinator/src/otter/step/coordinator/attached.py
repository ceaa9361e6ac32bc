"""`Attached`: a part of a run that gets the workers when they are there, since they need its callbacks first."""

from __future__ import annotations

from otter.step.coordinator.ports import Workers


class Attached:
    """Knows the workers of a run, once they are attached."""

    _attached: Workers | None = None

    def attach(self, workers: Workers) -> None:
        """Give it the workers."""
        self._attached = workers

    @property
    def _workers(self) -> Workers:
        assert self._attached is not None, "attach comes before the first event"
        return self._attached
