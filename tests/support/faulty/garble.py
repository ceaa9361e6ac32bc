"""A task that writes into the descriptors of its worker, as a library gone wild might."""

from __future__ import annotations

import os
import sys
import time

from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.wire.codec import TO_COORDINATOR
from otter.wire.frames import encode_frame
from otter.wire.messages import ReportStart
from tests.support import diary

FLOOD = encode_frame(TO_COORDINATOR.encode([ReportStart(0, 99)] * 100)) * 50
"""Of an attempt that nobody has: it is counted and ignored."""


class GarbleSpec(Spec):
    into: str
    """The argument of the worker that names the descriptor: `channel`, `beginnings`."""
    once: bool = True
    """Only at the first attempt."""
    flood: bool = False
    """Write good frames into the channel without end, faster than anybody reads them."""


class Garble(Task):
    def __init__(self, spec: GarbleSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: GarbleSpec

    @report
    def run(self) -> None:
        if diary.note(self.context.config.work_path, self.name) > 1 and self.spec.once:
            return
        start = f"--{self.spec.into}="
        fd = next(int(word.removeprefix(start)) for word in sys.argv if word.startswith(start))
        while self.spec.flood:
            os.write(fd, FLOOD)
        os.write(fd, b"\xff" * 33)
        time.sleep(30)
