"""Planted bugs: small patches to the text of the core, each of which the simulator must find.

They keep the harness honest: an oracle that finds nothing may be blind. A patch that does not apply any more is an
error, so that none of them turns into a test of nothing.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from otter.step.coordinator import (
    crew,
    handing_out,
    invariants,
    ready_queue,
    run_state,
    scheduler,
    task_graph,
    worker_care,
)
from otter.step.coordinator.scheduler import Scheduler, Settings

PARTS = (task_graph, ready_queue, crew)
WHOLE = (run_state, worker_care, handing_out, invariants, scheduler)
"""Modules that build on the parts and on each other, in this order: a patch in one reaches all that follow."""


@attrs.frozen
class Mutant:
    """A bug.

    Attributes:
        name: what is wrong.
        before: the text that is right; it occurs once in the core.
        after: the text that is wrong.
    """

    name: str
    before: str
    after: str

    def __call__(self, settings: Settings) -> Scheduler:
        """A scheduler that has the bug."""
        made: Scheduler = _scheduler_with(self.before, self.after)(settings)
        return made


@functools.cache
def _scheduler_with(before: str, after: str) -> Any:
    """The class `Scheduler` of a core in which a text was replaced."""
    occurs = {module: _source(module).count(before) for module in (*PARTS, *WHOLE)}
    homes = [module for module, count in occurs.items() if count]
    if sum(occurs.values()) != 1:
        raise LookupError(f"the text to patch occurs {sum(occurs.values())} times in the core: {before!r}")
    home = homes[0]
    above = WHOLE[WHOLE.index(home) + 1 :] if home in WHOLE else WHOLE
    originals = {module.__name__: sys.modules[module.__name__] for module in (home, *above)}
    try:
        sys.modules[home.__name__] = _execute(home, _source(home).replace(before, after))
        for module in above:  # each imports those below it, the patched one among them
            sys.modules[module.__name__] = _execute(module, _source(module))
        return vars(sys.modules[scheduler.__name__])["Scheduler"]
    finally:
        sys.modules.update(originals)


def _source(module: ModuleType) -> str:
    assert module.__file__ is not None
    return Path(module.__file__).read_text("utf-8")


def _execute(module: ModuleType, source: str) -> ModuleType:
    fresh = ModuleType(module.__name__)
    exec(compile(source, f"<mutant of {module.__name__}>", "exec"), vars(fresh))
    return fresh


MUTANTS = (
    Mutant(
        "the result of an earlier attempt is accepted",
        "                and node.attempt == event.attempt\n",
        "",
    ),
    Mutant(
        "the result of another worker is accepted",
        "                and state.worker == event.worker\n",
        "",
    ),
    Mutant(
        "dependents are released twice",
        "waiting.unmet -= 1",
        "waiting.unmet -= 1 if waiting.unmet == 1 else 2",
    ),
    Mutant(
        "what is added behind a failure is not skipped",
        "self._spoil_if_blocked(node)\n",
        "pass\n",
    ),
    Mutant(
        "a task that had not begun is blamed for the death of its worker",
        "running = [self.graph.nodes[task] for task in sorted(worker.running)]",
        "running = [self.graph.nodes[task] for task in sorted({*worker.running, *list(worker.waiting)[:1]})]",
    ),
    Mutant(
        "one of several suspects is blamed",
        "elif len(running) > 1:",
        "elif len(running) > 2:",
    ),
    Mutant(
        "a suspect is not tried alone",
        "node.alone = node.alone or not node.timed_out",
        "node.alone = node.alone or False",
    ),
    Mutant(
        "others join a task that must be alone",
        "worker.alone = node.alone or (estimate is None and not new.asynchronous)",
        "worker.alone = False",
    ),
    Mutant(
        "a pool is not given back",
        "            self.free[pool] += amount\n",
        "            self.free[pool] += amount - (amount > 1)\n",
    ),
    Mutant(
        "room in a pool is offered to the first in line alone",
        "                if pool != short:\n                    self._offer(pool, nodes)\n",
        "                pass\n",
    ),
    Mutant(
        "an attempt that was taken back counts",
        "        node.attempt -= 1\n        self._make_ready(node)",
        "        self._make_ready(node)",
    ),
    Mutant(
        "a worker is given tasks before it has confirmed a revocation",
        "        worker.revoking = bool(event.tasks)\n",
        "        worker.revoking = False\n",
    ),
    Mutant(
        "deadlines do not move while everything sleeps",
        "        self._deadlines = [(when + gap,",
        "        self._deadlines = [(when,",
    ),
    Mutant(
        "a task is tried again beyond its limit",
        "if node.failures > policy.retries or",
        "if node.failures > policy.retries + 1 or",
    ),
    Mutant(
        "what must not run twice is tried again after a crash",
        "elif not node.new.policy.idempotent:",
        "elif False:",
    ),
    Mutant(
        "a task may crash once more than allowed",
        "if node.crashes >= self.settings.crash_limit:",
        "if node.crashes > self.settings.crash_limit:",
    ),
    Mutant(
        "what a dead worker held is lost",
        "            self._give_back(self.graph.nodes[task])\n        running",
        "            self.ready.release(self.graph.nodes[task], self.graph.nodes)\n        running",
    ),
    Mutant(
        "a task that does not stop is not killed",
        "            self._kill(worker, TIMED_OUT)\n            return\n",
        "            return\n",
    ),
    Mutant(
        "a generator is done before what it generated",
        "return [parent] if not parent.children_left else []",
        "return [parent] if parent.state is EXPANDING else []",
    ),
    Mutant(
        "a generator whose part failed counts as good",
        "            parent.spoiled = self._root(node)\n",
        "            pass\n",
    ),
    Mutant(
        "a cycle of generated tasks is added",
        "return None if cycle is None else [tasks[~key].name if key < 0 else self.nodes[key].name for key in cycle]",
        "return None",
    ),
    Mutant(
        "requirements in the order of the file pass for sound whatever else waits",
        "if name not in before and ((required := self.find(name)) is None or not required.ended):",
        "if name not in before and self.find(name) is None:",
    ),
    Mutant(
        "names that differ by case are let in",
        "    return name.lower() if name.isascii() else",
        "    return name if name.isascii() else",
    ),
    Mutant(
        "nobody wakes the scheduler for a retry",
        "for heap in (self._delayed, self._deadlines) if heap]",
        "for heap in (self._deadlines,) if heap]",
    ),
    Mutant(
        "tasks go to a worker that was told to end",
        "        worker.state = WorkerState.LEAVING\n        self._revoke(worker)\n",
        "        self._revoke(worker)\n",
    ),
    Mutant(
        "a worker that never says hello is waited for",
        "WorkerNode(WorkerId(self._next_worker), deadline=self._now + self.settings.start_timeout)",
        "WorkerNode(WorkerId(self._next_worker))",
    ),
    Mutant(
        "there is no pause after a failed start",
        "self._start_after = self._now + 0.1 * 2 ** (self._start_failures - 1)",
        "pass",
    ),
    Mutant(
        "what begins while the run stops is not asked to stop, nor killed",
        "        self._kill_at = self._now + self.settings.grace\n",
        "",
    ),
    Mutant(
        "a stale requirement is reused",
        "waiting.upstream_ran |= node.ran",
        "waiting.upstream_ran |= False",
    ),
    Mutant(
        "what would have had another attempt is left without an end",
        "                self._abort_unfinished()\n",
        "",
    ),
    Mutant(
        "a synchronous task is put beside asynchronous ones",
        "if self.asynchronous or estimate is None:",
        "if estimate is None:",
    ),
    Mutant(
        "brief tasks wait behind one that takes long",
        "            if self._now >= stuck:\n                return False\n",
        "",
    ),
    Mutant(
        "a worker that serves asynchronous tasks is waited for by others",
        "if not worker.open or worker.asynchronous or worker.load > AHEAD:",
        "if not worker.open or worker.load > AHEAD:",
    ),
)
