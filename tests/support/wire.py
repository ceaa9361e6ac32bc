"""Messages to test the wire with: golden ones, and random ones for every kind."""

from __future__ import annotations

import typing
from typing import Any

import attrs
from hypothesis import strategies as st

from otter.wire import TO_COORDINATOR, TO_WORKER, Codec, messages

CODECS: dict[str, Codec] = {"to_worker": TO_WORKER, "to_coordinator": TO_COORDINATOR}
UNIONS: dict[str, Any] = {"to_worker": messages.ToWorker, "to_coordinator": messages.ToCoordinator}

INTEGERS = st.integers(-(2**63), 2**64 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
TABLES = st.dictionaries(TEXTS, VALUES, max_size=4)

_BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: INTEGERS,
    float: NUMBERS,
    bool: st.booleans(),
    type(None): st.none(),
    Any: VALUES,
    dict[str, Any]: TABLES,
    dict[str, str]: st.dictionaries(TEXTS, TEXTS, max_size=3),
    list[Any]: st.lists(VALUES, max_size=3),
    list[int]: st.lists(INTEGERS, max_size=3),
    list[str]: st.lists(TEXTS, max_size=3),
    list[dict[str, Any]]: st.lists(TABLES, max_size=3),
}


def kinds(union: Any) -> tuple[type, ...]:
    """The classes of a union of messages."""
    return typing.get_args(union)


def hints(kind: type) -> dict[str, Any]:
    """The types of a message's fields."""
    return typing.get_type_hints(kind)


def messages_of(kind: type) -> st.SearchStrategy[Any]:
    """Random messages of a kind, any field at its default or not."""
    fields = {}
    for attribute in attrs.fields(kind):
        tp = hints(kind)[attribute.name]
        strategy = _BY_TYPE.get(tp)
        if strategy is None:
            strategy = st.one_of([_BY_TYPE[arm] for arm in typing.get_args(tp)])
        fields[attribute.name] = strategy
    required = {a.name: fields.pop(a.name) for a in attrs.fields(kind) if a.default is attrs.NOTHING}
    return st.fixed_dictionaries(required, optional=fields).map(lambda values: kind(**values))


def batches(union: Any) -> st.SearchStrategy[list[Any]]:
    """Random batches of a direction."""
    return st.lists(st.one_of([messages_of(kind) for kind in kinds(union)]), min_size=1, max_size=5)
