"""What can be carried to a worker: values that JSON has, in portions that a frame has room for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import orjson

from otter.pipeline.limits import MAX_SPEC, MAX_VALUES
from otter.util.errors import ConfigError, SpecError
from otter.util.units import format_size
from otter.wire.errors import UnrepresentableError
from otter.wire.values import exact

FRAME_BUDGET = 4 * 1024 * 1024
"""Bytes of specs, or of values, that are gathered in one frame to a worker."""

Table = dict[str, Any]


def spec_json(table: Table) -> bytes:
    """A spec as JSON, with sorted keys.

    Raises:
        SpecError: it holds what JSON cannot carry, or is larger than what a worker takes.
    """
    try:
        data = orjson.dumps(table, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        data = b"null"
    if b"null" in data:  # it may have been a number that is none
        try:
            data = orjson.dumps(exact(_plain(table), str(table.get("name"))), option=orjson.OPT_SORT_KEYS)
        except UnrepresentableError as error:
            raise SpecError(str(error)) from error
    if len(data) > MAX_SPEC:
        raise SpecError(f"{table.get('name')}: {oversize(len(data))}")
    return data


def oversize(size: int) -> str:
    """What is wrong with a spec that is too large."""
    return f"its spec has {format_size(size)}; a worker takes {format_size(MAX_SPEC)} at most"


def carried_values(values: Mapping[str, Any]) -> Table:
    """Values of the scratchpad as workers get them.

    Raises:
        ConfigError: JSON cannot carry one of them, or they are too large together.
    """
    try:
        carried: Table = exact(_plain(dict(values)), "scratchpad")
    except UnrepresentableError as error:
        raise ConfigError(str(error)) from error
    size = len(orjson.dumps(carried))
    if size > MAX_VALUES:
        raise ConfigError(
            f"scratchpad: its values have {format_size(size)}; workers take {format_size(MAX_VALUES)} at most"
        )
    return carried


def portions(tables: list[Table]) -> Iterator[list[Table]]:
    """Specs in lists that a frame has room for.

    Raises:
        SpecError: as `spec_json`.
    """
    portion: list[Table] = []
    room = FRAME_BUDGET
    for table in tables:
        size = len(spec_json(table))
        if portion and size > room:
            yield portion
            portion, room = [], FRAME_BUDGET
        portion.append(table)
        room -= size
    if portion:
        yield portion


def _plain(value: Any) -> Any:
    """A value in which tuples are lists, and what has a form in JSON of its own has that form."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | PurePath | dt.date | dt.time):
        return value
    try:
        return orjson.loads(orjson.dumps(value))
    except TypeError:  # it has none, and is refused with its path
        return value
