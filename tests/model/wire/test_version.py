"""The handshake: which versions speak with each other, and what is said to those that do not."""

from __future__ import annotations

import pickle  # noqa: TID251 - users' process pools do it
from typing import Any

import orjson
import pytest

from otter.wire import PeerError, VersionError, WireError, agree, read_hello
from otter.wire.messages import SayHello

HELLO: dict[str, Any] = {
    "kind": "SayHello",
    "oldest": "1.0",
    "newest": "1.0",
    "worker": 3,
    "pid": 1,
    "python": "3.12.1",
}


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        (("1.0", "1.0"), ("1.0", "1.0"), "1.0"),
        (("1.0", "1.7"), ("1.0", "1.0"), "1.0"),
        (("1.0", "1.0"), ("1.0", "1.7"), "1.0"),
        (("1.0", "1.3"), ("1.0", "1.7"), "1.3"),
        (("1.2", "1.9"), ("1.0", "1.10"), "1.9"),
        (("1.0", "2.4"), ("1.0", "1.3"), "1.3"),
        (("1.0", "1.3"), ("1.0", "2.4"), "1.3"),
        (("1.0", "2.1"), ("1.5", "2.4"), "2.1"),
    ],
)
def test_versions_that_agree(theirs: tuple[str, str], ours: tuple[str, str], expected: str) -> None:
    """Two sides speak the newest version that both know; numbers are compared as numbers."""
    assert expected == agree(*theirs, *ours)
    assert expected == agree(*ours, *theirs)


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        (("2.0", "2.0"), ("1.0", "1.0"), "the peer speaks protocol 2.0, this side speaks 1.0"),
        (("1.0", "1.0"), ("2.0", "2.0"), "the peer speaks protocol 1.0, this side speaks 2.0"),
        (("2.0", "2.3"), ("1.0", "1.1"), "the peer speaks protocol 2.0 to 2.3, this side speaks 1.0 to 1.1"),
        (("1.4", "1.6"), ("1.0", "1.3"), "the peer speaks protocol 1.4 to 1.6, this side speaks 1.0 to 1.3"),
        (("1.6", "1.4"), ("1.0", "1.9"), "the peer speaks protocol 1.6 to 1.4, this side speaks 1.0 to 1.9"),
    ],
)
def test_versions_that_do_not_agree(theirs: tuple[str, str], ours: tuple[str, str], expected: str) -> None:
    """Ranges that have nothing in common are refused in one line that names both."""
    with pytest.raises(VersionError) as caught:
        agree(*theirs, *ours)

    assert f"{expected}: install matching versions of otter" == str(caught.value)


@pytest.mark.parametrize(
    "text",
    [None, 1, 1.0, True, [], "", "1", "1.", ".1", "1.0.0", "v1.0", "1,0", " 1.0", "1.0\n", "-1.0", "1.12345", "1.x",
     "\N{ARABIC-INDIC DIGIT ONE}.\N{ARABIC-INDIC DIGIT ZERO}"],
)  # fmt: skip
def test_what_is_no_version(text: object) -> None:
    """Anything but major.minor in ASCII digits is the peer's mistake."""
    for pair in ((text, "1.0"), ("1.0", text)):
        with pytest.raises(PeerError, match=r"is not a protocol version: expected major\.minor"):
            agree(*pair)


def test_a_hello_of_the_same_version() -> None:
    """A hello gives the message and the version to speak."""
    assert (SayHello("1.0", "1.0", 3, 1, "3.12.1"), "1.0") == read_hello(orjson.dumps([HELLO]))


def test_a_hello_of_a_newer_minor() -> None:
    """Fields that this version does not know are ignored, and the older of the two minors is spoken."""
    row = {**HELLO, "newest": "1.9", "mood": "sunny", "more": {"deep": [1]}}

    assert (SayHello("1.0", "1.9", 3, 1, "3.12.1"), "1.0") == read_hello(orjson.dumps([row]))


def test_a_hello_of_another_major() -> None:
    """The version is looked at first: in another major, nothing else of a hello need be as it is here."""
    body = orjson.dumps([{"kind": "SayHello", "oldest": "2.0", "newest": "2.5", "worker": "three", "task_types": {}}])

    with pytest.raises(VersionError) as caught:
        read_hello(body)

    assert ("the peer speaks protocol 2.0 to 2.5, this side speaks 1.0: install matching versions of otter") == str(
        caught.value
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b"{}",
        b"[]",
        b"[1]",
        b"[[]]",
        b'[{"kind":"Stop"}]',
        b'[{"kind":"ReportStart","task":1,"attempt":1}]',
        b'[{"kind":"SayHello"}]',
        b'[{"kind":["SayHello"]}]',
        orjson.dumps([HELLO, HELLO]),
        orjson.dumps([HELLO, {"kind": "ReportStart", "task": 1, "attempt": 1}]),
        orjson.dumps([{**HELLO, "pid": "1"}]),
        orjson.dumps([{**HELLO, "task_types": [1]}]),
    ],
)
def test_what_is_no_hello(body: bytes) -> None:
    """A first body that is anything but one hello is the peer's mistake."""
    with pytest.raises(PeerError) as caught:
        read_hello(body)

    assert not isinstance(caught.value, VersionError)


@pytest.mark.parametrize("error", [VersionError("1.0", "2.0"), PeerError("x")])
def test_errors_survive_pickling(error: WireError) -> None:
    """Errors of the wire pass through a process pool of the user's as they are."""
    again = pickle.loads(pickle.dumps(error))

    assert (type(error), str(error), vars(error)) == (type(again), str(again), vars(again))
