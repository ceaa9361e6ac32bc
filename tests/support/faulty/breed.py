"""A task that generates tasks, also such as cannot be."""

from __future__ import annotations

import os
from collections.abc import Iterator

from otter.task import Spec, Task, TaskContext
from otter.task.task_reporter import report
from tests.support import diary


class BreedSpec(Spec):
    how: str = "many"
    """`many`, `nested`, `endless`, or what goes wrong: `duplicate`, `twice`, `case`, `composition`, `self`, `cycle`,
    `parent`, `unknown type`, `placeholder`, `unknown requirement`."""
    count: int = 1
    child: str = "mark"
    """Task type of what `many` generates."""
    die: bool = False
    """The process ends after all were generated, at the first attempt."""


class Breed(Task):
    def __init__(self, spec: BreedSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: BreedSpec

    @report
    def run(self) -> None:
        attempt = diary.note(self.context.config.work_path, self.name)
        for spec in self._specs(self.name.partition(" ")[2]):
            self.context.add_specs([spec])
        if self.spec.die and attempt == 1:
            os._exit(1)

    def _specs(self, name: str) -> Iterator[Spec]:
        match self.spec.how:
            case "many":
                yield from (Spec(name=f"{self.spec.child} {name} {number}") for number in range(self.spec.count))
            case "nested":
                if self.spec.count:
                    yield Spec(name=f"mark {name} leaf")
                    yield Spec(name=f"breed {name}{self.spec.count}", how="nested", count=self.spec.count - 1)
            case "endless":
                number = 0
                while True:
                    yield Spec(name=f"mark {name} {number}")
                    number += 1
            case "duplicate":
                yield Spec(name="mark known")
            case "twice":
                yield from (Spec(name="mark new"), Spec(name="mark new"))
            case "case":
                yield Spec(name="mark KNOWN")
            case "composition":
                yield from (Spec(name="mark caf\u00e9"), Spec(name="mark cafe\u0301"))
            case "self":
                yield Spec(name="mark loop", requires=["mark loop"])
            case "cycle":
                yield Spec(name="mark one", requires=["mark two"])
                yield Spec(name="mark two", requires=["mark one"])
            case "parent":
                yield Spec(name="mark child", requires=[self.name])
            case "unknown type":
                yield Spec(name="nothing here")
            case "placeholder":
                yield Spec(name="mark ${nowhere}")
            case "unknown requirement":
                yield Spec(name="mark waiting", requires=["mark nobody"])
