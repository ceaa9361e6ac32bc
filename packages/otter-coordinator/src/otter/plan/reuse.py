"""What `--resume` would take over from an earlier run, decided as the run loop decides it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from otter.scratchpad.model import Scratchpad
from otter.step.coordinator.commit_order import CommitOrder
from otter.step.coordinator.events import NewTask, TaskId
from otter.step.coordinator.history import KEPT, History
from otter.step.coordinator.journal import scan_journal
from otter.step.coordinator.ledger import Ledger, Table
from otter.step.coordinator.run_directory import STATE_DIRECTORY
from otter.step.coordinator.scheduler import Scheduler
from otter.step.coordinator.task_node import TaskNode
from otter.util.errors import ConfigError, OtterError, failure_text


def read_history(work_path: Path, key: str) -> History:
    """What earlier runs of a step committed; nothing where there was none.

    Raises:
        ConfigError: the journal cannot be read.
    """
    path = work_path / STATE_DIRECTORY / key / "journal"
    history = History()
    try:
        with open(path, "rb") as file:
            for at, body in scan_journal(file):
                history.take(at, body)
            history.attach(file.fileno())
    except FileNotFoundError:
        return history
    except (OSError, OtterError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return history


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
        self._order: CommitOrder | None = None

    def decide(self, scheduler: Scheduler, node: TaskNode, stale: bool) -> tuple[NewTask, ...] | None:
        """What a task generated, if its recorded outcome stands; none if it has to run."""
        made: tuple[NewTask, ...] = ()
        order = self._order = self._order or CommitOrder(scheduler.graph)
        committed = self._history.committed[node.name].sequence
        reason = order.upstream(node, committed, stale=stale, again="runs again")
        try:
            if not stale:  # else its spec may hold what only the run will tell
                payload = self._payload(node)
                reason = self._history.why_not(node.name, payload, reason)
            if reason is None:
                made, reason = self._take_over(scheduler, node, order)
        except (OtterError, TypeError, ValueError, KeyError) as error:
            reason = failure_text(error)
        self._history.forget(node.name)
        self.reasons[node.name] = KEPT if reason is None else reason
        return made if reason is None else None

    def _take_over(
        self, scheduler: Scheduler, node: TaskNode, order: CommitOrder
    ) -> tuple[tuple[NewTask, ...], str | None]:
        """What a task generated; or why that cannot be added."""
        recalled = self._history.recall(node.name)
        made = self._ledger.draft(recalled.specs, self._history.committed).tasks
        reason = scheduler.refusal(made, node)
        if reason is None:
            self._tables |= {str(table["name"]): table for table in recalled.specs}
            self._scratchpad.merge(recalled.values)
            order.note(node, recalled.sequence)
        return made, reason

    def _payload(self, node: TaskNode) -> bytes:
        place = TaskId(len(self._ledger.specs))
        self._ledger.enter(self._ledger.draft([self._tables[node.name]], {}))
        return self._ledger.payload(place, node.new.kind, self._scratchpad)
