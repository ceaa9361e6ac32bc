"""What can go wrong with a request, in words, with the URL and without its secrets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import pycurl  # type: ignore[import-untyped]  # it has no annotations

from otter.storage.http.addresses import AddressRefusedError
from otter.storage.location import shown
from otter.util.errors import DownloadError, NotFoundError, PreconditionFailedError, StorageError

_ADVICE = {
    HTTPStatus.UNAUTHORIZED: "credentials are needed",
    HTTPStatus.FORBIDDEN: "access is refused",
    HTTPStatus.TOO_MANY_REQUESTS: "the server asks for fewer requests",
}

_WORDS = {
    pycurl.E_OPERATION_TIMEDOUT: "the server could not be reached in time",
    pycurl.E_COULDNT_RESOLVE_HOST: "the name of the server is unknown: {}",
    pycurl.E_COULDNT_RESOLVE_PROXY: "the name of the proxy is unknown: {}",
    pycurl.E_COULDNT_CONNECT: "the server cannot be reached: {}",
    pycurl.E_GOT_NOTHING: "the server closed the connection without an answer",
    pycurl.E_PARTIAL_FILE: "the connection ended before the content did",
    pycurl.E_RECV_ERROR: "the connection broke: {}",
    pycurl.E_SEND_ERROR: "the connection broke: {}",
    pycurl.E_PEER_FAILED_VERIFICATION: "the certificate of the server is not trusted: {}",
    pycurl.E_UNSUPPORTED_PROTOCOL: "the server does not speak HTTP properly: {}",
    pycurl.E_FTP_WEIRD_SERVER_REPLY: "the server does not speak HTTP properly: {}",
}
"""What the codes of libcurl mean, with its own words for the details."""


def refused(url: str, status: int) -> StorageError:
    """The error that an answer with a status stands for."""
    try:
        words = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        words = str(status)
    text = f"{shown(url)}: the server answered {words}"
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return NotFoundError(text)
    if status == HTTPStatus.PRECONDITION_FAILED:
        return PreconditionFailedError(text)
    advice = _ADVICE.get(HTTPStatus(status)) if status in _ADVICE else None
    return DownloadError(f"{text}: {advice}" if advice else text)


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Errors of the HTTP client as errors of storage."""
    try:
        yield
    except (pycurl.error, OSError, ValueError) as error:
        raise DownloadError(f"{shown(url)}: {_words(error)}") from error


def _words(error: BaseException) -> str:
    match error:
        case pycurl.error():
            code, text = error.args[:2]
            return _WORDS.get(code, "{}").format(text)
        case AddressRefusedError():
            return f"refused: {error}"
        case TimeoutError():
            return "the server sent nothing for too long"
        case OSError():
            return error.strerror or str(error)
    return str(error) or type(error).__name__
