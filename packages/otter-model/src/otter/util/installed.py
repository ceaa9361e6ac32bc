"""Versions of installed distributions, told by the names of what installers leave.

An installer makes a directory `NAME-VERSION.dist-info` for each distribution (the PyPA's specification "Recording
installed projects"). To list directories takes a fraction of what it takes to load and read metadata, which every
worker would do before it says hello.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

_ENDING = ".dist-info"


def installed_versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of distributions by name; one that is not installed is left out, as where sources are on the path.

    Args:
        names: as the package index spells them.
    """
    wanted = {f"{name.lower().replace('-', '_')}-": name for name in names}
    found: dict[str, str] = {}
    for place in sys.path:
        if len(found) == len(wanted):
            break
        try:
            entries = os.listdir(place or ".")
        except OSError:  # an archive, or nothing
            continue
        for entry in entries:
            if entry.endswith(_ENDING):
                name, dash, version = entry[: -len(_ENDING)].partition("-")
                known = wanted.get(name.lower() + dash)
                if known is not None:
                    found.setdefault(known, version)
    return found
