"""Facts about the files that artifacts name: what --resume and `otter manifest verify` compare."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from otter.config.model import Config

HASHED = 8 * 1024 * 1024
"""Bytes of a file up to which its SHA-256 is recorded: hashing it costs less than making it did."""

BLOCK = 256 * 1024
"""Bytes that are read at once."""

MAX_FILES = 1000
"""Files of one artifact whose facts are recorded."""


def file_facts(artifact: dict[str, Any], config: Config) -> list[dict[str, Any]]:
    """Path, size, modification time and, for small files, SHA-256 of the local files that an artifact names."""
    named = artifact.get("destination")
    names = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    facts = []
    for name in names[:MAX_FILES]:
        path = _local_path(str(name), config)
        if path is not None and (fact := _fact(path)) is not None:
            facts.append(fact)
    return facts


def _local_path(location: str, config: Config) -> Path | None:
    if location.startswith("file://"):
        return Path(unquote(urlsplit(location).path))
    if "://" in location:
        return None
    path = Path(location)
    if path.is_absolute():
        return path
    root = config.release_directory
    return root.absolute() / path if root is not None else None


def _fact(path: Path) -> dict[str, Any] | None:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return {"path": str(path)} if stat.S_ISDIR(status.st_mode) else None
        fact: dict[str, Any] = {"path": str(path), "size": status.st_size, "modified_ns": status.st_mtime_ns}
        if status.st_size <= HASHED:
            fact["sha256"] = _sha256(path)
    except (OSError, ValueError):
        return None
    return fact


def _sha256(path: Path) -> str:
    # A task may have made thousands of small files: the library would make a large buffer for each.
    digest = hashlib.sha256()
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while data := os.read(file, BLOCK):
            digest.update(data)
    finally:
        os.close(file)
    return digest.hexdigest()
