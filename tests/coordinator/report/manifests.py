"""Manifests of runs that never were: any number of tasks, with everything that a run can leave behind.

A generator makes, for each species, a download, a transformation that needs it, and a check of that; tables gather
them. They are scheduled on a few workers, as a run would have been. Some downloads fail because of one host, some
transformations at one line, some workers are killed, some attempts have to be repeated, and what needs a failed task
never begins.
"""

from __future__ import annotations

import datetime as dt
import heapq
import random
from pathlib import Path
from typing import Any

import orjson

EPOCH = dt.datetime(2026, 3, 4, 9, 30, tzinfo=dt.UTC)
HOST = "ftp.example.org"
TRACEBACK = """Traceback (most recent call last):
  File "/srv/app/species/tasks/transform.py", line 88, in run
    rows = [self.convert(row) for row in table]
  File "/srv/app/species/tasks/transform.py", line 131, in convert
    return row["gene_id"], float(row["score"])
KeyError: 'gene_id'
"""

WEIGHTS = {"copy": -0.4, "transform": 0.5, "check": -2.0}
"""Task types whose tasks may fail, and the logarithm of the seconds that they take."""

Table = dict[str, Any]


def manifest(tasks: int, *, workers: int = 4, rows: int = 1, failing: bool = True, seed: int = 7) -> Table:
    """A manifest with one step of about so many tasks.

    Args:
        tasks: how many.
        workers: number of worker processes.
        rows: attempts that run in one worker at the same time.
        failing: something goes wrong, now and then.
        seed: of what is left to chance.
    """
    chance = random.Random(seed)
    described = _described(tasks, chance)
    entries = _Simulation(described, workers, rows, failing, chance).run()
    results = [entry["result"] for entry in entries]
    failed = "failure" in results
    ended = max(entry["finished_run_at"] or "" for entry in entries)
    begun = dt.datetime.fromisoformat(ended) - EPOCH
    step = {
        "name": "species", "result": "failure" if failed else "success", "started_run_at": stamp(0),
        "finished_run_at": ended, "elapsed": begun.total_seconds(), "log": [], "artifacts": [],
        "failure_reason": f"{results.count('failure')} tasks failed" if failed else None,
        "counts": {name: results.count(name) for name in ("pending", "success", "failure", "aborted")},
        "tasks": entries,
    }  # fmt: skip
    return {
        "result": step["result"], "started_at": stamp(0), "modified_at": ended, "log": [],
        "steps": {"otter_species": step},
    }  # fmt: skip


def write(root: Table, path: Path) -> Path:
    """Write a manifest to a file, as an earlier version did: without a digest."""
    path.write_bytes(orjson.dumps(root))
    return path


def stamp(seconds: float) -> str:
    """An instant of the run as the manifest has it."""
    moment = EPOCH + dt.timedelta(microseconds=round(seconds * 1e6))
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _described(count: int, chance: random.Random) -> list[Table]:
    tasks: list[Table] = [
        {"name": "find_latest release", "requires": []},
        {"name": "explode species", "requires": ["find_latest release"]},
    ]
    species = max((count - 5) // 3, 1)
    for number in range(species):
        name = f"{chance.choice(('mus', 'homo', 'danio', 'rattus', 'gallus', 'canis'))}_{number:05d}"
        tasks += [
            {"name": f"copy {name} genes", "parent": "explode species"},
            {"name": f"transform {name} genes", "parent": "explode species", "requires": [f"copy {name} genes"]},
            {"name": f"check {name} genes", "parent": "explode species", "requires": [f"transform {name} genes"]},
        ]
    tasks += [
        {"name": "gather genes by species", "requires": ["explode species"]},
        {"name": "gather counts", "requires": ["explode species"]},
        {"name": "write report", "requires": ["gather genes by species", "gather counts"]},
    ]
    return tasks


class _Simulation:
    """Runs described tasks on slots of workers, in the order in which they become ready."""

    def __init__(self, described: list[Table], workers: int, rows: int, failing: bool, chance: random.Random) -> None:
        self.entries = [_blank(task) for task in described]
        self._chance = chance
        self._failing = failing
        self._places = {entry["name"]: place for place, entry in enumerate(self.entries)}
        self._slots = [(0.35 + 0.04 * worker, worker, row) for worker in range(workers) for row in range(rows)]
        self._waiting: dict[str, list[int]] = {}
        self._missing = [0] * len(self.entries)
        self._open = [0] * len(self.entries)
        self._ready: list[tuple[float, int]] = []
        for place, entry in enumerate(self.entries):
            for name in {*entry.get("requires", ()), *filter(None, [entry.get("parent")])}:
                self._waiting.setdefault(name, []).append(place)
                self._missing[place] += 1
            if "parent" in entry:
                self._open[self._places[entry["parent"]]] += 1
            if not self._missing[place]:
                self._ready.append((0.0, place))

    def run(self) -> list[Table]:
        """The tasks' parts of the manifest."""
        heapq.heapify(self._ready)
        heapq.heapify(self._slots)
        while self._ready:
            ready, place = heapq.heappop(self._ready)
            entry = self.entries[place]
            fails = self._failing and entry["name"].split()[0] in WEIGHTS and self._chance.random() < 0.02
            _attempts(entry, self._slots, ready, fails, self._chance)
            end = (dt.datetime.fromisoformat(entry["finished_run_at"]) - EPOCH).total_seconds()
            if entry["result"] == "success":
                self._succeeded(place, end)
        for entry in self.entries:
            self._explain(entry)
        return self.entries

    def _succeeded(self, place: int, end: float) -> None:
        name = self.entries[place]["name"]
        generated = self._open[place] > 0
        for other in self._waiting.get(name, ()):
            if not generated or self.entries[other].get("parent") == name:
                self._released(other, end)
        self._child_ended(self.entries[place].get("parent"), end)

    def _child_ended(self, parent: str | None, end: float) -> None:
        if parent is not None:
            place = self._places[parent]
            self._open[place] -= 1
            if not self._open[place]:
                for other in self._waiting[parent]:
                    if self.entries[other].get("parent") != parent:
                        self._released(other, end)

    def _released(self, place: int, at: float) -> None:
        self._missing[place] -= 1
        if not self._missing[place]:
            heapq.heappush(self._ready, (at, place))

    def _explain(self, entry: Table) -> None:
        for name in entry.get("requires", ()):
            blocker = self.entries[self._places[name]]
            root = blocker.get("blocked_by", name if blocker["result"] == "failure" else None)
            if entry["result"] == "pending" and root is not None:
                entry["failure_reason"] = f"not begun: it needs {root!r}, which did not succeed"
                entry["blocked_by"] = root


def _blank(task: Table) -> Table:
    return {
        "name": task["name"], "result": "pending", "started_run_at": None, "finished_run_at": None, "run_elapsed": None,
        "started_validation_at": None, "finished_validation_at": None, "validation_elapsed": None, "elapsed": None,
        "log": [], "artifacts": [], "failure_reason": None, **{key: task[key] for key in task if task[key]},
    }  # fmt: skip


def _attempts(
    entry: Table, slots: list[tuple[float, int, int]], ready: float, fails: bool, chance: random.Random
) -> None:
    kind = entry["name"].split()[0]
    repeated = 1 if kind in WEIGHTS and chance.random() < 0.04 else 0
    attempts: list[Table] = []
    for number in range(1, 2 + repeated):
        free, worker, row = heapq.heappop(slots)
        start = max(free, ready) + 0.001
        took = chance.lognormvariate(WEIGHTS.get(kind, -1.5), 0.7)
        heapq.heappush(slots, (start + took, worker, row))
        ready = start + took + 0.05
        attempts.append(
            {
                "attempt": number, "worker": worker, "result": "success", "started_at": stamp(start),
                "finished_at": stamp(start + took), "peak_memory": 40_000_000 + chance.randrange(80_000_000),
            }
        )  # fmt: skip
        if number <= repeated:
            _fail(entry, attempts[-1], "kill" if chance.random() < 0.4 else "host", chance)
    if fails:
        _fail(entry, attempts[-1], {"copy": "host", "transform": "exception"}.get(kind, "kill"), chance)
    else:
        entry.update(result="success", failure_reason=None)
        entry.pop("exception", None)
        entry["artifacts"] = [_artifact(entry["name"], chance)]
    last = attempts[-1]
    took = (
        dt.datetime.fromisoformat(last["finished_at"]) - dt.datetime.fromisoformat(last["started_at"])
    ).total_seconds()
    entry.update(
        started_run_at=last["started_at"], finished_run_at=last["finished_at"], run_elapsed=took, elapsed=took,
        worker=last["worker"], attempts=attempts, log=_log(entry, last, chance),
        log_file=f"work/.otter/otter_species/logs/{entry['name'].replace(' ', '_')}.log",
    )  # fmt: skip


def _fail(entry: Table, attempt: Table, how: str, chance: random.Random) -> None:
    name = entry["name"].split()[1] if " " in entry["name"] else "x"
    if how == "kill":
        reason = f"killed by SIGKILL, possibly out of memory (peak {chance.randrange(300, 900)}.0 MiB)"
        attempt |= {"result": "crashed", "signal": "SIGKILL", "reason": reason, "last_output": ["Killed"]}
        reason = f"crashed: {reason} (in 2 attempts)"
    elif how == "host":
        status = chance.choice(("503 Service Unavailable", "504 Gateway Timeout", "connection reset by peer"))
        reason = f"DownloadError: https://{HOST}/pub/{name}/genes.tsv: {status}"
        attempt |= {"result": "failure", "reason": reason}
        entry["exception"] = "DownloadError"
    else:
        reason = "KeyError: 'gene_id'"
        attempt |= {"result": "failure", "reason": reason}
        entry |= {"exception": "KeyError", "traceback": TRACEBACK}
    entry.update(result="failure", failure_reason=reason)


def _artifact(name: str, chance: random.Random) -> Table:
    path = f"work/output/{name.replace(' ', '/')}.tsv"
    digest = f"{chance.getrandbits(256):064x}"
    return {
        "source": f"https://{HOST}/pub/{name.replace(' ', '/')}.tsv", "destination": path,
        "files": [{"path": f"/srv/release/{path}", "size": chance.randrange(10, 5_000_000), "sha256": digest}],
    }  # fmt: skip


def _log(entry: Table, attempt: Table, chance: random.Random) -> list[str]:
    begun = f"{attempt['started_at']} INFO     species.tasks:"
    parts = range(chance.randrange(1, 7))
    lines = [f"{begun} begin {entry['name']}"]
    lines += [f"{begun} part {part}: {chance.randrange(1000, 99999)} rows read" for part in parts]
    if chance.random() < 0.1:
        lines.append(f"{attempt['finished_at']} WARNING  species.tasks: 3 rows without a score were left out")
    if entry["result"] == "failure":
        lines.append(f"{attempt['finished_at']} ERROR    species.tasks: {entry['failure_reason']}")
    return lines
