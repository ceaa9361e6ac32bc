"""`python -m tests.benchmarks`: measure, print the table, and keep it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import machine
from tests.benchmarks.bench import FULL, TINY, Bench, Case
from tests.benchmarks.cases import CASES
from tests.benchmarks.peers.environments import install_all
from tests.benchmarks.peers.peer import Peer
from tests.benchmarks.processes import CommandError
from tests.benchmarks.render import results_page, section_text
from tests.benchmarks.results import Results, Row, Section, Table, read_json, to_json

HERE = Path(__file__).parent
NO_PEERS = "Other systems were not measured this time: that takes `hatch run bench --peers`."
SCALES = {scale.name: scale for scale in (FULL, TINY)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases that the command line names; 1 if one of them failed."""
    args = _parser().parse_args(argv)
    chosen = [CASES[name] for name in args.case or CASES]
    peers, absent = install_all() if args.peers else ([], [NO_PEERS])
    with tempfile.TemporaryDirectory(prefix="otter-bench-", dir=args.directory) as scratch:
        place = machine.describe(Path(scratch))
        output = args.output or (HERE if args.size == FULL.name else None)
        failed = False
        for case in chosen:
            section = _measure(case, Path(scratch), args, peers, absent)
            failed |= bool(section.failure)
            if output is not None:
                _keep(Results(place, (section,)), output)  # at once: the next case may take long, or be interrupted
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hatch run bench", description="Measures otter beside its baselines.")
    parser.add_argument("--case", action="append", choices=[*CASES], help="only this case; may be given several times")
    parser.add_argument("--runs", type=int, metavar="N", help="rounds of each measurement")
    parser.add_argument("--size", choices=[*SCALES], default=FULL.name, help="tiny: to test the benchmarks themselves")
    parser.add_argument("--peers", action="store_true", help="compare with other systems, installed for the purpose")
    parser.add_argument(
        "--calm", type=float, default=0.0, metavar="MINUTES",
        help="let each round wait until others leave the machine alone, as long as this in each case",
    )  # fmt: skip
    parser.add_argument("--directory", type=Path, metavar="DIR", help="where runs write (default: as tempfile chooses)")
    parser.add_argument(
        "--output", type=Path, metavar="DIR",
        help="where RESULTS.md and results.json are kept (default: beside the benchmarks, for the full size only)",
    )  # fmt: skip
    return parser


def _measure(
    case: Case, scratch: Path, args: argparse.Namespace, peers: Sequence[Peer], absent: Sequence[str]
) -> Section:
    """Do a case. A failure ends it, and what was found before stays."""
    directory = scratch / case.name
    directory.mkdir()
    scale, calm = SCALES[args.size], machine.Calm(args.calm * 60)
    bench = Bench(directory=directory, scale=scale, wanted_runs=args.runs, peers=peers, calm=calm)
    bench.say(f"{case.name} …")
    watch = machine.Watch()
    rows: list[Row] = []
    tables: list[Table] = []
    remarks: list[str] = []
    failure = ""
    try:
        for finding in case.measure(bench):
            if isinstance(finding, Row):
                rows.append(finding)
            elif isinstance(finding, Table):
                tables.append(finding)
            else:
                remarks.append(finding)
    except CommandError as error:
        failure = str(error)
    if case.compares:
        remarks += absent
    section = Section(
        case=case.name, title=case.title, rows=tuple(rows), tables=tuple(tables), remarks=tuple(remarks),
        failure=failure, peers=case.compares and bool(peers), size=scale.name, conditions=watch.conditions(),
    )  # fmt: skip
    print(section_text(section), flush=True)
    return section


def _keep(found: Results, output: Path) -> None:
    """Write the table and the JSON file, with what they had of other cases on the same machine."""
    output.mkdir(parents=True, exist_ok=True)
    data = output / "results.json"
    former = read_json(data)
    results = found if former is None else former.updated(found, [*CASES])
    data.write_text(to_json(results), "utf-8")
    (output / "RESULTS.md").write_text(results_page(results), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
