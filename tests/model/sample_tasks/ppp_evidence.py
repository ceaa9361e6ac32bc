"""A task without a Spec class, whose class has an acronym in capitals."""

from __future__ import annotations

from typing import Self

from otter.task import Task, report


class PPPEvidence(Task):
    @report
    def run(self) -> Self:
        """Do it."""
        return self
