"""The cases, in the order of the table."""

from __future__ import annotations

from tests.benchmarks.bench import Case
from tests.benchmarks.cases import chain, independent, pipe, start

CASES = {
    case.name: case
    for case in (
        Case("pipe", "The limit: a raw pipe between two processes, with orjson", pipe.measure),
        Case("independent", "Independent tasks that do nothing, from TOML to manifest", independent.measure),
        Case("chain", "A chain of tasks that do nothing", chain.measure),
        Case("start", "One task, and the command itself", start.measure),
    )
}
