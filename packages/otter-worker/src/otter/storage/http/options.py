"""How requests are made: the settings of `storage_context`, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from otter.util.errors import StorageError
from otter.util.units import parse_duration, parse_size


@attrs.frozen
class Options:
    """How requests are made.

    Attributes:
        allow_private: whether loopback and private addresses may be reached.
        connect_timeout: seconds to connect.
        read_timeout: seconds without a byte.
        headers: sent to the server that the URL names, and to no other.
        max_size: bytes of content that are taken; none for any.
    """

    allow_private: bool = True
    connect_timeout: float = 30.0
    read_timeout: float = 60.0
    headers: Mapping[str, str] = attrs.field(factory=dict)
    max_size: int | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Options:
        """The options that settings ask for; settings of other backends are left alone.

        Raises:
            StorageError: a value does not fit.
        """
        if not settings:
            return _DEFAULT
        values: dict[str, Any] = {}
        for name in settings.keys() & _READERS.keys():
            try:
                values[name] = _READERS[name](settings[name])
            except (ValueError, TypeError) as error:
                raise StorageError(f"storage setting {name!r}: {error}") from error
        return cls(**values)


def _read_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"expected true or false, got {value!r}")
    return value


def _read_headers(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
        raise TypeError("expected a table of texts")
    for name, text in value.items():
        if any(letter in f"{name}{text}" for letter in "\r\n\0"):
            raise ValueError(f"the header {name!r} contains a line break")
    return dict(value)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "allow_private": _read_bool,
    "connect_timeout": parse_duration,
    "headers": _read_headers,
    "max_size": parse_size,
    "read_timeout": parse_duration,
}
_DEFAULT = Options()
