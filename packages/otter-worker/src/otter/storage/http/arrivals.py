"""What has arrived and was not taken yet, in memory that is used again and again.

libcurl brings 16 KiB at a time. Blocks that are joined as new objects cost as much as the way over
the network: the system takes and gives back their pages each time.
"""

from __future__ import annotations

from otter.storage.model import BLOCK_SIZE, Block

ROOM = BLOCK_SIZE
"""Bytes that are kept before the server has to wait. Twice as many are a little faster, and twice the memory of each
of the copies that a worker makes at once."""


class Arrivals:
    """Blocks in the order of their arrival: one alone as it is, several together in one of two buffers."""

    def __init__(self) -> None:
        self._room = ROOM
        self._size = 0
        self._alone: bytes | None = None
        self._filling: memoryview | None = None
        self._lent: memoryview | None = None

    def __len__(self) -> int:
        return self._size

    def expect(self, size: int) -> None:
        """There is no more to come than that."""
        self._room = min(ROOM, size)

    def put(self, block: bytes) -> bool:
        """Keep a block; whether there was room for it."""
        if not self._size:
            self._alone, self._size = block, len(block)
            return True
        end = self._size + len(block)
        if end > self._room:
            return False
        buffer = self._filling
        if buffer is None:
            buffer = self._filling = memoryview(bytearray(self._room))
        if self._alone is not None:
            buffer[: self._size], self._alone = self._alone, None
        buffer[self._size : end] = block
        self._size = end
        return True

    def take(self) -> Block:
        """All that is there; it stays as it is until the next call."""
        size, self._size = self._size, 0
        if self._alone is not None:
            block, self._alone = self._alone, None
            return block
        filled = self._filling
        assert filled is not None, "there is nothing to take"
        self._filling, self._lent = self._lent, filled
        return filled[:size]
