"""Order and cycles of what waits for what. Pure, linear, and without recursion: a chain may have 100,000 links."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

Graph = Sequence[Sequence[int]]
"""For each node the nodes that it waits for; a node may be named twice, and may name itself."""


def requirements(tasks: Iterable[tuple[str, Iterable[str]]]) -> list[list[int]]:
    """The graph of tasks by position, from each one's name and the names that it requires.

    Names that no task has are left out: a generator may bring them.
    """
    tasks = list(tasks)
    index: Mapping[str, int] = {name: position for position, (name, _) in enumerate(tasks)}
    return [[index[name] for name in requires if name in index] for _, requires in tasks]


def order(graph: Graph) -> list[int]:
    """The nodes in an order in which each comes after all that it waits for.

    Nodes that are free at the same time keep their order. Nodes on a cycle, and those that wait for one, are left out.
    """
    waiting, following = [len(waits) for waits in graph], followers(graph)
    ready = deque(node for node, count in enumerate(waiting) if not count)
    done: list[int] = []
    while ready:
        node = ready.popleft()
        done.append(node)
        for follower in following[node]:
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    return done


def cycles(graph: Graph) -> list[list[int]]:
    """For each group of nodes that wait for each other, one shortest cycle through its first node.

    Each node of a cycle waits for the next, and the last for the first.
    """
    free = set(order(graph))
    if len(free) == len(graph):
        return []
    found = []
    for group in _groups(graph, free):
        first = min(group)
        found.append(_shortest(graph, first, group))
    return sorted(found)


def followers(graph: Graph) -> list[list[int]]:
    """For each node the nodes that wait for it."""
    turned: list[list[int]] = [[] for _ in graph]
    for node, waits in enumerate(graph):
        for other in waits:
            turned[other].append(node)
    return turned


def reach(graph: Graph, node: int) -> set[int]:
    """All nodes that a graph leads to from a node, at any distance; the node itself only over a cycle."""
    seen: set[int] = set()
    pending = [node]
    while pending:
        for other in graph[pending.pop()]:
            if other not in seen:
                seen.add(other)
                pending.append(other)
    return seen


def _groups(graph: Graph, free: set[int]) -> list[set[int]]:
    """Groups of nodes each of which waits for each other one: Tarjan's algorithm with a stack of its own."""
    numbers: dict[int, int] = {}
    lowest: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    groups: list[set[int]] = []
    for root in range(len(graph)):
        if root in free or root in numbers:
            continue
        calls = [(root, iter(graph[root]))]
        numbers[root] = lowest[root] = len(numbers)
        stack.append(root)
        on_stack.add(root)
        while calls:
            node, waits = calls[-1]
            for other in waits:
                if other in free:
                    continue
                if other not in numbers:
                    numbers[other] = lowest[other] = len(numbers)
                    stack.append(other)
                    on_stack.add(other)
                    calls.append((other, iter(graph[other])))
                    break
                if other in on_stack:
                    lowest[node] = min(lowest[node], numbers[other])
            else:
                calls.pop()
                if calls:
                    caller = calls[-1][0]
                    lowest[caller] = min(lowest[caller], lowest[node])
                if lowest[node] == numbers[node]:
                    group: set[int] = set()
                    while node not in group:
                        member = stack.pop()
                        on_stack.discard(member)
                        group.add(member)
                    if len(group) > 1 or node in graph[node]:
                        groups.append(group)
    return groups


def _shortest(graph: Graph, first: int, group: set[int]) -> list[int]:
    """A shortest way from a node back to itself within its group, by breadth."""
    came_from: dict[int, int] = {}
    pending = deque([first])
    while pending:
        node = pending.popleft()
        for other in graph[node]:
            if other == first:
                way = [node]
                while way[-1] != first:
                    way.append(came_from[way[-1]])
                return way[::-1]
            if other in group and other not in came_from:
                came_from[other] = node
                pending.append(other)
    raise AssertionError("each node of a group is on a cycle")
