"""What the verbs that look at a run load: they are asked often, and must answer at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from otter.step.coordinator.journal import Journal, encode_record
from otter.step.coordinator.run_directory import RunDirectory

LOADED = """\
import sys
from otter.cli import main
code = main(sys.argv[1:])
watched = ("asyncio", "rich", "cattrs", "tomli")
loaded = sorted(name for name in sys.modules if name.startswith("otter.") or name in watched)
print(*loaded, file=sys.stderr)
raise SystemExit(code)
"""

BOTH = {
    "otter.cli",
    "otter.cli.main",
    "otter.cli.printing",
    "otter.cli.streams",
    "otter.cli.work_path",
    "otter.config",
    "otter.config.model",
    "otter.core",
    "otter.core.exit_codes",
    "otter.inspection",
    "otter.inspection.run_view",
    "otter.observers",
    "otter.observers.lines",
    "otter.pipeline",
    "otter.pipeline.problem",
    "otter.pipeline.rendering",
    "otter.step",
    "otter.step.coordinator",
    "otter.step.coordinator.durable",
    "otter.step.coordinator.failpoints",
    "otter.step.coordinator.journal",
    "otter.step.coordinator.run_directory",
    "otter.util",
    "otter.util.errors",
    "otter.util.failpoint",
    "otter.util.fs",
    "otter.util.instants",
    "otter.util.lazily",
    "otter.util.values",
}
"""What it takes to read the directory of a run: nothing that schedules, starts, or reads pipeline files."""


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (("status",), {"otter.cli.status", "otter.util.units"}),
        (
            ("logs", "copy a"),
            {"otter.cli.logs", "otter.inspection.records", "otter.inspection.task_logs", "otter.pipeline.nearest"},
        ),
    ],
    ids=["status", "logs"],
)
def test_looking_at_a_run_loads_nothing_of_the_engine(
    tmp_path: Path, arguments: tuple[str, ...], more: set[str]
) -> None:
    """`status` and `logs` load exactly what reads the directory of a run."""
    directory = RunDirectory(tmp_path, "otter_fetch")
    journal = Journal(directory.journal, resume=False)
    journal.append(encode_record({"kind": "task", "entry": {"name": "copy a", "result": "success"}}))
    journal.append(encode_record({"kind": "end", "entry": {"result": "success"}}))
    journal.close()
    directory.close()

    command = [sys.executable, "-c", LOADED, *arguments, "-w", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert sorted(BOTH | more) == done.stderr.splitlines()[-1].split()
