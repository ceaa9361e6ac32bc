"""Settings of storage backends for a stretch of code.

    with storage_context(read_timeout="5m", headers={"Authorization": token}):
        StorageHandle(url).copy_to(destination)

Each backend takes the settings it knows; one that no backend knows is refused, so that a slip of
the pen is not silent. The connections that backends keep belong to the event loop they are used on,
not to a context: a task may open and close as many contexts as it likes without a new connection.
They are closed with the loop (`asyncio.run`, `asyncio.Runner`, or `loop.shutdown_asyncgens()` where
a loop is closed by hand).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Self

from otter.storage.registry import known_settings
from otter.util.errors import StorageError


class StorageContext(Mapping[str, Any]):
    """The settings in force: those of the inner context, then those of the outer ones."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = dict(settings)

    def __getitem__(self, name: str) -> Any:
        return self._settings[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)


_current: ContextVar[StorageContext] = ContextVar("storage_context")
_EMPTY = StorageContext({})


def get_storage_context() -> StorageContext:
    """The settings in force here; empty outside of any context."""
    return _current.get(_EMPTY)


class storage_context:  # noqa: N801 - used like a function, as contextlib.suppress is
    """Settings for the storage operations within a block, `with` or `async with`.

    Args:
        settings: see `otter.storage.registry.SCHEMES`.

    Raises:
        StorageError: no backend knows one of the settings.
    """

    def __init__(self, **settings: Any) -> None:
        known = known_settings()
        unknown = sorted(settings.keys() - known.keys())
        if unknown:
            raise StorageError(f"unknown storage setting {unknown[0]!r}; known: {', '.join(sorted(known))}")
        self._settings = settings
        self._token: Token[StorageContext] | None = None

    def __enter__(self) -> Self:
        self._token = _current.set(StorageContext({**get_storage_context(), **self._settings}))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)
            self._token = None

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, traceback)
