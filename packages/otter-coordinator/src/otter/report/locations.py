"""What artifacts name: locations with the facts that were recorded of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import attrs

from otter.report.facts import TaskFacts


@attrs.frozen
class Location:
    """A source or a destination.

    Attributes:
        text: as recorded.
        path: of a local file, absolute; none for anything else.
        size: bytes.
        modified: microseconds since 1970.
    """

    text: str
    path: Path | None = None
    size: int | None = None
    sha256: str | None = None
    modified: int | None = None


def sources(task: TaskFacts, root: Path) -> list[Location]:
    """Where a task's artifacts came from; relative locations belong to `root`."""
    return [_located(text, root) for artifact in task.artifacts for text in _texts(artifact.get("source"))]


def destinations(task: TaskFacts, root: Path) -> list[Location]:
    """What a task made; relative locations belong to `root`, unless their files are recorded."""
    return [found for artifact in task.artifacts for found in _made(artifact, root)]


def _made(artifact: dict[str, Any], root: Path) -> Iterator[Location]:
    texts = _texts(artifact.get("destination"))
    recorded = artifact.get("files")
    facts = [fact for fact in recorded if isinstance(fact, dict)] if isinstance(recorded, list) else []
    if len(texts) == len(facts):
        for text, fact in zip(texts, facts, strict=True):
            yield _with_facts(text, fact, root)
        return
    by_path = {fact.get("path"): fact for fact in facts}
    for text in texts:
        location = _located(text, root)
        yield _with_facts(text, by_path.get(str(location.path), {}), root)


def _with_facts(text: str, fact: dict[str, Any], root: Path) -> Location:
    path, size, sha256, modified = (fact.get(name) for name in ("path", "size", "sha256", "modified_ns"))
    return Location(
        text=text,
        path=Path(path) if isinstance(path, str) and path.startswith("/") else _located(text, root).path,
        size=size if isinstance(size, int) else None,
        sha256=sha256 if isinstance(sha256, str) else None,
        modified=modified // 1000 if isinstance(modified, int) else None,
    )


def _located(text: str, root: Path) -> Location:
    if text.startswith("file:///"):
        return Location(text, Path(unquote(text.removeprefix("file://"))))
    if "://" in text or "\0" in text:
        return Location(text)
    return Location(text, Path(os.path.normpath(root / text)))


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str) and text]
