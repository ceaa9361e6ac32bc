"""One task against its type: its fields, what they accept, and the placeholders in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from otter.pipeline.kinds import Kind, subpath
from otter.pipeline.nearest import suggestion
from otter.pipeline.problem import Finding, Hint, Path, Report
from otter.pipeline.tasks import Known, template_fields
from otter.pipeline.values import at, inexact, texts
from otter.pipeline.writer import value_text
from otter.scratchpad.model import placeholders
from otter.task.model import Spec
from otter.task.policy import Policy
from otter.task.task_type import ENGINE_KEYS
from otter.util.convert import MisfitError, converter_for
from otter.util.errors import SpecError
from otter.util.record import reserved_names
from otter.util.values import Value

_RESERVED = reserved_names(Spec)
_ENGINE_KEYS = frozenset(ENGINE_KEYS)
_to_bool = converter_for(bool)


@attrs.frozen(eq=False, repr=False)
class Use(Value):
    """A placeholder that nothing known before the start defines."""

    name: str
    task: int
    path: Path


@attrs.frozen(eq=False, repr=False)
class FieldCheck(Value):
    """Checks the fields of one task after another.

    Attributes:
        lenient: a field that no type declares is worth a warning only.
        defaults: the policy of tasks that say nothing.
        pools: the sizes of the pools by name.
        report: takes each finding.
        uses: takes each placeholder that is still to be judged.
    """

    lenient: bool
    defaults: Policy
    pools: Mapping[str, int]
    report: Report
    uses: list[Use]

    def check(self, position: int, task: Known) -> None:
        """Check the fields of a task that has a table; those of the engine too, other than its name."""
        kind, spec = task.kind, task.spec
        ignores = self._ignores(task)
        if kind is not None:
            for name in kind.required:
                if name not in spec:
                    self._missing(task, kind, name)
            convert, plain, open_ = kind.convert, kind.texts, kind.type.open
            for name, value in spec.items():
                if name in plain and type(value) is str and ("$" not in value or _stays_text(task, value)):
                    continue
                if name in _ENGINE_KEYS:
                    continue
                if name in convert:
                    self._field(position, task, name, value, ignores)
                else:
                    if name in _RESERVED or not open_:
                        self._unknown_field(task, kind, name)
                    self._any_value(position, task, name, value, ignores)
        else:
            for name, value in spec.items():
                if name not in _ENGINE_KEYS and (type(value) is not str or "$" in value):
                    self._any_value(position, task, name, value, ignores)
        if "requires" in spec:
            task.requires = tuple(self._requires(position, task, spec["requires"]))
        if "policy" in spec:
            self._policy(position, task, spec["policy"])

    def _ignores(self, task: Known) -> bool:
        """Whether the task leaves placeholders that nothing defines as they stand."""
        ignores = False
        if "scratchpad_ignore_missing" in task.spec:
            try:
                ignores = _to_bool(task.values.resolve(task.spec["scratchpad_ignore_missing"]))
            except MisfitError as error:
                self._misfit(task, "scratchpad_ignore_missing", (), error.problems[0][1])
        kind = task.kind
        # A generator leaves them for the sake of its templates, which are checked for themselves.
        known_templates = kind is not None and kind.nested and kind.type.do_placeholders is not None
        return ignores or (kind is not None and kind.type.ignores_missing and not known_templates)

    def _missing(self, task: Known, kind: Kind, name: str) -> None:
        task.sound = False
        self.report(
            Finding(
                "missing-field",
                f"the field {name!r} is missing: {kind.type.name} cannot do without",
                (*task.path, name),
                hint=f"add {name} = … ({kind.expected[name]})",
                at=(*task.path, "name"),
            )
        )

    def _unknown_field(self, task: Known, kind: Kind, name: str) -> None:
        path = (*task.path, name)
        if name in _RESERVED:
            task.sound = False
            self.report(
                Finding("reserved-field", f"the name {name!r} belongs to otter and can be no field", path, part="key")
            )
            return
        fields = list(kind.convert)
        has = f"{kind.type.name} has {', '.join(fields)}" if fields else f"{kind.type.name} has no fields of its own"
        self.report(
            Finding(
                "unknown-field",
                f"{kind.type.name} has no field {name!r}",
                path,
                hint=suggestion(name, [*fields, *ENGINE_KEYS], has),
                part="key",
                severity="warning" if self.lenient else "error",
            )
        )

    def _any_value(self, position: int, task: Known, name: str, value: Any, ignores: bool) -> None:
        """A value of which nobody knows what it should be: only its placeholders and what JSON can carry."""
        if name in template_fields(task):
            return
        self._inexact(task, name, value)
        if not ignores:
            self._use(position, task, (*task.path, name), value)

    def _field(self, position: int, task: Known, name: str, value: Any, ignores: bool) -> None:
        assert task.kind is not None
        if not isinstance(value, str) and self._inexact(task, name, value):
            return
        nested = name in task.kind.nested
        resolved = value
        if not nested and (found := list(texts(value))):
            resolved = task.values.resolve(value)
            if not ignores:
                self._use(position, task, (*task.path, name), value, found)
        try:
            task.kind.convert[name](resolved)
        except MisfitError as error:
            for path_text, message in error.problems:
                below = subpath(resolved, path_text)
                raw = _at_or_none(value, below)
                if not nested and task.values.unknown(raw):
                    continue  # its value comes at run time, and is judged then
                self._misfit(task, name, below, message, raw)

    def _misfit(self, task: Known, name: str, below: Path, message: str, raw: Any = None) -> None:
        task.sound = False
        how = task.made_by(name)
        names = dict.fromkeys(n for _, text in texts(raw) for n in placeholders(text) if n in task.values)
        hints = [Hint(*task.values.source(n)) for n in names]
        if how:
            hints += [
                Hint(f"${{{n}}} takes its value here", path)
                for n, (_, path) in task.made_with.items() if f"${{{n}}}" in str(task.raw.get(name))
            ]  # fmt: skip
        self.report(
            Finding(
                "wrong-type",
                f"{message} ({how})" if how else message,
                (*task.path, name, *below),
                related=tuple(hints),
            )
        )

    def _inexact(self, task: Known, name: str, value: Any) -> bool:
        """Report what no JSON can carry, and whether there is such a thing."""
        found = False
        for below, message in inexact(value):
            task.sound = False
            self.report(Finding("not-exact", message, (*task.path, name, *below)))
            found = True
        return found

    def _use(
        self, position: int, task: Known, path: Path, value: Any, found: list[tuple[Path, str]] | None = None
    ) -> None:
        for below, text in texts(value) if found is None else found:
            for name in placeholders(text):
                if name not in task.values:
                    task.complete = False
                    if not task.defines(name):
                        self.uses.append(Use(name, position, (*path, *below)))

    def _requires(self, position: int, task: Known, value: Any) -> Iterator[tuple[str, Path]]:
        path = (*task.path, "requires")
        if not isinstance(value, list):
            task.sound = False
            hint = f"write requires = {value_text([value])}" if isinstance(value, str) else None
            self.report(
                Finding("requires-type", f"expected an array of names, got {_describe(value)}", path, hint=hint)
            )
            return
        for index, item in enumerate(value):
            if type(item) is not str:
                task.sound = False
                self.report(Finding("requires-type", f"expected a name, got {_describe(item)}", (*path, index)))
            elif "$" in item:
                if task.parent < 0:
                    self._unknown_in_requirement(task, (*path, index), item)
                else:
                    self._use(position, task, (*path, index), item)
                resolved = task.values.resolve(item)
                yield (resolved if isinstance(resolved, str) else str(resolved)), (*path, index)
            else:
                yield item, (*path, index)

    def _unknown_in_requirement(self, task: Known, path: Path, item: str) -> None:
        """What a listed task requires is known before anything runs; a value that a task stores comes too late."""
        for name in dict.fromkeys(task.values.unknown(item)):
            task.sound = False
            self.report(
                Finding(
                    "requirement-placeholder",
                    f"nothing defines ${{{name}}} before the step starts, and a requirement must be known by then",
                    path,
                    hint=suggestion(name, task.values, "define it under [scratchpad]"),
                    text=f"${{{name}}}",
                )
            )

    def _policy(self, position: int, task: Known, value: Any) -> None:
        path = (*task.path, "policy")
        self._use(position, task, path, value)
        for finding in policy_findings(task.values.resolve(value), path, self.defaults, self.pools):
            if not task.values.unknown(_at_or_none(value, finding.path[len(path) :])):
                task.sound = False
                self.report(finding)


def policy_findings(table: Any, path: Path, defaults: Policy, pools: Mapping[str, int]) -> Iterator[Finding]:
    """What is wrong with a policy table, and with what it uses of the pools."""
    if not isinstance(table, dict):
        yield Finding("policy", f"expected a table, got {_describe(table)}", path, hint="policy = { retries = 2 }")
        return
    if found := list(inexact(table)):
        for inner, message in found:
            yield Finding("not-exact", message, (*path, *inner))
        return
    try:
        Policy.from_table(table, defaults)
    except SpecError as error:
        for where, message in error.problems:
            below = subpath(table, where)
            text, _, hint = message.partition("; ") if message.startswith("unknown") else (message, "", "")
            part = "key" if message.startswith("unknown") else "value"
            yield Finding("policy", text, (*path, *below), hint=hint or None, part=part)  # type: ignore[arg-type]
    uses = table.get("uses")
    amounts = {uses: 1} if isinstance(uses, str) else uses
    for pool, amount in amounts.items() if isinstance(amounts, dict) else ():
        below = ("uses",) if isinstance(uses, str) else ("uses", pool)
        if pool not in pools:
            advice = suggestion(pool, pools, "write its size under [pools]")
            yield Finding(
                "unknown-pool",
                f"unknown pool {pool!r}",
                (*path, *below),
                hint=advice,
                part="value" if len(below) == 1 else "key",
            )
        elif isinstance(amount, int) and amount > pools[pool]:
            yield Finding(
                "pool-size", f"{amount} is more than the pool {pool!r} has, so that the task could never start",
                (*path, *below), related=(Hint(f"its size is {pools[pool]}", ("pools", pool)),),
            )  # fmt: skip


def _stays_text(task: Known, text: str) -> bool:
    """Whether all placeholders of a text are known, and it is more than one of them: what comes out is text."""
    values = task.values
    return text[-1] != "}" and all(name in values for name in placeholders(text))


def _at_or_none(value: Any, path: Path) -> Any:
    try:
        return at(value, path)
    except (KeyError, IndexError, TypeError):
        return value


def _describe(value: Any) -> str:
    from otter.util.convert import describe_value

    return describe_value(value)
