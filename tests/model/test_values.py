"""Small classes that inherit what attrs would make for each of them: nobody sees a difference."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from otter.util.values import Shown, Value


@attrs.frozen
class ByAttrs:
    """Made by attrs alone."""

    name: str
    size: int = attrs.field(default=1, eq=False)
    text: str = attrs.field(default="…", repr=False)


@attrs.frozen(eq=False, repr=False)
class Inherited(Value):
    """The same fields."""

    name: str
    size: int = attrs.field(default=1, eq=False)
    text: str = attrs.field(default="…", repr=False)


@attrs.define(eq=False, repr=False)
class Unique(Shown):
    """The same as itself alone."""

    name: str


ARGUMENTS: list[dict[str, Any]] = [{"name": "a"}, {"name": "b"}, {"name": "a", "size": 2}, {"name": "a", "text": "x"}]


@pytest.mark.parametrize("left", ARGUMENTS, ids=str)
@pytest.mark.parametrize("right", ARGUMENTS, ids=str)
def test_is_the_same_as_what_attrs_holds_for_the_same(left: dict[str, Any], right: dict[str, Any]) -> None:
    """Equality leaves out the same fields, and what is equal has one hash."""
    equal = ByAttrs(**left) == ByAttrs(**right)
    assert equal is (Inherited(**left) == Inherited(**right))
    assert equal is (hash(Inherited(**left)) == hash(Inherited(**right)))


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_looks_the_same(arguments: dict[str, Any]) -> None:
    """Fields in their order, but for those that are not to be shown."""
    assert repr(ByAttrs(**arguments)).replace("ByAttrs", "Inherited") == repr(Inherited(**arguments))


def test_another_class_is_something_else() -> None:
    """Also with the same fields; and what is only shown is compared by identity."""
    assert Inherited("a") != ByAttrs("a")
    assert Unique("a") != Unique("a")
    assert "Unique(name='a')" == repr(Unique("a"))
