"""Which values cross, in which form, and where the others are."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import pickle  # noqa: TID251 - users' process pools do it
import uuid
from collections import OrderedDict
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

import orjson
import pytest
from hypothesis import given

from otter.wire import UnrepresentableError
from otter.wire.values import MAX_DEPTH, MAX_KEY, exact
from tests.support.wire import VALUES


class Colour(str, enum.Enum):  # noqa: UP042 - what task code written for older Pythons has
    RED = "red"


class Shade(enum.StrEnum):
    DARK = "dark"


class Level(enum.IntEnum):
    HIGH = 3


class Number(float):
    """A float of a library's own."""


class Loud(str):
    """Text whose class says something else."""

    __slots__ = ()

    def __str__(self) -> str:
        return self.upper()


def nested(depth: int) -> list[Any]:
    """So many lists inside each other."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def cyclic() -> list[Any]:
    """A list that holds itself."""
    value: list[Any] = [1]
    value.append(value)
    return value


@given(VALUES)
def test_what_json_has_crosses_as_it_is(value: object) -> None:
    """Any value that JSON can carry is given back, and comes through JSON exactly."""
    assert value == exact(value)
    assert value == orjson.loads(orjson.dumps(exact(value)))


def test_flat_values_are_not_copied() -> None:
    """What is in its declared form already is the same object."""
    for value in ({"a": 1, "b": "x", "c": None, "d": True, "e": 0.5}, "text", {}):
        assert value is exact(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (PurePosixPath("/work/a b"), "/work/a b"),
        (dt.datetime(2026, 1, 31, 12, 0, 0, 250000, dt.UTC), "2026-01-31T12:00:00.250000Z"),
        (dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone(dt.timedelta(hours=2))), "2026-01-31T12:00:00+02:00"),
        (dt.datetime(2026, 1, 31, 12), "2026-01-31T12:00:00"),  # noqa: DTZ001 - without a zone, and it stays so
        (dt.date(2026, 1, 31), "2026-01-31"),
        (dt.time(12, 30), "12:30:00"),
        (Colour.RED, "red"),
        (Shade.DARK, "dark"),
        (Loud("quiet"), "quiet"),
        (Level.HIGH, 3),
        (Number(1.5), 1.5),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (MappingProxyType({"a": 1}), {"a": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_declared_forms(value: object, expected: object) -> None:
    """Paths are text, times ISO 8601 with `Z` for UTC; a subclass crosses as the value that it holds."""
    for given_value, wanted in ((value, expected), ({"a": value}, {"a": expected}), ([[value]], [[expected]])):
        result = exact(given_value)

        assert wanted == result
        assert orjson.dumps(wanted) == orjson.dumps(result)
    assert type(expected) in (dict, type(exact(value)))


@pytest.mark.parametrize("value", [0, -1, 2**63, 2**64 - 1, -(2**63), True, False, None, -0.0, 5e-324, 1.7e308, "\x00"])
def test_the_edges_of_what_crosses(value: object) -> None:
    """The largest and the smallest come back as they were, with their type."""
    again = orjson.loads(orjson.dumps(exact(value)))

    assert (type(value), repr(value)) == (type(again), repr(again))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "nan is not a number that JSON has"),
        (math.inf, "inf is not a number that JSON has"),
        (-math.inf, "-inf is not a number that JSON has"),
        (Number("nan"), "nan is not a number that JSON has"),
        (2**64, "the integer 18446744073709551616 has more than 64 bits"),
        (-(2**63) - 1, "the integer -9223372036854775809 has more than 64 bits"),
        (10**5000, "the integer of 16610 bits has more than 64 bits"),
        ("\ud800", "the text holds a lone surrogate, which UTF-8 cannot carry"),
        (b"bytes", "a bytes cannot be written as JSON"),
        (bytearray(b"x"), "a bytearray cannot be written as JSON"),
        ({1, 2}, "a set cannot be written as JSON"),
        (frozenset(), "a frozenset cannot be written as JSON"),
        ((1, 2), "a tuple would come back as a list: give a list"),
        (1j, "a complex cannot be written as JSON"),
        (decimal.Decimal("1.5"), "a Decimal cannot be written as JSON"),
        (uuid.UUID(int=0), "a UUID cannot be written as JSON"),
        (dt.timedelta(1), "a timedelta cannot be written as JSON"),
        (object(), "a object cannot be written as JSON"),
        (len, "a builtin_function_or_method cannot be written as JSON"),
        ({1: "a"}, "the key 1 is not text"),
        ({None: "a"}, "the key None is not text"),
        ({("a",): 1}, "the key ('a',) is not text"),
        ({"k" * (MAX_KEY + 1): 1}, f"a key has {MAX_KEY + 1} characters; {MAX_KEY} are allowed"),
        ({"\udfff": 1}, "the text holds a lone surrogate, which UTF-8 cannot carry"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) and value.isascii() else type(value).__name__,
)
def test_what_does_not_cross(value: object, reason: str) -> None:
    """What JSON cannot carry exactly is refused with its place and the reason, wherever it is."""
    for given_value, path in (
        (value, "$"),
        ({"rows": value}, "$.rows"),
        ([0, value], "$[1]"),
        ({"artifacts": [{}, {"meta": {"rows": [value]}}]}, "$.artifacts[1].meta.rows[0]"),
    ):
        with pytest.raises(UnrepresentableError) as caught:
            exact(given_value)

        assert (path, reason) == (caught.value.path, caught.value.reason)
        assert f"{path}: {reason}" == str(caught.value)


def test_where_a_value_stands_is_the_callers_to_say() -> None:
    """The path begins where the caller says that the value stands."""
    with pytest.raises(UnrepresentableError, match=r"^\$\.scratchpad\.key\[0\]: "):
        exact([math.nan], "$.scratchpad.key")


def test_depth() -> None:
    """Values are nested as deep as the limit allows, and no deeper; the place says where that was."""
    assert nested(MAX_DEPTH) == exact(nested(MAX_DEPTH))

    with pytest.raises(UnrepresentableError) as caught:
        exact(nested(MAX_DEPTH + 1))

    assert ("$" + "[0]" * MAX_DEPTH, f"values are nested more than {MAX_DEPTH} deep") == (
        caught.value.path,
        caught.value.reason,
    )


@pytest.mark.parametrize("value", [cyclic(), nested(255), nested(5000)], ids=["cyclic", "255", "5000"])
def test_endless_values(value: object) -> None:
    """A value that holds itself, or is nested beyond reason, is refused like one that is a little too deep."""
    with pytest.raises(UnrepresentableError, match=f"values are nested more than {MAX_DEPTH} deep"):
        exact(value)


def test_the_longest_key() -> None:
    """A key may have as many characters as the limit says."""
    assert {"k" * MAX_KEY: 1} == exact({"k" * MAX_KEY: 1})


def test_the_error_survives_pickling() -> None:
    """The place and the reason are kept."""
    again = pickle.loads(pickle.dumps(UnrepresentableError("$.a", "b")))

    assert ("$.a", "b", "$.a: b") == (again.path, again.reason, str(again))
