"""Tasks that nothing holds but a free worker or a pool, in the order in which they should start.

Higher priority first, then the longest chain of tasks that wait for it, then the order of the file. Synchronous and
asynchronous tasks stand in two queues, since a worker that has room for one kind may have none for the other.

A task that finds a pool short is parked there, and is offered to the workers again when the pool has room for it. So no
task is looked at for each event, and none waits for room that nobody uses: also where a task of a smaller amount, or
one that needs no other pool, comes after one that does not fit.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Mapping

from otter.step.coordinator.events import TaskId
from otter.step.coordinator.task_node import READY, TaskNode

_Entry = tuple[int, int, TaskId]


class _Line:
    """Entries, the least of which is next.

    Most come in order, and stand in a row, from which the first is taken in no time; the others make a heap.
    """

    def __init__(self) -> None:
        self._row: deque[_Entry] = deque()
        self._late: list[_Entry] = []

    def __len__(self) -> int:
        return len(self._row) + len(self._late)

    def push(self, entry: _Entry) -> None:
        if not self._row or entry > self._row[-1]:
            self._row.append(entry)
        else:
            heapq.heappush(self._late, entry)

    def first(self) -> _Entry | None:
        row, late = self._row, self._late
        if late and (not row or late[0] < row[0]):
            return late[0]
        return row[0] if row else None

    def pop(self) -> _Entry:
        row, late = self._row, self._late
        if late and (not row or late[0] < row[0]):
            return heapq.heappop(late)
        return row.popleft()


class ReadyQueue:
    """Ready tasks, and the named pools that limit how many of them run at once.

    Args:
        pools: size of each pool; one that is not named has room for one.

    Attributes:
        free: what is left of each pool; less than nothing while a task runs that needs more than there is.
        parkings: how often a task was parked.
        passed: how many attempts have held each pool and ended.
    """

    def __init__(self, pools: Mapping[str, int]) -> None:
        self.free = dict(pools)
        self.parkings = 0
        self.passed: Counter[str] = Counter()
        self._sizes = dict(pools)
        self._lines: dict[bool, _Line] = {False: _Line(), True: _Line()}
        self._parked: dict[str, dict[int, list[_Entry]]] = {}
        """By pool and by what must be free of it."""

    def __len__(self) -> int:
        """How many tasks could start now, as far as pools are concerned; parked ones are not counted."""
        return len(self._lines[False]) + len(self._lines[True])

    @property
    def parked(self) -> int:
        """How many tasks wait for a pool."""
        return sum(len(heap) for heaps in self._parked.values() for heap in heaps.values())

    def count(self, asynchronous: bool) -> int:
        """How many tasks of a kind could start now."""
        return len(self._lines[asynchronous])

    def push(self, node: TaskNode) -> None:
        """A task became ready."""
        self._lines[node.new.asynchronous].push(self.entry(node))

    def head(self, asynchronous: bool, nodes: list[TaskNode]) -> TaskNode | None:
        """The next task of a kind whose pools have room; it stays in the queue."""
        line = self._lines[asynchronous]
        while (first := line.first()) is not None:
            node = nodes[first[2]]
            uses = node.new.policy.uses
            if not uses and node.state is READY:
                return node
            if node.state is READY:
                short = self.short_pool(node) if uses else None
                if short is None:
                    return node
                self.parkings += 1
                entry = line.pop()
                heapq.heappush(self._parked.setdefault(short, {}).setdefault(self._need(short, uses[short]), []), entry)
            else:  # it was ended while it stood here
                short = None
                line.pop()
            for pool in uses:  # the room that it does not take belongs to whoever is next
                if pool != short:
                    self._offer(pool, nodes)
        return None

    def take(self, node: TaskNode) -> None:
        """The head of its queue is handed out, and holds its pools."""
        new = node.new
        self._lines[new.asynchronous].pop()
        if new.policy.uses:
            for pool, amount in new.policy.uses.items():
                self.free[pool] = self.free.get(pool, self._size(pool)) - amount
            node.holds = True

    def release(self, node: TaskNode, nodes: list[TaskNode], *, began: bool) -> None:
        """A task gives its pools back; what waited for them stands in the queue again.

        Args:
            began: the attempt that held them began, whatever became of it.
        """
        if not node.holds:
            return
        node.holds = False
        for pool, amount in node.new.policy.uses.items():
            self.passed[pool] += began
            self.free[pool] += amount
            self._offer(pool, nodes)

    def short_pool(self, node: TaskNode) -> str | None:
        """The pool that a task waits for; none if its pools have room."""
        for pool, amount in node.new.policy.uses.items():
            if self.free.get(pool, self._size(pool)) < self._need(pool, amount):
                return pool
        return None

    def usage(self) -> list[tuple[str, int, int, int, int]]:
        """Of each pool: name, size, how much of it is held, how many tasks wait for it, how many have passed it.

        A task is known to wait for a pool when its turn came and there was no room.
        """
        parked = {pool: sum(map(len, heaps.values())) for pool, heaps in self._parked.items()}
        return [
            (pool, size, size - self.free.get(pool, size), parked.get(pool, 0), self.passed[pool])
            for pool in self._sizes
            if (size := self._size(pool))
        ]

    def _offer(self, pool: str, nodes: list[TaskNode]) -> None:
        """Put back into the queue as many of those that wait for a pool as its room might do for."""
        free = self.free.get(pool, self._size(pool))
        for need, heap in self._parked.get(pool, {}).items():
            for _ in range(min(len(heap), free // need)):
                entry = heapq.heappop(heap)
                self._lines[nodes[entry[2]].new.asynchronous].push(entry)

    def _need(self, pool: str, amount: int) -> int:
        # More than the pool has can never be free at once: such a task runs when it has the pool to itself.
        return min(amount, self._size(pool))

    def _size(self, pool: str) -> int:
        return max(1, self._sizes.setdefault(pool, 1))

    @staticmethod
    def entry(node: TaskNode) -> _Entry:
        """What tasks are ordered by, the least first."""
        return -node.new.policy.priority, -node.rank, node.id
