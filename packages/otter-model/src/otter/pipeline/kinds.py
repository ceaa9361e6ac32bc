"""Task types compiled for checking: what a field accepts, as functions."""

from __future__ import annotations

import datetime as dt
import re
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from otter.pipeline.problem import Path as TablePath
from otter.task.task_type import SPEC_REF, TaskType
from otter.util.convert import Convert, MisfitError, converter_for, expectation
from otter.util.values import Value

_FORMATS: dict[str, Any] = {"path": Path, "date-time": dt.datetime, "date": dt.date, "time": dt.time}
_TYPES: dict[str, Any] = {
    "string": str, "integer": int, "number": float, "boolean": bool, "null": type(None), "array": list,
    "object": dict,
}  # fmt: skip


def annotation_for(schema: Any) -> Any:
    """The annotated type that a schema of `schema_for` came from, as far as JSON knows it; what is unknown fits.

    A nested task is a table here: its inside is checked as a task. Workers of another make publish schemas in words of
    their own, such as `true`, or a list of types.
    """
    if not isinstance(schema, Mapping):
        return Any
    if "$ref" in schema:
        return dict[str, Any] if schema["$ref"] == SPEC_REF else Any
    arms, choices = schema.get("anyOf"), schema.get("enum")
    if isinstance(arms, list | tuple) and arms:
        return typing.Union[tuple(annotation_for(arm) for arm in arms)]  # noqa: UP007 - made at run time
    if isinstance(choices, list | tuple) and choices:
        return typing.Literal[tuple(choices)]
    name = schema.get("type")
    if name == "array" and "items" in schema:
        return list[annotation_for(schema["items"])]  # type: ignore[misc]  # made at run time
    if name == "object" and "additionalProperties" in schema:
        return dict[str, annotation_for(schema["additionalProperties"])]  # type: ignore[misc]  # likewise
    if name == "string" and "format" in schema:
        return _FORMATS.get(str(schema["format"]), str)
    return _TYPES.get(str(name), Any)


@attrs.frozen(eq=False, repr=False)
class Kind(Value):
    """A task type, compiled.

    Attributes:
        type: what its worker publishes.
        convert: for each field the function that refuses what does not fit.
        texts: the fields that any text fits.
        required: the fields without a default.
        expected: for each field what it asks for, in words.
        nested: the fields that hold descriptions of tasks to generate.
        iterates: its templates are made once for each value of `foreach`, under one name.
    """

    type: TaskType
    convert: dict[str, Convert]
    texts: frozenset[str]
    required: tuple[str, ...]
    expected: dict[str, str]
    nested: tuple[str, ...]
    iterates: bool

    @classmethod
    def of(cls, task_type: TaskType) -> Kind:
        """The task type, ready to check specs against."""
        annotations = {field.name: annotation_for(field.schema) for field in task_type.fields}
        convert = {name: converter_for(annotation) for name, annotation in annotations.items()}
        nested = tuple(field.name for field in task_type.fields if _holds_tasks(field.schema))
        if task_type.generates and task_type.open:
            nested = ("do",)
        return cls(
            type=task_type,
            convert=convert,
            texts=frozenset(name for name, accepts in convert.items() if accepts_any_text(accepts)),
            required=tuple(field.name for field in task_type.fields if field.required),
            expected={name: expectation(annotation) for name, annotation in annotations.items()},
            nested=nested,
            iterates="foreach" in convert and len(task_type.do_placeholders or ()) == 1,
        )

    def local_names(self, spec: Mapping[str, Any]) -> frozenset[str] | None:
        """The names that the templates of a spec of this type may use; none when nobody knows."""
        if self.type.do_placeholders is None:
            return None
        defaults = {field.name: field.default for field in self.type.fields}
        names = (
            spec.get(name[1:], defaults.get(name[1:])) if name.startswith("$") else name
            for name in self.type.do_placeholders
        )
        return frozenset(name for name in names if isinstance(name, str))

    @property
    def stores_unknown(self) -> bool:
        """Whether its tasks may store values under names that no pipeline file tells."""
        return self.type.stores and "scratchpad_key" not in self.convert


class Kinds:
    """Task types by name, compiled at their first use: a step has tasks of a few of the many that are installed."""

    def __init__(self, task_types: Mapping[str, TaskType]) -> None:
        self._task_types = task_types
        self._compiled: dict[str, Kind] = {}

    def get(self, name: str) -> Kind | None:
        """The type of a name; none when it is unknown."""
        kind = self._compiled.get(name)
        if kind is None and name in self._task_types:
            kind = self._compiled[name] = Kind.of(self._task_types[name])
        return kind

    def names(self) -> list[str]:
        """The names of all types, sorted."""
        return sorted(self._task_types)


def accepts_any_text(convert: Convert) -> bool:
    """Whether a converter takes every text: tried on one that no number, date or word list has."""
    try:
        convert("\ue000 no word of any list")
    except MisfitError:
        return False
    return True


def subpath(value: Any, text: str) -> TablePath:
    """Keys and indexes of a path that a converter wrote, such as `[2].name`; a key that is missing ends it."""
    path: TablePath = ()
    part: str | int
    while text:
        if isinstance(value, list) and text.startswith("["):
            digits, _, text = text[1:].partition("]")
            if not digits.isdecimal() or int(digits) >= len(value):
                break
            part = int(digits)
        elif isinstance(value, Mapping):
            text = text.removeprefix(".")
            fits = [key for key in value if text == key or text.startswith((f"{key}.", f"{key}["))]
            if not fits:  # what is missing
                return (*path, re.split(r"[.\[]", text, maxsplit=1)[0])
            part = key = max(fits, key=len)
            text = text[len(key) :]
        else:
            break
        path, value = (*path, part), value[part]
    return path


def _holds_tasks(schema: Mapping[str, Any]) -> bool:
    choices = schema.get("anyOf")
    arms = (schema, schema.get("items"), *(choices if isinstance(choices, list | tuple) else ()))
    return any(
        isinstance(arm, Mapping) and (arm.get("$ref") == SPEC_REF or (arm is not schema and _holds_tasks(arm)))
        for arm in arms
    )
