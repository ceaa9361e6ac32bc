"""Which backend serves which scheme; a new one is a class and an entry in `SCHEMES`.

Backends are imported when the first location of their scheme is used, and never by a name that came
from data.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import attrs

from otter.storage.model import AsyncBackend, BlockingBackend
from otter.util.errors import StorageError
from otter.util.values import Value


@attrs.frozen(eq=False, repr=False)
class Scheme(Value):
    """How the backend of a scheme is found.

    Attributes:
        asynchronous: module and class of its `AsyncBackend`.
        settings: names and meanings of the settings it takes from `storage_context`.
        blocking: module and class of its `BlockingBackend`; none to go through the bridge.
    """

    asynchronous: tuple[str, str]
    settings: Mapping[str, str]
    blocking: tuple[str, str] | None = None


_HTTP = Scheme(
    asynchronous=("otter.storage.http.backend", "HttpBackend"),
    settings={
        "allow_private": "whether loopback and private addresses may be reached (true)",
        "connect_timeout": "the longest time to connect (30s)",
        "headers": "a table of request headers; never sent to another host that a redirect names",
        "max_size": "the largest object that is taken, as in '10GiB' (no limit)",
        "read_timeout": "the longest time without a byte (60s)",
    },
)

SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "file": Scheme(
            asynchronous=("otter.storage.asynchronous.filesystem", "AsyncLocalBackend"),
            blocking=("otter.storage.filesystem", "LocalBackend"),
            settings={"fsync": "whether a file reaches the device before it is visible (false)"},
        ),
        "http": _HTTP,
        "https": _HTTP,
    }
)
"""Every scheme that a location may have; `file` stands for paths as well."""


def known_settings() -> dict[str, str]:
    """The settings that any backend takes, with their meanings."""
    return {name: text for scheme in SCHEMES.values() for name, text in scheme.settings.items()}


@functools.cache
def blocking_backend(scheme: str) -> BlockingBackend:
    """The backend of a scheme, to be used with blocking calls.

    Raises:
        StorageError: the scheme is unknown.
    """
    entry = _entry(scheme)
    if entry.blocking is not None:
        return cast(BlockingBackend, _instance(*entry.blocking))
    from otter.storage.synchronous.bridge import BridgedBackend

    return BridgedBackend(async_backend(scheme))


@functools.cache
def async_backend(scheme: str) -> AsyncBackend:
    """The backend of a scheme, to be used with coroutines.

    Raises:
        StorageError: the scheme is unknown.
    """
    return cast(AsyncBackend, _instance(*_entry(scheme).asynchronous))


def _entry(scheme: str) -> Scheme:
    entry = SCHEMES.get(scheme)
    if entry is None:
        raise StorageError(f"no storage for {scheme}:// locations; known: {', '.join(sorted(SCHEMES))}")
    return entry


@functools.cache
def _instance(module: str, name: str) -> Any:
    """One backend for all schemes that it serves."""
    return getattr(importlib.import_module(module), name)()
