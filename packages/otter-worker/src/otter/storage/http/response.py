"""One request over libcurl, and the answer as it arrives.

libcurl calls back from within the event loop; coroutines take from here what it has brought. Who is
slower than the network makes it wait: only so much is kept.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Callable
from typing import Any, Self

import pycurl  # type: ignore[import-untyped]  # it has no annotations

from otter.storage.http.addresses import AddressRefusedError, checked_socket
from otter.storage.http.arrivals import Arrivals
from otter.storage.http.content import length_of
from otter.storage.http.urls import Target
from otter.storage.model import Block

_STATUS = re.compile(rb"HTTP/[\d.]+ (\d{3})")
_FINAL = 200
"""The lowest status that is an answer; those below announce one."""


class Response:
    """An answer to a request.

    Args:
        multi: what carries the request out, with its connections.
        curl: the handle to use, with the options of the request, and without callbacks.
        keep: takes the handle back, if it can be used for another request.
        target: where it goes.
        read_timeout: the longest time without a byte, in seconds, once there is a connection.
        allow_private: whether loopback and private addresses may be reached.

    Attributes:
        url: that of the request.
        status: of the answer.
        headers: of the answer, by name in lower case; the first of several with the same name.
        peer: the address it comes from; none as long as there is no connection.
    """

    def __init__(
        self,
        multi: pycurl.AsyncCurlMulti,
        curl: pycurl.Curl,
        keep: Callable[[pycurl.Curl], None],
        target: Target,
        read_timeout: float,
        allow_private: bool,
    ) -> None:
        self.url = target.url
        self.status = 0
        self.headers: dict[str, str] = {}
        self.peer: str | None = None
        self._multi = multi
        self._curl = curl
        self._keep = keep
        self._read_timeout = read_timeout
        self._allow_private = allow_private
        self._refused: AddressRefusedError | None = None
        self._has_head = False
        self._arrivals = Arrivals()
        self._is_paused = False
        self._is_released = False
        self._has_ended = False
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._is_waking = False
        self._timer: asyncio.TimerHandle | None = None
        curl.setopt(pycurl.URL, target.url)
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self.on_open)
        curl.setopt(pycurl.PREREQFUNCTION, self.on_connected)
        curl.setopt(pycurl.HEADERFUNCTION, self.on_header)
        curl.setopt(pycurl.WRITEFUNCTION, self.on_block)
        self._transfer: asyncio.Future[Any] = multi.add_handle(curl)
        self._transfer.add_done_callback(self._on_end)

    async def head(self) -> None:
        """Wait for status and headers.

        Raises:
            pycurl.error: there was no answer.
            TimeoutError: nothing came for too long.
            AddressRefusedError: the address of the server may not be reached.
        """
        while not self._has_head:
            if self._transfer.done():
                self._finish()
                raise pycurl.error(pycurl.E_GOT_NOTHING, "")
            await self._event()

    async def next_block(self) -> Block | None:
        """What has arrived of the body since the last call, which may change at the next one; none at the end.

        Raises:
            pycurl.error: it ended too early.
            TimeoutError: nothing came for too long.
        """
        while True:
            if self._arrivals:
                return self._arrivals.take()
            if self._is_paused:
                self._is_paused = False
                self._curl.pause(pycurl.PAUSE_CONT)
            elif self._transfer.done():
                self._finish()
                return None
            else:
                await self._event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Have no more to do with the request."""
        if self._is_released:
            return
        self._is_released = True
        if self._has_ended:
            self._give_back()
        elif not self._transfer.done():
            self._multi.remove_handle(self._curl)
            self._curl.close()

    def on_open(self, purpose: int, address: tuple[int, int, int, tuple[str | int, ...]]) -> socket.socket | int:
        """Before a connection is made: a socket for it, if the address may be reached."""
        family, kind, protocol, name = address
        try:
            opened = checked_socket((family, kind, protocol, "", name), self._allow_private)
        except AddressRefusedError as error:
            self._refused = error
        except OSError:
            pass  # to the client, that address cannot be reached
        else:
            self._loop.call_soon(opened.close)  # the client makes a duplicate
            return opened
        return int(pycurl.SOCKET_BAD)

    def on_connected(self, peer: str, own: str, peer_port: int, own_port: int) -> int:
        """Before the request is sent, over a new connection or one that was kept."""
        self.peer = peer
        if self._waiter is not None:
            self._set_timer()
        return int(pycurl.PREREQFUNC_OK)

    def on_header(self, line: bytes) -> None:
        """A line of the head, or of what comes after the body."""
        if self._has_head or self.peer is None:  # before there is a connection to the server, a proxy speaks
            return
        self._wake()
        status = _STATUS.match(line)
        if status is not None:
            self.status = int(status[1])
            self.headers.clear()
        elif line in (b"\r\n", b"\n"):
            self._has_head = self.status >= _FINAL
            length = length_of(self.headers)
            if length is not None:
                self._arrivals.expect(length)
        else:
            name, colon, value = line.decode("utf-8", "surrogateescape").partition(":")
            if colon:
                self.headers.setdefault(name.strip().lower(), value.strip())

    def on_block(self, block: bytes) -> int | None:
        """A part of the body; if there is no room for it, it will come again."""
        self._wake()
        if self._arrivals.put(block):
            return None
        self._is_paused = True
        return int(pycurl.WRITEFUNC_PAUSE)

    async def _event(self) -> None:
        """Wait until something has come, or the end has."""
        self._waiter = self._loop.create_future()
        if self.peer is not None:
            self._set_timer()
        try:
            await self._waiter
        finally:
            self._waiter = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _set_timer(self) -> None:
        self._timer = self._loop.call_later(self._read_timeout, self._on_silence)

    def _on_silence(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(TimeoutError())

    def _on_end(self, transfer: asyncio.Future[Any]) -> None:
        self._has_ended = True
        if transfer.cancelled():
            return
        transfer.exception()  # it is raised where it is waited for
        if self._is_released:
            self._give_back()
        self._wake()

    def _give_back(self) -> None:
        """Let the handle be used again, but only after the callbacks of its transfer: they know it by its handle."""
        self._curl.reset()
        self._keep(self._curl)

    def _wake(self) -> None:
        """Go on at the turn after the next: then it is known whether what has come is all that comes."""
        if self._waiter is not None and not self._is_waking:
            self._is_waking = True
            self._loop.call_soon(self._wake_now)

    def _wake_now(self) -> None:
        self._is_waking = False
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _finish(self) -> None:
        """Raise what the transfer ended with, if anything."""
        try:
            self._transfer.result()
        except pycurl.error as error:
            code, text = error.args[:2]
            if code == pycurl.E_COULDNT_CONNECT:
                if self._refused is not None:
                    raise self._refused from error
                number = self._curl.getinfo(pycurl.OS_ERRNO)
                raise pycurl.error(code, os.strerror(number) if number else text) from error
            raise
