"""`PROTOCOL.md` and the code say the same: each message, each field, each limit, and its examples are real."""

from __future__ import annotations

import re
import typing
from pathlib import Path
from typing import Any

import attrs
import orjson
import pytest

from otter.wire import MAX_FRAME, NEWEST, OLDEST, TO_COORDINATOR, TO_WORKER, FrameDecoder, VersionError
from otter.wire.codec import MAX_NESTING
from otter.wire.messages import ReportStart, SayHello
from otter.wire.values import MAX_DEPTH, MAX_KEY
from tests.support.wire import CODECS, UNIONS, hints, kinds

TEXT = (Path(__file__).parents[3] / "packages/otter-model/PROTOCOL.md").read_text("utf-8")
SECTIONS = {"to_worker": "Messages to the worker", "to_coordinator": "Messages to the coordinator"}

WORDS: dict[Any, str] = {
    str: "text", int: "integer", float: "number", bool: "boolean", type(None): "null", Any: "any",
    dict[str, Any]: "object", dict[str, str]: "object of text", list[Any]: "array", list[int]: "array of integers",
    list[str]: "array of text",
    list[dict[str, Any]]: "array of objects",
}  # fmt: skip
"""How the text calls the types of the code."""

KINDS = [pytest.param(way, kind, id=kind.__name__) for way, union in UNIONS.items() for kind in kinds(union)]


def section(title: str) -> str:
    """A numbered section of the text."""
    found = re.search(rf"^## \d+\. {title}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def described(way: str) -> dict[str, str]:
    """What the text says of each message of a direction, by name."""
    parts = re.split(r"^### (\w+)\n", section(SECTIONS[way]), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def fields_in_text(text: str) -> list[tuple[str, str, str]]:
    """Name, type and default of each field in the table of a message."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| [^|]+ \|$", text, re.MULTILINE)
    return [(name, tp, default.strip("`")) for name, tp, default in rows]


def word(tp: Any) -> str:
    """How the text calls a type."""
    return WORDS[tp] if tp in WORDS else " or ".join(WORDS[arm] for arm in typing.get_args(tp))


def fields_in_code(kind: type) -> list[tuple[str, str, str]]:
    """Name, type and default of each field of a message."""
    found = []
    for attribute in attrs.fields(kind):
        default = attribute.default
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time, a function to mypy
            default = default.factory()
        shown = "required" if default is attrs.NOTHING else orjson.dumps(default).decode()
        found.append((attribute.name, word(hints(kind)[attribute.name]), shown))
    return found


@pytest.mark.parametrize("way", UNIONS)
def test_every_message_is_described(way: str) -> None:
    """The text describes the messages of the code, in its order, and no others."""
    assert [kind.__name__ for kind in kinds(UNIONS[way])] == list(described(way))


@pytest.mark.parametrize(("way", "kind"), KINDS)
def test_every_field_is_described(way: str, kind: type) -> None:
    """Name, type and default of each field are in the text as they are in the code, and nothing beside them."""
    assert fields_in_code(kind) == fields_in_text(described(way)[kind.__name__])


@pytest.mark.parametrize(("way", "kind"), KINDS)
def test_a_message_without_a_table_has_no_fields(way: str, kind: type) -> None:
    """Where the text has no table, it says that there are no fields."""
    text = described(way)[kind.__name__]

    assert (not attrs.fields(kind)) is ("It has no fields." in text)


def test_the_types_are_explained() -> None:
    """Each type that a table uses stands in the table of types."""
    explained = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", section("Bodies"), re.MULTILINE)
    names = {name for entry in explained for name in entry.split(", ")}
    used = {
        tp.removesuffix(" or null")
        for way in UNIONS
        for text in described(way).values()
        for _, tp, _ in fields_in_text(text)
    }

    assert used <= names


def test_the_version() -> None:
    """The text is about the version that the code speaks, and shows the sentence that the code says to others."""
    assert f"Version **{NEWEST}**." in TEXT
    assert OLDEST == NEWEST
    assert f"    {VersionError('1.0', '2.0')}\n" in section("Versions")


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("body of a frame", f"{MAX_FRAME:,} bytes"),
        ("arrays and objects inside each other in a value", f"{MAX_DEPTH}"),
        ("… in a field of type *any*, *object* or *array*, which may wrap values twice", f"{MAX_NESTING}"),
        ("key of an object in a value", f"{MAX_KEY} characters"),
    ],
)
def test_the_limits(what: str, value: str) -> None:
    """The limits in the text are those of the code."""
    assert f"| {what} | {value} |" in section("Limits")


def example_frame() -> bytes:
    """The bytes of the frame in the example."""
    rows = re.findall(r"^    ((?:[0-9a-f]{2} ?)+) +\|(.*)\|$", section("An example"), re.MULTILINE)
    data = bytes.fromhex("".join(row for row, _ in rows))
    assert "".join(shown for _, shown in rows) == "".join(chr(c) if 32 <= c < 127 else "." for c in data)
    return data


def test_the_example_of_a_frame_is_one() -> None:
    """The bytes in the text are a frame, of the message and the size that the text says."""
    frame = example_frame()
    [body] = FrameDecoder().feed(frame)

    assert [ReportStart(7, 1)] == TO_COORDINATOR.decode(body)
    assert f"in a frame of {len(frame)} bytes, whose body has {len(body)} (`0x{len(body):x}`)" in TEXT


def test_the_example_of_a_conversation_is_one() -> None:
    """Each line of the conversation is a body that its receiver accepts, beginning with a hello."""
    lines = re.findall(r"^    ([WC])  (?:\([^)]*\) )?(\[.*\])$", section("An example"), re.MULTILINE)
    codecs = {"W": TO_COORDINATOR, "C": TO_WORKER}

    said = [message for who, body in lines for message in codecs[who].decode(body.encode())]

    assert isinstance(said[0], SayHello)
    assert {
        "SayHello",
        "Welcome",
        "RunTask",
        "ReportStart",
        "RevokeTasks",
        "ReportResult",
        "ConfirmRevoke",
        "Stop",
    } == {type(message).__name__ for message in said}


def test_the_contents_list_the_sections() -> None:
    """The list at the beginning names the sections in their order, with links that lead there."""
    listed = re.findall(r"^\d+\. \[([^]]+)\]\(#([^)]+)\)$", TEXT, re.MULTILINE)
    headings = re.findall(r"^## (\d+)\. (.+)$", TEXT, re.MULTILINE)

    assert [title for _, title in headings] == [title for title, _ in listed]
    assert [f"{number}-{title.lower().replace(' ', '-')}" for number, title in headings] == [link for _, link in listed]


def test_there_is_no_kind_beside_the_unions() -> None:
    """Every name in code style that looks like a message is one."""
    named = set(re.findall(r"`((?:[A-Z][a-z]+){1,3})`", TEXT))
    known = {kind for codec in CODECS.values() for kind in codec.kinds}

    assert known == named - {"Z"}  # the letter of UTC
