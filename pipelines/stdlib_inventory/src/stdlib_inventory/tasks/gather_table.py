"""`gather_table`: the records of many files as one table, and as checksums for `sha256sum --check`."""

import json
import logging
from pathlib import Path, PurePath
from typing import Any, Self

from otter.manifest.model import Artifact
from otter.storage.synchronous.handle import StorageHandle
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.util.errors import TaskValidationError

logger = logging.getLogger(__name__)

COLUMNS = ("path", "size", "lines", "sha256")


class GatherTableSpec(Spec):
    """What `gather_table` is to do. Its locations are relative to the release, except for `root`."""

    root: str
    """The directory whose files are gathered; paths in the table are relative to it."""
    records: str
    """The directory with the records that `inspect_file` wrote."""
    table: str
    """Where the table goes: tab-separated, one line for each file, in the order of their paths."""
    checksums: str
    """Where the checksums go."""


class GatherTable(Task):
    """Gather records into a table and a list of checksums."""

    def __init__(self, spec: GatherTableSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: GatherTableSpec
        self.count = 0

    @report
    def run(self) -> Self:
        """Read the records and write both files."""
        config = self.context.config
        records = StorageHandle(self.spec.records, config)
        table = StorageHandle(self.spec.table, config)
        checksums = StorageHandle(self.spec.checksums, config)
        facts = self._facts(records)
        with table.open("w") as file:
            file.write("\t".join(COLUMNS) + "\n")
            for fact in facts:
                relative = PurePath(fact["path"]).relative_to(self.spec.root)
                row = [escaped(str(relative)), *(str(fact[column]) for column in COLUMNS[1:])]
                file.write("\t".join(row) + "\n")
        with checksums.open("w") as file:
            for fact in facts:
                path = escaped(fact["path"])
                mark = "\\" if path != fact["path"] else ""
                file.write(f"{mark}{fact['sha256']}  {path}\n")
        self.count = len(facts)
        logger.info("%d files, %d lines", len(facts), sum(fact["lines"] for fact in facts))
        self.artifacts = [
            Artifact(source=records.absolute, destination=handle.absolute) for handle in (table, checksums)
        ]
        return self

    @report
    def validate(self) -> Self:
        """Check that there is something, and that both files have all of it."""
        if self.count == 0:
            raise TaskValidationError(f"no records of files in {self.spec.root}")
        for location, head in ((self.spec.table, 1), (self.spec.checksums, 0)):
            handle = StorageHandle(location, self.context.config)
            with handle.open() as file:
                found = sum(1 for _ in file) - head
            if found != self.count:
                raise TaskValidationError(f"{handle.absolute}: {found} of {self.count} files")
        return self

    def _facts(self, records: StorageHandle) -> list[dict[str, Any]]:
        """What the records say of the files that are there; an earlier run may have left more records."""
        root = PurePath(self.spec.root)
        facts = []
        for location in records.iterate_glob("*.json"):
            text, _ = StorageHandle(location, self.context.config).read_text()
            fact = json.loads(text)
            if root in PurePath(fact["path"]).parents and Path(fact["path"]).is_file():
                facts.append(fact)
        return sorted(facts, key=lambda fact: PurePath(fact["path"]).parts)


def escaped(path: str) -> str:
    """A path as `sha256sum` writes it: in one line, whatever its name contains."""
    return path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
