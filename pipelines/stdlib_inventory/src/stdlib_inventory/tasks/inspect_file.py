"""`inspect_file`: the facts of one file."""

import hashlib
import json
from typing import Self

from otter.manifest.model import Artifact
from otter.storage.synchronous.handle import StorageHandle
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report

BLOCK_SIZE = 1 << 16


class InspectFileSpec(Spec):
    """What `inspect_file` is to do."""

    source: str
    """The file: an absolute path, or one relative to the release."""
    record: str
    """Where to write its facts, relative to the release."""


class InspectFile(Task):
    """Write size, number of lines and SHA-256 of a file as a JSON record."""

    def __init__(self, spec: InspectFileSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: InspectFileSpec

    @report
    def run(self) -> Self:
        """Read the file once, in blocks, and write the record."""
        source = StorageHandle(self.spec.source, self.context.config)
        record = StorageHandle(self.spec.record, self.context.config)
        digest, size, lines, last = hashlib.sha256(), 0, 0, b"\n"
        with source.open("rb") as file:
            while block := file.read(BLOCK_SIZE):
                digest.update(block)
                size += len(block)
                lines += block.count(b"\n")
                last = block[-1:]
        facts = {
            "path": source.absolute,
            "size": size,
            "lines": lines + (last != b"\n"),
            "sha256": digest.hexdigest(),
        }
        record.write_text(json.dumps(facts))
        self.artifacts = [Artifact(source=source.absolute, destination=record.absolute)]
        return self
