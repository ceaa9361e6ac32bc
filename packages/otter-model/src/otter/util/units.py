"""Durations and sizes as people write them in TOML: `"10m"`, `"1h30m"`, `"4GiB"`."""

from __future__ import annotations

import math
import re
from typing import Any

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)\s*")
_BYTES = {
    "": 1, "B": 1,
    "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
}  # fmt: skip
_SIZE = re.compile(r"(\d{1,18}(?:\.\d+)?)\s*([A-Za-z]*)")


def parse_duration(value: str | float) -> float:
    """Seconds of a duration.

    Args:
        value: a number of seconds, or parts of a number and a unit (`ms`, `s`, `m`, `h`, `d`), as in `"1h30m"`.

    Raises:
        ValueError: it is neither, or it is negative or not finite.
    """
    seconds = _seconds(value)
    if seconds is None:
        raise ValueError(f"{_shown(value)} is not a duration: write seconds, or a text such as '90s', '10m' or '1h30m'")
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"{_shown(value)} is not a duration: it must be finite and not negative")
    return seconds


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        text = value.strip()
        total, at = 0.0, 0
        while part := _DURATION_PART.match(text, at):
            total += float(part[1]) * _SECONDS[part[2]]
            at = part.end()
        if text and at == len(text):
            return total
        value = text
    try:
        return float(value)
    except ValueError:
        return None
    except OverflowError:
        return math.inf


def parse_size(value: str | int) -> int:
    """Bytes of a size.

    Args:
        value: a number of bytes, or a number with `KB`, `MB`, `GB`, `TB` (powers of 1000) or `KiB` … `TiB` (of 1024).

    Raises:
        ValueError: it is neither, or it is negative.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise ValueError(f"{_shown(value)} is not a size: it must not be negative")
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[2].upper() not in _BYTES:
        raise ValueError(f"{_shown(value)} is not a size: write bytes, or a text such as '512MiB' or '4GiB'")
    unit = _BYTES[match[2].upper()]
    return int(float(match[1]) * unit) if "." in match[1] else int(match[1]) * unit


def _shown(value: Any) -> str:
    """A value in a message; an integer of thousands of digits is one that Python refuses to write."""
    return "a number of that size" if isinstance(value, int) and value.bit_length() > 64 else repr(value)


def format_duration(seconds: float) -> str:
    """A duration for people: `0.42s`, `12.3s`, `4m05s`, `2h03m`."""
    if seconds < 10:
        return f"{seconds:.2f}s"
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m"


def format_size(size: float) -> str:
    """A number of bytes for people, in binary units: `512 B`, `1.4 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
