"""A published schema accepts what the type itself accepts."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otter.pipeline.kinds import Kind, annotation_for, subpath
from otter.task import Spec
from otter.task.task_type import Field, TaskType, schema_for
from otter.util.convert import Convert, MisfitError, converter_for


class Colour(enum.Enum):
    RED = "red"


TYPES = [
    str, int, float, bool, Path, type(None), dict, list, dt.date, dt.datetime, dt.time, Any,
    str | None, int | None, str | dict[str, str], dict[str, Any] | None, dict[str, str], dict[str, int] | None,
    list[str], list[int] | None, list[list[int]], dict[str, list[bool]], Literal["a", "b", 3], Literal[True],
    Sequence[str], Mapping[str, float], tuple[str, ...], set[int], list[str | int], int | list[int] | Path, Colour,
]  # fmt: skip
_WORDS = ["", "a", "b", "3", "5", "-1", "1.5", "true", "no", "x y", "red", "2026-01-02", "2026-01-02T10:00:00", "10:00"]
_VALUES = st.recursive(
    st.sampled_from(_WORDS) | st.integers(-3, 5) | st.sampled_from([0.0, 1.5, 2.0]) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=6,
)


def fits(convert: Convert, value: Any) -> bool:
    """Whether a converter takes a value."""
    try:
        convert(value)
    except MisfitError:
        return False
    return True


@pytest.mark.parametrize("tp", TYPES, ids=str)
@settings(max_examples=60, deadline=None)
@given(value=_VALUES)
def test_a_schema_accepts_what_its_type_accepts(tp: Any, value: Any) -> None:
    """What a worker would refuse is refused before it starts, and nothing else; the schema has crossed as JSON."""
    schema = orjson.loads(orjson.dumps(schema_for(tp)))
    assert fits(converter_for(tp), value) == fits(converter_for(annotation_for(schema)), value)


def test_the_message_is_that_of_the_type() -> None:
    """Both say the same, because both are the same converters."""
    for tp, value in (
        (list[int], [1, "x"]),
        (str | dict[str, str], 5),
        (Literal["a", "b"], "c"),
        (dict[str, int], {"k": []}),
    ):
        with pytest.raises(MisfitError) as own:
            converter_for(tp)(value)
        with pytest.raises(MisfitError) as published:
            converter_for(annotation_for(schema_for(tp)))(value)
        assert own.value.problems == published.value.problems


def test_what_a_schema_does_not_say_fits() -> None:
    """Schemas of newer versions, and types that JSON cannot describe, refuse nothing."""
    schemas: tuple[dict[str, Any], ...] = (
        {},
        {"type": "of the future"},
        {"$ref": "#/elsewhere"},
        {"type": "string", "format": "of the future"},
        {"type": ["string", "null"]},
        {"anyOf": 5},
        {"anyOf": []},
        {"anyOf": [True, {"type": "null"}]},
        {"enum": "text"},
        {"enum": []},
    )
    for schema in schemas:
        assert fits(converter_for(annotation_for(schema)), "text")
        assert () == Kind.of(TaskType("x", (Field("a", schema, required=False),))).nested
    assert fits(converter_for(annotation_for({"type": "object", "additionalProperties": False})), {"a": 1})
    assert fits(converter_for(annotation_for({"type": "array", "items": True})), [1, "a"])


def test_nested_tasks_are_found() -> None:
    """A field of tasks is one that holds descriptions of tasks, in a list or alone, optional or not."""
    for tp in (list[Spec], list[Spec] | None, Spec, Spec | None):
        kind = Kind.of(TaskType("x", (Field("do", schema_for(tp), required=False), Field("a", {}, required=False))))
        assert ("do",) == kind.nested


def test_local_names_come_from_fields_and_their_defaults() -> None:
    """`$field` stands for the value of a field; where nothing is declared, nobody knows."""
    fields = (Field("each_placeholder", {"type": "string"}, required=False, default="each"), Field("foreach", {}, True))
    kind = Kind.of(TaskType("x", fields, do_placeholders=("$each_placeholder", "uri")))
    assert frozenset({"each", "uri"}) == kind.local_names({})
    assert frozenset({"part", "uri"}) == kind.local_names({"each_placeholder": "part"})
    assert frozenset({"uri"}) == kind.local_names({"each_placeholder": 5})
    assert Kind.of(TaskType("x")).local_names({}) is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ()),
        ("[1]", (1,)),
        ("[1].b.c", (1, "b.c")),
        ("[1].b[0]", (1, "b", 0)),
        ("[1].missing.more", (1, "missing")),
        ("[7]", ()),
        ("[x]", ()),
        ("[0].deeper", (0,)),
    ],
)
def test_paths_of_messages_lead_into_values(text: str, path: tuple[str | int, ...]) -> None:
    """A key may have dots in it; what is missing ends the path."""
    assert path == subpath([5, {"b": ["x"], "b.c": 1}], text)
