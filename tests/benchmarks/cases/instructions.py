"""Instructions for each task in the scheduler and each message in the codec: figures that no load changes.

Machine instructions are counted by valgrind, where it is installed: once for the work with its preparation and once for
the preparation alone, which has the start of the interpreter and the imports in it, too. They are the same in each run
to a few in a thousand. Bytecodes are counted by Python itself, for the work only, and are exactly the same in each run
of a version of Python; what C code does is not in them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.bench import FULL, Bench, Finding
from tests.benchmarks.counted import WORKS
from tests.benchmarks.measure import Series
from tests.benchmarks.processes import CommandError, base_environment
from tests.benchmarks.results import Row

_COLLECTED = re.compile(r"Collected : (\d+)")
SEED = {"PYTHONHASHSEED": "0"}
NAMES = {
    "schedule_independent": "scheduler: an independent task",
    "schedule_chain": "scheduler: a link of a chain",
    "encode_tasks": "codec: a request, encoded",
    "decode_tasks": "codec: a request, decoded",
    "encode_results": "codec: a beginning and a result, encoded",
    "decode_results": "codec: a beginning and a result, decoded",
}


def measure(bench: Bench) -> Iterator[Finding]:
    """Bytecodes, and machine instructions where they can be counted."""
    valgrind, count = shutil.which("valgrind"), bench.scale.counted
    under_valgrind = [*WORKS] if bench.scale is FULL else [*WORKS][-1:]  # which makes a start fifty times slower
    for work in WORKS:
        executed = int(_run([work, str(count), "--bytecodes"], bench.directory).stdout)
        yield Row(what=NAMES[work], unit="bytecodes", ours=Series((executed / count,)))
        if valgrind is not None and work in under_valgrind:
            whole = _instructions(valgrind, [work, str(count)], bench.directory)
            prepared = _instructions(valgrind, [work, str(count), "--prepare"], bench.directory)
            yield Row(what=NAMES[work], unit="machine instructions", ours=Series(((whole - prepared) / count,)))
    if valgrind is None:
        yield "Machine instructions were not counted: valgrind is not installed here."
    yield "The price of one task or message, among some thousand; it does not depend on the load of the machine."


def _instructions(valgrind: str, work: list[str], directory: Path) -> int:
    done = _run(work, directory, [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"])
    found = _COLLECTED.search(done.stderr)
    if found is None:
        raise CommandError(f"valgrind said nothing of instructions: {done.stderr.strip()[-300:]}")
    return int(found[1])


def _run(work: list[str], directory: Path, under: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Do a work of `counted`, under a tool if one is given."""
    words = [*under, sys.executable, "-m", "tests.benchmarks.counted", *work]
    done = subprocess.run(
        words, cwd=directory, env={**base_environment(), **SEED}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CommandError(f"{Path(words[0]).name} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done
