"""What waits for what in a step: requirements against names, and the cycles among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from otter.pipeline.graph import cycles, followers, reach
from otter.pipeline.names import Names
from otter.pipeline.nearest import Neighbours, suggestion
from otter.pipeline.patterns import Pattern
from otter.pipeline.problem import Finding, Hint, Path, Report
from otter.pipeline.tasks import Known, template_fields

MAX_COMPARED = 1000
"""Names that an unknown one is compared with one by one, which takes ten microseconds each."""
MAX_SUGGESTIONS = 200
"""Unknown requirements for which the nearest name is looked up."""

MAX_LINKS = 20
"""Links of a cycle that are shown each with its place; of a longer one, so many."""


class Waits:
    """The graph of a step.

    Each task is a node, by its position. A task that makes others has a second node, which stands for its being done
    with all that it made: requiring it leads there.

    Args:
        tasks: the tasks, templates among them.
        names: their names.
        report: takes each finding.
        unknown_may_come: some task of the step may make tasks of any name.
    """

    def __init__(
        self,
        tasks: Sequence[Known],
        names: Names,
        report: Report,
        *,
        unknown_may_come: bool,
    ) -> None:
        self._tasks = tasks
        self._names = names
        self._report = report
        self._unknown_may_come = unknown_may_come
        self._suggestions = 0
        self._neighbours: Neighbours | None = None
        self._done: dict[int, int] = {}
        self._owner: list[int] = []
        self._siblings: dict[tuple[int, str], int] = {}
        self.graph: list[list[int]] = [[] for _ in tasks]

    def check(self) -> None:
        """Report requirements that nothing can meet, and cycles."""
        tasks = self._tasks
        for position, task in enumerate(tasks):
            if task.children:
                self._done[position] = len(tasks) + len(self._owner)
                self._owner.append(position)
                self.graph.append([position])
            if task.pattern is not None and task.name is not None:
                self._siblings[task.parent, task.name] = position
        for position, task in enumerate(tasks):
            if task.parent >= 0:
                self.graph[position].append(task.parent)
                self.graph[self._done[task.parent]].append(self._end(position))
            if task.requires:
                self._require(position, task)
        for loop in cycles(self.graph):
            self._report_cycle(loop)

    def descendants(self, position: int) -> set[int]:
        """The positions of all tasks that start after a task is done."""
        if not hasattr(self, "_followers"):
            self._followers = followers(self.graph)
        return reach(self._followers, self._end(position))

    def _end(self, position: int) -> int:
        return self._done.get(position, position)

    def _require(self, position: int, task: Known) -> None:
        known, edges = self._names.positions, self.graph[position]
        seen: set[str] = set()
        for name, path in task.requires:
            other = known.get(name)
            if other is None and "$" in name:
                other = self._siblings.get((task.parent, name))
            if other == position:
                self._report(
                    Finding("self-requirement", "a task cannot require itself", path), made=bool(task.made_with)
                )
            elif other is not None:
                edges.append(self._end(other))
            else:
                self._unmet(task, name, path)
            if name in seen and not task.made_with:
                message = f"{name!r} is required twice"
                self._report(Finding("repeated-requirement", message, path, severity="warning"))
            seen.add(name)

    def _unmet(self, task: Known, name: str, path: Path) -> None:
        if self._unknown_may_come:
            return
        wanted = Pattern.of(name, task.values)
        if task.parent < 0 and len(wanted.pieces) > 1:
            return  # its placeholder is reported as undefined
        tasks, names = self._tasks, self._names
        made_later = (tasks[other].pattern for other in names.patterns)
        if any(pattern is not None and wanted.may_equal(pattern) for pattern in made_later):
            return
        if len(wanted.pieces) > 1 and any(wanted.may_equal(Pattern((other,))) for other in names.positions):
            return
        hint = None
        if self._suggestions < MAX_SUGGESTIONS:
            self._suggestions += 1
            hint = suggestion(name, self._candidates(name))
        how = f" ({task.made_how()})" if task.made_by("requires") else ""
        message = f"no task of this step has the name {name!r}{how}"
        self._report(Finding("unknown-requirement", message, path, hint=hint), made=bool(task.made_with))

    def _candidates(self, name: str) -> Iterable[str]:
        """Names that an unknown one may stand for."""
        names = self._names.positions
        if len(names) <= MAX_COMPARED:
            return names
        if self._neighbours is None:
            self._neighbours = Neighbours(names)
        return self._neighbours.of(name)

    def _report_cycle(self, loop: list[int]) -> None:
        """A cycle by the names of its tasks, with the place of each link."""
        tasks = self._tasks
        ways = [(node, loop[(at + 1) % len(loop)]) for at, node in enumerate(loop)]
        links: list[tuple[int, Hint, bool]] = []
        for node, other in ways:
            mine, others = self._task_of(node), self._task_of(other)
            if mine == others:
                continue
            links.append((mine, *self._link(node, other, mine, others)))
        names = [tasks[mine].name or "?" for mine, _, _ in links]
        # The place to mend is a requirement, not the fact that a generator makes what it makes.
        first = next((at for at, link in enumerate(links) if link[2]), 0)
        links, names = links[first:] + links[:first], names[first:] + names[:first]
        generated = any(not link[2] for link in links)
        self._report(
            Finding(
                "cycle",
                f"these tasks wait for each other: {_chain(names)}",
                links[0][1].path,
                hint="requiring a generator means: after all that it generated" if generated else None,
                related=tuple(link[1] for link in links[:MAX_LINKS]),
            )
        )

    def _task_of(self, node: int) -> int:
        return node if node < len(self._tasks) else self._owner[node - len(self._tasks)]

    def _link(self, node: int, other: int, mine: int, others: int) -> tuple[Hint, bool]:
        """Why one node waits for another, and whether it is a requirement."""
        task, wanted = self._tasks[mine], self._tasks[others]
        if node == mine:
            for name, path in task.requires:
                if self._names.positions.get(name) == others or self._siblings.get((task.parent, name)) == others:
                    return Hint(f"{task.name!r} requires {wanted.name!r}", path), True
            return Hint(f"{task.name!r} is made by {wanted.name!r}", (*task.path, "name")), False
        return Hint(f"{task.name!r} is done when {wanted.name!r} is, which it makes", (*wanted.path, "name")), False


def makes_unknown_names(tasks: Sequence[Known]) -> bool:
    """Whether some task may make tasks of which its templates say nothing."""
    return any(
        task.kind is not None
        and task.kind.type.generates
        and not any(task.spec.get(field) for field in template_fields(task))
        for task in tasks
        if isinstance(task.spec, Mapping)
    )


def _chain(names: Sequence[str]) -> str:
    """The names of a cycle, the first again at the end."""
    if len(names) > MAX_LINKS:
        names = [*names[: MAX_LINKS // 2], f"… ({len(names) - MAX_LINKS:,} more) …", *names[-MAX_LINKS // 2 :]]
    return " -> ".join([*names, names[0]])
