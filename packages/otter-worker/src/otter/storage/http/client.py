"""The connections of an event loop, and one request with everything that a redirect may try.

There is one session for each event loop and each rule about private addresses. Sessions live as
long as their loop: an asynchronous generator holds each, and event loops finish their generators
before they close.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from yarl import URL

from otter.storage.http.addresses import checked_socket, is_private, parse_address, refusal
from otter.storage.http.errors import translated
from otter.storage.http.options import Options
from otter.storage.location import shown
from otter.storage.model import BLOCK_SIZE
from otter.util.errors import DownloadError, StorageError

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SCHEMES = frozenset({"http", "https"})
_PROXY_VARIABLES = (
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
)
_log = logging.getLogger(__name__)


class Response(aiohttp.ClientResponse):
    """An answer that knows which address it came from.

    Attributes:
        peer: the address; none when it is not known.
    """

    peer: str | None = None

    async def start(self, connection: Any) -> aiohttp.ClientResponse:
        """Note the peer, and read the head; the connection may be given back by that."""
        name = connection.transport.get_extra_info("peername") if connection.transport is not None else None
        self.peer = str(name[0]) if name else None
        return await super().start(connection)


@asynccontextmanager
async def answer(method: str, url: str, options: Options) -> AsyncIterator[Response]:
    """The answer to a request, redirects followed; its connection is let go at the end.

    The headers in `options` go to the server that the URL names and to no other.

    Raises:
        StorageError: an address or a scheme that is not allowed, too many redirects, or no answer.
    """
    target = _parsed(url)
    first = target.origin()
    allow_private = options.allow_private
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=options.connect_timeout, sock_read=options.read_timeout)
    for hop in range(MAX_REDIRECTS + 1):
        _check(target, url if hop == 0 else f"{url} (redirected to {target})", allow_private)
        proxy = _proxy(target)
        # Whatever the proxy's address: it was chosen by the operator.
        session = await _session(allow_private or proxy is not None)
        headers = options.headers if target.origin() == first else None
        with translated(url):
            response = await session.request(
                method, target, headers=headers, allow_redirects=False, proxy=proxy, timeout=timeout
            )
        assert isinstance(response, Response)
        try:
            location = response.headers.get("Location") if response.status in _REDIRECTS else None
            if location is None:
                yield response
                return
        finally:
            response.release()
        peer = parse_address(response.peer or "")
        allow_private = allow_private and proxy is None and peer is not None and is_private(peer)
        target = _redirected(target, location, url)
    raise DownloadError(f"{shown(url)}: more than {MAX_REDIRECTS} redirects")


def _parsed(url: str) -> URL:
    with translated(url):
        target = URL(url)
        if not target.host:
            raise ValueError("this URL names no server")
        return target


def _redirected(former: URL, location: str, url: str) -> URL:
    with translated(url):
        target = former.join(URL(location))
    if former.scheme == "https" and target.scheme == "http":
        _log.warning("%s: redirected from https to http, where anybody on the way can change it", shown(url))
    return target


def _check(target: URL, url: str, allow_private: bool) -> None:
    if target.scheme not in _SCHEMES or not target.host:
        raise StorageError(f"{shown(url)}: refused: only http and https are fetched")
    address = parse_address(target.host)
    reason = refusal(address, allow_private) if address is not None else None
    if reason is not None:
        raise StorageError(f"{shown(url)}: refused: {reason}")


_Held = tuple[aiohttp.ClientSession, AsyncGenerator[aiohttp.ClientSession, None]]
_sessions: dict[asyncio.AbstractEventLoop, dict[bool, _Held]] = {}


async def _session(allow_private: bool) -> aiohttp.ClientSession:
    loop = asyncio.get_running_loop()
    held = _sessions.get(loop)
    if held is None:
        for other in [other for other in _sessions if other.is_closed()]:
            del _sessions[other]  # its generators were not finished: its sessions will complain
        held = _sessions.setdefault(loop, {})
    if allow_private not in held:
        holder = _held_session(allow_private, held)
        # With its first step the loop becomes responsible for the generator; no other task gets a
        # turn meanwhile.
        held[allow_private] = await anext(holder), holder
    return held[allow_private][0]


async def _held_session(allow_private: bool, held: dict[bool, _Held]) -> AsyncGenerator[aiohttp.ClientSession, None]:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0,  # how many at once is decided by those who ask
            socket_factory=functools.partial(checked_socket, allow_private=allow_private),
        ),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "otter", "Accept": "*/*", "Accept-Encoding": "identity"},
        read_bufsize=BLOCK_SIZE // 4,
        response_class=Response,
    )
    try:
        yield session
    finally:
        held.pop(allow_private, None)
        await session.close()


def _proxy(target: URL) -> URL | None:
    """The proxy that the environment names for a URL, as curl reads it."""
    if not any(name in os.environ for name in _PROXY_VARIABLES):
        return None
    from urllib.request import getproxies_environment, proxy_bypass

    proxies = getproxies_environment()
    proxy = proxies.get(target.scheme) or proxies.get("all")
    if proxy is None or proxy_bypass(target.host or ""):
        return None
    return URL(proxy if "://" in proxy else f"http://{proxy}")
