"""`Ledger`: what is known of each task beside its scheduling: its spec, its attempts, its part of the manifest.

Specs and finished parts of the manifest are kept as JSON text, since a run may have a million of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import orjson

from otter.manifest.model import Result
from otter.pipeline.values import texts
from otter.scratchpad.model import Scratchpad, placeholders
from otter.step.coordinator.carried import spec_json
from otter.step.coordinator.events import NewTask, Outcome, TaskId
from otter.step.coordinator.history import Committed, History
from otter.task.policy import Policy
from otter.task.task_registry import unknown_type
from otter.task.task_type import SPEC_REF, TaskType
from otter.util.errors import ScratchpadError, SpecError
from otter.util.values import Shown, Value

TASK_FIELDS: dict[str, Any] = {
    "name": None, "result": Result.PENDING.value, "started_run_at": None, "finished_run_at": None, "run_elapsed": None,
    "started_validation_at": None, "finished_validation_at": None, "validation_elapsed": None, "elapsed": None,
    "log": [], "artifacts": [], "failure_reason": None,
}  # fmt: skip
"""What every task's part of the manifest has, in this order; other programs rely on it."""

RESULTS = {
    Outcome.SUCCESS: Result.SUCCESS.value,
    Outcome.FAILURE: Result.FAILURE.value,
    Outcome.ABORTED: Result.ABORTED.value,
    Outcome.SKIPPED: Result.PENDING.value,
}

Table = dict[str, Any]


def utc_text(seconds: float) -> str:
    """A wall-clock time as the manifest has it."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@attrs.define(eq=False, repr=False)
class Dispatched(Shown):
    """An attempt that a worker has.

    Attributes:
        payload: its spec as it was sent.
        began: wall-clock time of its beginning; none before it.
        answered: its worker has answered for it; another answer would be a forgery.
        pages: tables of specs that it has generated so far.
        pages_seen: how many messages they came in.
        generated: how many specs came.
    """

    worker: int
    attempt: int
    payload: bytes
    began: float | None = None
    answered: bool = False
    pages: list[Table] = attrs.field(factory=list)
    pages_seen: int = 0
    generated: int = 0


@attrs.frozen(eq=False, repr=False)
class Draft(Value):
    """Tasks to add: for the scheduler, and for the ledger."""

    tasks: tuple[NewTask, ...]
    specs: list[bytes]


NO_TASKS = Draft((), [])


class Ledger:
    """Specs and records by task.

    Args:
        defaults: policy of tasks whose spec has none.

    Attributes:
        scratchpad: values for the placeholders of policies.
        types: published task types by name; empty until a worker has said hello.
        worker_versions: of Python and of the distributions, as the first worker said them, by name.
        dispatched: the attempts that workers have.
        lost: specs of attempts whose worker died, until their tasks are tried again or committed.
        history: what earlier runs did; empty without --resume.
        stored: names of the scratchpad values that tasks made.
    """

    def __init__(self, defaults: Policy) -> None:
        self.types: Mapping[str, TaskType] = {}
        self.worker_versions: dict[str, str] = {}
        self.scratchpad = Scratchpad()
        self.specs: list[bytes] = []
        self.entries: list[bytes | Committed | None] = []
        self.history = History()
        self.stored: set[str] = set()
        self.attempts: dict[TaskId, list[Table]] = {}
        self.dispatched: dict[TaskId, Dispatched] = {}
        self.lost: dict[TaskId, bytes] = {}
        self._defaults = defaults
        self._policies: dict[bytes, Policy] = {}
        self._templates: dict[str, frozenset[str]] = {}

    def draft(self, tables: Iterable[Table], recorded: Mapping[str, Any]) -> Draft:
        """What the scheduler needs of specs, and the specs as the ledger will keep them. Enters nothing.

        Args:
            tables: the specs; placeholders in the names of generated ones must be replaced already.
            recorded: names that an earlier run committed.

        Raises:
            SpecError: a spec has no usable name, is of an unknown type, has a policy that does not fit, holds what JSON
                cannot carry, or is too large.
        """
        tasks, specs = [], []
        made = self.history.attempts_made if self.history.unfinished else None
        for given in tables:
            try:
                table = _without_defaults(given)
                name = table["name"]
                kind = table.get("task_type") or name.split(None, 1)[0]
                requires = table.get("requires", [])
                if not isinstance(requires, list):
                    raise TypeError("a text would be taken for a list of letters")
                requires = tuple(requires)
                "".join((name, kind, *requires))  # what a worker sends may have any type
            except (KeyError, AttributeError, IndexError, TypeError, ValueError):
                raise SpecError(f"a spec needs a name of a task type and a description: {str(given)[:200]}") from None
            known = self.types.get(kind)
            if known is None and self.types:
                raise SpecError(f"{name}: {unknown_type(kind, self.types)}")
            policy = self._policy(table.pop("policy")) if "policy" in table else self._defaults
            asynchronous = known is not None and known.asynchronous
            attempts = made(name) if made is not None else 0
            tasks.append(NewTask(name, kind, requires, policy, asynchronous, name in recorded, attempts))
            specs.append(_compact(spec_json(table)))
        return Draft(tuple(tasks), specs)

    def typed(self, draft: Draft) -> Draft:
        """A draft that may have been made before the task types were known, with what depends on them.

        Raises:
            SpecError: a spec is of an unknown type.
        """
        asynchronous: set[str] = set()
        for kind in {task.kind for task in draft.tasks} if self.types else ():
            known = self.types.get(kind)
            if known is None:
                name = next(task.name for task in draft.tasks if task.kind == kind)
                raise SpecError(f"{name}: {unknown_type(kind, self.types)}")
            if known.asynchronous:
                asynchronous.add(kind)
        if not asynchronous:
            return draft
        tasks = (attrs.evolve(task, asynchronous=task.kind in asynchronous) for task in draft.tasks)
        return Draft(tuple(tasks), draft.specs)

    def enter(self, draft: Draft) -> None:
        """Keep the specs of tasks that the scheduler is about to add, with the attempts that earlier runs made."""
        if self.history.unfinished:
            for place, task in enumerate(draft.tasks, len(self.specs)):
                if task.attempts:
                    self.attempts[TaskId(place)] = list(self.history.attempts_of(task.name))
        self.specs += draft.specs
        self.entries += [None] * len(draft.specs)

    def _policy(self, table: Any) -> Policy:
        if not table:
            return self._defaults
        if not isinstance(table, dict):
            raise SpecError(f"policy must be a table, not {table!r}")
        key = orjson.dumps(table, option=orjson.OPT_SORT_KEYS)
        policy = self._policies.get(key)
        if policy is None:
            table = self.scratchpad.replace(table) if b"$" in key else table
            policy = self._policies[key] = Policy.from_table(table, self._defaults)
        return policy

    def payload(self, task: TaskId, kind: str, scratchpad: Scratchpad) -> bytes:
        """The spec of a task with its placeholders replaced, as JSON. Templates inside it are left to its generator.

        Raises:
            ScratchpadError: a placeholder is undefined.
        """
        raw = self.specs[task]
        if b"$" not in raw:
            return raw
        table = orjson.loads(raw)
        known = self.types.get(kind)
        ignore = bool(table.get("scratchpad_ignore_missing")) or (known is not None and known.ignores_missing)
        templates = self._template_fields(known) if known is not None else frozenset()
        kept = {key: table.pop(key) for key in templates if key in table}
        try:
            table = scratchpad.replace(table, ignore_missing=ignore)
        except ScratchpadError as error:
            raise ScratchpadError(f"{error}, which it uses", missing=error.missing) from error
        return orjson.dumps({**table, **kept}, option=orjson.OPT_SORT_KEYS)

    def from_tasks(self, task: TaskId, kind: str) -> list[str] | None:
        """The fields of a spec into which values come that tasks made; none where there are none."""
        raw = self.specs[task]
        if b"$" not in raw:
            return None
        known = self.types.get(kind)
        templates = self._template_fields(known) if known is not None else frozenset()
        fields = [
            field
            for field, value in orjson.loads(raw).items()
            if field not in templates and not self.stored.isdisjoint(_names_in(value))
        ]
        return fields or None

    def _template_fields(self, known: TaskType) -> frozenset[str]:
        fields = self._templates.get(known.name)
        if fields is None:
            fields = frozenset(field.name for field in known.fields if SPEC_REF in str(field.schema))
            self._templates[known.name] = fields
        return fields

    def resolve_names(self, tables: list[Any], scratchpad: Scratchpad) -> list[Any]:
        """Generated specs with the placeholders of names and requirements replaced; nobody can wait for a template.

        What a worker sent may have any form: `draft` refuses what is no spec.

        Raises:
            ScratchpadError: a placeholder is undefined.
        """
        resolved = []
        for table in tables:
            names = {key: table.get(key) for key in ("name", "requires")} if isinstance(table, dict) else {}
            requires = names.get("requires")
            if "$" in str(names.get("name")) or (isinstance(requires, list) and any("$" in str(n) for n in requires)):
                table = {**table, **scratchpad.replace(names)}
            resolved.append(table)
        return resolved

    def note_attempt(self, task: TaskId, facts: Table) -> None:
        """Remember an attempt that is over."""
        self.attempts.setdefault(task, []).append(facts)

    def close_entry(self, task: TaskId, entry: Table) -> bytes:
        """Make a task's part of the manifest final.

        Args:
            entry: what its worker reported and what the engine knows; its attempts are added.
        """
        attempts = self.attempts.pop(task, None)
        if attempts:
            entry["attempts"] = attempts
        data = self.entries[task] = _compact(orjson.dumps(entry, option=orjson.OPT_UTC_Z))
        return data

    def entry(self, task: TaskId) -> bytes | None:
        """A task's part of the manifest, once it is final."""
        entry = self.entries[task]
        if isinstance(entry, Committed):  # of an earlier run, whose journal has it: read when it is asked for
            return self.history.entry_of(entry)[:-1] + b',"reused":true}'
        return entry

    def name(self, task: TaskId) -> str:
        """The name of a task, from its spec."""
        return str(orjson.loads(self.specs[task])["name"])


def _names_in(value: Any) -> Iterator[str]:
    """The names of the placeholders in a value, at any depth."""
    return (name for _, text in texts(value) for name in placeholders(text))


def _without_defaults(given: Table) -> Table:
    """A copy of a spec without what every spec has at its default: a run may have a million of them."""
    table = dict(given)
    if not table.get("requires", True):
        del table["requires"]
    if table.get("scratchpad_ignore_missing") is False:
        del table["scratchpad_ignore_missing"]
    return table


def _compact(data: bytes) -> bytes:
    """A copy without the room to grow that the serialiser leaves behind: 4 kB or more for the shortest text."""
    return bytes(memoryview(data))
