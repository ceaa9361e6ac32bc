"""Which values may cross: what JSON can carry exactly.

NaN and infinities, integers beyond 64 bits, bytes, sets, tuples, keys that are not text, lone surrogates and nesting
beyond the limit are refused where they arise, with their path. `Path` crosses as text and dates and times in ISO 8601,
UTC with a `Z`; these are the declared forms, and nothing else changes on the way.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import orjson

from otter.wire.errors import UnrepresentableError

MAX_DEPTH = 64
MAX_KEY = 256
_LOW, _HIGH = -(2**63), 2**64 - 1
_NO_OFFSET = dt.timedelta(0)
_SCALARS = frozenset({str, int, float, bool, type(None)})


def exact(value: Any, path: str = "$") -> Any:
    """The value in its declared form, or the same object when it is in that form already.

    Args:
        value: what a task wants to send.
        path: where it stands, for the message.

    Raises:
        UnrepresentableError: some part of it cannot cross.
    """
    try:
        # One round trip through the C library finds nearly everything at once; the walk below finds where.
        if orjson.loads(orjson.dumps(value)) == value and _shallow(value):
            return value
    except (TypeError, ValueError, RecursionError):
        pass
    return _walk(value, path, 0)


def _shallow(value: Any) -> bool:
    """Whether a value needs no walk: scalars, and tables of these and of arrays of these; anything else is walked."""
    if type(value) is not dict:
        return type(value) in _SCALARS
    for key, item in value.items():
        if len(key) > MAX_KEY:
            return False
        if type(item) not in _SCALARS and (type(item) is not list or any(type(part) not in _SCALARS for part in item)):
            return False
    return True


def _walk(value: Any, path: str, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not _LOW <= value <= _HIGH:
            raise UnrepresentableError(path, f"the integer {_short(value)} has more than 64 bits")
        return int(value)  # of a subclass, such as an enumeration, only the number crosses
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UnrepresentableError(path, f"{value} is not a number that JSON has")
        return float(value)
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, PurePath):
        return _text(str(value), path)
    if isinstance(value, dt.datetime) and value.utcoffset() == _NO_OFFSET:
        return f"{value.replace(tzinfo=None).isoformat()}Z"
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if depth >= MAX_DEPTH:
        raise UnrepresentableError(path, f"values are nested more than {MAX_DEPTH} deep")
    if isinstance(value, list):
        return [_walk(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {_key(key, path): _walk(item, f"{path}.{key}", depth + 1) for key, item in value.items()}
    if isinstance(value, tuple):
        raise UnrepresentableError(path, "a tuple would come back as a list: give a list")
    raise UnrepresentableError(path, f"a {type(value).__name__} cannot be written as JSON")


def _text(value: str, path: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UnrepresentableError(path, "the text holds a lone surrogate, which UTF-8 cannot carry") from error
    return str.__str__(value)  # not what a subclass makes of it: an enumeration would give its own name


def _key(key: object, path: str) -> str:
    if not isinstance(key, str):
        raise UnrepresentableError(path, f"the key {_short(key)} is not text")
    if len(key) > MAX_KEY:
        raise UnrepresentableError(path, f"a key has {len(key)} characters; {MAX_KEY} are allowed")
    return _text(key, path)


def _short(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # integers of more than 4,300 digits have no decimal text
        return f"of {value.bit_length()} bits" if isinstance(value, int) else "value"
    return text if len(text) <= 40 else f"{text[:37]}…"
