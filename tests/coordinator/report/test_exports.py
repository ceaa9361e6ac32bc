"""Exports: what they say of a run. Programs of others read them in `readers`."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.report import ReleaseFacts, read_release
from otter.report.exports import CrateOptions, chrome_trace, lineage_events, write_crate
from otter.util.errors import FSError
from tests.coordinator.report.hostile import hostile_manifest
from tests.coordinator.report.manifests import manifest, write


@pytest.fixture
def release(tmp_path: Path) -> ReleaseFacts:
    """A release of three hundred tasks, run by workers that do two things at once."""
    return read_release(write(manifest(300, rows=2), tmp_path / "manifest.json"))


def test_every_attempt_is_a_slice(release: ReleaseFacts) -> None:
    """As many slices as attempts, named after their tasks, in threads named after their workers."""
    events = chrome_trace(release.steps)["traceEvents"]
    attempts = Counter(task.name for task in release.steps[0].tasks for _ in task.attempts)
    assert attempts == Counter(event["name"] for event in events if event["ph"] == "X")
    threads = {event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert {f"worker {worker} · {row}" for worker in range(4) for row in (1, 2)} == threads


def test_slices_of_a_thread_do_not_overlap(release: ReleaseFacts) -> None:
    """Viewers nest what overlaps, and these are no calls of each other."""
    threads = defaultdict(list)
    for event in chrome_trace(release.steps)["traceEvents"]:
        if event["ph"] == "X":
            threads[event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for spans in threads.values():
        assert all(one[1] <= other[0] for one, other in pairwise(sorted(spans)))


def test_flows_come_in_pairs_and_lead_forward(release: ReleaseFacts) -> None:
    """Each arrow begins inside the task that was waited for and ends where the other began."""
    begins: dict[int, int] = {}
    ends: dict[int, int] = {}
    for event in chrome_trace(release.steps)["traceEvents"]:
        if event["ph"] in "sf":
            (begins if event["ph"] == "s" else ends)[event["id"]] = event["ts"]
    assert begins.keys() == ends.keys()
    assert begins
    assert all(begins[number] <= ends[number] for number in begins)


def test_every_run_begins_and_ends_once(release: ReleaseFacts) -> None:
    """One START and one end for each task that ran, and for the step; the step is the parent of all others."""
    events = lineage_events(release, release.steps)
    kinds = defaultdict(list)
    for event in events:
        kinds[event["run"]["runId"]].append(event["eventType"])
    ran = [task for task in release.steps[0].tasks if task.attempts]
    assert len(ran) + 1 == len(kinds)
    assert {"START"} == {found[0] for found in kinds.values()}
    ends = Counter(found[1] for found in kinds.values())
    results = Counter(task.result.value for task in ran)
    assert {"COMPLETE": results["success"], "FAIL": results["failure"] + 1} == dict(ends)
    parents = {
        event["run"]["facets"]["parent"]["run"]["runId"] for event in events if "parent" in event["run"]["facets"]
    }
    assert {events[0]["run"]["runId"]} == parents


def test_exporting_twice_gives_the_same_events(release: ReleaseFacts) -> None:
    """Identifiers are derived, so that a lineage store sees one run."""
    assert lineage_events(release, release.steps) == lineage_events(release, release.steps)


def crate_of(release: ReleaseFacts, directory: Path, options: CrateOptions) -> dict[str, Any]:
    """The entities of a crate by identifier."""
    path = write_crate(release, release.steps, directory, options)
    graph = orjson.loads(path.read_bytes())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(graph) == len(entities)
    return entities


def references(value: Any) -> list[str]:
    """All identifiers that a value refers to."""
    if isinstance(value, dict):
        return (
            [value["@id"]] if set(value) == {"@id"} else [name for item in value.values() for name in references(item)]
        )
    return [name for item in value for name in references(item)] if isinstance(value, list) else []


@pytest.mark.parametrize("hostile", [False, True])
def test_a_crate_refers_to_what_it_has(tmp_path: Path, hostile: bool) -> None:
    """Every reference is to an entity of the crate, but for those to the profiles and to the specification."""
    root = hostile_manifest() if hostile else manifest(60)
    release = read_release(write(root, tmp_path / "manifest.json"))
    (tmp_path / "pipeline.toml").write_text("work_path = '.'\n")
    entities = crate_of(release, tmp_path, CrateOptions(pipeline=tmp_path / "pipeline.toml"))
    named = {name for entity in entities.values() for name in references(list(entity.values()))}
    outside = {"https://w3id.org/ro/crate/1.1"}
    assert outside == named - entities.keys()


def test_files_of_the_crate_are_relative_and_those_that_are_gone_are_no_parts(tmp_path: Path) -> None:
    """What exists below the directory is a part of it; what does not exist is only spoken of."""
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "a b.tsv").write_text("1\n")
    tasks = [
        {"name": "copy a", "result": "success", "started_run_at": "2026-01-01T00:00:00Z",
         "artifacts": [{"source": "https://example.org/a.tsv", "destination": ["output/a b.tsv", "output/gone.tsv"]}]},
    ]  # fmt: skip
    release = read_release(write({"steps": {"otter_x": {"tasks": tasks}}}, tmp_path / "manifest.json"))
    entities = crate_of(release, tmp_path, CrateOptions())
    parts = references(entities["./"]["hasPart"])
    assert {"output/a%20b.tsv", "https://example.org/a.tsv", "manifest.json"} == set(parts)
    assert "CreativeWork" == entities["#gone/output/gone.tsv"]["@type"]


def test_the_pipeline_is_taken_into_the_crate(tmp_path: Path) -> None:
    """A workflow that was elsewhere is copied beside the metadata, and is the crate's main entity."""
    release = read_release(write(manifest(10), tmp_path / "manifest.json"))
    pipeline = tmp_path / "pipeline.toml"
    pipeline.write_text("work_path = '.'\n")
    entities = crate_of(
        release, tmp_path / "crate", CrateOptions(pipeline=pipeline, license="https://example.org/licence")
    )
    assert "work_path = '.'\n" == (tmp_path / "crate" / "pipeline.toml").read_text()
    assert {"@id": "pipeline.toml"} == entities["./"]["mainEntity"]
    assert {"@id": "https://example.org/licence"} == entities["./"]["license"]


def test_a_pipeline_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The crate is not written without what was asked for."""
    release = read_release(write(manifest(10), tmp_path / "manifest.json"))
    with pytest.raises(FSError, match=r"nowhere\.toml"):
        write_crate(release, release.steps, tmp_path, CrateOptions(pipeline=tmp_path / "nowhere.toml"))
    assert not (tmp_path / "ro-crate-metadata.json").exists()
