"""Published task types: their JSON, their digest, and schemas of annotations."""

from __future__ import annotations

import datetime as dt
import enum
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import pytest
from typing_extensions import TypeAliasType

from otter.task import Spec
from otter.task.task_type import Field, TaskType, schema_for

FULL = TaskType(
    "walk", (Field("a", {"type": "string"}, True), Field("b", {}, False, [1], "Text.")), open=True, asynchronous=True,
    generates=True, stores=True, ignores_missing=True, validates=True, do_placeholders=("x",), doc="Doc.", module="m",
)  # fmt: skip


def test_a_type_survives_json() -> None:
    """What is at its default is left out, and comes back; keys of newer versions are left alone."""
    for task_type in (FULL, TaskType("walk")):
        table = orjson.loads(orjson.dumps(task_type.to_json()))
        assert task_type == TaskType.from_json({**table, "newer": 1})
    assert {"name": "walk"} == TaskType("walk").to_json()
    assert [{"name": "a", "schema": {"type": "string"}, "required": True}] == FULL.to_json()["fields"][:1]


FIELD: dict[str, Any] = {"name": "a", "schema": {}, "required": True}


@pytest.mark.parametrize(
    "table",
    [{}, 5, {"name": 5}, {"name": "x", "fields": [{}]}, {"name": "x", "fields": 5}, {"name": "x", "fields": [5]},
     {"name": "x", "fields": [{**FIELD, "schema": "string"}]}, {"name": "x", "fields": [{**FIELD, "required": "yes"}]},
     {"name": "x", "open": 1}, {"name": "x", "doc": []}, {"name": "x", "do_placeholders": [1]}],
    ids=str,
)  # fmt: skip
def test_other_tables_are_refused(table: Any) -> None:
    """The error says what is missing, or has another form."""
    with pytest.raises(ValueError, match="not a description of a task type: "):
        TaskType.from_json(table)


def test_the_digest_tells_fields_apart_and_nothing_else() -> None:
    """Documentation and what the code does leave it as it is; a field, its schema or its default change it."""
    base = TaskType("walk", (Field("a", {"type": "string"}, True),))
    assert (
        base.digest == TaskType("walk", (Field("a", {"type": "string"}, True, doc="x"),), stores=True, doc="y").digest
    )
    others = [
        TaskType("walk"),
        TaskType("walk", base.fields, open=True),
        TaskType("run", base.fields),
        TaskType("walk", (Field("a", {"type": "integer"}, True),)),
        TaskType("walk", (Field("a", {"type": "string"}, False, "x"),)),
    ]
    assert 6 == len({base.digest, *(other.digest for other in others)})


Count = TypeAliasType("Count", int)


class Colour(enum.Enum):
    RED = "red"
    BLUE = 2


@pytest.mark.parametrize(
    ("tp", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (Path, {"type": "string", "format": "path"}),
        (dt.datetime, {"type": "string", "format": "date-time"}),
        (str | None, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (
            str | dict[str, str],
            {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]},
        ),
        (dict[str, Any], {"type": "object"}),
        (list[str], {"type": "array", "items": {"type": "string"}}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (list[Spec], {"type": "array", "items": {"$ref": "#/$defs/task"}}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Colour, {"enum": ["red", 2]}),
        (Annotated[str, print], {"type": "string"}),
        (list[Count], {"type": "array", "items": {"type": "integer"}}),
        (Any, {}),
        (complex, {}),
        (str | complex, {}),
    ],
)
def test_schemas_of_annotations(tp: Any, schema: dict[str, Any]) -> None:
    """What JSON can say of a type; an empty schema stands for what it cannot."""
    assert schema == schema_for(tp)
