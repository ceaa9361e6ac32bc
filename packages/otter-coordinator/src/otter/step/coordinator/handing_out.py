"""Which worker gets which task, how many workers there should be, and what is taken back from those that are stuck."""

from __future__ import annotations

import math

from otter.step.coordinator import events as e
from otter.step.coordinator.crew import AHEAD, LEAST, WorkerNode, WorkerState
from otter.step.coordinator.events import WorkerId
from otter.step.coordinator.task_node import Assigned, TaskNode
from otter.step.coordinator.worker_care import WorkerCare

STUCK = 0.01
"""Seconds that a task must have run before what waits behind it is given to another worker."""

DUE = 2e-4
"""Seconds of work, by estimate, within which a worker is about to answer."""

START_COST = 0.1
"""Seconds of work that justify another worker process: about what starting one costs."""

BRIEF = 1e-3
"""Seconds of a task below which what it costs beside its own work decides whether another worker is of any use."""

HANDLING = 2.5e-5
"""Seconds that each task takes in the coordinator, and about as many in its worker, beside its own work: what the
`profile` of the benchmarks says of a machine as it is usual."""

FIRST_LOOK = 0.5
"""Seconds that the first asynchronous tasks of a type have to show whether they wait or keep processors busy."""

BUSY = 0.7
"""Share of a processor with which a worker counts as busy, so that more workers than processors would do nothing."""

ASYNC_SHARE = 4
"""Asynchronous tasks that justify another worker process."""


class HandingOut(WorkerCare):
    """The part of the scheduler that hands tasks out, after every event."""

    def is_due(self, worker: WorkerId) -> bool:
        """Whether a worker is about to answer for all that it has, while no other has anything to do."""
        due = self.workers.get(worker)
        if due is None or not due.waiting or due.running or due.load > DUE or self.finished:
            return False
        return not any(other.waiting or other.running for other in self.workers.values() if other is not due)

    def _assign(self) -> None:
        ready = self.ready
        if not len(ready):
            return
        parkings = ready.parkings
        if ready.count(True):
            self._assign_async(self._reserved_for(False) if ready.count(False) else None)
        if ready.count(False):
            reserved = self._reserved_for(True) if ready.count(True) else None
            for worker in self.workers.values():
                # Refill when half of what it may hold is gone, so that a frame carries many tasks. Nothing is put
                # behind a task that takes long.
                if (
                    worker.open
                    and (not worker.waiting or worker.load < AHEAD / 2)
                    and (not worker.running or self._now - worker.begun_at < STUCK)
                    and worker.id != reserved
                ):
                    self._feed(worker)
                    if not ready.count(False):
                        break
        if ready.parkings != parkings:
            self._employ_idle()

    def _employ_idle(self) -> None:
        """Give idle workers what others had to leave to them.

        A task that finds its pool short gives way to the next one, which may be of the other kind, and so on: each turn
        hands a task out or parks one for good, until nothing moves.
        """
        ready, before = self.ready, (-1, -1)
        while before != (now := (ready.parkings, len(self._commands))):
            before = now
            idle = [worker for worker in self.workers.values() if worker.open and not worker.held]
            if not idle:
                return
            if ready.count(True):
                self._assign_async(None)
            for worker in idle:
                if ready.count(False) and not worker.held:
                    self._feed(worker)

    def _feed(self, worker: WorkerNode) -> None:
        ready, nodes, estimates = self.ready, self.graph.nodes, self.estimates
        while (node := ready.head(False, nodes)) is not None:
            estimate = estimates.get(node.new.kind)
            if (node.alone and worker.held) or not worker.room_for_sync(estimate):
                return
            self._hand_out(node, worker, estimate)

    def _assign_async(self, reserved: WorkerId | None) -> None:
        """Asynchronous tasks go to the worker that has the fewest, as long as one has room."""
        held = sum(worker.asynchronous for worker in self.workers.values())
        serving = sum(worker.state is WorkerState.SERVING for worker in self.workers.values())
        head = self.ready.head(True, self.graph.nodes)
        most = self._async_limit(head.new.kind) if head is not None else 0
        target = min(most, math.ceil((held + self.ready.count(True)) / ASYNC_SHARE))
        share = max(ASYNC_SHARE, math.ceil((held + self.ready.count(True)) / max(1, target)))
        limit = min(share, self.settings.concurrency)
        while (node := self.ready.head(True, self.graph.nodes)) is not None:
            estimate = self.estimates.get(node.new.kind)
            best: WorkerNode | None = None
            for worker in self.workers.values():
                if worker.id == reserved or (node.alone and worker.held):
                    continue
                room = worker.room_for_async(estimate, self.settings.concurrency)
                if room and (best is None or worker.held < best.held):
                    best = worker
            if best is None or (best.held >= limit and serving < target):
                return
            self._hand_out(node, best, estimate)

    def _reserved_for(self, asynchronous: bool) -> WorkerId | None:
        """A worker that gets no more tasks of the other kind, so that this kind comes to its turn at all.

        With a single worker that serves, the kind whose next task comes first in the order has it.
        """
        head = self.ready.head(asynchronous, self.graph.nodes)
        if head is None or len(self.workers) < self.pool_size:
            return None
        serving = [worker for worker in self.workers.values() if worker.state is WorkerState.SERVING]
        if any(worker.held and (worker.asynchronous > 0) is asynchronous for worker in serving):
            return None
        if asynchronous and any(worker.open and not worker.held for worker in serving):
            return None  # it is reserved for a synchronous task: asynchronous ones are handed out first
        if len(serving) == 1:
            other = self.ready.head(not asynchronous, self.graph.nodes)
            if other is not None and self.ready.entry(other) < self.ready.entry(head):
                return None
        return min(serving, key=lambda worker: (worker.held, worker.id)).id if serving else None

    def _hand_out(self, node: TaskNode, worker: WorkerNode, estimate: float | None) -> None:
        task, new = node.id, node.new
        self.ready.take(node)
        node.attempt += 1
        node.timed_out = False
        seconds = estimate or 0.0
        worker.waiting[task] = seconds
        worker.load += seconds
        if new.asynchronous:
            worker.asynchronous += 1
            self._first_out.setdefault(new.kind, self._now)
        worker.alone = node.alone or (estimate is None and not new.asynchronous)
        if worker.deadline is None:
            self._expect(worker)
        self._move(node, Assigned(worker.id, self._now))
        self._order(e.Dispatch(worker.id, task, node.attempt, node.alone))

    def _want_workers(self) -> None:
        """Start workers for what is ready and finds no room; never more than there is work for."""
        starting = sum(worker.state is WorkerState.STARTING for worker in self.workers.values())
        demand = self._demand(starting)
        while (
            demand > starting
            and starting < self.settings.starts_at_once
            and len(self.workers) < self.pool_size
            and self._now >= self._start_after
        ):
            self._start_worker()
            starting += 1

    def _demand(self, starting: int) -> int:
        """How many workers the ready tasks would occupy beside those that serve.

        Args:
            starting: how many are on their way.
        """
        demand = self._sync_demand(starting)
        node = self.ready.head(True, self.graph.nodes)
        if node is not None:
            estimate = self.estimates.get(node.new.kind)
            each = 1.0 if estimate is None else min(1.0, estimate / START_COST)
            # Workers that leave, or are taken by synchronous tasks, do nothing for these.
            theirs = sum(
                worker.held <= worker.asynchronous
                for worker in self.workers.values()
                if worker.state is not WorkerState.LEAVING
            )
            wanted = math.ceil(self.ready.count(True) * each / ASYNC_SHARE)
            demand += min(wanted, max(0, self._async_limit(node.new.kind) - theirs))
        if any(map(self._may_have_help, self._stuck_workers())) and not any(
            worker.open and not worker.held for worker in self.workers.values()
        ):
            demand += 1
        return demand

    def _sync_demand(self, starting: int) -> int:
        """The part of `_demand` of synchronous tasks. It has to last: one odd task may drive an estimate up."""
        node = self.ready.head(False, self.graph.nodes)
        wanted = 0
        if node is not None:
            estimate, count = self.estimates.get(node.new.kind), self.ready.count(False)
            if estimate is None:
                wanted = count
            elif estimate < BRIEF:
                wanted = min(count, starting + self._useful(count, estimate))
            else:
                wanted = math.ceil(count * min(1.0, estimate / START_COST))
        if wanted <= starting:
            self._short_since = None
            return wanted
        if self._short_since is None:
            self._short_since = self._now
        due = self._short_since + self.settings.hesitation
        if self._now >= due:
            return wanted
        self._look_again(due)
        alone = all(worker.state is WorkerState.LEAVING for worker in self.workers.values())
        return 1 if alone else 0  # the first one is needed, whatever the tasks are like

    def _useful(self, count: int, estimate: float) -> int:
        """How many more workers would save more time than the start of each of them costs."""
        present = sum(map(self._takes_brief_tasks, self.workers.values()))
        for more in range(count):
            saved = self._pace(present + more, estimate) - self._pace(present + more + 1, estimate)
            if count * saved <= START_COST:
                return more
        return count

    def _takes_brief_tasks(self, worker: WorkerNode) -> bool:
        """Whether a worker comes to more brief tasks soon, because it does nothing but such tasks."""
        if worker.state is WorkerState.STARTING:
            return True
        if not worker.open or worker.asynchronous or worker.load > AHEAD:
            return False
        if worker.running:
            stuck = worker.begun_at + STUCK
            if self._now >= stuck:
                return False
            self._look_again(stuck)
        return True

    def _pace(self, workers: int, estimate: float) -> float:
        """Seconds from the end of a brief task to the end of the next, if so many workers run them.

        However many there are, the coordinator has to handle each task, and the processors have to do all of it.
        """
        if not workers:
            return math.inf
        return max((HANDLING + estimate - LEAST) / workers, HANDLING, 2 * HANDLING / self.settings.processors)

    def _look_again(self, at: float) -> None:
        """See to it that somebody asks at a time, at the latest, whether more workers are of use."""
        self._grow_at = at if self._grow_at is None else min(at, self._grow_at)

    def _may_have_help(self, worker: WorkerNode) -> bool:
        """Whether another worker would take anything from one in which tasks wait behind others."""
        if not worker.asynchronous:
            return True
        kind = self.graph.nodes[next(iter(worker.waiting))].new.kind
        return len(self.workers) < self._async_limit(kind)

    def _async_limit(self, kind: str) -> int:
        """How many workers asynchronous tasks of a type may occupy.

        Where the tasks keep processors busy rather than wait for something, more workers than processors would only
        get in each other's way. The first of a type get a moment to show what they are like.
        """
        load = self.estimates.load(kind)
        if load is None:
            seen = self._first_out.get(kind, self._now) + FIRST_LOOK
            if self._now >= seen:
                return self.pool_size
            self._look_again(seen)
        elif load < BUSY:
            return self.pool_size
        return min(self.pool_size, self.settings.starts_at_once)

    def _stuck_workers(self) -> list[WorkerNode]:
        """Workers with tasks that wait behind one that takes long."""
        return [worker for worker in self.workers.values() if self._stuck_at(worker) <= self._now]

    def _stuck_at(self, worker: WorkerNode) -> float:
        """When a worker counts as stuck, if it neither begins nor ends a task until then."""
        if not worker.holds_back or worker.state is not WorkerState.SERVING:
            return math.inf
        first = self.graph.nodes[next(iter(worker.waiting))].state
        assert isinstance(first, Assigned)
        return max(worker.begun_at, first.since) + STUCK

    def _rebalance(self) -> None:
        """Take back what waits behind a long task while another worker has nothing to do, or could be started."""
        if len(self.ready):
            return
        times = [(at, worker) for worker in self.workers.values() if (at := self._stuck_at(worker)) < math.inf]
        if not times:
            return
        idle = any(worker.open and not worker.held for worker in self.workers.values())
        if not idle and len(self.workers) >= self.pool_size:
            return
        for at, worker in times:
            if at > self._now:
                self._rebalance_at = at if self._rebalance_at is None else min(at, self._rebalance_at)
            elif idle:
                self._revoke(worker)
