"""Why each task of a run ran, or did not: what `--explain` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from otter.step.coordinator.history import KEPT, History
from otter.step.coordinator.task_node import Ready, Skipped, TaskNode, Waiting
from otter.util.values import Value


@attrs.frozen(eq=False, repr=False)
class Explanation(Value):
    """Why a task ran, or did not.

    Attributes:
        runs: it ran, or would have run, had it come to its turn.
    """

    name: str
    runs: bool
    why: str


def explain(nodes: Sequence[TaskNode], history: History, reasons: Mapping[str, str]) -> Iterator[Explanation]:
    """Explain every task, after a run with --resume.

    Args:
        history: what earlier runs did.
        reasons: why what they completed has to run again.
    """
    for node in nodes:
        if type(node.state) is Skipped:
            cause = nodes[node.state.cause].name
            yield Explanation(node.name, runs=False, why=f"not begun: it needs {cause!r}, which did not succeed")
        elif type(node.state) is Waiting:
            yield Explanation(node.name, runs=False, why="not begun: the run ended before what it requires was done")
        elif node.new.recorded and node.name not in reasons and type(node.state) is not Ready:
            yield Explanation(node.name, runs=False, why=KEPT)
        else:
            yield Explanation(node.name, runs=True, why=reasons.get(node.name) or history.why_again(node.name))
