"""What may stand in a worker's answer: its content comes from task code, and goes to displays, journal and manifest.

A field that does not have its type is the worker's fault, and only that worker bears the consequence. Fields that
nobody here reads may hold any JSON.
"""

from __future__ import annotations

from typing import Any

from otter.wire.errors import PeerError
from otter.wire.messages import ReportResult

_NONE: type = type(None)
_TEXT = frozenset({str, _NONE})
_SECONDS = frozenset({float, int, _NONE})
_TYPES: dict[str, frozenset[type]] = {
    "name": _TEXT, "result": frozenset({str}), "failure_reason": _TEXT, "log_file": _TEXT,
    "elapsed": _SECONDS, "run_elapsed": _SECONDS, "validation_elapsed": _SECONDS,
    "started_run_at": _TEXT, "finished_run_at": _TEXT, "started_validation_at": _TEXT, "finished_validation_at": _TEXT,
    "log": frozenset({list}), "artifacts": frozenset({list}),
}  # fmt: skip
_ITEMS: dict[str, type] = {"log": str, "artifacts": dict}

MAX_SHAPES = 1000
_sound: set[tuple[Any, ...]] = set()
"""Fields and types of records that were found sound: nearly all records of a run have one of a few shapes."""


def check_answer(message: ReportResult) -> None:
    """Look at the record of an answer.

    Raises:
        PeerError: a field of it has another type than it must have.
    """
    record = message.record
    shape = (*record, *map(type, record.values()))
    if shape in _sound:
        return
    _look_at(record)
    if len(_sound) < MAX_SHAPES and list not in shape and record.keys() <= _TYPES.keys():
        _sound.add(shape)


def _look_at(record: dict[str, Any]) -> None:
    for field, value in record.items():
        known = _TYPES.get(field)
        if known is None:
            continue
        if type(value) not in known:
            raise PeerError(f"a ReportResult does not fit its definition: its {field} is a {type(value).__name__}")
        if type(value) is list and any(type(item) is not _ITEMS[field] for item in value):
            raise PeerError(f"a ReportResult does not fit its definition: its {field} holds something else")
