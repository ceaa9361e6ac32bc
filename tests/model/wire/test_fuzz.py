"""Hostile bytes: whatever comes, nothing but a `WireError` comes out of reading it.

Mutations come from a seed, so that a failure is a failure each time; the input is in its message.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from otter.wire import TO_COORDINATOR, TO_WORKER, FrameDecoder, WireError, encode_frame, read_hello
from tests.golden.wire.v1.frames import FRAMES

FRAME_INPUTS = 80_000
BODY_INPUTS = 80_000
JSON_INPUTS = 60_000
CHUNKS = 4

GOLDEN = [frame for _, _, _, frame in FRAMES]
HOSTILE = (
    b"\x00", b"\xff", b"\xff\xff\xff\xff", b"\x80\x00\x00\x00", b"NaN", b"1e999", b"-", b"null", b"[", b"]", b"{",
    b"}", b'"', b"\\", b"\\ud800", b"\xed\xa0\x80", b"18446744073709551616", b'"kind":', b'"SayHello"', b",", b":",
    b"[" * 1100,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**63, -(2**63), "", "kind", "\x00", "x" * 300, [], {}, [[]], [None],
    {"kind": "Stop"},
    [[[[[[[[[[]]]]]]]]]], {"": {"": {"": {}}}}, ["SayHello"], "1.0", "2.0", "9999.9999",
)  # fmt: skip


def mutate(rng: random.Random, data: bytes) -> bytes:
    """Bytes with a few changes: flipped, cut, doubled, spliced, or with something hostile put in."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        place = rng.randrange(len(changed) + 1)
        match rng.randrange(6):
            case 0 if changed:
                changed[place % len(changed)] ^= 1 << rng.randrange(8)
            case 1:
                del changed[place : place + rng.choice((1, 4, 40))]
            case 2:
                changed[place:place] = rng.choice(HOSTILE)
            case 3:
                changed[place:place] = changed[place : place + rng.choice((1, 8, 60))]
            case 4:
                other = rng.choice(GOLDEN)
                cut = rng.randrange(len(other))
                changed[place:] = other[cut:]
            case _:
                changed[place : place + 4] = rng.randbytes(4)
    return bytes(changed)


def distort(rng: random.Random, value: Any) -> Any:
    """JSON with one of its parts replaced, removed, renamed or added."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(list(value))
        match rng.randrange(5):
            case 0:
                return {k: v for k, v in value.items() if k != key}
            case 1:
                return {**value, rng.choice(("kind", "extra", "task", "")): rng.choice(VALUES)}
            case _:
                return {**value, key: distort(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.8:
        place = rng.randrange(len(value))
        return [*value[:place], distort(rng, value[place]), *value[place + rng.randrange(2) :]]
    return rng.choice(VALUES)


def read_all(body: bytes) -> None:
    """Read a body in every way that there is."""
    for read in (TO_WORKER.decode, TO_COORDINATOR.decode, read_hello):
        try:
            read(body)
        except WireError:
            continue


def damaged_frames(rng: random.Random) -> Iterator[bytes]:
    """Streams of one or two damaged frames."""
    for _ in range(FRAME_INPUTS // CHUNKS):
        yield mutate(rng, rng.choice(GOLDEN) + rng.choice((b"", rng.choice(GOLDEN))))


def damaged_bodies(rng: random.Random) -> Iterator[bytes]:
    """Sound frames of damaged bodies."""
    for _ in range(BODY_INPUTS // CHUNKS):
        yield encode_frame(mutate(rng, rng.choice(GOLDEN)[8:]) or b"[]")


def distorted_messages(rng: random.Random) -> Iterator[bytes]:
    """Sound frames of sound JSON that is no message any more."""
    rows = [orjson.loads(frame[8:]) for frame in GOLDEN]
    for _ in range(JSON_INPUTS // CHUNKS):
        yield encode_frame(orjson.dumps(distort(rng, rng.choice(rows))))


@pytest.mark.parametrize("seed", range(CHUNKS))
@pytest.mark.parametrize("inputs", [damaged_frames, damaged_bodies, distorted_messages], ids=lambda make: make.__name__)
def test_only_errors_of_the_wire_come_out(inputs: Callable[[random.Random], Iterator[bytes]], seed: int) -> None:
    """Damaged streams, damaged bodies and distorted messages are read, or refused as the peer's mistake."""
    rng = random.Random(seed)
    for stream in inputs(rng):
        decoder = FrameDecoder()
        cut = rng.randrange(len(stream) + 1)
        try:
            for portion in (stream[:cut], stream[cut:]):
                for body in decoder.feed(portion):
                    read_all(body)
        except WireError:
            assert decoder.broken is not None
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error}, from {stream!r}") from error


def test_there_are_enough_inputs() -> None:
    """The number of inputs is what the project promises to try on each change."""
    assert FRAME_INPUTS + BODY_INPUTS + JSON_INPUTS >= 200_000


def test_inputs_reach_the_inside() -> None:
    """Mutations are no mere noise: some get through the frame, the JSON and the definition of a message."""
    rng = random.Random(0)
    outcomes = set()
    for stream in distorted_messages(rng):
        [body] = FrameDecoder().feed(stream)
        try:
            outcomes.add(type(TO_COORDINATOR.decode(body)[0]).__name__)
        except WireError as error:
            outcomes.add(str(error)[:12])

    assert outcomes >= {"SayHello", "ReportResult", "AddSpecs", "a ReportStar", "unknown kind", "a body is no"}
