"""`locate_stdlib`: where the standard library is, for later tasks."""

import logging
import sysconfig
from typing import Self

from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report

logger = logging.getLogger(__name__)


class LocateStdlibSpec(Spec):
    """What `locate_stdlib` is to do."""

    scratchpad_key: str
    """The name under which later tasks find the directory."""


class LocateStdlib(Task):
    """Store the directory with the sources of the standard library of the Python that runs the tasks."""

    def __init__(self, spec: LocateStdlibSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: LocateStdlibSpec

    @report
    def run(self) -> Self:
        """Store the directory."""
        directory = sysconfig.get_path("stdlib")
        logger.info("the standard library is in %s", directory)
        self.context.scratchpad.store(self.spec.scratchpad_key, directory)
        return self
