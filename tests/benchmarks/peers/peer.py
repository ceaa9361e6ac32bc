"""A peer: a program that does some of the benchmarks' work with another system, and measures itself.

Each program takes the name of a piece of work and its size, and prints one JSON object: `start`, `work` and `stop` in
seconds, from inside: making the system ready, doing the work, and ending it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import attrs

from tests.benchmarks.measure import Figures
from tests.benchmarks.processes import run

PROGRAMS = Path(__file__).parent / "programs"


@attrs.frozen
class Peer:
    """A system to compare with.

    Attributes:
        name: how the tables call it.
        program: its program in `programs`.
        python: the interpreter that has it.
        version: of the system.
        works: what its program can do.
        slow: it does not even a hundred tasks in a second.
    """

    name: str
    program: str
    python: Path
    version: str = ""
    works: frozenset[str] = frozenset({"independent", "chain"})
    slow: bool = False

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}".strip()

    def do(self, work: str, *arguments: object, directory: Path) -> Figures:
        """Do a piece of work once.

        Returns:
            `whole`: seconds of the process; `all cpu`: processor seconds of it and its children; `inside`: from making
            the system ready to its end; `work`: the work alone.

        Raises:
            CommandError: the program failed.
        """
        finished = run([self.python, PROGRAMS / self.program, work, *map(str, arguments)], directory=directory)
        times = json.loads(finished.output.splitlines()[-1])
        return {
            "whole": finished.seconds,
            "all cpu": finished.cpu,
            "inside": sum(times[key] for key in ("start", "work", "stop")),
            **times,
        }


EXECUTOR = Peer("ProcessPoolExecutor", "executor.py", Path(sys.executable))
"""Of the standard library, so it is there in every run."""
