"""A whole pipeline, run as a user runs it: by the command `otter run`, in processes of its own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from otter.manifest.model import Artifact, Result, RootManifest, StepManifest, TaskManifest
from otter.pipeline import dumps_pipeline, load_pipeline
from otter.util.errors import OtterError

COORDINATOR = "otter.cli"
"""What runs pipelines, by name only: it belongs to another distribution, and may be missing."""

TIMEOUT = 300.0
"""Seconds after which a run that does not end is ended."""


class CoordinatorMissingError(OtterError):
    """Running a pipeline takes otter-coordinator, which is not installed. Install it beside otter-worker."""


@attrs.frozen(repr=False)
class PipelineOutcome:
    """What came of a pipeline.

    Attributes:
        exit_code: of `otter run`; 0 when the step succeeded.
        output: what it printed.
        work_path: where it ran.
        step: the record of the step; none if it could not begin.
    """

    exit_code: int
    output: str
    work_path: Path
    step: StepManifest | None

    @property
    def result(self) -> Result:
        """How the step ended."""
        return self.step.result if self.step is not None else Result.PENDING

    @property
    def tasks(self) -> dict[str, TaskManifest]:
        """The records of the tasks by name."""
        return {task.name: task for task in self.step.tasks} if self.step is not None else {}

    @property
    def artifacts(self) -> list[Artifact]:
        """What all tasks made."""
        return [artifact for task in self.tasks.values() for artifact in task.artifacts]

    def __repr__(self) -> str:
        return f"<otter run: exit code {self.exit_code}, {len(self.tasks)} tasks>"


def run_pipeline(
    pipeline: Path | str | Mapping[str, Iterable[Mapping[str, Any]]],
    *,
    directory: Path,
    step: str | None = None,
    packages: Iterable[str] = (),
    scratchpad: Mapping[str, str] | None = None,
    arguments: Iterable[str] = (),
    pool_size: int = 2,
    timeout: float = TIMEOUT,
    check: bool = True,
) -> PipelineOutcome:
    """Run a step with `otter run`.

    Workers find what the test can import. Variables such as OTTER_STEP do not reach the run.

    Args:
        pipeline: the path of a pipeline file; or the text of one; or the tables of its tasks by step.
        directory: gets the file `pipeline.toml`, unless there is one, and the directory `work`.
        step: the step; may be left out when there is one.
        packages: task packages beside the installed ones.
        scratchpad: values that win over those of the file.
        arguments: further ones of `otter run`, such as `--resume`.
        pool_size: worker processes at most.
        timeout: seconds that the run may take.
        check: raise when the step does not succeed.

    Raises:
        AssertionError: it did not succeed, and `check` is set; with what was printed.
        CoordinatorMissingError: otter-coordinator is not installed.
    """
    __tracebackhide__ = True  # as in run_task
    if importlib.util.find_spec(COORDINATOR) is None:
        raise CoordinatorMissingError(
            "running a pipeline needs otter-coordinator in this environment: pip install otter-coordinator"
        )
    file, work_path = _file(pipeline, directory), directory / "work"
    command = [sys.executable, "-m", COORDINATOR, "run", str(file), f"--work-path={work_path}"]
    command += [f"--pool-size={pool_size}", *([f"--step={step}"] if step is not None else [])]
    command += [f"--tasks={package}" for package in packages]
    command += [f"--set={name}={value}" for name, value in (scratchpad or {}).items()]
    done = subprocess.run(
        [*command, *arguments], env=_environ(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=timeout, check=False,
    )  # fmt: skip
    output = done.stdout.decode("utf-8", "replace")
    outcome = PipelineOutcome(done.returncode, output, work_path, _step_manifest(file, work_path, step))
    if check and done.returncode:
        raise AssertionError(f"{outcome!r}\n{output}")
    return outcome


def _file(pipeline: Path | str | Mapping[str, Iterable[Mapping[str, Any]]], directory: Path) -> Path:
    if isinstance(pipeline, Path):
        return pipeline
    text = pipeline if isinstance(pipeline, str) else dumps_pipeline(pipeline)
    file = directory / "pipeline.toml"
    file.write_text(text, encoding="utf-8")
    return file


def _environ() -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OTTER_")}
    return {**environ, "PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path)}


def _step_manifest(file: Path, work_path: Path, step: str | None) -> StepManifest | None:
    try:
        manifest = RootManifest.read(work_path / "manifest.json")
        name = step if step is not None else next(iter(load_pipeline(file).steps))
    except (OtterError, StopIteration):
        return None
    return manifest.steps.get(f"otter_{name}")
