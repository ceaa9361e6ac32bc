"""The protocol between coordinator and worker. `PROTOCOL.md` is its normative text."""

from otter.wire.codec import TO_COORDINATOR, TO_WORKER, Codec, read_hello
from otter.wire.errors import PeerError, UnrepresentableError, VersionError, WireError
from otter.wire.frames import MAX_FRAME, FrameDecoder, encode_frame
from otter.wire.version import NEWEST, OLDEST, agree

__all__ = [
    "MAX_FRAME", "NEWEST", "OLDEST", "TO_COORDINATOR", "TO_WORKER", "Codec", "FrameDecoder", "PeerError",
    "UnrepresentableError", "VersionError", "WireError", "agree", "encode_frame", "read_hello",
]  # fmt: skip
