"""What plain words mean in YAML 1.1, as the first generation's parser (PyYAML) read them.

YAML 1.2 reads many of them otherwise, and parsers of 1.1 differ, so the rules stand here: `yes` is true, `010` is
eight, `1:30` is ninety, `1e3` is text, and a date without quotes is a date.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

_TRUE = frozenset({"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGERS = (
    (re.compile(r"[-+]?0b[01_]+"), 2),
    (re.compile(r"[-+]?0x[0-9a-fA-F_]+"), 16),
    (re.compile(r"[-+]?0[0-7_]+"), 8),
    (re.compile(r"[-+]?(?:0|[1-9][0-9_]*)"), 10),
    (re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+"), 60),
)
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?")
_FLOAT_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*")
_INFINITY = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_NOT_A_NUMBER = frozenset({".nan", ".NaN", ".NAN"})
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?"
    r"(?:[ \t]*(?:(Z)|([-+])(\d\d?)(?::(\d\d))?))?"
)


def plain_value(word: str) -> Any:
    """The value of a plain scalar without a tag; none for null.

    Raises:
        ValueError: it looks like a date or a number, and is none: `2025-02-30`, `0x_`.
    """
    if word in _NULL:
        return None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    first = word[0]
    if not (first.isdigit() or first in "+-."):
        return word
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(word):
            return _integer(word.replace("_", ""), base)
    if _FLOAT.fullmatch(word):
        return float(word.replace("_", ""))
    if _FLOAT_60.fullmatch(word):
        return _sexagesimal(word.replace("_", ""), float)
    if match := _INFINITY.fullmatch(word):
        return float(f"{match[1]}inf")
    if word in _NOT_A_NUMBER:
        return float("nan")
    return _time(word)


def tagged_value(tag: str, word: str) -> Any:
    """The value of a scalar with one of the tags `bool`, `int`, `float`, `null` or `timestamp`.

    Raises:
        ValueError: it is no such thing.
    """
    if tag == "null":
        return None
    value = plain_value(word)
    if tag == "float" and type(value) is int:
        return float(value)
    kinds: dict[str, type | tuple[type, ...]] = {"bool": bool, "int": int, "float": float, "timestamp": (dt.date,)}
    if not isinstance(value, kinds[tag]) or (tag == "int" and isinstance(value, bool)):
        raise ValueError(f"{word!r} is no {tag}")
    return value


def _integer(word: str, base: int) -> int:
    return int(_sexagesimal(word, int)) if base == 60 else int(word, base)


def _sexagesimal(word: str, kind: type[int] | type[float]) -> int | float:
    sign = -1 if word.startswith("-") else 1
    total: int | float = 0
    for part in word.lstrip("+-").split(":"):
        total = total * 60 + kind(part)
    return sign * total


def _time(word: str) -> Any:
    if match := _DATE.fullmatch(word):
        return dt.date(*map(int, match.groups()))
    match = _TIMESTAMP.fullmatch(word)
    if match is None:
        return word
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    micro = int((match[7] or "")[:6].ljust(6, "0"))
    zone = None
    if match[8]:
        zone = dt.UTC
    elif match[9]:
        offset = dt.timedelta(hours=int(match[10]), minutes=int(match[11] or 0))
        zone = dt.timezone(-offset if match[9] == "-" else offset)
    return dt.datetime(year, month, day, hour, minute, second, micro, tzinfo=zone)
