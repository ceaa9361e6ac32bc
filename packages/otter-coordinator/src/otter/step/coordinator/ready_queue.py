"""Tasks that nothing holds but a free worker or a pool, in the order in which they should start.

Higher priority first, then the longest chain of tasks that wait for it, then the order of the file. Synchronous and
asynchronous tasks stand in two queues, since a worker that has room for one kind may have none for the other.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from otter.step.coordinator.events import TaskId
from otter.step.coordinator.task_node import READY, TaskNode

_Entry = tuple[int, int, TaskId]


class ReadyQueue:
    """Ready tasks, and the named pools that limit how many of them run at once.

    Args:
        pools: size of each pool.
    """

    def __init__(self, pools: Mapping[str, int]) -> None:
        self.free = dict(pools)
        self._sizes = dict(pools)
        self._heaps: dict[bool, list[_Entry]] = {False: [], True: []}
        self._parked: dict[str, list[_Entry]] = {}

    def __len__(self) -> int:
        """How many tasks could start now, as far as pools are concerned; parked ones are not counted."""
        return len(self._heaps[False]) + len(self._heaps[True])

    @property
    def parked(self) -> int:
        """How many tasks wait for a pool."""
        return sum(map(len, self._parked.values()))

    def count(self, asynchronous: bool) -> int:
        """How many tasks of a kind could start now."""
        return len(self._heaps[asynchronous])

    def push(self, node: TaskNode) -> None:
        """A task became ready."""
        heapq.heappush(self._heaps[node.new.asynchronous], self._entry(node))

    def head(self, asynchronous: bool, nodes: list[TaskNode]) -> TaskNode | None:
        """The next task of a kind whose pools have room; it stays in the queue."""
        heap = self._heaps[asynchronous]
        while heap:
            node = nodes[heap[0][2]]
            if node.state is not READY:  # it was ended while it stood here
                heapq.heappop(heap)
                continue
            if not node.new.policy.uses:
                return node
            short = self._short_pool(node)
            if short is None:
                return node
            heapq.heappush(self._parked.setdefault(short, []), heapq.heappop(heap))
        return None

    def take(self, node: TaskNode) -> None:
        """The head of its queue is handed out, and holds its pools."""
        heapq.heappop(self._heaps[node.new.asynchronous])
        if node.new.policy.uses:
            for pool, amount in node.new.policy.uses.items():
                self.free[pool] = self.free.get(pool, self._size(pool)) - amount
            node.holds = True

    def release(self, node: TaskNode, nodes: list[TaskNode]) -> None:
        """A task gives its pools back; what waited for them stands in the queue again."""
        if not node.holds:
            return
        node.holds = False
        for pool, amount in node.new.policy.uses.items():
            self.free[pool] += amount
            parked = self._parked.get(pool)
            room = self.free[pool]
            while parked and room > 0:
                entry = heapq.heappop(parked)
                waiting = nodes[entry[2]]
                room -= waiting.new.policy.uses.get(pool, 1)
                heapq.heappush(self._heaps[waiting.new.asynchronous], entry)

    def short_pool(self, node: TaskNode) -> str | None:
        """The pool that a task waits for; none if its pools have room."""
        return self._short_pool(node)

    def _short_pool(self, node: TaskNode) -> str | None:
        for pool, amount in node.new.policy.uses.items():
            # More than the pool has can never be free at once: such a task runs when it has the pool to itself.
            if self.free.get(pool, self._size(pool)) < min(amount, self._size(pool)):
                return pool
        return None

    def _size(self, pool: str) -> int:
        return self._sizes.setdefault(pool, 1)

    @staticmethod
    def _entry(node: TaskNode) -> _Entry:
        return -node.new.policy.priority, -node.rank, node.id
