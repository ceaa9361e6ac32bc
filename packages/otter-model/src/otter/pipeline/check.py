"""Everything that can be wrong with a step before it runs, found in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from otter.pipeline.fields import FieldCheck, Use
from otter.pipeline.kinds import Kinds, subpath
from otter.pipeline.limits import MAX_SPEC
from otter.pipeline.names import Names
from otter.pipeline.nearest import suggestion
from otter.pipeline.patterns import Pattern
from otter.pipeline.problem import Finding, Hint, Path
from otter.pipeline.tasks import MAX_MADE, Known, made_from, template_fields
from otter.pipeline.values import Values, size_of, texts
from otter.pipeline.waits import Waits, makes_unknown_names
from otter.scratchpad.model import placeholders
from otter.task.policy import Policy
from otter.task.task_type import TaskType
from otter.util.convert import describe_value
from otter.util.units import format_size

SpecProblems = Callable[[list[dict[str, Any]]], Sequence[Iterable[tuple[str, str]]]]
"""Judges specs whose types have checks of their own code: for each spec pairs of a path within it and a sentence."""

MAX_ORDER_CHECKS = 200
"""Names that tasks store, whose readers are looked up: each costs a walk over the step."""


class StepCheck:
    """Finds what is wrong with one step, once. It begins with the names, which nobody needs the task types for.

    Args:
        step: its name.
        specs: its tables.
        values: what is known of placeholders.
        defaults: the policy of tasks that say nothing.
        pools: the sizes of the pools by name.
    """

    def __init__(
        self,
        step: str,
        specs: Sequence[Any],
        values: Values,
        *,
        defaults: Policy,
        pools: Mapping[str, int],
    ) -> None:
        self._findings: list[Finding] = []
        self._seen: set[tuple[str, Path]] = set()
        self._uses: list[Use] = []
        self._tasks = [Known(spec, ("steps", step, index), spec, values) for index, spec in enumerate(specs)]
        self._names = Names(self._report)
        self._defaults, self._pools = defaults, pools
        self._made = False
        self._listed = len(self._tasks)
        for position, task in enumerate(self._tasks):
            if isinstance(task.spec, dict):
                self._names.add(position, task, self._tasks)

    def run(
        self,
        task_types: Mapping[str, TaskType] | None,
        *,
        lenient: bool = False,
        spec_problems: SpecProblems | None = None,
    ) -> list[Finding]:
        """All findings, in no particular order.

        Args:
            task_types: what the workers can run; none when that is not known, which leaves out all that depends on it.
            lenient: a field that no type declares is worth a warning only.
            spec_problems: judges specs whose types have checks that only their own code can make.
        """
        tasks, names, listed = self._tasks, self._names, self._listed
        kinds = self._kinds = None if task_types is None else Kinds(task_types)
        fields = FieldCheck(lenient, self._defaults, self._pools, self._report, self._uses)
        for position, task in enumerate(tasks):  # grows while it is walked
            self._made = bool(task.made_with)
            if isinstance(task.spec, dict):
                if position >= listed:
                    names.add(position, task, tasks)
                if kinds is not None:
                    names.find_kind(task, kinds)
                fields.check(position, task)
                if self._kinds is not None:
                    self._make(position, task)
            else:
                message = f"a task is a table, got {describe_value(task.spec)}"
                self._report(Finding("task-type", message, task.path))
        self._made = False
        waits = Waits(
            tasks, names, self._report,
            unknown_may_come=self._kinds is None or makes_unknown_names(tasks),
        )  # fmt: skip
        waits.check()
        self._judge_uses(waits)
        if spec_problems is not None:
            self._ask_types(spec_problems)
        del self._names  # it refers back to here, and all tasks would stay until the next collection
        return self._findings

    def _report(self, finding: Finding, *, made: bool = False) -> None:
        if made or self._made:
            key = finding.code, finding.path
            if key in self._seen:
                return
            self._seen.add(key)
        self._findings.append(finding)

    def _make(self, position: int, task: Known) -> None:
        """Add what the templates of a task make."""
        kind = task.kind
        if kind is not None and not kind.nested:
            return
        self._check_shadows(task)
        first = len(self._tasks)
        self._tasks.extend(made_from(task, position, MAX_MADE - first))
        if len(self._tasks) > first:
            task.children = list(range(first, len(self._tasks)))

    def _check_shadows(self, task: Known) -> None:
        """A name of templates that the generator around them has, too, is replaced before they are made."""
        names = task.kind.local_names(task.spec) if task.kind is not None else None
        templates = [task.raw.get(field) for field in template_fields(task)]
        used = {name for _, text in texts(templates) for name in placeholders(text)}
        for name in sorted(used & (names or frozenset())):
            if name in task.made_with or (task.locals is not None and name in task.locals):
                self._report(
                    Finding(
                        "shadowed-name",
                        f"${{{name}}} is that of the generator around this one: these templates never see their own",
                        task.path,
                        hint="give one of them another name",
                        severity="warning",
                        at=(*task.path, "name"),
                    )
                )

    def _judge_uses(self, waits: Waits) -> None:
        """Report placeholders that nothing defines, and those that may not be defined in time."""
        if not self._uses:
            return
        keys: dict[str, list[int]] = {}
        patterns: list[Pattern] = []
        anything = self._kinds is None
        for position, task in enumerate(self._tasks):
            anything = anything or (task.kind is not None and task.kind.stores_unknown)
            key = _stored_key(task)
            if key is not None and task.values.unknown(key):
                patterns.append(Pattern.of(key, task.values))
            elif key is not None:
                keys.setdefault(str(task.values.resolve(key)), []).append(position)
        readers: dict[str, list[Use]] = {}
        for use in self._uses:
            if use.name in keys:
                readers.setdefault(use.name, []).append(use)
            elif not anything and not any(Pattern((use.name,)).may_equal(pattern) for pattern in patterns):
                self._undefined(use, keys)
        for name in list(readers)[:MAX_ORDER_CHECKS]:
            self._check_order(name, keys[name], readers[name], waits)

    def _undefined(self, use: Use, keys: Mapping[str, list[int]]) -> None:
        task = self._tasks[use.task]
        known = [*task.values, *keys, *(task.locals or ()), *task.made_with]
        self._report(
            Finding(
                "undefined-placeholder",
                f"nothing defines ${{{use.name}}}",
                use.path,
                hint=suggestion(use.name, known, "define it under [scratchpad], or write $$ for a dollar"),
                text=f"${{{use.name}}}",
            )
        )

    def _check_order(self, name: str, writers: list[int], readers: list[Use], waits: Waits) -> None:
        """Warn of tasks that read a value and do not wait for the task that stores it."""
        after: set[int] = set()
        for writer in writers:
            after |= waits.descendants(writer)
        stored_by = self._tasks[writers[0]]
        place = "scratchpad_key" if "scratchpad_key" in stored_by.spec else "name"
        for use in readers:
            if use.task not in after:
                self._report(
                    Finding(
                        "unordered-placeholder",
                        f"${{{name}}} is stored by {stored_by.name!r}, for which this task does not wait",
                        use.path,
                        hint=f'requires = ["{stored_by.name}"]',
                        severity="warning",
                        text=f"${{{name}}}",
                        related=(Hint("it is stored by this task", (*stored_by.path, place)),),
                    )
                )

    def _ask_types(self, judge: SpecProblems) -> None:
        """Let the types' own code judge what is sound so far and known in full."""
        for task in reversed(self._tasks):  # what a task makes stands in its spec
            if not task.sound and task.parent >= 0:
                self._tasks[task.parent].sound = False
        asked = [task for task in self._tasks if task.sound and task.complete and _checks_itself(task)]
        if not asked:
            return
        specs = [task.values.resolve(task.spec) for task in asked]
        for task, spec, answers in zip(asked, specs, judge(specs), strict=True):
            for where, message in answers:
                how = f" ({task.made_how()})" if task.made_with else ""
                finding = Finding("refused", f"{message}{how}", (*task.path, *subpath(spec, where)))
                self._report(finding, made=bool(task.made_with))


def _stored_key(task: Known) -> str | None:
    """The name under which a task stores a value: its `scratchpad_key`, or its own name where it leaves that out."""
    if not isinstance(task.spec, dict):
        return None
    key = task.spec.get("scratchpad_key")
    if key is None and task.kind is not None and task.kind.type.stores and "scratchpad_key" in task.kind.convert:
        key = task.name
    return key if isinstance(key, str) else None


def _checks_itself(task: Known) -> bool:
    return task.kind is not None and task.kind.type.validates and task.pattern is None


def too_large(step: str, specs: Sequence[Any]) -> list[Finding]:
    """The tasks of a step whose specs no frame has room for."""
    found = []
    for index, spec in enumerate(specs):
        size = size_of(spec)
        if size > MAX_SPEC:
            message = f"this task has {format_size(size)}; a worker takes {format_size(MAX_SPEC)} at most"
            hint = "what is larger belongs into a file"
            found.append(Finding("too-large", message, ("steps", step, index), hint=hint))
    return found
