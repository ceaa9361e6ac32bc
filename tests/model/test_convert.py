"""Lax conversion of JSON-like values to annotated types."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import typing
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, NewType, TypedDict

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import TypeAliasType

from otter.util.convert import MisfitError, converter_for, describe_value, expectation

UserId = NewType("UserId", int)


class Colour(enum.Enum):
    RED = "red"


class Size(TypedDict):
    width: int


@dataclasses.dataclass
class Data:
    a: int


@attrs.frozen
class Frozen:
    b: int


# What `type Places = str | dict[str, str]` makes from Python 3.12 on.
Places = TypeAliasType("Places", str | dict[str, str])
Count = TypeAliasType("Count", int | None)


class Custom:
    def __init__(self, value: str) -> None:
        if value == "bad":
            raise ValueError("bad value")
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Custom) and self.value == other.value

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("tp", "value", "expected"),
    [
        (int, " 1_000 ", 1000),
        (int, 5.0, 5),
        (float, "1e3", 1000.0),
        (float, 2, 2.0),
        (bool, "On", True),
        (bool, 0, False),
        (str, "x", "x"),
        (bytes, "é", "é".encode()),
        (Path, PurePath("a"), PurePath("a")),
        (int | str, "5", "5"),
        (int | None, "5", 5),
        (bool | int, 1, 1),
        (str | list[str], ["a"], ["a"]),
        (list[int], ("1", 2), [1, 2]),
        (set[int], ["1", 1], {1}),
        (tuple[int, ...], [1], (1,)),
        (dict[str, int], {"a": "1"}, {"a": 1}),
        (Literal[1, "a"], "1", 1),
        (UserId, "5", 5),
        (Colour, "red", Colour.RED),
        (Colour, Colour.RED, Colour.RED),
        (Size, {"width": "3"}, {"width": 3}),
        (Data, {"a": "5"}, Data(5)),
        (Frozen, {"b": "6"}, Frozen(6)),
        (Custom, "x", Custom("x")),
        (list[Frozen], [{"b": 1}], [Frozen(1)]),
        (dt.date, "2026-01-02", dt.date(2026, 1, 2)),
        (dt.datetime, "2026-01-02T03:04:05Z", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
        (Any, [1], [1]),
        (typing.TypeVar("T"), 5, 5),
        (Annotated[str, {}], "x", "x"),
        (Places, {"a": "b"}, {"a": "b"}),
        (Count, "5", 5),
        (list[Count], ["5", None], [5, None]),
        (Annotated[str, str.upper], "x", "X"),
    ],
)
def test_what_fits(tp: Any, value: Any, expected: Any) -> None:
    """A text fits a number that it spells, containers convert what they hold, other classes make their instances."""
    converted = converter_for(tp)(value)
    assert expected == converted
    assert type(expected) is type(converted)


@pytest.mark.parametrize(
    ("tp", "value", "problems"),
    [
        (str, 5, [("", "expected text, got the integer 5")]),
        (int, True, [("", "expected an integer, got the boolean true")]),
        (int, 1.5, [("", "expected an integer, got the number 1.5")]),
        (int, "1" * 64, [("", f"expected an integer, got the text '{'1' * 56}…")]),
        (float, 10**400, [("", "expected a number, got an integer beyond 64 bits")]),
        (bool, 2, [("", "expected true or false, got the integer 2")]),
        (str | None, 5, [("", "expected text, got the integer 5")]),
        (str | dict[str, int], {"a": "x"}, [("a", "expected an integer, got the text 'x'")]),
        (str | list[int], {}, [("", "expected text or an array of integers, got a table")]),
        (
            list[int],
            [1, "x", []],
            [("[1]", "expected an integer, got the text 'x'"), ("[2]", "expected an integer, got an array")],
        ),
        (dict[str, list[int]], {"k": [None]}, [("k[0]", "expected an integer, got nothing")]),
        (Places, 5, [("", "expected text or a table, got the integer 5")]),
        (Places | None, {"a": 5}, [("a", "expected text, got the integer 5")]),
        (Literal["a"], "b", [("", "expected one of 'a', got the text 'b'")]),
        (dt.date, "tomorrow", [("", "expected a date in ISO 8601, got the text 'tomorrow'")]),
        (Custom, "bad", [("", "expected a Custom, got the text 'bad': bad value")]),
    ],
)
def test_what_does_not_fit(tp: Any, value: Any, problems: list[tuple[str, str]]) -> None:
    """Every mistake has its path within the value and says what was expected and what was there."""
    with pytest.raises(MisfitError) as raised:
        converter_for(tp)(value)
    assert problems == list(raised.value.problems)


def test_classes_of_other_libraries_name_their_fields() -> None:
    """What cattrs finds wrong carries over."""
    for tp in (Frozen, Data):
        with pytest.raises(MisfitError) as raised:
            converter_for(tp)({"a": "x", "b": "x"})
        ((path, message),) = raised.value.problems
        assert path in ("a", "b")
        assert "x" in message or "int" in message


@pytest.mark.parametrize(
    ("tp", "words"),
    [
        (int, "an integer"), (list[Path], "an array of paths"), (str | None, "text"), (dict, "a table"),
        (Literal["a", 1], "one of 'a', 1"), (Custom, "a Custom"), (Annotated[str, 1], "text"),
        (int | list[str], "an integer or an array of text"), (list[dict[str, int]], "an array of tables"),
    ],
)  # fmt: skip
def test_types_in_words(tp: Any, words: str) -> None:
    """As messages say what they expect."""
    assert words == expectation(tp)


@given(st.from_type(object).filter(lambda value: value is not NotImplemented) | st.integers() | st.text() | st.floats())
def test_any_value_can_be_described(value: Any) -> None:
    """In one short line."""
    assert 0 < len(describe_value(value)) < 200
