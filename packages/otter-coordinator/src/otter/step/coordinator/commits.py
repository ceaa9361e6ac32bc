"""`Commits`: what becomes of a task goes into the journal and into its part of the manifest."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import orjson

from otter.step.coordinator import events as e
from otter.step.coordinator import failpoints
from otter.step.coordinator.commit_order import CommitOrder
from otter.step.coordinator.events import SUCCESS, Outcome, TaskId, WorkerId
from otter.step.coordinator.history import History, begin_task_record
from otter.step.coordinator.journal import Journal, encode_record, frame_record
from otter.step.coordinator.ledger import RESULTS, TASK_FIELDS, Dispatched, Ledger, Table, utc_text
from otter.step.coordinator.ports import Observer
from otter.step.coordinator.process_death import Death
from otter.step.coordinator.task_graph import TaskGraph
from otter.step.coordinator.task_node import TaskNode
from otter.step.coordinator.worker_output import last_lines
from otter.util.fs import file_name
from otter.wire.messages import ReportResult

SPECS_IN_RECORD = 1000
_SUCCESS = RESULTS[Outcome.SUCCESS]


class Commits:
    """Makes outcomes durable, once each.

    Args:
        graph: the tasks.
        ledger: specs and records.
        journal: takes the records.
        history: what earlier runs committed.
        log_dir: of the logs of tasks.
        observer: is told of each end.
        share: takes scratchpad values that a committed task made.

    Attributes:
        reported: answers of workers that are judged and not committed, by task.
        order: of the commits.
    """

    def __init__(
        self,
        *,
        graph: TaskGraph,
        ledger: Ledger,
        journal: Journal,
        history: History,
        log_dir: Path,
        observer: Observer,
        share: Callable[[Table], None],
    ) -> None:
        self.reported: dict[TaskId, ReportResult] = {}
        self._graph = graph
        self._ledger = ledger
        self._journal = journal
        self._history = history
        self._log_dir = log_dir
        self._observer = observer
        self._share = share
        self.order = CommitOrder(graph)
        self._said: dict[TaskId, list[str]] = {}
        """What tasks whose worker died had said, until they are tried again or committed."""

    def commit(self, command: e.Commit) -> None:
        """Make the outcome of a task durable, with what it generated and stored."""
        node = self._graph.nodes[command.task]
        if command.reused:
            self._take_over(node)
            return
        failpoints.hit("coord.commit")
        held = self._ledger.dispatched.pop(node.id, None)
        result = self.reported.pop(node.id, None)
        record = result.record if result is not None else self._record_of_lost(node)
        new = node.new
        # What the engine knows wins over what the worker reported.
        entry: Table = {**TASK_FIELDS, **record, "name": new.name, "result": _SUCCESS, "task_type": new.kind}
        if new.requires:
            entry["requires"] = new.requires
        if node.parent is not None:
            entry["parent"] = self._graph.nodes[node.parent].name
        values: Table | None = None
        if command.outcome is not SUCCESS:
            self._note_failure(entry, node, command, result)
        elif result is not None:
            values = result.values
        if held is not None:
            entry["worker"] = held.worker
        self._journal_commit(node, entry, held, values)
        if values:
            self._share(values)
        self._observer.on_end(node.id, new.name, entry)

    def _note_failure(self, entry: Table, node: TaskNode, command: e.Commit, result: ReportResult | None) -> None:
        entry["result"] = RESULTS[command.outcome]
        entry["failure_reason"] = command.reason
        if result is not None and result.failure is not None:
            entry["exception"] = result.failure
            entry["traceback"] = result.traceback
        if command.cause is not None:
            entry["blocked_by"] = self._graph.nodes[command.cause].name
        attempts = self._attempts_now(node)
        if attempts:
            attempts[-1]["next"] = "given up"

    def _attempts_now(self, node: TaskNode) -> list[Table] | None:
        """The attempts of a task, if this run has made one."""
        attempts = self._ledger.attempts.get(node.id)
        return attempts if attempts and attempts[-1].get("attempt") != node.new.attempts else None

    def _record_of_lost(self, node: TaskNode) -> Table:
        attempts = self._attempts_now(node)
        if not attempts:
            return {}
        last = attempts[-1]
        times = {"started_run_at": last.get("started_at"), "finished_run_at": last.get("finished_at")}
        log = self._log_dir / file_name(node.name, ".log")
        said = self._said.pop(node.id, None)
        if said is None:
            said = self._lines_of(node)
        where = {"log_file": str(log)} if log.exists() else {}
        # What the task said itself, and behind it what its process wrote while it died.
        return {**times, "log": [*said, *last.get("last_output", ())], **where}

    def _lines_of(self, node: TaskNode) -> list[str]:
        """The last lines that a task wrote into its log in its present attempt."""
        lines = last_lines(self._log_dir / file_name(node.name, ".log"))
        if node.attempt == 1:
            return lines
        divider = f"[attempt {node.attempt}]"
        return lines[lines.index(divider) + 1 :] if divider in lines else []

    def _journal_commit(self, node: TaskNode, entry: Table, held: Dispatched | None, values: Table | None) -> None:
        result = entry["result"]
        self._history.sequence += 1
        self.order.note(node, self._history.sequence)
        if held is not None and held.pages and result == _SUCCESS:
            for start in range(0, len(held.pages), SPECS_IN_RECORD):
                page = held.pages[start : start + SPECS_IN_RECORD]
                self._journal.append(encode_record({"kind": "specs", "name": node.name, "specs": page}))
        values_text = b',"values":' + orjson.dumps(values) if values else b""
        spec = held.payload if held is not None else self._ledger.lost.pop(node.id, b"null")
        # Put together by hand: all parts are JSON already, and are the greater part of what a run writes.
        text = self._ledger.close_entry(node.id, entry)
        head = begin_task_record(node.new.name, result, text)
        body = b'%b"spec":%b%b,"entry":%b}' % (head, spec, values_text, text)
        self._journal.append(frame_record(body))

    def forget(self, task: TaskId) -> None:
        """An attempt decided nothing: its task is tried again."""
        self.reported.pop(task, None)
        self._said.pop(task, None)

    def begin(self, node: TaskNode, held: Dispatched) -> None:
        """Leave word that an attempt began, so that it is known of should nobody live to say how it ended."""
        record = {
            "kind": "start", "name": node.name, "attempt": held.attempt, "worker": held.worker,
            "started_at": utc_text(held.began) if held.began else None,
        }  # fmt: skip
        self._journal.append(encode_record(record))

    def _take_over(self, node: TaskNode) -> None:
        recalled = self._history.recall(node.name)
        self._history.forget(node.name)
        self.order.note(node, recalled.sequence)
        self._ledger.entries[node.id] = self._history.committed[node.name]
        if recalled.values:
            self._share(recalled.values)
        self._observer.on_end(node.id, node.name, {**recalled.entry, "reused": True})

    def note_death(self, task: TaskId, worker: WorkerId, death: Death, suspects: int) -> None:
        """Remember an attempt that ended with its worker, and what the process said last."""
        held = self._ledger.dispatched.get(task)
        node = self._graph.nodes[task]
        result = (
            "timed out" if node.timed_out else "stopped" if death.ordered else "crashed" if suspects == 1 else "lost"
        )
        facts: Table = {
            "attempt": node.attempt, "worker": worker, "result": result, "reason": death.reason,
            "started_at": utc_text(held.began) if held is not None and held.began else None,
            "finished_at": utc_text(time.time()), "signal": death.signal_name,
            "exit_code": death.code if death.code >= 0 else None, "peak_memory": death.peak_memory,
            "out_of_memory": death.oom or None,
        }  # fmt: skip
        self._said[task] = self._lines_of(node)
        if death.output and (suspects == 1 or node.timed_out):
            facts["last_output"] = list(death.output[-20:])
            self._append_log(node, death)
        self._ledger.note_attempt(task, {key: value for key, value in facts.items() if value is not None})

    def _append_log(self, node: TaskNode, death: Death) -> None:
        """What a process wrote while it died, such as a dump of faulthandler, belongs into the log of its task."""
        path = self._log_dir / file_name(node.name, ".log")
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write("\n".join(death.output) + "\n")
        except OSError:
            return
