"""A task that writes far too much, or what nobody should have to read."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib

from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from tests.support import diary, gate


class SpewSpec(Spec):
    how: str
    """`garbage`, `print`, or `child`: another program writes to the descriptor."""
    megabytes: int = 1
    at_gate: bool = False
    """Wait at the gate when all is written."""


class Spew(Task):
    def __init__(self, spec: SpewSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: SpewSpec

    @report
    def run(self) -> None:
        work = self.context.config.work_path
        diary.note(work, self.name)
        match self.spec.how:
            case "garbage":
                self._garbage()
            case "print":
                line = "x" * 1023
                print("the first line")
                for _ in range(self.spec.megabytes * 1024):
                    print(line)
                print("the last line")
            case _:
                script = f"echo the first line; yes | head -c {self.spec.megabytes}M; echo the last line"
                subprocess.run(["sh", "-c", script], check=True)
        if self.spec.at_gate:
            gate.wait(work, self.name, lambda: False)

    def _garbage(self) -> None:
        body = b'[{"kind":"ReportResult","task":0,"attempt":1,"record":{"result":"success"}}]'
        frame = struct.pack("!II", len(body), zlib.crc32(body)) + body
        noise = bytes(range(256)) * 16
        for stream in (sys.stdout, sys.stderr):
            stream.write("\x1b[2J\x1b]0;title\x07\x00 printed noise\r overwritten\n")
            stream.buffer.write(frame + noise)
        for fd in (1, 2):
            os.write(fd, frame + noise + b"\nwritten noise\n")
