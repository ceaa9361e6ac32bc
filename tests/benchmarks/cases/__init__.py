"""The cases, in the order of the table."""

from __future__ import annotations

from tests.benchmarks.bench import Case
from tests.benchmarks.cases import (
    chain,
    copying,
    idle,
    independent,
    instructions,
    nested,
    pipe,
    profile,
    start,
    unchanged,
    waiting,
)

CASES = {
    case.name: case
    for case in (
        Case("pipe", "The limit: a raw pipe between two processes, with orjson", pipe.measure),
        Case(
            "independent",
            "Independent tasks that do nothing, from TOML to manifest",
            independent.measure,
            compares=True,
        ),
        Case("chain", "A chain of tasks that do nothing", chain.measure, compares=True),
        Case("nested", "A million tasks from ten lines of TOML", nested.measure),
        Case("start", "One task, and the command itself", start.measure, compares=True),
        Case("waiting", "Asynchronous tasks that wait", waiting.measure),
        Case("copying", "Files from a web server on loopback", copying.measure, compares=True),
        Case("unchanged", "Checking, and resuming with nothing to do", unchanged.measure),
        Case("idle", "Nothing to do while a long task runs", idle.measure),
        Case("profile", "Where the time of a task goes", profile.measure),
        Case("instructions", "Instructions of the scheduler and the codec", instructions.measure),
    )
}
