"""`CommitOrder`: when tasks were committed, and what that means for those that require them.

A task that an earlier run completed stands only if nothing that it requires was committed after it. A run and the plan
of one ask the same questions.
"""

from __future__ import annotations

from otter.step.coordinator.events import TaskId
from otter.step.coordinator.task_graph import TaskGraph
from otter.step.coordinator.task_node import TaskNode


class CommitOrder:
    """Places of commits among all commits of the journal, by task.

    Args:
        graph: the tasks.
    """

    def __init__(self, graph: TaskGraph) -> None:
        self._graph = graph
        self._places: dict[TaskId, int] = {}

    def note(self, node: TaskNode, place: int) -> None:
        """Remember when a task was committed, for itself and for the generators above it."""
        task: TaskId | None = node.id
        while task is not None and self._places.get(task, 0) < place:
            self._places[task] = place
            task = self._graph.nodes[task].parent

    def upstream(self, node: TaskNode, committed: int, *, stale: bool, again: str) -> str | None:
        """What happened to something that a completed task requires; none if nothing did.

        Args:
            committed: the place of its own commit.
            stale: something that it requires, or what generated it, runs in this run.
            again: `ran again`, or as one says it before it happens.
        """
        required = [other for name in node.new.requires if (other := self._graph.find(name)) is not None]
        if stale:
            ran = next((other.name for other in required if other.ran), None)
            if ran is not None:
                return f"{ran!r}, which it requires, {again}"
            return f"what generated it {again}" if node.parent is not None else f"something that it requires {again}"
        newest, name = max(((self._places.get(other.id, 0), other.name) for other in required), default=(0, ""))
        return f"{name!r}, which it requires, ran after it" if newest > committed else None
