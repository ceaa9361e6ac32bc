"""The tasks of a run by id and by name, and the edges between them. Nothing here scans the graph for each event."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence

from otter.step.coordinator.events import NewTask, TaskId
from otter.step.coordinator.task_node import DONE, WAITING, TaskNode


def fold_name(name: str) -> str:
    """What makes two names the same: they differ neither by case nor by the way Unicode composes them.

    Names become file names, also on file systems that see no such difference.
    """
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


class TaskGraph:
    """Tasks and their requirements.

    Attributes:
        nodes: all tasks; the id of a task is its place.
        missing: names that tasks require and no task has, with those tasks.
    """

    def __init__(self) -> None:
        self.nodes: list[TaskNode] = []
        self.missing: dict[str, list[TaskId]] = {}
        self._by_name: dict[str, TaskId] = {}

    def find(self, name: str) -> TaskNode | None:
        """The task of a name."""
        place = self._by_name.get(fold_name(name))
        if place is None or self.nodes[place].new.name != name:
            return None
        return self.nodes[place]

    def duplicate(self, tasks: Iterable[NewTask]) -> str | None:
        """Why tasks cannot be added because of their names; none when they can."""
        seen: dict[str, str] = {}
        for task in tasks:
            key = fold_name(task.name)
            other = seen.get(key)
            if other is None and key in self._by_name:
                other = self.nodes[self._by_name[key]].name
            if other is not None:
                if other == task.name:
                    return f"there is a task {task.name!r} already"
                return (
                    f"there is a task {other!r} already, which differs from {task.name!r} only by case or composition"
                )
            seen[key] = task.name
        return None

    def add(self, tasks: Sequence[NewTask], parent: TaskNode | None) -> list[TaskNode]:
        """Add tasks whose names are free, and tie every requirement that can be tied.

        A requirement that is done counts as met at once. Names that nothing has go to `missing`.
        """
        nodes, by_name = self.nodes, self._by_name
        added: list[TaskNode] = []
        for new in tasks:
            above = None if parent is None else parent.id
            node = TaskNode(TaskId(len(nodes)), new, parent=above, attempt=new.attempts)
            by_name[fold_name(new.name)] = node.id
            nodes.append(node)
            added.append(node)
        if parent is not None:
            parent.children_left += len(added)
        for node in added:
            if node.new.requires:
                self._tie(node)
        if self.missing:
            for node in added:
                waiting = self.missing.pop(node.new.name, None)
                if waiting:
                    node.dependents = [*(node.dependents or []), *waiting]
        return added

    def _tie(self, node: TaskNode) -> None:
        for name in dict.fromkeys(node.new.requires):
            required = self.find(name)
            if required is None:
                self.missing.setdefault(name, []).append(node.id)
            elif required.state is DONE and required.spoiled is None:
                node.upstream_ran |= required.ran
                continue
            elif required.dependents is None:
                required.dependents = [node.id]
            else:
                required.dependents.append(node.id)
            node.unmet += 1

    def rank(self, added: Sequence[TaskNode], parent: TaskNode | None) -> None:
        """Set the rank of new tasks. Whatever waits for a generator waits for all that it generates."""
        if parent is not None and parent.rank > 1:
            for node in added:
                node.rank = parent.rank
        if not any(node.dependents for node in added):
            return
        first = added[0].id
        unmet: dict[TaskId, int] = {}
        for node in added:
            for dependent in node.dependents or ():
                if dependent >= first:
                    unmet[dependent] = unmet.get(dependent, 0) + 1
        order = [node for node in added if node.id not in unmet]
        for node in order:  # grows while it is walked: requirements before those that require them
            for dependent in node.dependents or ():
                if dependent in unmet:
                    unmet[dependent] -= 1
                    if not unmet[dependent]:
                        order.append(self.nodes[dependent])
        for node in reversed(order):
            for dependent in node.dependents or ():
                node.rank = max(node.rank, 1 + self.nodes[dependent].rank)

    def closed_cycle(self, tasks: Sequence[NewTask], parent: TaskNode | None) -> list[str] | None:
        """The cycle of waiting that adding tasks would close, as names in the order of requiring, if any.

        Args:
            tasks: what is to be added.
            parent: the task that generates them; it is done only after them.
        """
        if self._need_only_what_came_before(tasks):
            return None  # a cycle goes through a new task, and on from there through what that task requires
        required_by: dict[str, list[int]] = {}
        for place, task in enumerate(tasks):
            for name in task.requires:
                required_by.setdefault(name, []).append(~place)

        def waiters(key: int) -> list[int]:
            if key < 0:
                name, above = tasks[~key].name, parent.id if parent is not None else None
                direct: Sequence[int] = self.missing.get(name, ())
            else:
                node = self.nodes[key]
                name, above, direct = node.name, node.parent, node.dependents or ()
            found = [*direct, *required_by.get(name, ())]
            return found if above is None else [*found, above]

        cycle = self._walk([~place for place, task in enumerate(tasks) if task.requires], waiters)
        return None if cycle is None else [tasks[~key].name if key < 0 else self.nodes[key].name for key in cycle]

    def _need_only_what_came_before(self, tasks: Sequence[NewTask]) -> bool:
        """Whether each of some new tasks requires nothing but those before it, and tasks that have ended."""
        before: set[str] = set()
        for task in tasks:
            for name in task.requires:
                if name not in before and ((required := self.find(name)) is None or not required.ended):
                    return False
            before.add(task.name)
        return True

    def waiting_cycle(self) -> list[str] | None:
        """A cycle among the tasks that wait now, as names in the order of requiring."""

        def waiters(key: int) -> list[int]:
            node = self.nodes[key]
            found: list[int] = list(node.dependents or ())
            return found if node.parent is None else [*found, node.parent]

        cycle = self._walk([node.id for node in self.nodes if node.state is WAITING], waiters)
        return None if cycle is None else [self.nodes[key].name for key in cycle]

    def _walk(self, starts: Iterable[int], waiters: Callable[[int], list[int]]) -> list[int] | None:
        """Depth-first search without recursion: chains of a hundred thousand tasks are real."""
        finished: set[int] = set()
        for start in starts:
            if start in finished:
                continue
            path: dict[int, None] = {start: None}
            stack = [(start, iter(waiters(start)))]
            while stack:
                key, left = stack[-1]
                for waiter in left:
                    if waiter in path:
                        keys = list(path)
                        cycle = keys[keys.index(waiter) :]
                        return [cycle[0], *reversed(cycle)]
                    if waiter not in finished and (waiter < 0 or not self.nodes[waiter].ended):
                        path[waiter] = None
                        stack.append((waiter, iter(waiters(waiter))))
                        break
                else:
                    stack.pop()
                    del path[key]
                    finished.add(key)
        return None
