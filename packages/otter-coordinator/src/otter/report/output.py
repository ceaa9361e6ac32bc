"""Where the command line finds a manifest, and where it puts what is made from it."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

from otter.util.errors import FSError, ManifestError

STANDARD_OUTPUT = "-"
_USUAL_PLACES = (Path("manifest.json"), Path("work/manifest.json"))


def find_manifest(named: str | None) -> Path:
    """The manifest that was named, or the one in the current directory or in `work` below it.

    Raises:
        ManifestError: none was named, and none is there.
    """
    if named is not None:
        return Path(named)
    for place in _USUAL_PLACES:
        if place.is_file():
            return place
    raise ManifestError(f"name a manifest: there is none in {' or '.join(map(str, _USUAL_PLACES))}")


def write_output(target: str, data: bytes) -> None:
    """Write a file, whole or not at all; `-` is the standard output. A device or a pipe is written to as it is.

    Raises:
        FSError: it cannot be written.
    """
    if target == STANDARD_OUTPUT:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    path = Path(target)
    if path.is_dir():
        raise FSError(f"{path} cannot be written: {os.strerror(errno.EISDIR)}")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if path.exists() and not path.is_file():  # to rename something over /dev/null would end it
            path.write_bytes(data)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(data)
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise FSError(f"{path} cannot be written: {error.strerror}") from error
