"""Frames: bytes in any portions, and in any state of damage."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otter.wire import MAX_FRAME, FrameDecoder, PeerError, UnrepresentableError, encode_frame

BODIES = [b"a", b"[1,2]", b"\x00" * 70_000, b'[{"kind":"Stop"}]']
STREAM = b"".join(map(encode_frame, BODIES))


def test_the_layout_of_a_frame() -> None:
    """Length and CRC-32 as unsigned 32-bit big-endian integers, then the body."""
    assert struct.pack("!II", 3, zlib.crc32(b"abc")) + b"abc" == encode_frame(b"abc")


def test_one_byte_at_a_time() -> None:
    """A peer that writes slowly is understood as well as any other."""
    decoder = FrameDecoder()
    small = b"".join(map(encode_frame, [b"a", b"bc", b"def"]))

    bodies = [body for place in range(len(small)) for body in decoder.feed(small[place : place + 1])]

    assert [b"a", b"bc", b"def"] == bodies
    assert 0 == decoder.pending


def test_every_place_of_a_cut() -> None:
    """Wherever a stream is cut in two, the same bodies come out, each as soon as it is complete."""
    small = [b"a", b"[1,2]", b"xyz"]
    stream = b"".join(map(encode_frame, small))
    for cut in range(len(stream) + 1):
        decoder = FrameDecoder()
        first = decoder.feed(stream[:cut])

        assert small[: len(first)] == first
        assert decoder.pending == cut - sum(8 + len(body) for body in first)
        assert small == first + decoder.feed(stream[cut:])


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_any_portions(cuts: list[int]) -> None:
    """Portions of any size, empty ones too, make no difference."""
    decoder = FrameDecoder()
    edges = [0, *sorted(cuts), len(STREAM)]

    bodies = [body for a, b in pairwise(edges) for body in decoder.feed(STREAM[a:b])]

    assert BODIES == bodies


def test_a_frame_that_a_death_cut_off() -> None:
    """What a peer left that died while it wrote is no body, and is counted."""
    decoder = FrameDecoder()

    assert [b"whole"] == decoder.feed(encode_frame(b"whole") + encode_frame(b"torn")[:-1])
    assert 11 == decoder.pending
    assert decoder.broken is None


@pytest.mark.parametrize("bit", range(8 * len(encode_frame(b"body"))))
def test_a_flipped_bit_is_found(bit: int) -> None:
    """No single flipped bit gives a body; one that makes a frame longer waits for the rest, and is found then."""
    frame = bytearray(encode_frame(b"body"))
    frame[bit // 8] ^= 1 << bit % 8
    decoder = FrameDecoder()
    bodies: list[bytes] = []

    with pytest.raises(PeerError):  # noqa: PT012 - either portion may be the one that shows it
        bodies += decoder.feed(bytes(frame))
        bodies += decoder.feed(b"\x00" * (MAX_FRAME + 8))

    assert [] == bodies


@pytest.mark.parametrize("length", [0, MAX_FRAME + 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1])
def test_a_length_that_is_not_allowed(length: int) -> None:
    """Nothing, too much, and what is a negative number to others are refused before a byte of the body came."""
    decoder = FrameDecoder()

    with pytest.raises(PeerError, match=rf"^a frame announces {length} bytes; 1 to {MAX_FRAME} are allowed$"):
        decoder.feed(struct.pack("!II", length, 0))


def test_a_length_of_64_bits() -> None:
    """2^40 as eight bytes is a length of 256 and a checksum of 0 here: it is found when 256 bytes have come."""
    decoder = FrameDecoder()

    assert [] == decoder.feed(struct.pack("!Q", 2**40) + b"x" * 255)
    with pytest.raises(PeerError, match=r"^a frame of 256 bytes does not match its checksum$"):
        decoder.feed(b"x")


def test_the_largest_frame() -> None:
    """A body may have as many bytes as the limit says."""
    body = b"x" * MAX_FRAME

    assert [body] == FrameDecoder().feed(encode_frame(body))


@pytest.mark.parametrize("size", [0, MAX_FRAME + 1])
def test_a_body_that_is_not_allowed(size: int) -> None:
    """An empty body and one beyond the limit are refused by the side that would send them."""
    with pytest.raises(UnrepresentableError, match=rf"^\$: a frame has 1 to {MAX_FRAME} bytes, this one {size}$"):
        encode_frame(b"x" * size)


def test_what_came_before_the_damage_is_good() -> None:
    """Complete frames before the damage come out; the decoder says that it is broken, and every later call raises."""
    decoder = FrameDecoder()

    assert [b"good"] == decoder.feed(encode_frame(b"good") + b"\xff" * 8)
    assert f"a frame announces {2**32 - 1} bytes; 1 to {MAX_FRAME} are allowed" == decoder.broken
    for data in (b"", encode_frame(b"good")):
        with pytest.raises(PeerError, match="announces"):
            decoder.feed(data)


@given(st.binary(max_size=60))
def test_garbage(data: bytes) -> None:
    """Whatever comes, only `PeerError` comes out, or bodies whose checksums are right."""
    decoder = FrameDecoder()
    try:
        bodies = decoder.feed(data)
    except PeerError:
        assert decoder.broken is not None
    else:
        assert all(encode_frame(body) in data for body in bodies)
