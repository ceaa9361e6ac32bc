"""`write_letter`: one region hears what it sold."""

from typing import Self

from otter.manifest.model import Artifact
from otter.storage.synchronous.handle import StorageHandle
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report


class WriteLetterSpec(Spec):
    """What `write_letter` is to do."""

    destination: str
    """The letter, relative to the release."""
    region: str
    """To whom."""
    year: int
    """Of which year."""
    total: int
    """What was sold, in cents."""


class WriteLetter(Task):
    """Write a letter."""

    def __init__(self, spec: WriteLetterSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: WriteLetterSpec

    @report
    def run(self) -> Self:
        """Write the letter."""
        spec = self.spec
        destination = StorageHandle(spec.destination, self.context.config)
        euros, cents = divmod(spec.total, 100)
        destination.write_text(f"Dear {spec.region},\n\nin {spec.year} you sold for €{euros:,}.{cents:02}.\n")
        self.artifacts = [Artifact(source=spec.region, destination=destination.absolute)]
        return self
