"""What a run of a step would do, in what order, why, and how long it would take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from otter.config.model import Config
from otter.pipeline import Pipeline
from otter.pipeline.settings import DEFAULT_CONCURRENCY
from otter.plan.critical import Link, critical_path
from otter.plan.durations import Basis, Durations
from otter.plan.outline import Outline, Outlined, outline
from otter.plan.reuse import Reuse
from otter.plan.simulation import Simulation, Span, Timeline
from otter.step.coordinator.events import NewTask
from otter.step.coordinator.history import History
from otter.step.coordinator.ledger import Ledger, Table
from otter.step.coordinator.scheduler import Settings
from otter.task.task_type import TaskType

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Numbers of workers for which a duration is foretold, as far as more of them help."""

GAIN = 0.97
"""A larger pool helps if it makes the run shorter than this part of its duration."""


@attrs.frozen
class Entry:
    """A task of the plan.

    Attributes:
        action: `run`, or `reuse` for one whose recorded outcome stands.
        why: what it waits for, or with `--resume` why it runs or does not.
        made_by: the task that generates it.
        start: seconds after the beginning of the run; none where no duration is known.
        seconds: how long it is expected to take.
        basis: what that rests on.
    """

    name: str
    kind: str
    action: Literal["run", "reuse"]
    why: str
    requires: tuple[str, ...]
    made_by: str | None
    start: float | None
    seconds: float
    basis: Basis


@attrs.frozen
class Forecast:
    """The plan of a step.

    Attributes:
        entries: in the order in which the tasks would begin.
        unknown: generators of which nobody knows how many tasks they will make.
        elapsed: seconds that the run would take; none where no duration is known.
        work: seconds of all its tasks together.
        path: the critical path.
        by_pool_size: seconds by number of workers.
        stuck: why the run would not succeed; none if it would.
    """

    step: str
    pool_size: int
    entries: tuple[Entry, ...]
    unknown: tuple[str, ...]
    elapsed: float | None
    work: float
    path: tuple[Link, ...]
    by_pool_size: Mapping[int, float]
    stuck: str | None

    def count(self, action: Literal["run", "reuse"]) -> int:
        """How many tasks would run, or be taken over."""
        return sum(entry.action == action for entry in self.entries)

    def to_json(self) -> dict[str, Any]:
        """The plan as plain values, for programs."""
        table = attrs.asdict(self)
        table["by_pool_size"] = {str(size): seconds for size, seconds in self.by_pool_size.items()}
        return table


@attrs.define(eq=False)
class Forecaster:
    """Makes the plan of one step, which has no mistakes.

    Args:
        pipeline: the file.
        config: the configuration of the run.
        types: what the workers can run.
        values: scratchpad values that win over those of the file.
        durations: what an earlier run tells.
        history: what earlier runs committed; none without `--resume`.
    """

    pipeline: Pipeline
    config: Config
    types: Mapping[str, TaskType]
    values: Mapping[str, Any]
    durations: Durations
    history: History | None = None
    _outline: Outline = attrs.field(init=False)
    _ledger: Ledger = attrs.field(init=False)
    _tables: dict[str, Table] = attrs.field(init=False, factory=dict)
    _names: set[str] = attrs.field(init=False, factory=set)
    _made: dict[str, tuple[NewTask, ...]] = attrs.field(init=False, factory=dict)
    _unknown: list[str] = attrs.field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self._outline = outline(self.pipeline, self.config.step, self.types, self.values)
        self._ledger = Ledger(self.pipeline.defaults)
        self._ledger.types = self.types
        specs = self.pipeline.specs(self.config.step, scratchpad=self.values)
        self._tables = {spec.name: spec.model_dump() for spec in specs}
        concrete = [task for task in self._outline.tasks if task.pattern is None]
        generators = [task for task in concrete if task.generates]
        open_ones = [task.name for task in generators if not self._is_known(task)]
        self._unknown = [name for name in open_ones if name not in self.durations.generated]
        self._names = {task.name for task in concrete} | self._recorded_below(open_ones)
        for task in generators:
            if self._is_known(task):
                self._made[task.name] = tuple(self._draft(self._outline.tasks[child]) for child in task.children)

    def forecast(self) -> Forecast:
        """The plan."""
        timeline, reasons = self._simulate(self.config.pool_size)
        measured = any(self._basis(span.task) is not Basis.UNKNOWN for span in timeline.spans)
        return Forecast(
            step=self.config.step,
            pool_size=self.config.pool_size,
            entries=tuple(self._entry(span, reasons, measured) for span in timeline.spans),
            unknown=tuple(self._unknown),
            elapsed=timeline.elapsed if measured else None,
            work=sum(span.end - span.start for span in timeline.spans) if measured else 0.0,
            path=critical_path(timeline.spans) if measured else (),
            by_pool_size=self._by_pool_size(timeline) if measured else {},
            stuck=timeline.stuck,
        )

    def _simulate(self, pool_size: int) -> tuple[Timeline, Mapping[str, str]]:
        reuse = None
        if self.history is not None:
            values = {**self.pipeline.scratchpad, **self.values}
            reuse = Reuse(self.history, self._tables, self._ledger, values)
        simulation = Simulation(
            self._settings(pool_size),
            expect=self._expect,
            expand=lambda task: self._made.get(task.name) or self._recorded(task.name),
            decide=reuse.decide if reuse is not None else None,
            start=self.durations.start,
        )
        listed = tuple(self._draft(task) for task in self._outline.tasks if task.parent is None)
        return simulation.run(listed), reuse.reasons if reuse is not None else {}

    def _expect(self, task: NewTask) -> float:
        if not self.durations.means:
            return 1.0  # all alike, so that the order is that of equals
        return self.durations.expect(task.name, task.kind)[0]

    def _settings(self, pool_size: int) -> Settings:
        workers = self.pipeline.workers
        return Settings(
            pool_size=pool_size,
            concurrency=workers.concurrency or DEFAULT_CONCURRENCY,
            pools=self.pipeline.pools,
            max_specs=self.pipeline.settings.get("max_specs", 1_000_000),
            starts_at_once=max(2, pool_size),
        )

    def _by_pool_size(self, chosen: Timeline) -> dict[int, float]:
        durations = {self.config.pool_size: chosen.elapsed}
        before = float("inf")
        for size in SIZES:
            elapsed = durations.get(size)
            if elapsed is None:
                elapsed = durations[size] = self._simulate(size)[0].elapsed
            if elapsed > before * GAIN:
                break
            before = elapsed
        return dict(sorted(durations.items()))

    # --- tasks --------------------------------------------------------------------------------------------------------

    def _is_known(self, generator: Outlined) -> bool:
        """Whether the file tells all tasks that a generator makes."""
        children = [self._outline.tasks[child] for child in generator.children]
        return bool(children) and all(child.pattern is None for child in children)

    def _recorded_below(self, generators: list[str]) -> set[str]:
        """What generators made in the earlier run, and what that made."""
        found: set[str] = set()
        pending = list(generators)
        while pending:
            names = {made.name for made in self.durations.generated.get(pending.pop(), ())} - found
            found |= names
            pending += names
        return found

    def _recorded(self, name: str) -> tuple[NewTask, ...]:
        made = self.durations.generated.get(name, ())
        return tuple(self._new(task.name, task.requires, self._policy_of(task.name)) for task in made)

    def _policy_of(self, name: str) -> Any:
        """The policy of the template that may have made a task."""
        places = [place for place in self._outline.makers(name) if self._outline.tasks[place].pattern is not None]
        return self._outline.tasks[places[0]].policy if places else None

    def _draft(self, task: Outlined) -> NewTask:
        return self._new(task.name, task.requires, task.policy)

    def _new(self, name: str, requires: tuple[str, ...], policy: Any) -> NewTask:
        table = {"name": name, "requires": list(dict.fromkeys(self._waits_for(requires)))}
        if policy is not None:
            table["policy"] = policy
        recorded = self.history.committed if self.history is not None else {}
        return self._ledger.draft([table], recorded).tasks[0]

    def _waits_for(self, requires: tuple[str, ...]) -> list[str]:
        """The names that a task requires; for one that only run time will give, the generator that may give it."""
        found = []
        for name in requires:
            if name in self._names:
                found.append(name)
                continue
            for place in self._outline.makers(name):
                above = self._outline.tasks[place].parent
                while above is not None and self._outline.tasks[above].pattern is not None:
                    above = self._outline.tasks[above].parent
                if above is not None:
                    found.append(self._outline.tasks[above].name)
        return found

    def _basis(self, task: NewTask) -> Basis:
        return self.durations.expect(task.name, task.kind)[1]

    def _entry(self, span: Span, reasons: Mapping[str, str], measured: bool) -> Entry:
        task = span.task
        seconds, basis = self.durations.expect(task.name, task.kind)
        why = _waits(task, span.parent)
        if self.history is not None:
            why = reasons.get(task.name) or self.history.why_again(task.name)
        reused = span.worker is None
        return Entry(
            task.name, task.kind, "reuse" if reused else "run", why, task.requires, span.parent,
            span.start if measured else None, 0.0 if reused else seconds, basis,
        )  # fmt: skip


def _waits(task: NewTask, parent: str | None) -> str:
    parts = [f"made by {parent!r}"] if parent is not None else []
    if task.requires:
        more = f" and {len(task.requires) - 3} more" if len(task.requires) > 3 else ""
        parts.append(f"after {', '.join(map(repr, task.requires[:3]))}{more}")
    return ", ".join(parts) or "requires nothing"
