"""A task that does what it should: it writes a file, stores values, and says so."""

from __future__ import annotations

from typing import Any

from otter.manifest.model import Artifact
from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from tests.support import diary


class MarkSpec(Spec):
    destination: str | None = None
    """A file under the work path to write the name into."""
    store: dict[str, Any] = {}
    """Values for the scratchpad."""


class Mark(Task):
    def __init__(self, spec: MarkSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: MarkSpec

    @report
    def run(self) -> None:
        work = self.context.config.work_path
        diary.note(work, self.name)
        for key, value in self.spec.store.items():
            self.context.scratchpad.store(key, value)
        if self.spec.destination is not None:
            path = work / self.spec.destination
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{self.name}\n")
            self.artifacts = [Artifact(source="mark", destination=self.spec.destination)]
