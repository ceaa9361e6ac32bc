"""Frames: length and CRC-32 as two unsigned 32-bit big-endian integers, then the body.

The decoder is incremental: it takes whatever bytes came, keeps the rest, and never waits. The length is checked against
the limit before anything is allocated, because the peer is a process that task code may have damaged.
"""

from __future__ import annotations

import struct
import zlib

from otter.wire.errors import PeerError, UnrepresentableError

HEADER = struct.Struct("!II")
BEGINNING = struct.Struct("!QId")
"""What a worker writes into the pipe of beginnings: task, attempt, and the system's monotonic clock in seconds."""
MAX_FRAME = 16 * 1024 * 1024
"""Bytes of a body at most. Larger results go through a file."""


def encode_frame(body: bytes) -> bytes:
    """The frame of a body.

    Raises:
        UnrepresentableError: the body is empty, or larger than `MAX_FRAME`.
    """
    if not 0 < len(body) <= MAX_FRAME:
        raise UnrepresentableError("$", f"a frame has 1 to {MAX_FRAME} bytes, this one {len(body)}")
    return HEADER.pack(len(body), zlib.crc32(body)) + body


class FrameDecoder:
    """Takes bytes in any portions and gives the bodies of complete frames.

    Attributes:
        broken: why nothing more can come out of the stream; none while it is sound.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.broken: str | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies that are complete with these bytes, in order.

        Raises:
            PeerError: a length or checksum is wrong; the stream cannot be trusted from there on, and every later call
                raises as well.
        """
        if self.broken is not None:
            raise PeerError(self.broken)
        buffer = self._buffer
        buffer += data
        bodies: list[bytes] = []
        at, size = 0, len(buffer)
        while size - at >= 8:
            length, checksum = HEADER.unpack_from(buffer, at)
            if not 0 < length <= MAX_FRAME:
                self._refuse(f"a frame announces {length} bytes; 1 to {MAX_FRAME} are allowed", bodies)
                break
            end = at + 8 + length
            if end > size:
                break
            body = bytes(memoryview(buffer)[at + 8 : end])
            if zlib.crc32(body) != checksum:
                self._refuse(f"a frame of {length} bytes does not match its checksum", bodies)
                break
            bodies.append(body)
            at = end
        if at:
            del buffer[:at]
        return bodies

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete: what a peer that died in the middle of writing left."""
        return len(self._buffer)

    def _refuse(self, reason: str, bodies: list[bytes]) -> None:
        self.broken = reason
        if not bodies:  # the complete frames before the damage are still good: give them first, raise at the next call
            raise PeerError(reason)
