"""Where boxes go: in columns from left to right, with few crossings and short arrows.

The method of Sugiyama, Tagawa and Toda (1981): turn round what closes a cycle, put each box into the column after the
last one that it waits for, let long arrows pass through points of their own in the columns between, order each column
by the medians of its neighbours, and then move boxes towards their neighbours as far as that order allows.
"""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from statistics import fmean, median

import attrs

SWEEPS = 8
"""Times that the columns are ordered, and settled, from one side to the other and back."""

COLUMN_GAP = 56.0
BOX_GAP = 14.0
PART_GAP = 28.0
POINT_HEIGHT = 6.0
STRAIGHT = 4.0
"""How much more a point of a long arrow insists on its place than a box does."""

Pair = tuple[int, int]
Point = tuple[float, float]


@attrs.frozen
class Placed:
    """Where everything is.

    Attributes:
        corners: the upper left corner of each box.
        bends: for each arrow the points that it passes on its way.
        width: of all together.
        height: likewise.
    """

    corners: tuple[Point, ...]
    bends: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def place(sizes: Sequence[Point], arrows: Sequence[Pair], hidden: Iterable[Pair] = ()) -> Placed:
    """Place boxes.

    Args:
        sizes: width and height of each box.
        arrows: pairs of boxes; cycles and loops are allowed.
        hidden: pairs that have an order, but no arrow.
    """
    corners: list[Point] = [(0.0, 0.0)] * len(sizes)
    bends: list[tuple[Point, ...]] = [()] * len(arrows)
    hidden = list(hidden)
    width = top = 0.0
    for boxes in _parts(len(sizes), [*arrows, *hidden]):
        number = {box: place for place, box in enumerate(boxes)}
        within = [place for place, (source, _) in enumerate(arrows) if source in number]
        columns = _placed(
            [sizes[box] for box in boxes],
            [(number[arrows[place][0]], number[arrows[place][1]]) for place in within],
            [(number[source], number[target]) for source, target in hidden if source in number],
        )
        for box, (x, y) in zip(boxes, columns.corners, strict=True):
            corners[box] = x, y + top
        for place, way in zip(within, columns.bends, strict=True):
            bends[place] = tuple((x, y + top) for x, y in way)
        width, top = max(width, columns.width), top + columns.height + PART_GAP
    return Placed(tuple(corners), tuple(bends), width, max(top - PART_GAP, 0.0))


def _parts(count: int, pairs: Sequence[Pair]) -> list[list[int]]:
    """The boxes in parts that no pair joins, in order of their first boxes; those of no pair come last, together."""
    near: list[list[int]] = [[] for _ in range(count)]
    for source, target in pairs:
        near[source].append(target)
        near[target].append(source)
    seen: set[int] = set()
    parts: list[list[int]] = []
    for box in range(count):
        if near[box] and box not in seen:
            part = [box]
            seen.add(box)
            for one in part:  # grows while it is walked
                fresh = [other for other in dict.fromkeys(near[one]) if other not in seen]
                part += fresh
                seen.update(fresh)
            parts.append(sorted(part))
    loose = [box for box in range(count) if not near[box]]
    return [*parts, *([loose] if loose else [])]


def _placed(sizes: Sequence[Point], arrows: Sequence[Pair], hidden: Sequence[Pair]) -> Placed:
    """Place the boxes of one part."""
    if not arrows and not hidden:
        return _in_rows(sizes)
    forward = _without_cycles(len(sizes), [*arrows, *hidden])
    columns = _Columns(sizes, _columns(len(sizes), forward), forward[: len(arrows)])
    columns.order()
    columns.settle()
    turned = (pair != arrow for pair, arrow in zip(forward, arrows, strict=False))
    return Placed(
        corners=tuple(columns.corner(box) for box in range(len(sizes))),
        bends=tuple(tuple(reversed(way)) if back else way for way, back in zip(columns.bends(), turned, strict=True)),
        width=columns.width,
        height=columns.height,
    )


def _in_rows(sizes: Sequence[Point]) -> Placed:
    """Boxes without arrows: a block of them, wider than high."""
    count = math.ceil(math.sqrt(len(sizes) / 3))
    widths = [max(width for width, _ in sizes[place::count]) for place in range(count)]
    lefts = [sum(widths[:place]) + BOX_GAP * place for place in range(count)]
    corners: list[Point] = []
    top = 0.0
    for start in range(0, len(sizes), count):
        row = sizes[start : start + count]
        corners += [(lefts[place], top) for place in range(len(row))]
        top += max(height for _, height in row) + BOX_GAP
    return Placed(tuple(corners), (), lefts[-1] + widths[-1], top - BOX_GAP)


def _without_cycles(count: int, pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs, with those turned round that close a cycle: a depth-first search numbers the boxes from behind."""
    after: list[list[int]] = [[] for _ in range(count)]
    for source, target in pairs:
        after[source].append(target)
    place, seen = [0] * count, [False] * count
    position = count
    for root in range(count):
        stack = [] if seen[root] else [(root, iter(after[root]))]
        seen[root] = True
        while stack:
            following = next((box for box in stack[-1][1] if not seen[box]), None)
            if following is not None:
                seen[following] = True
                stack.append((following, iter(after[following])))
            else:
                position -= 1
                place[stack.pop()[0]] = position
    return [(target, source) if place[source] > place[target] else (source, target) for source, target in pairs]


def _columns(count: int, pairs: Sequence[Pair]) -> list[int]:
    """The column of each box: after the last box that it follows, or where that is none, close to what follows it."""
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for source, target in pairs:
        if source != target:
            before[target].append(source)
            after[source].append(target)
    column, unmet = [0] * count, [len(sources) for sources in before]
    ready = [box for box in range(count) if not unmet[box]]
    for box in ready:  # grows while it is walked
        for target in after[box]:
            column[target] = max(column[target], column[box] + 1)
            unmet[target] -= 1
            if not unmet[target]:
                ready.append(target)
    for box in range(count):
        if after[box] and not before[box]:
            column[box] = min(column[target] for target in after[box]) - 1
    return column


class _Columns:
    """Boxes, and the points of long arrows, in columns. All items have a number: boxes first."""

    def __init__(self, sizes: Sequence[Point], column: list[int], arrows: Sequence[Pair]) -> None:
        self._sizes = sizes
        self._column = list(column)
        self._heights = [height for _, height in sizes]
        self._before: list[list[int]] = [[] for _ in sizes]
        self._after: list[list[int]] = [[] for _ in sizes]
        self._ways = [self._lay(*arrow) for arrow in arrows]
        self._members: list[list[int]] = [[] for _ in range(max(self._column, default=-1) + 1)]
        for item, place in enumerate(self._column):
            self._members[place].append(item)
        self._middles = [0.0] * len(self._heights)
        self._widths = [
            max((sizes[item][0] for item in members if item < len(sizes)), default=0.0) for members in self._members
        ]
        self._lefts = [sum(self._widths[:place]) + COLUMN_GAP * place for place in range(len(self._widths))]

    def _lay(self, source: int, target: int) -> list[int]:
        """The points of an arrow, one in each column between its ends."""
        if source == target:
            return []
        way = []
        for place in range(self._column[source] + 1, self._column[target]):
            way.append(len(self._heights))
            self._column.append(place)
            self._heights.append(POINT_HEIGHT)
            self._before.append([])
            self._after.append([])
        for one, other in zip([source, *way], [*way, target], strict=True):
            self._after[one].append(other)
            self._before[other].append(one)
        return way

    def order(self) -> None:
        """Order every column so that arrows cross as little as a few sweeps can make them."""
        best, fewest = [list(members) for members in self._members], self._crossings()
        for sweep in range(SWEEPS):
            rightwards = sweep % 2 == 0
            near = self._before if rightwards else self._after
            for members in self._members if rightwards else reversed(self._members):
                position = {item: float(place) for place, item in enumerate(members)}
                neighbours = {other: place for others in self._members for place, other in enumerate(others)}
                for item in members:
                    if near[item]:
                        position[item] = median(neighbours[other] for other in near[item])
                members.sort(key=position.__getitem__)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(members) for members in self._members], crossings
        self._members = best

    def _crossings(self) -> int:
        count = 0
        for members, following in zip(self._members, self._members[1:], strict=False):
            place = {item: index for index, item in enumerate(following)}
            seen: list[int] = []
            for item in members:
                ends = sorted(place[other] for other in self._after[item])
                count += sum(len(seen) - bisect_right(seen, end) for end in ends)
                for end in ends:
                    insort(seen, end)
        return count

    def settle(self) -> None:
        """Move the items of each column towards their neighbours, as far as their order and the gaps allow."""
        for members in self._members:
            self._move(members, [0.0] * len(members))
        for sweep in range(2 * SWEEPS):
            rightwards = sweep % 2 == 0
            near = self._before if rightwards else self._after
            for members in self._members if rightwards else reversed(self._members):
                wanted = [
                    fmean(self._middles[other] for other in near[item]) if near[item] else self._middles[item]
                    for item in members
                ]
                self._move(members, wanted)
        tops = [self._middles[item] - self._heights[item] / 2 for members in self._members for item in members]
        for members in self._members:
            for item in members:
                self._middles[item] -= min(tops)

    def _move(self, members: Sequence[int], wanted: Sequence[float]) -> None:
        """Least squares under the order of a column: neighbours that would overlap move as one block."""
        offsets, offset = [], 0.0
        for place, item in enumerate(members):
            if place:
                offset += (self._heights[members[place - 1]] + self._heights[item]) / 2 + BOX_GAP
            offsets.append(offset)
        blocks: list[list[float]] = []  # sum of weighted places, sum of weights, number of items
        for item, want, shift in zip(members, wanted, offsets, strict=True):
            weight = 1.0 if item < len(self._sizes) else STRAIGHT
            blocks.append([(want - shift) * weight, weight, 1])
            while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
                last = blocks.pop()
                blocks[-1] = [one + other for one, other in zip(blocks[-1], last, strict=True)]
        places = (total / weight for total, weight, number in blocks for _ in range(int(number)))
        for item, middle, shift in zip(members, places, offsets, strict=True):
            self._middles[item] = middle + shift

    def corner(self, box: int) -> Point:
        """The upper left corner of a box."""
        return self._lefts[self._column[box]], self._middles[box] - self._heights[box] / 2

    def bends(self) -> list[tuple[Point, ...]]:
        """For each arrow where it enters and leaves the columns between its ends."""
        return [tuple(point for item in way for point in self._through(item)) for way in self._ways]

    def _through(self, item: int) -> tuple[Point, Point]:
        place, middle = self._column[item], self._middles[item]
        return (self._lefts[place], middle), (self._lefts[place] + self._widths[place], middle)

    @property
    def width(self) -> float:
        """Of all columns."""
        return self._lefts[-1] + self._widths[-1] if self._lefts else 0.0

    @property
    def height(self) -> float:
        """Of the highest column."""
        placed = (item for members in self._members for item in members)
        return max((self._middles[item] + self._heights[item] / 2 for item in placed), default=0.0)
