"""The tasks that a step is known to have: those that it lists, and those that its templates will make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from otter.pipeline.kinds import Kind
from otter.pipeline.patterns import Pattern
from otter.pipeline.problem import Path
from otter.pipeline.values import Values, inexact
from otter.scratchpad.model import Scratchpad
from otter.util.convert import describe_value
from otter.util.values import Value

MAX_MADE = 20_000
"""Tasks of templates that are checked one by one; beyond it a template stands for all that it makes."""


_NOTHING_MADE: Mapping[str, tuple[Any, Path]] = MappingProxyType({})


@attrs.define(eq=False, repr=False)
class Known(Value):
    """A task of the step, or a template that stands for many.

    Attributes:
        spec: its table, with the values of enclosing templates put in.
        path: where it is written.
        raw: the table as it is written.
        values: what is known of its placeholders.
        locals: names that its generator will define at run time; none when nobody knows them.
        made_with: for each name that a `foreach` of the file defines, its value and where that stands.
        parent: position of its generator; -1 for a task that the step lists.
        name: its name, where that is a text; a template's may have placeholders.
        pattern: of a name that is not known in full, what is known.
        kind: its type, where it is known.
        requires: each name that it requires with its place, placeholders replaced where they are known.
        children: positions of what it makes; none when it makes nothing.
        sound: nothing was found to be wrong with its own fields.
        complete: all placeholders in them are known.
    """

    spec: Any
    path: Path
    raw: Any
    values: Values
    locals: frozenset[str] | None = frozenset()
    made_with: Mapping[str, tuple[Any, Path]] = _NOTHING_MADE
    parent: int = -1
    name: str | None = None
    pattern: Pattern | None = None
    kind: Kind | None = None
    requires: Sequence[tuple[str, Path]] = ()
    children: list[int] | None = None
    sound: bool = True
    complete: bool = True

    def defines(self, name: str) -> bool:
        """Whether its generator may define a name."""
        return self.locals is None or name in self.locals

    def made_by(self, field: str) -> str:
        """`with each = 'x'`, where the value of a field comes from that; else nothing."""
        if not self.made_with or not isinstance(self.raw, Mapping) or self.raw.get(field) == self.spec.get(field):
            return ""
        return self.made_how()

    def made_how(self) -> str:
        """`with each = 'x'`, of a task that a `foreach` of the file makes; else nothing."""
        values = (f"{name} = {describe_short(value)}" for name, (value, _) in self.made_with.items())
        return f"with {', '.join(values)}" if self.made_with else ""


def describe_short(value: Any) -> str:
    """A value of a `foreach` as messages show it."""
    return repr(value) if isinstance(value, str) and len(value) <= 60 else describe_value(value)


def template_fields(task: Known) -> Sequence[str]:
    """The fields of a task that hold templates."""
    if task.kind is not None:
        return task.kind.nested
    templates = task.spec.get("do")
    is_list = isinstance(templates, list) and templates and all(isinstance(item, dict) for item in templates)
    return ("do",) if is_list else ()


def made_from(task: Known, position: int, room: int) -> Iterator[Known]:
    """The tasks that the templates of a task make, or the templates themselves where a value is not known yet.

    Args:
        task: a task with a table.
        position: its position.
        room: how many tasks may still be made one by one.
    """
    for field in template_fields(task):
        templates = list(_templates(task, field))
        names = task.kind.local_names(task.spec) if task.kind is not None else None
        loop = _static_loop(task, names)
        if loop is None or len(loop[1]) * len(templates) > room:
            inner = None if task.locals is None or names is None else task.locals | names
            values = task.values.without(names or ())
            for spec, raw, path in templates:
                yield Known(spec, path, raw, values, inner, task.made_with, position)
            continue
        name, items = loop
        for index, item in enumerate(items):
            local = Scratchpad({name: item})
            made_with = {**task.made_with, name: (item, (*task.path, "foreach", index))}
            for spec, raw, path in templates:
                yield Known(local.fill(spec), path, raw, task.values, task.locals, made_with, position)


def _templates(task: Known, field: str) -> Iterator[tuple[Any, Any, Path]]:
    written, raw = task.spec.get(field), task.raw.get(field)
    if isinstance(written, list):
        declared = task.kind is not None and field in task.kind.convert
        for index, item in enumerate(written):
            if not declared or isinstance(item, dict):  # else the field's own check has refused it
                yield item, raw[index], (*task.path, field, index)
    elif isinstance(written, dict):
        yield written, raw, (*task.path, field)


def _static_loop(task: Known, names: frozenset[str] | None) -> tuple[str, list[Any]] | None:
    """The one name and its values, of a task whose templates are made once for each value of a list in the file."""
    items = task.spec.get("foreach")
    if task.kind is None or not task.kind.iterates or names is None or len(names) != 1 or not isinstance(items, list):
        return None
    if task.values.unknown(items) or any(inexact(items)):
        return None
    return next(iter(names)), task.values.resolve(items)
