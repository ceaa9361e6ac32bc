"""The tasks of a step as a graph to be drawn: each task of the file once, each template once for all that it makes."""

from __future__ import annotations

from typing import Literal

import attrs

from otter.plan.outline import Outline, Outlined


@attrs.frozen
class Node:
    """What is drawn as one box.

    Attributes:
        label: the name as the file writes it.
        kind: the task type.
        shape: a plain task, a generator, or a template of one; a template may itself generate.
        generates: it makes tasks.
        count: tasks that it stands for; none when only run time can tell.
        parent: number of its generator.
    """

    label: str
    kind: str
    shape: Literal["task", "template"]
    generates: bool
    count: int | None
    parent: int | None

    @property
    def description(self) -> str:
        """The label without the task type."""
        return self.label.removeprefix(self.kind).strip() or self.label


@attrs.frozen(order=True)
class Edge:
    """What comes first, and what after.

    Attributes:
        kind: `requires`: the target requires the source; `makes`: the source generates the target.
    """

    source: int
    target: int
    kind: Literal["requires", "makes"]


@attrs.frozen
class Graph:
    """Boxes by number, and arrows between them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @classmethod
    def of(cls, outline: Outline) -> Graph:
        """The graph of a step."""
        numbers = {path: number for number, path in enumerate(dict.fromkeys(task.path for task in outline.tasks))}
        alike: dict[int, list[Outlined]] = {}
        edges: dict[Edge, None] = {}
        for task in outline.tasks:
            number = numbers[task.path]
            alike.setdefault(number, []).append(task)
            if task.parent is not None:
                edges[Edge(numbers[outline.tasks[task.parent].path], number, "makes")] = None
            for name in task.requires:
                for place in outline.makers(name):
                    edges[Edge(numbers[outline.tasks[place].path], number, "requires")] = None
        nodes = (_node(tasks, outline, numbers) for _, tasks in sorted(alike.items()))
        return cls(tuple(nodes), tuple(edges))


def _node(tasks: list[Outlined], outline: Outline, numbers: dict[tuple[str | int, ...], int]) -> Node:
    first = tasks[0]
    parent = numbers[outline.tasks[first.parent].path] if first.parent is not None else None
    return Node(
        label=first.written if parent is not None else first.name,
        kind=first.kind,
        shape="task" if parent is None else "template",
        generates=first.generates,
        count=None if any(task.pattern is not None for task in tasks) else len(tasks),
        parent=parent,
    )
