"""The web server that copies come from, in a process of its own and fast enough not to be what is measured.

    python -m tests.benchmarks.server SIZE BIG

listens on loopback, prints its port, and serves until its standard input closes: `BIG_PATH` has BIG bytes, every other
path SIZE bytes.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from typing import IO

BIG_PATH = "/big.bin"
_END = b"\r\n\r\n"


class Connection(asyncio.Protocol):
    """One connection: answers GET and HEAD, one after the other, and knows nothing else.

    Args:
        body: what most paths hold.
        big: what `BIG_PATH` holds.
    """

    def __init__(self, body: bytes, big: IO[bytes]) -> None:
        self._answer = _head(len(body)) + body
        self._head_only = _head(len(body))
        self._big = big
        self._big_size = big.seek(0, 2)
        self._buffer = b""
        self._sending: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Part of a request, or several."""
        self._buffer += data
        while self._sending is None and _END in self._buffer:
            request, _, self._buffer = self._buffer.partition(_END)
            method, path, _ = request.split(b"\r\n", 1)[0].split(b" ")
            if path == BIG_PATH.encode():
                self._transport.write(_head(self._big_size))
                if method == b"GET":
                    self._sending = asyncio.get_running_loop().create_task(self._send_big())
            else:
                self._transport.write(self._answer if method == b"GET" else self._head_only)

    async def _send_big(self) -> None:
        await asyncio.get_running_loop().sendfile(self._transport, self._big, 0)
        self._sending = None
        self.data_received(b"")


def _head(length: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % length


async def serve(size: int, big: int) -> None:
    """Serve until the standard input closes."""
    with tempfile.TemporaryFile() as file:
        file.truncate(big)
        body = bytes(number % 251 for number in range(size))
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(body, file), "127.0.0.1", 0, backlog=1024)
        print(server.sockets[0].getsockname()[1], flush=True)
        await loop.run_in_executor(None, sys.stdin.buffer.read)
        server.close()


def paths(count: int) -> list[str]:
    """Paths of as many different files."""
    return [f"/files/{number:06d}.bin" for number in range(count)]


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
