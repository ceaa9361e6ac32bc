"""`${name}` placeholders: one pass, no expressions.

`${name}` is replaced by the value stored under that name, `$$` is a dollar, and a lone `$` is text, so that regular
expressions and prices need no care. What comes out of a replacement is never scanned again: a value that a task read
from somewhere is data, and cannot name another value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any

from otter.util.errors import ScratchpadError

_PLACEHOLDER = re.compile(r"\$(?:\$|\{([^{}$\s][^{}$]*)\})")
"""A name is anything but braces, dollars and outer blanks: the first generation had names with dots and dashes."""


def placeholders(text: str) -> list[str]:
    """The names of the placeholders in a text, in order, each as often as it stands there."""
    return [name for name in _PLACEHOLDER.findall(text) if name]


class Scratchpad:
    """Values by name.

    Args:
        sentinel_dict: the values to begin with.
    """

    def __init__(self, sentinel_dict: Mapping[str, Any] | None = None) -> None:
        self.sentinel_dict: dict[str, Any] = dict(sentinel_dict or {})

    def store(self, key: str, value: Any) -> None:
        """Store a value under a name; a former value is replaced."""
        self.sentinel_dict[key] = value

    def merge(self, other: Scratchpad | Mapping[str, Any]) -> None:
        """Take over the values of another scratchpad whose names are not taken here. Never overwrites."""
        values = other.sentinel_dict if isinstance(other, Scratchpad) else other
        for key, value in values.items():
            self.sentinel_dict.setdefault(key, value)

    def replace(self, value: Any, ignore_missing: bool = False) -> Any:
        """The value with every placeholder replaced, in texts, paths, and through lists and tables with their keys.

        A text that is one placeholder and nothing else becomes the stored value with its type; within a longer text
        the value is written as text.

        Args:
            value: any JSON-like value.
            ignore_missing: leave placeholders that nothing defines as they stand. A text with such a one is still a
                template: its `$$` stays `$$`, for whoever reads it next.

        Raises:
            ScratchpadError: placeholders that nothing defines; `.missing` has their names.
        """
        missing: list[str] = []
        replaced = self._replace(value, missing)
        if not missing:
            return replaced
        if not ignore_missing:
            names = ", ".join(f"${{{name}}}" for name in dict.fromkeys(missing))
            raise ScratchpadError(f"nothing defines {names}", missing=tuple(dict.fromkeys(missing)))
        return replaced

    def replace_dict(self, table: Mapping[str, Any], ignore_missing: bool = False) -> dict[str, Any]:
        """As `replace`, for a table: the name under which generators of existing task packages know it."""
        replaced: dict[str, Any] = self.replace(table, ignore_missing)
        return replaced

    def fill(self, template: Any) -> Any:
        """A template with the names that are known here filled in: what comes out is a template as before.

        Placeholders of other names stay, and so does `$$`. Dollars in the values that are filled in are doubled, so
        that a later `replace` gives these values back as they are and finds no placeholder in them. Generators make
        the specs of their tasks with it.
        """
        if isinstance(template, str):
            return self._fill_text(template) if "$" in template else template
        if isinstance(template, PurePath):
            return Path(str(self._fill_text(str(template)))) if "$" in str(template) else template
        if isinstance(template, list | tuple):
            return type(template)(self.fill(item) for item in template)
        if isinstance(template, Mapping):
            return {_key(self.fill(key)): self.fill(item) for key, item in template.items()}
        return template

    def _fill_text(self, text: str) -> Any:
        whole = _PLACEHOLDER.fullmatch(text)
        if whole is not None and whole[1] in self.sentinel_dict:
            return _escaped(self.sentinel_dict[whole[1]])

        def value_of(match: re.Match[str]) -> str:
            name = match[1]
            if name is None or name not in self.sentinel_dict:
                return match[0]
            return str(self.sentinel_dict[name]).replace("$", "$$")

        return _PLACEHOLDER.sub(value_of, text)

    def _replace(self, value: Any, missing: list[str]) -> Any:
        if isinstance(value, str):
            return self._replace_text(value, missing) if "$" in value else value
        if isinstance(value, PurePath):
            return Path(str(self._replace_text(str(value), missing))) if "$" in str(value) else value
        if isinstance(value, list | tuple):
            return type(value)(self._replace(item, missing) for item in value)
        if isinstance(value, Mapping):
            return {_key(self._replace(key, missing)): self._replace(item, missing) for key, item in value.items()}
        dump: Callable[[], dict[str, Any]] | None = getattr(value, "model_dump", None)
        if dump is not None:
            return type(value)(**self._replace(dump(), missing))
        return value

    def _replace_text(self, text: str, missing: list[str]) -> Any:
        whole = _PLACEHOLDER.fullmatch(text)
        if whole is not None and whole[1] in self.sentinel_dict:
            return self.sentinel_dict[whole[1]]

        unknown = [name for name in placeholders(text) if name not in self.sentinel_dict]
        missing += unknown
        dollar = "$$" if unknown else "$"

        def value_of(match: re.Match[str]) -> str:
            name = match[1]
            if name is None:
                return dollar
            return str(self.sentinel_dict[name]) if name in self.sentinel_dict else match[0]

        return _PLACEHOLDER.sub(value_of, text)


def _key(value: Any) -> Any:
    """The key of a table that a placeholder gave: text, whatever the value was."""
    return str(value) if isinstance(value, int | float) else value


def _escaped(value: Any) -> Any:
    """A value whose texts a later `replace` leaves as they are."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, list | tuple):
        return type(value)(_escaped(item) for item in value)
    if isinstance(value, Mapping):
        return {_escaped(key): _escaped(item) for key, item in value.items()}
    return value
