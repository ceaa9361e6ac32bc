"""What a case is given, and how it makes itself known."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import attrs

from tests.benchmarks.machine import Calm
from tests.benchmarks.measure import Figures, Series, rounds
from tests.benchmarks.peers.peer import Peer
from tests.benchmarks.results import Row, Table


@attrs.frozen(kw_only=True)
class Scale:
    """How large the cases are.

    Attributes:
        few: independent tasks, and tasks of the cases that check and resume.
        many: as many more.
        links: of the chain.
        width: of the nested generators; the square of it are tasks.
        waits: asynchronous tasks that wait.
        files: to be copied.
        big: bytes of the one large file.
        messages: through the raw pipe.
        idle: seconds of watching idle processes.
        peer: independent tasks that every peer can do in some seconds.
        slow: the same for a peer that needs a second for a hundred.
        counted: tasks and messages of which instructions are counted.
    """

    name: str
    few: int
    many: int
    links: int
    width: int
    waits: int
    files: int
    big: int
    messages: int
    idle: float
    peer: int
    slow: int
    counted: int


FULL = Scale(
    name="full", few=10_000, many=100_000, links=1_000, width=1_000, waits=1_000, files=1_000, big=2**30,
    messages=100_000, idle=8.0, peer=1_000, slow=200, counted=1_000,
)  # fmt: skip
TINY = Scale(
    name="tiny", few=20, many=40, links=5, width=3, waits=4, files=4, big=2**26, messages=200, idle=0.5, peer=5,
    slow=2, counted=20,
)  # fmt: skip
"""For the test of the benchmarks themselves: every line runs, and no figure means anything."""


@attrs.frozen(kw_only=True)
class Bench:
    """What a case works with.

    Attributes:
        directory: an empty directory of its own, removed afterwards.
        scale: how large it is to be.
        wanted_runs: rounds that the operator asked for; none for what the case finds right.
        peers: those to compare with, beside the standard library's; empty unless the operator asked for them.
        calm: lets each round wait until the machine has nothing else to do, if the operator asked for that.
    """

    directory: Path
    scale: Scale
    wanted_runs: int | None = None
    peers: Sequence[Peer] = ()
    calm: Calm = attrs.field(factory=Calm)

    def rounds(self, usual: int, *measured: Callable[[], Figures]) -> list[dict[str, Series]]:
        """Measure things beside each other, as `measure.rounds` does.

        Args:
            usual: how many rounds are right at full size.
        """
        count = self.wanted_runs or (usual if self.scale is FULL else 1)
        return rounds(count, measured, before=self.calm.wait)

    def say(self, text: str) -> None:
        """Tell the operator how it goes on."""
        print(text, file=sys.stderr, flush=True)


Finding = Row | Table | str
"""What a case gives: figures, tables, and remarks."""


@attrs.frozen
class Case:
    """A case of the suite.

    Attributes:
        title: its heading.
        measure: does it, and gives what it found.
        compares: it measures peers, too, where they are asked for.
    """

    name: str
    title: str
    measure: Callable[[Bench], Iterable[Finding]]
    compares: bool = False
