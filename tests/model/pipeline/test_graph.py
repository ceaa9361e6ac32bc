"""Order and cycles, on random graphs and on long ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otter.pipeline.graph import cycles, followers, order, reach, requirements

GRAPHS = st.integers(1, 12).flatmap(
    lambda size: st.lists(st.lists(st.integers(0, size - 1), max_size=4), min_size=size, max_size=size)
)


@given(GRAPHS)
def test_each_node_comes_after_what_it_waits_for(graph: list[list[int]]) -> None:
    """The order has each node once at most, behind all that it waits for."""
    done = order(graph)
    assert sorted(set(done)) == sorted(done)
    place = {node: index for index, node in enumerate(done)}
    assert all(place[other] < place[node] for node in done for other in graph[node])


@given(GRAPHS)
def test_a_graph_has_a_full_order_or_a_cycle(graph: list[list[int]]) -> None:
    """Whatever is not in the order is on a cycle, or waits for one; cycles are real, short and disjoint."""
    found = cycles(graph)
    assert (len(order(graph)) == len(graph)) == (found == [])
    for cycle in found:
        assert len(set(cycle)) == len(cycle)
        assert all(other in graph[node] for node, other in zip(cycle, cycle[1:] + cycle[:1], strict=True))
    nodes = [node for cycle in found for node in cycle]
    assert len(set(nodes)) == len(nodes)
    upstream = set(nodes)
    for cycle in found:
        upstream |= reach(followers(graph), cycle[0])
    assert set(range(len(graph))) - set(order(graph)) == upstream


def test_free_nodes_keep_their_order() -> None:
    """Without requirements the order is that of the file."""
    assert [0, 1, 2, 3] == order([[], [], [], []])
    assert [1, 2, 0] == order([[2], [], []])


def test_a_node_may_wait_for_itself() -> None:
    """A self-requirement is a cycle of one."""
    assert [[1]] == cycles([[], [1]])


def test_a_hundred_thousand_links_need_no_recursion() -> None:
    """A chain is ordered, and a ring is one cycle."""
    size = 100_000
    chain = [[node + 1] for node in range(size - 1)] + [[]]
    assert list(range(size))[::-1] == order(chain)
    assert [list(range(size))] == cycles([*chain[:-1], [0]])


def test_requirements_become_positions() -> None:
    """Names that no task has are left out, since a generator may bring them."""
    tasks = [("a", ["c", "later"]), ("b", []), ("c", ["b", "b"])]
    assert [[2], [], [1, 1]] == requirements(tasks)
