"""What `--resume` would take over from an earlier run, decided as the run loop decides it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from otter.scratchpad.model import Scratchpad
from otter.step.coordinator.events import NewTask, TaskId
from otter.step.coordinator.history import History
from otter.step.coordinator.journal import read_journal
from otter.step.coordinator.ledger import Ledger, Table
from otter.step.coordinator.run_directory import STATE_DIRECTORY
from otter.step.coordinator.scheduler import Scheduler
from otter.step.coordinator.task_node import TaskNode
from otter.util.errors import ConfigError, OtterError, failure_text

KEPT = "done before, nothing changed"
AGAIN = "something that it requires runs again"
NEVER = "not completed before"


def read_history(work_path: Path, key: str) -> History:
    """What earlier runs of a step committed; nothing where there was none.

    Raises:
        ConfigError: the journal cannot be read.
    """
    path = work_path / STATE_DIRECTORY / key / "journal"
    try:
        records, _ = read_journal(path.read_bytes())
    except FileNotFoundError:
        return History()
    except (OSError, OtterError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return History(records)


class Reuse:
    """Judges recorded outcomes in the course of one simulated run.

    Args:
        history: what was committed.
        tables: the specs that the file lists, by name.
        ledger: knows the task types and the policy of tasks that say nothing.
        values: of the scratchpad, before the run.

    Attributes:
        reasons: for each task that was judged why it runs, or does not.
    """

    def __init__(
        self, history: History, tables: Mapping[str, Table], ledger: Ledger, values: Mapping[str, Any]
    ) -> None:
        self.reasons: dict[str, str] = {}
        self._history = history
        self._tables = dict(tables)
        self._ledger = ledger
        self._scratchpad = Scratchpad(values)
        self._sequences: dict[str, int] = {}

    def decide(self, scheduler: Scheduler, node: TaskNode, stale: bool) -> tuple[NewTask, ...] | None:
        """What a task generated, if its recorded outcome stands; none if it has to run."""
        committed = self._history.committed[node.name]
        made: tuple[NewTask, ...] = ()
        reason: str | None = AGAIN
        if not stale:
            try:
                newest = max((self._sequences.get(name, 0) for name in node.new.requires), default=0)
                reason = self._history.why_not(node.name, self._digest(node), newest, stale)
                if reason is None and committed.specs:
                    made = self._ledger.draft(committed.specs, self._history.committed).tasks
                    reason = scheduler.refusal(made, node)
            except (OtterError, TypeError, ValueError, KeyError) as error:
                reason = failure_text(error)
        self.reasons[node.name] = KEPT if reason is None else reason
        if reason is not None:
            return None
        self._tables |= {str(table["name"]): table for table in committed.specs}
        self._scratchpad.merge(committed.values)
        self._note(scheduler, node, committed.sequence)
        return made

    def _digest(self, node: TaskNode) -> str:
        place = TaskId(len(self._ledger.specs))
        self._ledger.enter(self._ledger.draft([self._tables[node.name]], {}))
        return self._ledger.digest(self._ledger.payload(place, node.new.kind, self._scratchpad))

    def _note(self, scheduler: Scheduler, node: TaskNode, sequence: int) -> None:
        """Remember when a task was committed, for itself and for the generators above it."""
        place: TaskId | None = node.id
        while place is not None:
            above = scheduler.graph.nodes[place]
            self._sequences[above.name] = max(sequence, self._sequences.get(above.name, 0))
            place = above.parent
