"""A graph as DOT, the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from otter.pipeline import visible
from otter.plan.graph import Graph


def dot(graph: Graph) -> str:
    """The text of a directed graph; a generator and its templates stand in a frame."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield "digraph step {"
    yield "    rankdir=LR"
    yield '    node [shape=box, style=rounded, fontname="sans-serif", fontsize=10]'
    yield '    edge [fontname="sans-serif", fontsize=9]'
    made: dict[int | None, list[int]] = {}
    for number, node in enumerate(graph.nodes):
        made.setdefault(node.parent, []).append(number)
    yield from _boxes(graph, made)
    for edge in graph.edges:
        style = "" if edge.kind == "requires" else f' [style=dashed, label="{_times(graph.nodes[edge.target].count)}"]'
        yield f"    n{edge.source} -> n{edge.target}{style}"
    yield "}"


def _boxes(graph: Graph, made: dict[int | None, list[int]]) -> Iterator[str]:
    """The boxes, each generator's in a frame of its own; frames nest, and are walked without recursion."""
    pending: list[tuple[int, int] | None] = [(number, 1) for number in reversed(made.get(None, []))]
    depth = 1
    while pending:
        item = pending.pop()
        if item is None:
            depth -= 1
            yield f"{'    ' * depth}}}"
            continue
        number, depth = item
        node, indent = graph.nodes[number], "    " * depth
        look = "bold,rounded" if node.generates else "dashed,rounded" if node.shape == "template" else ""
        box = f"n{number} [label={_quoted(node.label)}{f', style={_quoted(look)}' if look else ''}]"
        if number in made:
            yield f"{indent}subgraph cluster_{number} {{"
            yield f'{indent}    style="rounded"; color="gray70"'
            yield f"{indent}    {box}"
            pending.append(None)
            pending += [(child, depth + 1) for child in reversed(made[number])]
            depth += 1
        else:
            yield f"{indent}{box}"


def _times(count: int | None) -> str:
    return "any number" if count is None else f"{count}"


def _quoted(text: str) -> str:
    r"""A text in quotes. A backslash would begin an escape such as `\N`, the name of the node."""
    escaped = visible(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
