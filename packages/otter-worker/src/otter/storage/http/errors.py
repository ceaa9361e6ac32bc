"""What can go wrong with a request, in words, with the URL and without its secrets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import aiohttp

from otter.storage.http.addresses import AddressRefusedError
from otter.storage.location import shown
from otter.util.errors import DownloadError, NotFoundError, PreconditionFailedError, StorageError

_ADVICE = {
    HTTPStatus.UNAUTHORIZED: "credentials are needed",
    HTTPStatus.FORBIDDEN: "access is refused",
    HTTPStatus.TOO_MANY_REQUESTS: "the server asks for fewer requests",
}


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
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise DownloadError(f"{shown(url)}: {_words(error)}") from error


def _words(error: BaseException) -> str:
    match error:
        case aiohttp.ConnectionTimeoutError():
            return "the server could not be reached in time"
        case aiohttp.ServerTimeoutError() | TimeoutError():
            return "the server sent nothing for too long"
        case aiohttp.ServerDisconnectedError():
            return "the server closed the connection without an answer"
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of the server is not trusted: {error.certificate_error}"
        case aiohttp.ClientConnectorDNSError():
            return f"the name of the server is unknown: {error.os_error.strerror or error.os_error}"
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, AddressRefusedError):
            return f"refused: {error.os_error}"
        case aiohttp.ClientConnectorError():
            return f"the server cannot be reached: {error.os_error.strerror or error.os_error}"
        case aiohttp.ClientPayloadError():
            return "the connection ended before the content did"
        case aiohttp.InvalidURL():
            return "this is not a URL that can be fetched"
        case aiohttp.ClientResponseError():
            return f"the server does not speak HTTP properly: {error.message}"
        case OSError():
            return error.strerror or str(error)
    return str(error) or type(error).__name__
