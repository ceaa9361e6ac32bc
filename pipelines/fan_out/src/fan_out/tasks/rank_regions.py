"""`rank_regions`: all regions, best first."""

from typing import Self

from otter.manifest.model import Artifact
from otter.storage.synchronous.handle import StorageHandle
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.util.errors import TaskValidationError


class RankRegionsSpec(Spec):
    """What `rank_regions` is to do."""

    prefix: str
    """How the names begin under which the sums were stored; the rest of each is the region."""
    destination: str
    """The ranking, relative to the release."""


class RankRegions(Task):
    """Write a table of all stored sums, the largest first."""

    def __init__(self, spec: RankRegionsSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: RankRegionsSpec
        self.totals: dict[str, int] = {}

    @report
    def run(self) -> Self:
        """Write the table."""
        prefix = self.spec.prefix
        stored = self.context.scratchpad.sentinel_dict
        self.totals = {name.removeprefix(prefix): stored[name] for name in stored if name.startswith(prefix)}
        ranking = sorted(self.totals.items(), key=lambda item: (-item[1], item[0]))
        lines = [f"{place}\t{region}\t{total}\n" for place, (region, total) in enumerate(ranking, 1)]
        destination = StorageHandle(self.spec.destination, self.context.config)
        destination.write_text("place\tregion\ttotal\n" + "".join(lines))
        self.artifacts = [Artifact(source=[*self.totals], destination=destination.absolute)]
        return self

    @report
    def validate(self) -> Self:
        """Check that there was something to rank."""
        if not self.totals:
            raise TaskValidationError(f"no value is stored under a name that begins with {self.spec.prefix!r}")
        return self
