"""Manifests as runs leave them, made by the store that runs use."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.step.coordinator.manifest_store import LocalManifestStore
from tests.support.manifests import MakeTask, Publish, Task, at, task


@pytest.fixture
def publish() -> Publish:
    """Write a step into the manifest of a directory; the file."""

    def publish(directory: Path, key: str, tasks: list[Task], **step: Any) -> Path:
        directory.mkdir(parents=True, exist_ok=True)
        entry = {"name": key.partition("_")[2], "result": "success", "started_run_at": at(0), "elapsed": 1.0, **step}
        store = LocalManifestStore(directory)
        store.publish(key, entry, [orjson.dumps(task) for task in tasks])
        return store.path

    return publish


@pytest.fixture
def made() -> MakeTask:
    """A task that read some locations and wrote a file, whose facts are recorded as workers record them."""

    def made(name: str, file: Path, *sources: str, text: str = "text", minute: int = 1, **more: Any) -> Task:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        status = file.stat()
        digest = hashlib.sha256(text.encode()).hexdigest()
        facts = {"path": str(file), "size": status.st_size, "modified_ns": status.st_mtime_ns, "sha256": digest}
        artifact = {"source": list(sources), "destination": str(file), "files": [facts]}
        return task(name, minute=minute, artifacts=[artifact], **more)

    return made
