"""A graph as an SVG image that needs nothing else: no program, no script, no font of its own."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from xml.sax.saxutils import escape

from otter.pipeline import visible
from otter.plan.graph import Edge, Graph, Node
from otter.plan.layout import Placed, place

CELL = 7.3
"""Width of a letter; fonts of equal width differ little, and the text is told how wide it has to be."""
LINE = 15.0
PADDING = 9.0
MARGIN = 12.0
TIMES = "\u00d7"
LONGEST = 44
"""Letters of a line that are shown; the rest is in the tooltip."""

_STYLE = """
  .box { fill: #f6f8fa; stroke: #8b949e; }
  .generator { fill: #ddf4ff; stroke: #0969da; stroke-width: 1.5; }
  .template { stroke-dasharray: 4 3; }
  .kind { fill: #57606a; }
  .name { fill: #1f2328; }
  .arrow { fill: none; stroke: #6e7781; }
  .makes { stroke: #0969da; stroke-dasharray: 4 3; }
  .head { fill: #6e7781; }
  .count { fill: #0969da; }
  text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
  @media (prefers-color-scheme: dark) {
    .box { fill: #161b22; stroke: #8b949e; }
    .generator { fill: #0c2d4b; stroke: #58a6ff; }
    .kind { fill: #8b949e; }
    .name { fill: #e6edf3; }
  }
"""


def svg(graph: Graph, title: str = "") -> str:
    """The text of an image.

    Args:
        graph: what to draw.
        title: what a reader of the page hears of the image.
    """
    sizes = [_size(node) for node in graph.nodes]
    hidden = [
        (number, edge.target)
        for edge in graph.edges
        if edge.kind == "requires"
        for number in _made_by(graph, edge.source)
    ]
    placed = place(sizes, [(edge.source, edge.target) for edge in graph.edges], hidden)
    return "\n".join(_lines(graph, sizes, placed, title)) + "\n"


def _made_by(graph: Graph, generator: int) -> list[int]:
    """The templates below a generator: what requires it stands to their right."""
    found = [generator]
    for number in found:  # grows while it is walked
        found += [child for child, node in enumerate(graph.nodes) if node.parent == number]
    return found[1:]


def _lines(graph: Graph, sizes: list[tuple[float, float]], placed: Placed, title: str) -> Iterator[str]:
    width, height = placed.width + 2 * MARGIN, placed.height + 2 * MARGIN
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="{-MARGIN:.0f} {-MARGIN:.0f} {width:.0f} {height:.0f}" role="img">'
    )
    yield f"<title>{_text(title)}</title>"
    yield f"<style>{_STYLE}</style>"
    yield (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="head" d="M0 0.5 L8 4 L0 7.5 z"/></marker></defs>'
    )
    for edge, bends in zip(graph.edges, placed.bends, strict=True):
        yield _arrow(edge, sizes, placed, bends)
    for node, size, corner in zip(graph.nodes, sizes, placed.corners, strict=True):
        yield from _box(node, size, corner)
    yield "</svg>"


def _arrow(edge: Edge, sizes: list[tuple[float, float]], placed: Placed, bends: tuple[tuple[float, float], ...]) -> str:
    (left, top), (width, height) = placed.corners[edge.source], sizes[edge.source]
    begin = left + width, top + height / 2
    end = placed.corners[edge.target][0], placed.corners[edge.target][1] + sizes[edge.target][1] / 2
    kind = "arrow makes" if edge.kind == "makes" else "arrow"
    if edge.source == edge.target:
        x, y = left + width / 2, top
        path = f"M{x + 12:.1f} {y:.1f} c14 -18 -38 -18 -24 0"
    else:
        path = f"M{begin[0]:.1f} {begin[1]:.1f}" + "".join(_curves([begin, *bends, end]))
    return f'<path class="{kind}" d="{path}" marker-end="url(#head)"/>'


def _curves(points: list[tuple[float, float]]) -> Iterator[str]:
    """Level at every point, so that the pieces meet without a corner."""
    for (x1, y1), (x2, y2) in pairwise(points):
        if abs(y1 - y2) < 0.05:
            yield f" L{x2:.1f} {y2:.1f}"
        else:
            middle = (x1 + x2) / 2
            yield f" C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"


def _box(node: Node, size: tuple[float, float], corner: tuple[float, float]) -> Iterator[str]:
    (width, height), (left, top) = size, corner
    look = " ".join(
        ["box", *(["generator"] if node.generates else []), *(["template"] if node.shape == "template" else [])]
    )
    count = _count(node)
    tip = f"{node.label} ({count} tasks)" if count else node.label
    yield f"<g><title>{_text(tip)}</title>"
    yield f'<rect class="{look}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="6"/>'
    x, y = left + PADDING, top + PADDING + 9
    yield _line("kind", x, y, node.kind)
    if count:
        yield _line("count", left + width - PADDING - _cells(count) * CELL, y, count)
    yield _line("name", x, y + LINE, node.description)
    yield "</g>"


def _line(kind: str, x: float, y: float, text: str) -> str:
    text = _cut(visible(text))
    length = _cells(text) * CELL
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" textLength="{length:.1f}">{_text(text)}</text>'


def _size(node: Node) -> tuple[float, float]:
    count = _count(node)
    first = _cells(_cut(visible(node.kind))) + (len(count) + 2 if count else 0)
    cells = max(first, _cells(_cut(visible(node.description))), 6)
    return cells * CELL + 2 * PADDING, 2 * LINE + 2 * PADDING - 3


def _count(node: Node) -> str:
    """How many tasks a template stands for."""
    if node.shape == "task":
        return ""
    return f"{TIMES}?" if node.count is None else f"{TIMES}{node.count:,}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _text(text: str) -> str:
    return escape(visible(text), {'"': "&quot;"})
