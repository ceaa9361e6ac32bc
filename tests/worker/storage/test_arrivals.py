"""What arrives is handed on in order, whoever is faster, in a fixed amount of memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otter.storage.http.arrivals import ROOM, Arrivals


def test_a_block_alone_is_handed_on_as_it_is() -> None:
    """Small answers cost no buffer."""
    arrivals, block = Arrivals(), b"data"
    assert arrivals.put(block)
    assert len(arrivals) == 4
    assert arrivals.take() is block
    assert not arrivals


@given(st.lists(st.one_of(st.none(), st.integers(1, ROOM // 3)), max_size=30))
def test_nothing_is_lost_and_what_was_taken_stays(steps: list[int | None]) -> None:
    """Blocks come back in order; one that was taken does not change before the next is."""
    arrivals = Arrivals()
    put, taken, lent, copy = bytearray(), bytearray(), memoryview(b""), b""
    for number, size in enumerate(steps):
        if size is None:
            assert copy == lent
            if arrivals:
                lent = memoryview(arrivals.take())
                copy = bytes(lent)
                taken += copy
        else:
            block = bytes([number]) * size
            if arrivals.put(block):
                put += block
            else:
                assert len(arrivals) + size > ROOM
    if arrivals:
        taken += arrivals.take()
    assert put == taken


def test_there_is_no_room_beyond_what_is_expected() -> None:
    """Whatever a server sends after its announced length."""
    arrivals = Arrivals()
    arrivals.expect(5)
    assert [True, True, False] == [arrivals.put(b"ab"), arrivals.put(b"cde"), arrivals.put(b"f")]
    assert b"abcde" == bytes(arrivals.take())
