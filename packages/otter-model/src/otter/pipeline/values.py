"""What is known of placeholders before a step starts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
import orjson

from otter.pipeline.problem import Path
from otter.scratchpad.model import Scratchpad, placeholders
from otter.util.values import Value


@attrs.frozen(eq=False, repr=False)
class Values(Value):
    """Values of placeholders that are known before the step starts.

    Attributes:
        file: those of the file's own `[scratchpad]`.
        given: those that the caller adds, from a command line or an environment; they win.
    """

    file: Mapping[str, Any]
    given: Mapping[str, Any]
    scratchpad: Scratchpad = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "scratchpad", Scratchpad({**self.file, **self.given}))

    def __contains__(self, name: object) -> bool:
        return name in self.scratchpad.sentinel_dict

    def __iter__(self) -> Iterator[str]:
        return iter(self.scratchpad.sentinel_dict)

    def without(self, names: Iterable[str]) -> Values:
        """These values without some names, which have another meaning within a template."""
        hidden = frozenset(names)
        if not any(name in self for name in hidden):
            return self
        return Values(
            {name: value for name, value in self.file.items() if name not in hidden},
            {name: value for name, value in self.given.items() if name not in hidden},
        )

    def unknown(self, value: Any) -> list[str]:
        """The names in a value, at any depth, that only run time can define."""
        return [name for _, text in texts(value) for name in placeholders(text) if name not in self]

    def resolve(self, value: Any) -> Any:
        """The value with what is known put in; what is not known stays as it stands."""
        return self.scratchpad.replace(value, ignore_missing=True)

    def source(self, name: str) -> tuple[str, Path]:
        """Where the value of a known name comes from: a sentence and a path, which is empty outside the file."""
        if name in self.given:
            return f"the value of ${{{name}}} was given to this run, outside the file", ()
        return f"the value of ${{{name}}} is defined here", ("scratchpad", name)


def texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """The texts with a dollar in a value, at any depth, the keys of tables among them."""
    if isinstance(value, str):
        if "$" in value:
            yield path, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if not isinstance(item, str) or "$" in item:
                yield from texts(item, (*path, index))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if "$" in key:
                yield (*path, key), key
            yield from texts(item, (*path, key))


def inexact(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """What in a value no JSON can carry exactly, each with a sentence."""
    if isinstance(value, float):
        if not math.isfinite(value):
            yield path, f"{value} is no value that a task can get: JSON has none such"
    elif isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            yield path, "an integer has 64 bits at most"
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if not isinstance(item, str):
                yield from inexact(item, (*path, index))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(item, str):
                yield from inexact(item, (*path, key))


def size_of(value: Any) -> int:
    """Bytes of a value as JSON; 0 for one that has no JSON, which is found elsewhere."""
    try:
        return len(orjson.dumps(value))
    except TypeError:
        return 0


def at(value: Any, path: Path) -> Any:
    """What stands at a path within a value."""
    for part in path:
        value = value[part]
    return value
