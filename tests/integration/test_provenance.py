"""What a manifest says of where an entry comes from, and what reports make of that."""

from __future__ import annotations

import platform
import uuid
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.manifest.model import RootManifest
from otter.report import read_release
from otter.report.columns import step_columns
from otter.report.exports import CrateOptions, lineage_events, write_crate
from tests.support.runs import KEY, Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A directory with a pipeline, whose processes end with the test."""
    with Scene(tmp_path) as made:
        yield made


def test_a_run_leaves_its_id_and_its_versions(scene: Scene) -> None:
    """Every run has another id; versions are those of both sides; each task has its type, also one that never began."""
    scene.write({"name": "throw first", "how": "ValueError"}, {"name": "mark second", "requires": ["throw first"]})
    first = scene.run().step
    again = scene.run().step

    assert uuid.UUID(first["run_id"]) != uuid.UUID(again["run_id"])
    mine = {"python": platform.python_version(), "otter-model": version("otter-model")}
    assert {
        "coordinator": {**mine, "otter-coordinator": version("otter-coordinator")},
        "worker": {**mine, "otter-worker": version("otter-worker")},
    } == first["versions"]
    assert ["throw", "mark"] == [task["task_type"] for task in first["tasks"]]


def test_older_readers_keep_what_they_do_not_know(scene: Scene) -> None:
    """The manifest's model names none of these fields, and they survive a read and a write."""
    scene.write({"name": "mark one"})
    step = scene.run().step
    read = RootManifest.read(scene.work / "manifest.json")
    (kept,) = orjson.loads(read.to_json())["steps"].values()
    assert (step["run_id"], step["versions"]) == (kept["run_id"], kept["versions"])
    assert "mark" == kept["tasks"][0]["task_type"]


def test_reports_and_exports_tell_of_the_run(scene: Scene) -> None:
    """The page has the versions, lineage events the id of the run, a crate the version of the engine."""
    scene.write({"name": "mark one"})
    step = scene.run().step
    path = change(scene, lambda entry: entry["versions"]["coordinator"].update({"otter-coordinator": "7.8"}))

    release = read_release(path)

    assert "7.8" == step_columns(release.steps[0])["versions"]["coordinator"]["otter-coordinator"]
    runs = {event["run"]["runId"] for event in lineage_events(release, release.steps) if event["job"]["name"] == KEY}
    assert {str(uuid.UUID(step["run_id"]))} == runs
    engines = {
        facets["processing_engine"]["version"]
        for event in lineage_events(release, release.steps)
        if "processing_engine" in (facets := event["run"].get("facets", {}))
    }
    assert {"7.8"} == engines
    write_crate(release, release.steps, scene.path / "crate", CrateOptions(pipeline=scene.path / "pipeline.toml"))
    crate = orjson.loads((scene.path / "crate" / "ro-crate-metadata.json").read_bytes())
    assert ["7.8"] == [item["softwareVersion"] for item in crate["@graph"] if item["@id"] == "#otter"]


@pytest.mark.parametrize("junk", [None, 7, "text", [1], {"coordinator": 3}, {"worker": {"python": 3}}])
def test_what_somebody_wrote_there_keeps_no_report_from_being_made(scene: Scene, junk: Any) -> None:
    """An id that is none and versions that are none count as not recorded."""
    scene.write({"name": "mark one"})
    scene.run()
    release = read_release(change(scene, lambda entry: entry.update(run_id=junk, versions=junk)))
    (step,) = release.steps
    assert all(isinstance(found, str) for side in step.versions.values() for found in side.values())
    assert step.versions == step_columns(step)["versions"]
    runs = {event["run"]["runId"] for event in lineage_events(release, release.steps)}
    assert len(runs) == len({uuid.UUID(run) for run in runs})


def change(scene: Scene, how: Any) -> Path:
    """A copy of the manifest in which the step's entry is another."""
    table = scene.manifest()
    how(table["steps"][KEY])
    path = scene.work / "changed.json"
    path.write_bytes(orjson.dumps(table))
    return path
