"""`read_release`: what a manifest says, whatever state it is in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.manifest.model import Result
from otter.report.facts import ReleaseFacts, TaskFacts, read_release
from otter.step.coordinator.manifest_store import LocalManifestStore
from otter.util.errors import ManifestError
from otter.util.instants import instant, instant_text
from tests.coordinator.report.manifests import manifest, write


def read(tmp_path: Path, root: Any) -> ReleaseFacts:
    """What is read of a manifest."""
    return read_release(write(root, tmp_path / "manifest.json"))


def published(tmp_path: Path, root: Any) -> Path:
    """A manifest as a run writes it, with its digest."""
    entry = root["steps"]["otter_species"]
    store = LocalManifestStore(tmp_path)
    rest = {name: value for name, value in entry.items() if name != "tasks"}
    store.publish("otter_species", rest, [orjson.dumps(task) for task in entry["tasks"]])
    return store.path


def only_task(tmp_path: Path, **entry: Any) -> TaskFacts:
    """The facts of the only task of a manifest."""
    release = read(tmp_path, {"steps": {"otter_x": {"tasks": [entry]}}})
    return release.steps[0].tasks[0]


def test_reads_every_task(tmp_path: Path) -> None:
    """Names, results, edges and attempts are as the manifest has them."""
    root = manifest(50)
    entries = root["steps"]["otter_species"]["tasks"]
    step = read(tmp_path, root).steps[0]
    assert [entry["name"] for entry in entries] == [task.name for task in step.tasks]
    assert [entry["result"] for entry in entries] == [task.result.value for task in step.tasks]
    assert [entry.get("requires", []) for entry in entries] == [task.requires for task in step.tasks]
    assert [len(entry.get("attempts", [])) for entry in entries] == [len(task.attempts) for task in step.tasks]


def test_a_directory_means_the_manifest_in_it(tmp_path: Path) -> None:
    """The directory of a release may be named in place of its manifest."""
    write(manifest(5), tmp_path / "manifest.json")
    assert tmp_path / "manifest.json" == read_release(tmp_path).path


def test_a_sound_digest_is_no_problem(tmp_path: Path) -> None:
    """A manifest that matches its own digest is read without a remark."""
    release = read_release(published(tmp_path, manifest(5)))
    assert release.problem is None
    assert 8 == len(release.steps[0].tasks)


def test_an_edited_manifest_is_read_and_said_to_be(tmp_path: Path) -> None:
    """One that does not match its digest is read all the same; the reader is told."""
    path = published(tmp_path, manifest(5))
    path.write_bytes(path.read_bytes().replace(b"find_latest release", b"find_latest RELEASE"))
    release = read_release(path)
    assert "find_latest RELEASE" == release.steps[0].tasks[0].name
    assert release.problem is not None
    assert "SHA-256" in release.problem


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"steps": []}', b"\xff", b"[" * 100_000])
def test_what_is_no_manifest_is_refused(tmp_path: Path, data: bytes) -> None:
    """Anything but a table of steps is refused by name."""
    path = tmp_path / "manifest.json"
    path.write_bytes(data)
    with pytest.raises(ManifestError, match=r"manifest\.json: not a manifest"):
        read_release(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is named in the error."""
    with pytest.raises(ManifestError, match=r"nowhere\.json: No such file"):
        read_release(tmp_path / "nowhere.json")


@pytest.mark.parametrize("junk", [None, 7, "text", [], {}, [1, None], {"a": 1}, True, 1e308])
def test_fields_of_other_types_count_as_not_recorded(tmp_path: Path, junk: Any) -> None:
    """No value of any field keeps a task from being read."""
    fields = [
        "result", "started_run_at", "finished_run_at", "elapsed", "log", "artifacts", "failure_reason", "requires",
        "parent", "worker", "attempts", "exception", "traceback", "blocked_by", "reused", "log_file", "task_type",
    ]  # fmt: skip
    task = only_task(tmp_path, name="copy x", **dict.fromkeys(fields, junk))
    assert "copy x" == task.name
    assert Result.PENDING is task.result


@pytest.mark.parametrize("junk", [None, 7, "text", [1], [None], {"otter_x": 3}])
def test_steps_and_tasks_that_are_no_tables_are_read_as_empty_ones(tmp_path: Path, junk: Any) -> None:
    """Nor does a step's list of tasks, whatever it is."""
    step = read(tmp_path, {"steps": {"otter_x": {"tasks": junk}}}).steps[0]
    assert "otter_x" == step.name


def test_facts_without_a_field_are_kept(tmp_path: Path) -> None:
    """What this version does not know is there to be shown."""
    assert {"quota": 3} == only_task(tmp_path, name="copy x", quota=3).more


def test_an_older_manifest_has_one_attempt(tmp_path: Path) -> None:
    """Where no attempts are recorded, the task's own times are those of one."""
    task = only_task(
        tmp_path, name="copy x", result="success", worker=2, started_run_at="2026-01-01T00:00:00Z",
        finished_run_at="2026-01-01T00:00:02Z",
    )  # fmt: skip
    (attempt,) = task.attempts
    assert (1, 2, "success", 2_000_000) == (
        attempt.number,
        attempt.worker,
        attempt.result,
        (attempt.finished or 0) - (attempt.started or 0),
    )


def test_a_task_ends_when_its_validation_ends(tmp_path: Path) -> None:
    """The end of a validated task is that of the validation."""
    times = {"finished_run_at": "2026-01-01T00:00:02Z", "finished_validation_at": "2026-01-01T00:00:03Z"}
    assert instant("2026-01-01T00:00:03Z") == only_task(tmp_path, name="copy x", **times).finished


def test_steps_are_found_by_key_and_by_name(tmp_path: Path) -> None:
    """A key is unique; a name may be, and is refused where it is not."""
    release = read(tmp_path, {"steps": {"a_x": {"name": "x"}, "b_x": {"name": "x"}, "a_y": {"name": "y"}}})
    assert "a_x" == release.step("a_x").key
    assert "a_y" == release.step("y").key
    with pytest.raises(ManifestError, match="several steps called 'x'; it has: a_x, b_x, a_y"):
        release.step("x")
    with pytest.raises(ManifestError, match="no step 'z'"):
        release.step("z")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01T00:00:00.000001", 1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("yesterday", None),
        ("", None),
        (12, None),
    ],
)
def test_instants(text: Any, expected: int | None) -> None:
    """ISO 8601 is understood, without an offset as UTC; anything else is not recorded."""
    assert expected == instant(text)


def test_instants_are_written_as_manifests_have_them() -> None:
    """Writing an instant and reading it gives it back."""
    text = "2026-03-04T09:30:00.000001Z"
    moment = instant(text)
    assert moment is not None
    assert text == instant_text(moment)
