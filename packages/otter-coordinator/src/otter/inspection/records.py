"""The journal of a step, as far as it tells of attempts: their names, their specs, and what they stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from otter.config.model import Config
from otter.inspection.run_view import JOURNAL, RunView
from otter.step.coordinator.journal import READ_SIZE, JournalError, decode_record, scan_journal
from otter.util.errors import ConfigError

Table = dict[str, Any]


@attrs.frozen(kw_only=True)
class RecordedAttempt:
    """The last recorded attempt of a task: all that it takes to make it again.

    Attributes:
        spec: as it was sent to the worker, with placeholders replaced.
        number: of the attempt.
        result: of the task.
        config: what its run was told, as `Config.to_json` has it.
        values: the scratchpad.
    """

    name: str
    spec: Table
    number: int
    result: str
    reason: str | None
    config: Table
    values: Table


def read_records(run: RunView) -> Iterator[Table]:
    """The records of a step's journal, one after another, because together they may be more than the memory holds.

    Raises:
        JournalError: it is damaged, or cannot be read.
    """
    path = run.directory / JOURNAL
    try:
        with open(path, "rb", buffering=READ_SIZE) as file:
            for at, body in scan_journal(file):
                record = decode_record(at, body)
                if isinstance(record, dict):
                    yield record
    except FileNotFoundError:
        return
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror}") from error
    except JournalError as error:
        raise JournalError(f"{path}: {error}") from error


def names_in(records: Iterable[Table]) -> dict[str, None]:
    """The names of the tasks that a journal tells of, in order."""
    names: dict[str, None] = {}
    for record in records:
        match record:
            case {"kind": "task", "entry": {"name": str(name)}} | {"kind": "attempt", "name": str(name)}:
                names[name] = None
    return names


def last_attempt(run: RunView, records: Iterable[Table], name: str) -> RecordedAttempt:
    """The last attempt of a task.

    Args:
        run: of its step.
        records: of the step's journal.
        name: of the task, as `names_in` gives it.

    Raises:
        ConfigError: no worker ever had it.
    """
    config = _given(run, {})
    given: Table = {}
    made: dict[str, Table] = {}
    found: tuple[Table, Table, Table] | None = None
    for record in records:
        match record:
            case {"kind": "run"}:
                config, given = _given(run, record), record.get("scratchpad") or {}
            case {"kind": "task", "entry": {"name": str(other)}}:
                if other == name and isinstance(record.get("spec"), dict):
                    found = record, config, _merged(given, made)
                made.pop(other, None)  # a task that ran again stores what it stores now
                made[other] = record.get("values") or {}
    if found is None:
        raise ConfigError(f"no worker has had {name!r} to its end: there is no attempt that could be made again")
    record, config, values = found
    entry = record["entry"]
    attempts = entry.get("attempts") or [{}]
    return RecordedAttempt(
        name=name,
        spec=record["spec"],
        number=int(attempts[-1].get("attempt") or 1),
        result=str(entry.get("result")),
        reason=entry.get("failure_reason"),
        config=config,
        values=values,
    )


def _merged(given: Table, made: dict[str, Table]) -> Table:
    """The scratchpad: what was there first stays."""
    values = dict(given)
    for stored in made.values():
        values = {**stored, **values}
    return values


def _given(run: RunView, record: Table) -> Table:
    """The configuration of a run; of a journal that does not tell it, what its place tells."""
    recorded = record.get("config")
    if isinstance(recorded, dict):
        return {**recorded, "work_path": str(run.work_path)}
    runner, _, step = run.key.partition("_")
    return Config(step=step, steps=[step], work_path=run.work_path, runner_name=runner).to_json()
