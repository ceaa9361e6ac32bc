"""Manifest models: names and values that other programs read, and fields of other versions."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import orjson
import pytest

from otter.config.model import Config
from otter.manifest.model import Artifact, Result, RootManifest, StepManifest, TaskManifest
from otter.step.model import Step
from otter.task import Spec, Task, TaskContext
from otter.util.errors import ManifestError

FOREIGN = {
    "result": "failure",
    "started_at": "2026-01-02T03:04:05.000006Z",
    "modified_at": "2026-01-02T03:04:06Z",
    "log": ["x"],
    "of a newer version": {"a": [1]},
    "steps": {
        "otter_fetch": {
            "name": "fetch",
            "result": "success",
            "elapsed": 1.5,
            "new": True,
            "tasks": [
                {
                    "name": "copy a",
                    "result": "aborted",
                    "attempts": [{"worker": 1}],
                    "artifacts": [{"source": ["a"], "destination": "b", "rows": 3}],
                }
            ],
        }
    },
}


def test_fields_of_other_versions_survive(tmp_path: Path) -> None:
    """Read and written again, the file says all that it said, at every level."""
    path = tmp_path / "manifest.json"
    path.write_bytes(orjson.dumps(FOREIGN))
    manifest = RootManifest.read(path)
    assert (Result.FAILURE, Result.SUCCESS) == (manifest.result, manifest.steps["otter_fetch"].result)
    assert dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC) == manifest.started_at
    written = orjson.loads(manifest.to_json())
    assert FOREIGN["of a newer version"] == written["of a newer version"]
    assert "2026-01-02T03:04:05.000006Z" == written["started_at"]
    step = written["steps"]["otter_fetch"]
    assert (True, 1.5) == (step["new"], step["elapsed"])
    (task,) = step["tasks"]
    assert ("aborted", [{"worker": 1}], 3) == (task["result"], task["attempts"], task["artifacts"][0]["rows"])


def test_the_names_that_other_programs_read() -> None:
    """A fresh manifest has each of them, with `pending` and nothing else."""
    task = TaskManifest(name="copy a").model_dump()
    assert {
        "name", "result", "started_run_at", "finished_run_at", "run_elapsed", "started_validation_at",
        "finished_validation_at", "validation_elapsed", "elapsed", "log", "artifacts", "failure_reason",
    } == set(task)  # fmt: skip
    step = StepManifest(name="fetch").model_dump()
    assert {
        "name", "result", "started_run_at", "finished_run_at", "elapsed", "log", "tasks", "artifacts", "failure_reason",
    } == set(step)  # fmt: skip
    assert {"result", "started_at", "modified_at", "log", "steps"} == set(RootManifest().model_dump())
    assert ["pending", "success", "failure", "aborted"] == [result.value for result in Result]
    assert "pending" == task["result"] == step["result"]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"result": "no"}', b"{", b'{"steps": {"a": {"tasks": 5}}}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    """With the file and the reason."""
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=r"manifest\.json: not a manifest: "):
        RootManifest.read(path)


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    """As the system says it."""
    with pytest.raises(ManifestError, match=r"none\.json: No such file or directory"):
        RootManifest.read(tmp_path / "none.json")


def test_paths_are_written_as_text() -> None:
    """A subclass of Artifact may hold them; other objects are refused."""

    class Located(Artifact):
        at: Path

    manifest = RootManifest(steps={"s": {"artifacts": [Located(source="a", destination="b", at="c")]}})
    assert "c" == orjson.loads(manifest.to_json())["steps"]["s"]["artifacts"][0]["at"]
    with pytest.raises(TypeError):
        RootManifest(odd=object).to_json()


def task_named(name: str) -> Task:
    """A task that has not run."""
    return Task(Spec(name=name), TaskContext(config=Config(step="s")))


def test_a_step_replaces_the_manifest_of_a_task_by_its_name() -> None:
    """The first failure is that of the step; specs are found by name."""
    step = Step("fetch", [Spec(name="copy a"), Spec(name="copy b")])
    first, second, again = task_named("copy a"), task_named("copy b"), task_named("copy a")
    step.upsert_task_manifest(first)
    step.upsert_task_manifest(second)
    assert [first.manifest, second.manifest] == step.manifest.tasks
    again.fail(ValueError("no"))
    step.upsert_task_manifest(again)
    assert [again.manifest, second.manifest] == step.manifest.tasks
    assert ("fetch", Result.FAILURE, "ValueError: no") == (
        step.manifest.name, step.manifest.result, step.manifest.failure_reason,
    )  # fmt: skip
    assert ["copy a", "copy b"] == list(step.tasks)
    assert ("fetch", 2) == (step.name, len(step.specs))
