"""Rows 38, 41 and 42 of the fault matrix: the manifest's file."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.step.coordinator.manifest_store import FILE_NAME, LocalManifestStore, unseal
from otter.util.errors import ManifestError

ENTRY: dict[str, Any] = {"name": "fetch", "result": "success", "started_run_at": "2026-01-01T00:00:00.000000Z"}
TASKS = [orjson.dumps({"name": f"copy {number}", "result": "success"}) for number in range(2500)]


def read(directory: Path) -> dict[str, Any]:
    """The manifest on disk."""
    root: dict[str, Any] = orjson.loads((directory / FILE_NAME).read_bytes())
    return root


def test_entries_of_several_writers_stand_side_by_side(tmp_path: Path) -> None:
    """Each store writes its own step and keeps what others wrote, with tasks in their order."""
    first, second = LocalManifestStore(tmp_path), LocalManifestStore(tmp_path)

    first.publish("otter_a", ENTRY, TASKS)
    second.publish("otter_b", {**ENTRY, "result": "failure"}, TASKS[:1])
    first.publish("otter_a", {**ENTRY, "name": "again"}, TASKS[:3])

    root = read(tmp_path)
    assert {"otter_a", "otter_b"} == set(root["steps"])
    assert "again" == root["steps"]["otter_a"]["name"]
    assert [orjson.loads(task) for task in TASKS[:3]] == root["steps"]["otter_a"]["tasks"]
    assert [orjson.loads(task) for task in TASKS[:1]] == root["steps"]["otter_b"]["tasks"]
    assert "failure" == root["result"]


def test_unknown_fields_survive(tmp_path: Path) -> None:
    """What another program wrote at the root and in other steps is kept; a file without digest is accepted."""
    foreign = {"result": "success", "steps": {"other_x": {"result": "success", "new": [1, {"a": None}]}}, "owner": "me"}
    (tmp_path / FILE_NAME).write_bytes(orjson.dumps(foreign))

    LocalManifestStore(tmp_path).publish("otter_a", ENTRY)

    root = read(tmp_path)
    assert "me" == root["owner"]
    assert {"result": "success", "new": [1, {"a": None}]} == root["steps"]["other_x"]


def test_the_file_begins_with_its_own_digest(tmp_path: Path) -> None:
    """The SHA-256 is that of the file with zeros in the digest's place."""
    LocalManifestStore(tmp_path).publish("otter_a", ENTRY, TASKS[:2])

    data = (tmp_path / FILE_NAME).read_bytes()
    assert data.startswith(b'{"sha256":"')
    blank = data[:11] + b"0" * 64 + data[75:]
    assert hashlib.sha256(blank).hexdigest().encode() == data[11:75]


DAMAGES = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "no JSON": lambda data: b"result: success\n",
    "a list": lambda data: b"[1, 2]",
    "steps of another kind": lambda data: b'{"steps": []}',
    "deep": lambda data: b"[" * 100_000,
    "flipped": lambda data: data.replace(b"success", b"sUccess", 1),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_row_41_a_damaged_manifest_is_kept_aside_and_rebuilt(tmp_path: Path, damage: Any) -> None:
    """The damaged file stays as `.corrupt-…`, and the steps whose journals are at hand stand in the new one."""
    LocalManifestStore(tmp_path).publish("otter_a", ENTRY, TASKS[:2])
    damaged = damage((tmp_path / FILE_NAME).read_bytes())
    (tmp_path / FILE_NAME).write_bytes(damaged)

    store = LocalManifestStore(tmp_path, rebuild=lambda: {"otter_r": {"name": "r", "result": "success", "tasks": []}})
    store.publish("otter_b", ENTRY)

    assert store.set_aside is not None
    assert damaged == store.set_aside.read_bytes()
    assert store.set_aside.name.startswith(f"{FILE_NAME}.corrupt-")
    assert {"otter_r", "otter_b"} <= set(read(tmp_path)["steps"])


def test_row_41_cut_anywhere(tmp_path: Path) -> None:
    """A manifest that is cut at any byte is found damaged."""
    LocalManifestStore(tmp_path).publish("otter_a", ENTRY, TASKS[:2])
    data = (tmp_path / FILE_NAME).read_bytes()

    for size in range(len(data)):
        with pytest.raises(ManifestError):
            unseal(data[:size])


def test_whatever_the_bytes_are_only_a_manifest_error_comes_out(tmp_path: Path) -> None:
    """Random changes of a manifest are refused; none is read as something else, and nothing else is raised."""
    LocalManifestStore(tmp_path).publish("otter_a", ENTRY, TASKS[:2])
    data = (tmp_path / FILE_NAME).read_bytes()
    rng = random.Random(41)

    for _ in range(20_000):
        changed = bytearray(data)
        changed[rng.randrange(75, len(changed))] ^= 1 << rng.randrange(8)
        with pytest.raises(ManifestError):
            unseal(bytes(changed))


def test_row_38_a_manifest_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """When writing fails, the old manifest stands, and no half of a new one lies about."""
    store = LocalManifestStore(tmp_path)
    store.publish("otter_a", ENTRY)
    before = (tmp_path / FILE_NAME).read_bytes()

    def tasks() -> Any:
        yield TASKS[0]
        raise OSError(28, os.strerror(28))

    with pytest.raises(ManifestError, match="No space left"):
        store.publish("otter_a", ENTRY, tasks())

    assert before == (tmp_path / FILE_NAME).read_bytes()
    assert [] == [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")]
