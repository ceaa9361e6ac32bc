"""Frames that were fixed once: what this version writes, and what every later one must read."""

from __future__ import annotations

from typing import Any

import pytest

from otter.wire import FrameDecoder, encode_frame, read_hello
from otter.wire.messages import SayHello
from tests.golden.wire.v1.frames import FRAMES
from tests.support.wire import CODECS, UNIONS, kinds

CASES = [pytest.param(direction, batch, frame, id=name) for name, direction, batch, frame in FRAMES]


@pytest.mark.parametrize(("direction", "batch", "frame"), CASES)
def test_messages_become_the_golden_bytes(direction: str, batch: list[Any], frame: bytes) -> None:
    """What is written is, byte by byte, what it was when the version was fixed."""
    assert frame == encode_frame(CODECS[direction].encode(batch))


@pytest.mark.parametrize(("direction", "batch", "frame"), CASES)
def test_golden_bytes_become_the_messages(direction: str, batch: list[Any], frame: bytes) -> None:
    """What was written then is understood."""
    [body] = FrameDecoder().feed(frame)

    assert batch == CODECS[direction].decode(body)


@pytest.mark.parametrize("frame", [frame for _, _, batch, frame in FRAMES if isinstance(batch[0], SayHello)])
def test_golden_hellos_are_accepted(frame: bytes) -> None:
    """A worker of each version that this one speaks is welcome."""
    [body] = FrameDecoder().feed(frame)

    assert "1.0" == read_hello(body)[1]


def test_every_kind_has_a_golden_frame() -> None:
    """No kind of message is without a frame that fixes it."""
    fixed = {type(message) for _, _, batch, _ in FRAMES for message in batch}

    assert {kind for union in UNIONS.values() for kind in kinds(union)} == fixed


def test_all_golden_frames_in_one_stream() -> None:
    """The frames of a direction, one after the other, come out as they went in."""
    for direction, codec in CODECS.items():
        mine = [(batch, frame) for _, way, batch, frame in FRAMES if way == direction]
        bodies = FrameDecoder().feed(b"".join(frame for _, frame in mine))

        assert [batch for batch, _ in mine] == [codec.decode(body) for body in bodies]
