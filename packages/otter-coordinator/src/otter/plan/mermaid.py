"""A graph as Mermaid, which Markdown viewers of code hosts draw."""

from __future__ import annotations

import re
from collections.abc import Iterator

from otter.pipeline import visible
from otter.plan.graph import Graph, Node

_SPECIAL = re.compile(r"[^\w .,:/()+=@-]")
"""Everything that Mermaid, or the Markdown or HTML that it makes of a label, might read."""


def mermaid(graph: Graph) -> str:
    """The text of a flow chart."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    yield "flowchart LR"
    for number, node in enumerate(graph.nodes):
        opening, closing = ("{{", "}}") if node.generates else ("[[", "]]") if node.shape == "template" else ("[", "]")
        yield f'    n{number}{opening}"{_label(node)}"{closing}'
    for edge in graph.edges:
        if edge.kind == "requires":
            yield f"    n{edge.source} --> n{edge.target}"
        else:
            count = graph.nodes[edge.target].count
            yield f"    n{edge.source} -. {count if count is not None else 'any number'} .-> n{edge.target}"
    for name, style in (("generator", "stroke-width:2px"), ("template", "stroke-dasharray:4 3")):
        chosen = [str(number) for number, node in enumerate(graph.nodes) if _class(node) == name]
        if chosen:
            yield f"    classDef {name} {style}"
            yield f"    class {','.join(f'n{number}' for number in chosen)} {name}"


def _class(node: Node) -> str:
    return "template" if node.shape == "template" else "generator" if node.generates else "task"


def _label(node: Node) -> str:
    return _SPECIAL.sub(lambda match: f"#{ord(match[0])};", visible(node.label))
