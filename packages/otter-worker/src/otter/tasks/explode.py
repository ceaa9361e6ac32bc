"""`explode`: the same tasks for each value of a list."""

from __future__ import annotations

import logging
from typing import ClassVar, Self

from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.tasks.generation import filled, pages

_log = logging.getLogger(__name__)


class ExplodeSpec(Spec):
    """What `explode` is to do."""

    do: list[Spec]
    """The tasks to make for each value; their names must contain the placeholder, because names are unique."""
    foreach: list[str | int | float | bool]
    """The values."""
    each_placeholder: str = "each"
    """The name of the placeholder that stands for the value within `do`, so that nested ones can differ."""
    scratchpad_ignore_missing: bool = True
    """The placeholders of `do` are filled in here, and those of its tasks when they run."""

    do_placeholders: ClassVar[tuple[str, ...]] = ("$each_placeholder",)


class Explode(Task):
    """Make the tasks of `do` once for each value of `foreach`.

        [[steps.fetch]]
        name = "explode species"
        foreach = ["homo_sapiens", "mus_musculus"]
        [[steps.fetch.do]]
        name = "copy ${each} genes"
        source = "https://example.org/${each}.tsv"
        destination = "input/${each}.tsv"

    Blocks may be nested; each fills in its own placeholder everywhere within, and leaves the others
    alone.
    """

    def __init__(self, spec: ExplodeSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: ExplodeSpec

    @report
    def run(self) -> Self:
        """Make the tasks."""
        templates = [template.model_dump() for template in self.spec.do]
        name = self.spec.each_placeholder
        specs = (spec for value in self.spec.foreach for spec in filled(templates, {name: value}))
        for page in pages(specs, self.context.abort):
            self.context.add_specs(page)
        _log.debug("%d values, %d tasks each", len(self.spec.foreach), len(templates))
        return self
