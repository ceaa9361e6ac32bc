"""Where boxes and arrows go."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from otter.plan.layout import Placed, place

SIZE = (100.0, 40.0)

GRAPHS = st.integers(1, 14).flatmap(
    lambda count: st.tuples(
        st.lists(
            st.tuples(st.sampled_from([60.0, 100.0, 240.0]), st.sampled_from([30.0, 44.0])),
            min_size=count,
            max_size=count,
        ),
        st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=24),
    )
)


def rows(placed: Placed) -> list[tuple[float, float]]:
    """Corners, rounded."""
    return [(round(x, 3), round(y, 3)) for x, y in placed.corners]


def test_a_chain_is_a_line() -> None:
    """From left to right, at one height."""
    placed = place([SIZE] * 3, [(0, 1), (1, 2)])
    (x0, y0), (x1, y1), (x2, y2) = rows(placed)
    assert y0 == y1 == y2 == 0
    assert x0 + SIZE[0] < x1 < x1 + SIZE[0] < x2
    assert (placed.width, placed.height) == (x2 + SIZE[0], SIZE[1])


def test_a_fan_is_symmetric() -> None:
    """What branches stands beside the middle of its branches."""
    corners = rows(place([SIZE] * 5, [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)]))
    assert corners[0][1] == corners[2][1] == corners[4][1]
    assert corners[1][1] + corners[3][1] == 2 * corners[2][1]


def test_crossings_are_undone() -> None:
    """Two arrows that would cross do not."""
    corners = rows(place([SIZE] * 4, [(0, 3), (1, 2)]))
    assert (corners[0][1] < corners[1][1]) == (corners[3][1] < corners[2][1])


def test_a_long_arrow_passes_beside_boxes() -> None:
    """It bends around what stands between its ends."""
    placed = place([SIZE] * 3, [(0, 1), (1, 2), (0, 2)])
    (enter, leave) = placed.bends[2]
    x, y = placed.corners[1]
    assert (x, x + SIZE[0]) == (enter[0], leave[0])
    assert not y < enter[1] < y + SIZE[1]
    assert ((), ()) == placed.bends[:2]


def test_hidden_pairs_order_boxes() -> None:
    """Without an arrow between them."""
    placed = place([SIZE] * 3, [(0, 2)], hidden=[(0, 1), (1, 2)])
    assert placed.corners[0][0] < placed.corners[1][0] < placed.corners[2][0]


def test_parts_stand_below_each_other() -> None:
    """Boxes without arrows last, in rows."""
    placed = place([SIZE] * 20, [(0, 1), (2, 3)])
    tops = [y for _, y in rows(placed)]
    assert tops[0] == tops[1] < tops[2] == tops[3] < min(tops[4:])
    assert len({x for x, _ in rows(placed)[4:]}) == 3


def test_nothing_takes_no_room() -> None:
    """An empty graph."""
    assert Placed((), (), 0.0, 0.0) == place([], [])


@given(graph=GRAPHS)
@settings(max_examples=200, deadline=None)
def test_no_boxes_overlap(graph: tuple[list[tuple[float, float]], list[tuple[int, int]]]) -> None:
    """Whatever the graph, with cycles and loops: boxes are apart, inside the picture, and bends keep out of them."""
    sizes, arrows = graph
    placed = place(sizes, arrows)
    boxes = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(placed.corners, sizes, strict=True)]
    for one, other in combinations(boxes, 2):
        apart = one[2] < other[0] or other[2] < one[0] or one[3] <= other[1] + 1e-6 or other[3] <= one[1] + 1e-6
        assert apart, (one, other)
    for left, top, right, bottom in boxes:
        assert left >= 0
        assert top >= -1e-6
        assert right <= placed.width + 1e-6
        assert bottom <= placed.height + 1e-6
    assert len(arrows) == len(placed.bends)
    for way in placed.bends:
        for x, y in way:
            assert not any(left < x < right and top < y < bottom for left, top, right, bottom in boxes)
