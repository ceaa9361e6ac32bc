"""The critical path: the chain of tasks that no number of workers makes shorter."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from otter.plan.simulation import Span


@attrs.frozen
class Link:
    """A task of the chain.

    Attributes:
        seconds: how long it takes.
        done: when it would be done if every task began as soon as what it requires is done.
    """

    name: str
    seconds: float
    done: float


def critical_path(spans: Sequence[Span]) -> tuple[Link, ...]:
    """The chain of tasks that ends last, in order.

    Args:
        spans: of a run, in the order in which the tasks began: whatever a task waited for comes before it. Tasks whose
            recorded outcome stands take no time, and are left out of the chain.
    """
    links: dict[str, Link] = {}
    before: dict[str, str | None] = {}
    parents: dict[str, str | None] = {}
    complete: dict[str, str] = {}
    """For each task the one that ends last among itself and all that it generated."""
    for span in spans:
        name = span.task.name
        waits = [complete[required] for required in span.task.requires if required in complete]
        if span.parent is not None:
            waits.append(span.parent)
        last = max(waits, key=lambda other: links[other].done, default=None)
        begins = links[last].done if last is not None else 0.0
        links[name] = Link(name, span.end - span.start, begins + span.end - span.start)
        before[name], parents[name], complete[name] = last, span.parent, name
        above = span.parent
        while above is not None:
            if links[complete[above]].done < links[name].done:
                complete[above] = name
            above = parents[above]
    place = max(links, key=lambda name: links[name].done, default=None)
    ran = {span.task.name for span in spans if span.worker is not None}
    chain: list[Link] = []
    while place is not None:
        chain += [links[place]] if place in ran else []
        place = before[place]
    return tuple(reversed(chain))
