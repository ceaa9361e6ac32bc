"""URLs, read by the parser of the client that will use them: no second one could take a host for another."""

from __future__ import annotations

import re

import attrs
import pycurl  # type: ignore[import-untyped]  # it has no annotations

_FLAGS = pycurl.U_URLENCODE | pycurl.U_NON_SUPPORT_SCHEME
_NAMELESS = re.compile(r"https?:/*$|https?:///", re.IGNORECASE)


@attrs.frozen
class Target:
    """Where a request goes.

    Attributes:
        url: percent-encoded, with numbers that spell an address made into the address.
        scheme: in lower case.
        host: as it is in the URL, an IPv6 address in brackets.
        origin: scheme, host and port: whom headers are meant for.
    """

    url: str
    scheme: str
    host: str
    origin: tuple[str, str, str]


def parsed(url: str) -> Target:
    """The target that a URL names.

    Raises:
        ValueError: it names none.
    """
    if _NAMELESS.match(url):  # the client would take the first part of the path for it
        raise ValueError("this URL names no server")
    return _target(pycurl.CurlUrl(), url)


def joined(former: Target, location: str) -> Target:
    """The target of a redirect: a URL, or one relative to where it comes from.

    Raises:
        ValueError: it names none.
    """
    return _target(pycurl.CurlUrl(former.url), location)


def _target(base: pycurl.CurlUrl, url: str) -> Target:
    try:
        base.setpart(pycurl.UPART_URL, url.encode("utf-8", "surrogateescape"), _FLAGS)
        host = base.host or ""
        if not host.isascii():
            base.host = host = host.encode("idna").decode("ascii")
        port = base.getpart(pycurl.UPART_PORT, pycurl.U_DEFAULT_PORT) if base.scheme in ("http", "https") else ""
        return Target(base.url, base.scheme, host, (base.scheme, host.lower(), port))
    except pycurl.error as error:
        raise ValueError(f"this is not a URL that can be fetched: {error.args[1]}") from error
