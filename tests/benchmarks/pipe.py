"""The limit: two processes, a socket pair, orjson, and nothing else.

    python -m tests.benchmarks.pipe MESSAGES BATCH FRAMES

sends messages the size of otter's to another process, which parses each and answers it. `BATCH` messages share a frame,
and at most `FRAMES` of these have no answer yet: with one of each every message makes a round trip, and with many the
rate is one that no engine between two Python processes can exceed. It uses no code of otter.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import time
import zlib
from typing import Any

import orjson

_HEADER = struct.Struct("!II")
_RECEIVE = 256 * 1024


class Channel:
    """Frames over a socket: length, CRC-32, a JSON array of messages."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = bytearray()

    def send(self, messages: list[Any]) -> None:
        """Send messages in one frame."""
        body = orjson.dumps(messages)
        self._socket.sendall(_HEADER.pack(len(body), zlib.crc32(body)) + body)

    def receive(self) -> list[Any]:
        """The messages of all frames that are here, at least of one; none when the other end is closed."""
        messages: list[Any] = []
        buffer = self._buffer
        while not messages:
            data = self._socket.recv(_RECEIVE)
            if not data:
                return []
            buffer += data
            at = 0
            while len(buffer) - at >= _HEADER.size:
                length, checksum = _HEADER.unpack_from(buffer, at)
                end = at + _HEADER.size + length
                if end > len(buffer):
                    break
                body = bytes(memoryview(buffer)[at + _HEADER.size : end])
                if zlib.crc32(body) != checksum:
                    raise ValueError("a frame was damaged")
                messages += orjson.loads(body)
                at = end
            del buffer[:at]
        return messages


def exchange(channel: Channel, count: int, batch: int, frames: int) -> float:
    """Send `count` messages and take their answers; the seconds that it took.

    What is on the way must fit into the buffers of the sockets: both ends write before they read.
    """
    sent = answered = 0
    began = time.perf_counter()
    while answered < count:
        while sent < count and sent - answered <= batch * (frames - 1):
            size = min(batch, count - sent)
            channel.send([_request(number) for number in range(sent, sent + size)])
            sent += size
        answered += len(channel.receive())
    return time.perf_counter() - began


def answer_all(channel: Channel, batch: int) -> None:
    """Answer each message, in frames of the same number of messages, until the other end is closed."""
    while messages := channel.receive():
        for start in range(0, len(messages), batch):
            channel.send([_answer(message) for message in messages[start : start + batch]])


def _request(number: int) -> dict[str, Any]:
    return {"task": number, "attempt": 1, "spec": {"name": f"nothing {number:06d}"}, "kind": "RunTask"}


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    time_text = "2025-01-01T00:00:00.000000Z"
    record = {
        "name": request["spec"]["name"], "result": "success", "started_run_at": time_text,
        "finished_run_at": time_text, "run_elapsed": 1.5e-05, "elapsed": 1.5e-05,
    }  # fmt: skip
    return {
        "task": request["task"], "attempt": 1, "record": record, "peak_memory": 30_000_000, "kind": "ReportResult",
    }  # fmt: skip


def main() -> None:
    """Measure once, and print seconds and rate as JSON."""
    if sys.argv[1] == "--answer":
        answer_all(Channel(socket.socket(fileno=int(sys.argv[2]))), int(sys.argv[3]))
        return
    count, batch, frames = map(int, sys.argv[1:4])
    ours, theirs = socket.socketpair()
    words = [sys.executable, "-m", "tests.benchmarks.pipe", "--answer", str(theirs.fileno()), str(batch)]
    with subprocess.Popen(words, pass_fds=[theirs.fileno()], env=dict(os.environ)) as child:
        theirs.close()
        channel = Channel(ours)
        exchange(channel, batch, batch, 1)  # until the other end has started
        seconds = exchange(channel, count, batch, frames)
        ours.shutdown(socket.SHUT_RDWR)
        child.wait()
    print(json.dumps({"seconds": seconds, "rate": count / seconds}))


if __name__ == "__main__":
    main()
