"""`otter status`: what the runs of a work directory are doing."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from typing import Any

from otter.cli.printing import count, first_line, moment, print_json, say, say_some, while_somebody_reads
from otter.cli.work_path import add_work_path_flags, chosen_runs
from otter.core import exit_codes
from otter.inspection import RunView
from otter.util.errors import OtterError
from otter.util.instants import instant
from otter.util.units import format_duration

EXIT_CODES = "exit codes: 0 it was shown, whether anything runs or not; 22 nothing ever ran there"
ENDED = {"done": "succeeded", "failed": "failed", "aborted": "aborted", "skipped": "never to begin"}
KINDS = {
    "worker": "for a worker", "pool": "for a pool", "tasks": "for other tasks", "retry": "for their next attempt",
    "generated": "for generated tasks",
}  # fmt: skip
RUNNING_SHOWN = 20
REASONS_SHOWN = 20
NAMED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.epilog = EXIT_CODES
    add_work_path_flags(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Print what is going on; the exit code."""
    try:
        runs = chosen_runs(args, os.environ)
    except OtterError as error:
        print(f"otter status: error: {error}", file=sys.stderr)
        return exit_codes.BAD_CONFIGURATION
    now = dt.datetime.now(dt.UTC)
    with while_somebody_reads():
        if args.json:
            print_json([_table(run) for run in runs])
        for place, run in enumerate(runs if not args.json else ()):
            if place:
                say()
            _print(run, now)
    return exit_codes.SUCCESS


def _table(run: RunView) -> dict[str, Any]:
    return {
        "step": run.key, "work_path": str(run.work_path), "running": run.running, "paused": run.paused, **run.holder,
        "status": run.status, "end": run.end,
    }  # fmt: skip


def _print(run: RunView, now: dt.datetime) -> None:
    holder, status = run.holder, run.status
    if not run.running:
        say(f"{run.key}: {_how_it_ended(run)}")
        return
    since = holder.get("started_at")
    where = f"process {holder.get('pid')} on {holder.get('host')}" if holder else "a process that has not said which"
    say(f"{run.key}: running{_age(since, now, ' for ')}: {where}")
    if run.paused:
        say(f"    the process is paused; `kill -CONT {holder.get('pid')}` lets it go on")
    if status is None:
        say("    it has not said yet what it is doing")
        return
    say(f"    {_progress(status)}{_age(status.get('at'), now, ', as of ', ' ago')}")
    if status.get("stopping"):
        say(f"    it is stopping: {first_line(str(status['stopping']))}")
    running = status.get("running") or []
    if running:
        say("    runs")
        say_some((_running(item, now) for item in running), " " * 8, RUNNING_SHOWN)
    listed = status.get("waiting") or []
    if listed:
        say("    waits")
        say_some((_waiting(why, names) for why, names in _by_reason(listed, now).items()), " " * 8, REASONS_SHOWN)
        _print_unlisted(len(listed), status.get("waits") or {})
    for pool in status.get("pool_use") or []:
        waits = f", {pool.get('waiting'):,} waiting" if pool.get("waiting") else ""
        say(f"    pool {pool.get('pool')}: {pool.get('used')} of {pool.get('size')} used{waits}")
    for one in (status.get("generators") or [])[:RUNNING_SHOWN]:
        say(f"    {one.get('name')}: {one.get('ended'):,} of {one.get('total'):,} generated tasks ended")


def _how_it_ended(run: RunView) -> str:
    if run.end is not None:
        elapsed = run.end.get("elapsed")
        took = f" in {format_duration(elapsed)}" if isinstance(elapsed, int | float) else ""
        reason = run.end.get("failure_reason")
        why = f": {first_line(str(reason))}" if reason and run.end.get("result") != "success" else ""
        return f"not running; {run.end.get('result')}{took}, ended {moment(run.end.get('finished_run_at'))}{why}"
    last = f"; {_progress(run.status)} at {moment(run.status.get('at'))}" if run.status is not None else ""
    return f"not running; it did not come to its end{last}; `otter run --resume` goes on"


def _progress(status: dict[str, Any]) -> str:
    counts = status.get("counts") or {}
    ended = {word: counts[state] for state, word in ENDED.items() if counts.get(state)}
    parts = f": {', '.join(f'{number:,} {word}' for word, number in ended.items())}" if ended else ""
    return f"{sum(ended.values()):,} of {count(status.get('total') or 0, 'task')} ended{parts}"


def _running(item: dict[str, Any], now: dt.datetime) -> str:
    attempt = item.get("attempt") or 1
    again = f", attempt {attempt}" if attempt > 1 else ""
    return f"{item.get('name')}: worker {item.get('worker')}{again}{_age(item.get('since'), now, ', for ')}"


def _by_reason(waiting: list[dict[str, Any]], now: dt.datetime) -> dict[str, list[str]]:
    """The waiting tasks by why they wait: hundreds may wait for one."""
    reasons: dict[str, list[str]] = {}
    for item in waiting:
        until = instant(item.get("until"))
        if until is None:
            why = str(item.get("why"))
        else:  # the time since the run said so has passed as well
            left = max(0.0, until / 1e6 - now.timestamp())
            why = f"waits {format_duration(left)} for its next attempt"
        reasons.setdefault(why, []).append(str(item.get("name")))
    return reasons


def _print_unlisted(listed: int, waits: dict[str, int]) -> None:
    """How many more wait than a run lists, which is only some hundreds of them, and for what all of them wait."""
    total = sum(waits.values())
    if total > listed:
        kinds = ", ".join(f"{waits[kind]:,} {words}" for kind, words in KINDS.items() if waits.get(kind))
        say(f"        … and {total - listed:,} more; of all of them {kinds}")


def _waiting(why: str, names: list[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return f"{shown}: {why}" if len(names) <= NAMED else f"{shown} and {len(names) - NAMED:,} more: {why}"


def _age(since: Any, now: dt.datetime, before: str, after: str = "") -> str:
    began = instant(since)
    if began is None:
        return ""
    return f"{before}{format_duration(max(0.0, now.timestamp() - began / 1e6))}{after}"
