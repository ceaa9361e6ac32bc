"""`Step`: a set of tasks that run together, and the manifest of what happened to them."""

from __future__ import annotations

from otter.manifest.model import Result, StepManifest, TaskManifest
from otter.task.model import Spec
from otter.task.task_reporter import TaskReporter

__all__ = ["Step"]


class Step:
    """A set of tasks.

    Args:
        name: the name of the step.
        specs: what its tasks are to do; tasks may generate more while it runs.

    Attributes:
        manifest: what happened so far.
    """

    def __init__(self, name: str, specs: list[Spec]) -> None:
        self.name = name
        self.specs = list(specs)
        self.manifest = StepManifest(name=name)
        self._places: dict[str, int] = {}

    @property
    def tasks(self) -> dict[str, Spec]:
        """The specs by name. What tasks added while the step ran stands in `manifest.tasks` only."""
        return {spec.name: spec for spec in self.specs}

    def upsert_task_manifest(self, task: TaskReporter) -> None:
        """Insert the manifest of a task, or replace the one of the same name."""
        tasks: list[TaskManifest] = self.manifest.tasks
        if len(self._places) != len(tasks):
            self._places = {manifest.name: place for place, manifest in enumerate(tasks)}
        place = self._places.get(task.manifest.name)
        if place is None:
            self._places[task.manifest.name] = len(tasks)
            tasks.append(task.manifest)
        else:
            tasks[place] = task.manifest
        if task.manifest.result is Result.FAILURE and self.manifest.result is Result.PENDING:
            self.manifest.result = Result.FAILURE
            self.manifest.failure_reason = task.manifest.failure_reason

    def __repr__(self) -> str:
        return f"Step({self.name!r}, {len(self.specs)} specs)"
