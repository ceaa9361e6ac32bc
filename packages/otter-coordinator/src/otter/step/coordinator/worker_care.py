"""What happens to workers, whatever happens to tasks: what they owe, what they give back, how they leave."""

from __future__ import annotations

from otter.step.coordinator import events as e
from otter.step.coordinator.crew import WorkerNode, WorkerState
from otter.step.coordinator.events import WorkerId
from otter.step.coordinator.run_state import RunState
from otter.step.coordinator.task_node import TaskNode

LATE = 1.0
"""Seconds in which a worker must have begun what it was given, if others are not to get it."""


class WorkerCare(RunState):
    """The part of the scheduler that looks after workers."""

    def _prove(self, worker: WorkerNode) -> None:
        """A worker began a task: so workers can be started. A hello proves less, as what follows it might kill each."""
        if not worker.began:
            worker.began = True
            self._start_failures = 0

    def _give_back(self, node: TaskNode) -> None:
        """An attempt that was handed out and never began is as if it had not been."""
        self.ready.release(node, self.graph.nodes, began=False)
        node.attempt -= 1
        self._make_ready(node)

    def _forget(self, worker: WorkerNode, node: TaskNode, *, began: bool) -> None:
        seconds = worker.waiting.pop(node.id, None)
        if seconds is None:
            worker.running.discard(node.id)
        else:
            worker.load -= seconds
        worker.asynchronous -= node.new.asynchronous
        if worker.alone:
            worker.alone = bool(worker.held)
        if node.holds:
            self.ready.release(node, self.graph.nodes, began=began)
        self._expect(worker)

    def _expect(self, worker: WorkerNode) -> None:
        """A worker did something: from now on it has its time again for what it owes next.

        A process may be stopped, or stuck in a thread that a task left, and run no task whose deadline would tell.
        """
        worker.lost_at = None
        if worker.waiting and not worker.running and worker.greeted and worker.verdict is None:
            worker.deadline = self._now + min(LATE, self.settings.start_timeout)
        else:
            worker.deadline = None if worker.owes is None else self._now + self._patience(worker)

    def _on_owing(self, worker: WorkerNode) -> None:
        """A worker has not done in time what it owes: others get what it never began, and in the end it is killed."""
        if worker.lost_at is None:
            late = worker.greeted and worker.waiting
            worker.lost_at = self._now + max(0.0, self.settings.start_timeout - LATE) if late else self._now
        if worker.lost_at <= self._now:
            self._kill(worker, f"no {worker.owes} within {self._patience(worker):g} s")
            return
        worker.deadline = min(self._now + LATE, worker.lost_at)
        idle = any(other.open and not other.held for other in self.workers.values())
        if idle or len(self.workers) < self.pool_size:
            self._revoke(worker)

    def _patience(self, worker: WorkerNode) -> float:
        leaving = worker.state is WorkerState.LEAVING and not worker.held
        return self.settings.grace if leaving else self.settings.start_timeout

    def _dismiss(self, worker: WorkerNode) -> None:
        """Give a worker no more tasks, and let it end when those that it runs are done."""
        worker.state = WorkerState.LEAVING
        self._revoke(worker)
        self._order(e.StopWorker(worker.id))
        self._expect(worker)

    def _revoke(self, worker: WorkerNode) -> None:
        if worker.waiting and not worker.revoking and not worker.spent:
            worker.revoking = True
            self._order(e.Revoke(worker.id, tuple(worker.waiting)))

    def _kill(self, worker: WorkerNode, verdict: str) -> None:
        if worker.verdict is None:
            worker.verdict = verdict
            worker.state = WorkerState.LEAVING
            worker.deadline = None
            self._order(e.KillWorker(worker.id, verdict))

    def _kill_all(self, reason: str) -> None:
        for worker in self.workers.values():
            self._kill(worker, reason)

    def _start_worker(self) -> None:
        worker = WorkerNode(WorkerId(self._next_worker), deadline=self._now + self.settings.start_timeout)
        self._next_worker += 1
        self.workers[worker.id] = worker
        self._order(e.StartWorker(worker.id))
