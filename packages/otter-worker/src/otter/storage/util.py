"""Locations as texts: made absolute, and split where a glob begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from otter.storage.location import resolve

if TYPE_CHECKING:
    from otter.config.model import Config

_MAGIC = frozenset("*?[")


@overload
def make_absolute(files: str, config: Config) -> str: ...
@overload
def make_absolute(files: dict[str, str], config: Config) -> dict[str, str]: ...
def make_absolute(files: str | dict[str, str], config: Config) -> str | dict[str, str]:
    """A location, or each value of a table of them, made absolute as handles would."""
    if isinstance(files, dict):
        return {name: resolve(file, config).absolute for name, file in files.items()}
    return resolve(files, config).absolute


def split_glob(location: str) -> tuple[str, str]:
    """A location up to the first component with a wildcard, and the pattern from there on.

    Without a wildcard the pattern is empty. `*`, `?` and `[` are wildcards, `**` stands for any
    number of components.
    """
    wildcard = next((index for index, letter in enumerate(location) if letter in _MAGIC), None)
    if wildcard is None:
        return location, ""
    cut = location.rfind("/", 0, wildcard) + 1
    return location[:cut], location[cut:]
