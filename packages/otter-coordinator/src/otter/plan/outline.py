"""The tasks that a step is known to have before it runs: those of its file, and those that its templates make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from otter.pipeline import Pipeline
from otter.pipeline.kinds import Kinds
from otter.pipeline.names import Names
from otter.pipeline.patterns import Pattern
from otter.pipeline.problem import Finding, Path
from otter.pipeline.tasks import MAX_MADE, Known, made_from
from otter.pipeline.values import Values
from otter.task.task_type import TaskType


@attrs.frozen
class Outlined:
    """A task, or a template that stands for any number of tasks.

    Attributes:
        name: with the placeholders replaced that are known.
        kind: its task type.
        requires: names, likewise.
        policy: its policy as the file spells it, placeholders replaced.
        path: where it is written; tasks made by one template have the same.
        written: its name as it is written.
        parent: place of its generator; none for a task that the file lists.
        pattern: what is known of its name, of a template whose tasks are known at run time only.
        generates: it makes tasks at run time.
        children: places of what it is known to make.
    """

    name: str
    kind: str
    requires: tuple[str, ...]
    policy: Any = None
    path: Path = ()
    written: str = ""
    parent: int | None = None
    pattern: Pattern | None = None
    generates: bool = False
    children: tuple[int, ...] = ()


@attrs.frozen
class Outline:
    """The tasks of a step, generators before what they make.

    Attributes:
        tasks: in the order of the file, then by generation.
    """

    tasks: tuple[Outlined, ...]
    _places: Mapping[str, int] = attrs.field(repr=False)

    def makers(self, name: str) -> list[int]:
        """Places of the task of a name; of a name that no task has, of the templates that may make it."""
        place = self._places.get(name)
        if place is not None:
            return [place]
        wanted = Pattern((name,))
        return [
            place
            for place, task in enumerate(self.tasks)
            if task.pattern is not None and task.pattern.may_equal(wanted)
        ]


def outline(
    pipeline: Pipeline, step: str, types: Mapping[str, TaskType], values: Mapping[str, Any] | None = None
) -> Outline:
    """The tasks of a step that has no mistakes.

    Args:
        pipeline: the file.
        step: the step.
        types: what the workers can run.
        values: scratchpad values that win over those of the file.

    Raises:
        PipelineError: there is no such step.
    """
    known = _known(pipeline, step, types, Values(pipeline.scratchpad, dict(values or {})))
    found = []
    for task in known:
        kind = task.kind
        raw = task.raw.get("name") if isinstance(task.raw, Mapping) else None
        found.append(
            Outlined(
                name=task.name or "?",
                kind=kind.type.name if kind is not None else (task.name or "?").split(None, 1)[0],
                requires=tuple(dict.fromkeys(name for name, _ in task.requires)),
                policy=task.values.resolve(task.spec.get("policy")),
                path=task.path,
                written=str(raw or task.name),
                parent=task.parent if task.parent >= 0 else None,
                pattern=task.pattern,
                generates=kind is not None and kind.type.generates,
                children=tuple(task.children or ()),
            )
        )
    return Outline(tuple(found), {task.name: place for place, task in enumerate(found) if task.pattern is None})


def _known(pipeline: Pipeline, step: str, types: Mapping[str, TaskType], values: Values) -> list[Known]:
    tasks = [Known(spec, ("steps", step, index), spec, values) for index, spec in enumerate(pipeline.tables(step))]
    names, kinds = Names(_ignore), Kinds(types)
    for position, task in enumerate(tasks):  # grows while it is walked
        if not isinstance(task.spec, dict):
            continue
        names.add(position, task, tasks)
        names.find_kind(task, kinds)
        requires = task.values.resolve(task.spec.get("requires", []))
        task.requires = tuple((str(name), ()) for name in requires) if isinstance(requires, list) else ()
        if task.kind is None or task.kind.nested:
            first = len(tasks)
            tasks.extend(made_from(task, position, MAX_MADE - first))
            task.children = list(range(first, len(tasks)))
    return tasks


def _ignore(finding: Finding, *, made: bool = False) -> None:
    """Mistakes are the business of `Pipeline.check`."""
