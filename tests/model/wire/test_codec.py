"""Bodies: messages to bytes and back, and what is refused on either way."""

from __future__ import annotations

import math
import typing
from typing import Any

import attrs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otter.wire import TO_COORDINATOR, TO_WORKER, Codec, PeerError, UnrepresentableError, encode_frame
from otter.wire.codec import MAX_NESTING
from otter.wire.messages import (
    AbortTasks,
    ReportResult,
    ReportStart,
    RevokeTasks,
    RunTask,
    SayHello,
    Stop,
    ToCoordinator,
    ToWorker,
    Welcome,
)
from tests.support.wire import CODECS, UNIONS, batches, hints, kinds, messages_of

KINDS = [pytest.param(way, kind, id=kind.__name__) for way, union in UNIONS.items() for kind in kinds(union)]

ODD: dict[str, tuple[Any, ...]] = {
    "text": ("a",), "integer": (1,), "number": (1.5,), "boolean": (True,), "null": (None,),
    "array": ([], [1]), "object": ({}, {"a": 1}),
}  # fmt: skip
"""Values of each type of JSON."""

FITS: dict[Any, set[str]] = {
    str: {"text"}, int: {"integer"}, float: {"integer", "number"}, bool: {"boolean"}, type(None): {"null"},
    Any: set(ODD), dict[str, Any]: {"object"}, list[Any]: {"array"}, list[int]: {"array"},
}  # fmt: skip


def test_the_tags_are_the_class_names() -> None:
    """Both directions know the classes of their unions, by name, and nothing else."""
    for way, codec in CODECS.items():
        assert {kind.__name__ for kind in kinds(UNIONS[way])} == codec.kinds


def test_no_kind_travels_in_both_directions() -> None:
    """A name says who sends it."""
    assert frozenset() == TO_WORKER.kinds & TO_COORDINATOR.kinds


@pytest.mark.parametrize(("way", "kind"), KINDS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_message_comes_back(way: str, kind: type, data: st.DataObject) -> None:
    """Any message of any kind comes back as it was."""
    message = data.draw(messages_of(kind))

    assert [message] == CODECS[way].decode(CODECS[way].encode([message]))


@pytest.mark.parametrize("way", UNIONS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_batch_comes_back(way: str, data: st.DataObject) -> None:
    """Messages of different kinds in one body come back in their order."""
    batch = data.draw(batches(UNIONS[way]))

    assert batch == CODECS[way].decode(CODECS[way].encode(batch))


@pytest.mark.parametrize(("way", "kind"), KINDS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_unknown_fields_are_ignored(way: str, kind: type, data: st.DataObject) -> None:
    """A newer minor version may add fields; this one does not see them."""
    message = data.draw(messages_of(kind))
    [row] = orjson.loads(CODECS[way].encode([message]))

    assert [message] == CODECS[way].decode(orjson.dumps([{"added_in_1_1": {"deep": [[]]}, **row}]))


def test_fields_at_their_defaults_do_not_travel() -> None:
    """A message is as small as what it says."""
    assert b'[{"task":1,"attempt":2,"record":{},"kind":"ReportResult"}]' == TO_COORDINATOR.encode(
        [ReportResult(1, 2, {})]
    )


@pytest.mark.parametrize(("way", "kind"), KINDS)
def test_a_field_of_another_type_is_refused(way: str, kind: type) -> None:
    """No value of another JSON type is taken for a field, not even an empty one."""
    sample: dict[str, Any] = {"kind": kind.__name__}
    good = {"text": "a", "integer": 1, "number": 1.5, "boolean": True, "null": None, "array": [], "object": {}}
    allowed: dict[str, set[str]] = {}
    for name, tp in hints(kind).items():
        arms = typing.get_args(tp) if type(None) in typing.get_args(tp) else (tp,)
        allowed[name] = set().union(
            *(FITS.get(arm, {"array"} if typing.get_origin(arm) is list else {"object"}) for arm in arms)
        )
        sample[name] = good[min(allowed[name])]
    for name, fits in allowed.items():
        for word, values in ODD.items():
            if word not in fits:
                for value in values:
                    with pytest.raises(PeerError, match=f"^a {kind.__name__} does not fit its definition: "):
                        CODECS[way].decode(orjson.dumps([{**sample, name: value}]))
    assert CODECS[way].decode(orjson.dumps([sample]))


@pytest.mark.parametrize(("way", "kind"), KINDS)
def test_a_missing_field_is_refused(way: str, kind: type) -> None:
    """A message without one of its required fields is no message."""
    required = [a.name for a in attrs.fields(kind) if a.default is attrs.NOTHING]
    if required:
        with pytest.raises(PeerError, match=f"^a {kind.__name__} does not fit its definition: "):
            CODECS[way].decode(orjson.dumps([{"kind": kind.__name__}]))
    else:
        assert [kind()] == CODECS[way].decode(orjson.dumps([{"kind": kind.__name__}]))


@pytest.mark.parametrize("tasks", [[True], [1.0], ["1"], [None], [[1]], "", "12", {}, {"1": 1}])
def test_numbers_of_tasks_are_integers(tasks: object) -> None:
    """Nothing that merely looks like integers is taken for them."""
    for row in ({"kind": "RevokeTasks", "tasks": tasks}, {"kind": "AbortTasks", "grace": 1, "tasks": tasks}):
        with pytest.raises(PeerError, match="expected an array of integers"):
            TO_WORKER.decode(orjson.dumps([row]))


def test_an_integer_beyond_64_bits_is_refused() -> None:
    """What the parser has made a fraction of is no integer any more."""
    with pytest.raises(PeerError, match="expected an integer, got float"):
        TO_COORDINATOR.decode(b'[{"kind":"ReportStart","task":18446744073709551616,"attempt":1}]')


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "a body is not JSON"),
        (b"{", "a body is not JSON"),
        (b"[] []", "a body is not JSON"),
        (b"[NaN]", "a body is not JSON"),
        (b"[1e999]", "a body is not JSON"),
        (b'["\xff"]', "a body is not JSON"),
        (b'["\\ud800"]', "a body is not JSON"),
        (b"[" * 2000 + b"]" * 2000, "a body is not JSON"),
        (b"null", "a body is not an array of messages"),
        (b'{"kind":"Stop"}', "a body is not an array of messages"),
        (b"[]", "a body is not an array of messages"),
        (b"[1]", "unknown kind of message 'None'"),
        (b"[[]]", "unknown kind of message 'None'"),
        (b"[{}]", "unknown kind of message 'None'"),
        (b'[{"kind":1}]', "unknown kind of message '1'"),
        (b'[{"kind":["Stop"]}]', "unknown kind of message"),
        (b'[{"kind":"stop"}]', "unknown kind of message 'stop'"),
        (b'[{"kind":"Dance"}]', "unknown kind of message 'Dance'"),
        (b'[{"kind":"Stop"},{"kind":"Dance"}]', "unknown kind of message 'Dance'"),
        (b'[{"kind":"SayHello"}]', "unknown kind of message 'SayHello'"),
    ],
)
def test_what_is_no_body(body: bytes, expected: str) -> None:
    """Anything but an array of messages of this direction is refused, in words; unknown kinds by name."""
    with pytest.raises(PeerError) as caught:
        TO_WORKER.decode(body)

    assert str(caught.value).startswith(expected)


def test_the_text_of_a_refusal_is_short() -> None:
    """A hostile name does not fill our log."""
    with pytest.raises(PeerError) as caught:
        TO_WORKER.decode(orjson.dumps([{"kind": "x" * 1_000_000}]))

    assert len(str(caught.value)) < 200


def test_of_a_key_that_stands_twice_the_last_counts() -> None:
    """Keys that are repeated give one value, the same one on every side."""
    body = b'[{"kind":"ReportStart","task":1,"attempt":1,"task":2}]'

    assert [ReportStart(2, 1)] == TO_COORDINATOR.decode(body)


def nest(depth: int, text: str = "[") -> str:
    """JSON with so many arrays inside each other."""
    return text * depth + "]" * depth


@pytest.mark.parametrize(
    "body",
    [
        '[{{"kind":"ReportResult","task":1,"attempt":1,"record":{{"a":{0}}}}}]',
        '[{{"kind":"ReportResult","task":1,"attempt":1,"record":{{}},"values":{{"a":{0}}}}}]',
        '[{{"kind":"AddSpecs","task":1,"attempt":1,"specs":[{0}]}}]',
        '[{{"kind":"ReportCheck","request":1,"problems":[{0}]}}]',
    ],
)
def test_the_depth_of_what_is_passed_on(body: str) -> None:
    """JSON that others will walk and write is not nested deeper than the limit."""
    assert TO_COORDINATOR.decode(body.format(nest(MAX_NESTING - 1)).encode())
    with pytest.raises(PeerError, match=f"nested more than {MAX_NESTING} deep"):
        TO_COORDINATOR.decode(body.format(nest(MAX_NESTING)).encode())


def test_the_depth_of_a_spec() -> None:
    """A worker walks no spec that is nested deeper than the limit."""
    body = '[{{"kind":"RunTask","task":1,"attempt":1,"spec":{0}}}]'

    assert TO_WORKER.decode(body.format(nest(MAX_NESTING)).encode())
    with pytest.raises(PeerError, match="nested"):
        TO_WORKER.decode(body.format(nest(MAX_NESTING + 1)).encode())


def test_the_depth_of_what_is_ignored_does_not_matter() -> None:
    """A field that nobody reads may hold what it likes."""
    body = f'[{{"kind":"Stop","later":{nest(500)}}}]'

    assert [Stop()] == TO_WORKER.decode(body.encode())


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(AbortTasks(math.nan), id="not a number"),
        pytest.param(AbortTasks(math.inf), id="infinity"),
        pytest.param(RevokeTasks([2**64]), id="65 bits"),
        pytest.param(RunTask(1, 1, {"a": {1}}), id="set"),
        pytest.param(RunTask(1, 1, {1: "a"}), id="key that is no text"),
        pytest.param(RunTask(1, 1, {"a": b"bytes"}), id="bytes"),
        pytest.param(RunTask(1, 1, "\ud800"), id="lone surrogate"),
        pytest.param(Welcome("1.0", "r", {"a": object()}), id="object"),
    ],
)
def test_what_cannot_be_written(message: object) -> None:
    """A value that JSON has not is refused by the side that would send it, and never written as another."""
    with pytest.raises(UnrepresentableError):
        TO_WORKER.encode([message])


@pytest.mark.parametrize(
    ("codec", "message"),
    [(TO_WORKER, ReportStart(1, 1)), (TO_COORDINATOR, Stop()), (TO_WORKER, "Stop"), (TO_WORKER, None)],
    ids=["to worker", "to coordinator", "text", "nothing"],
)
def test_a_message_of_the_other_direction_is_not_sent(codec: Codec, message: object) -> None:
    """Nobody says what is not theirs to say."""
    with pytest.raises(UnrepresentableError, match="does not travel in this direction"):
        codec.encode([message])


def test_a_codec_for_a_union_of_ones_own() -> None:
    """The tables of a direction come from its union, whatever that is."""
    assert {"Stop", "SayHello"} == Codec(Stop | SayHello).kinds
    assert Codec(ToWorker).kinds | Codec(ToCoordinator).kinds == TO_WORKER.kinds | TO_COORDINATOR.kinds


def test_json_inside_a_message_travels_unread() -> None:
    """A spec that is JSON already is written as it is."""
    body = TO_WORKER.encode([RunTask(1, 1, orjson.Fragment(b'{"name":"copy a"}'))])

    assert [RunTask(1, 1, {"name": "copy a"})] == TO_WORKER.decode(body)
    assert encode_frame(body)
