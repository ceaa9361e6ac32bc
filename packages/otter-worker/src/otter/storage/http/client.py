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
from collections.abc import AsyncGenerator, Mapping

import pycurl  # type: ignore[import-untyped]  # it has no annotations

from otter.storage.http.addresses import is_private, parse_address, refusal
from otter.storage.http.arrivals import ROOM
from otter.storage.http.errors import translated
from otter.storage.http.options import Options
from otter.storage.http.response import Response
from otter.storage.http.urls import Target, joined, parsed
from otter.storage.location import shown
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
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}
_IDLE = 64
"""Handles and connections that are kept for the next requests."""
_log = logging.getLogger(__name__)


async def answer(method: str, url: str, options: Options) -> Response:
    """The answer to a request, redirects followed; whoever asks for it releases it.

    The headers in `options` go to the server that the URL names and to no other.

    Args:
        method: `GET` or `HEAD`.

    Raises:
        StorageError: an address or a scheme that is not allowed, too many redirects, or no answer.
    """
    with translated(url):
        target = parsed(url)
    first = target.origin
    allow_private = options.allow_private
    for hop in range(MAX_REDIRECTS + 1):
        _check(target, url if hop == 0 else f"{url} (redirected to {target.url})", allow_private)
        proxy = _proxy(target)
        # Whatever the proxy's address: it was chosen by the operator.
        session = await _session(allow_private or proxy is not None)
        own = options.headers if target.origin == first else {}
        with translated(url):
            response = session.send(method, target, own, proxy, options)
            try:
                await response.head()
            except BaseException:
                response.release()
                raise
        location = response.headers.get("location") if response.status in _REDIRECTS else None
        if location is None:
            return response
        response.release()
        peer = parse_address(response.peer or "")
        allow_private = allow_private and proxy is None and peer is not None and is_private(peer)
        target = _redirected(target, location, url)
    raise DownloadError(f"{shown(url)}: more than {MAX_REDIRECTS} redirects")


def _redirected(former: Target, location: str, url: str) -> Target:
    with translated(url):
        target = joined(former, location)
    if former.scheme == "https" and target.scheme == "http":
        _log.warning("%s: redirected from https to http, where anybody on the way can change it", shown(url))
    return target


def _check(target: Target, url: str, allow_private: bool) -> None:
    if target.scheme not in _SCHEMES or not target.host:
        raise StorageError(f"{shown(url)}: refused: only http and https are fetched")
    address = parse_address(target.host)
    reason = refusal(address, allow_private) if address is not None else None
    if reason is not None:
        raise StorageError(f"{shown(url)}: refused: {reason}")


class _Session:
    """Requests over connections that are kept, under one rule about private addresses."""

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._multi = pycurl.AsyncCurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, _IDLE)
        self._idle: list[pycurl.Curl] = []

    def send(
        self, method: str, target: Target, headers: Mapping[str, str], proxy: str | None, options: Options
    ) -> Response:
        """Send a request; whoever does that releases the answer."""
        curl = self._idle.pop() if self._idle else pycurl.Curl()
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.USERAGENT, "otter")  # to a proxy as well
        curl.setopt(pycurl.HTTPHEADER, _lines(headers))
        curl.setopt(pycurl.PROXY, proxy or "")
        curl.setopt(pycurl.NOPROXY, "")  # it has been looked at
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.BUFFERSIZE, ROOM // 2)  # what is read at once finds room as a rule
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, max(1, round(options.connect_timeout * 1000)))
        if method == "HEAD":
            curl.setopt(pycurl.NOBODY, 1)
        if target.scheme == "https" or proxy is not None:
            for option, place in _trust():
                curl.setopt(option, place)
        return Response(self._multi, curl, self._keep, target, options.read_timeout, self._allow_private)

    async def close(self) -> None:
        """Close all connections."""
        await self._multi.aclose()
        self._idle.clear()

    def _keep(self, curl: pycurl.Curl) -> None:
        if len(self._idle) < _IDLE:
            self._idle.append(curl)


_Held = tuple[_Session, AsyncGenerator[_Session, None]]
_sessions: dict[asyncio.AbstractEventLoop, dict[bool, _Held]] = {}


async def _session(allow_private: bool) -> _Session:
    loop = asyncio.get_running_loop()
    held = _sessions.get(loop)
    if held is None:
        for other in [other for other in _sessions if other.is_closed()]:
            del _sessions[other]  # its generators were not finished: nobody closed its connections
        held = _sessions.setdefault(loop, {})
    if allow_private not in held:
        holder = _held_session(allow_private, held)
        # With its first step the loop becomes responsible for the generator; no other task gets a
        # turn meanwhile.
        held[allow_private] = await anext(holder), holder
    return held[allow_private][0]


async def _held_session(allow_private: bool, held: dict[bool, _Held]) -> AsyncGenerator[_Session, None]:
    session = _Session(allow_private)
    try:
        yield session
    finally:
        held.pop(allow_private, None)
        await session.close()


_USUAL = [f"{name}: {value}".encode() for name, value in _HEADERS.items()]


def _lines(headers: Mapping[str, str]) -> list[bytes]:
    """The headers of a request as libcurl takes them; those that are given replace the usual ones."""
    if not headers:
        return _USUAL
    given = {name.lower() for name in headers}
    merged = {name: value for name, value in _HEADERS.items() if name.lower() not in given} | dict(headers)
    # With a colon and nothing behind it, libcurl would leave the header out.
    return [f"{name}: {value}".encode() if value else f"{name};".encode() for name, value in merged.items()]


@functools.cache
def _trust() -> tuple[tuple[int, str], ...]:
    """Options that name the certificates which Python trusts: libcurl has places of its own, for another system."""
    import ssl

    paths = ssl.get_default_verify_paths()
    places = (
        (pycurl.CAINFO, paths.cafile),
        (pycurl.CAPATH, paths.capath),
        (pycurl.PROXY_CAINFO, paths.cafile),
        (pycurl.PROXY_CAPATH, paths.capath),
    )
    return tuple((option, place) for option, place in places if place)


def _proxy(target: Target) -> str | None:
    """The proxy that the environment names for a URL, as curl reads it."""
    if not any(name in os.environ for name in _PROXY_VARIABLES):
        return None
    from urllib.request import getproxies_environment, proxy_bypass

    proxies = getproxies_environment()
    proxy = proxies.get(target.scheme) or proxies.get("all")
    if proxy is None or proxy_bypass(target.host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
