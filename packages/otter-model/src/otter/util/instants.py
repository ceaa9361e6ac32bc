"""Moments as manifests have them, and as numbers whose differences are exact."""

from __future__ import annotations

import datetime as dt
from typing import Any

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def instant(value: Any) -> int | None:
    """Microseconds since 1970 of an ISO 8601 text; one without an offset is UTC. None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return (moment - _EPOCH) // _MICROSECOND


def instant_text(moment: int) -> str:
    """An instant as manifests have it: ISO 8601, UTC, microseconds."""
    return (_EPOCH + moment * _MICROSECOND).isoformat(timespec="microseconds").replace("+00:00", "Z")
