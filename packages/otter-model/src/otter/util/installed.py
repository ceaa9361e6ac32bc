"""Versions and entry points of installed distributions, told by what installers leave.

An installer makes a directory `NAME-VERSION.dist-info` for each distribution, with the entry points in a file of its
own (the PyPA's specifications "Recording installed projects" and "Entry points"). To look there takes a fraction of
what it takes to load the library for metadata and to let it read them, as every worker would before it says hello.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

_ENDING = ".dist-info"
_ENDINGS = (_ENDING, ".egg-info")
"""Of the directories that hold entry points; the second one is what older tools leave beside sources."""


def installed_versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of distributions by name; one that is not installed is left out, as where sources are on the path.

    Args:
        names: as the package index spells them.
    """
    wanted = {f"{name.lower().replace('-', '_')}-": name for name in names}
    found: dict[str, str] = {}
    for _, entry in _left_by_installers((_ENDING,)):
        name, dash, version = entry[: -len(_ENDING)].partition("-")
        known = wanted.get(name.lower() + dash)
        if known is not None:
            found.setdefault(known, version)
            if len(found) == len(wanted):
                break
    return found


def installed_entry_points(group: str) -> list[tuple[str, str]]:
    """The entry points of a group, each with its name and what it refers to.

    Of a distribution that is installed twice the first one on the import path counts, as for its modules.
    """
    if any(os.path.isfile(place) for place in sys.path):  # an archive: only the library can look into it
        from importlib.metadata import entry_points

        return [(entry.name, entry.value) for entry in entry_points(group=group)]
    seen: set[str] = set()
    found: list[tuple[str, str]] = []
    for place, entry in _left_by_installers(_ENDINGS):
        name = entry.rpartition(".")[0].partition("-")[0].lower().replace("_", "-").replace(".", "-")
        if name not in seen:
            seen.add(name)
            found += _entry_points(os.path.join(place, entry, "entry_points.txt"), group)
    return found


def _left_by_installers(endings: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The directories with such endings on the import path, in its order: where each is, and its name."""
    for place in dict.fromkeys(sys.path):
        try:
            entries = os.listdir(place or ".")
        except OSError:  # an archive, or nothing
            continue
        for entry in sorted(entry for entry in entries if entry.endswith(endings)):
            yield place, entry


def _entry_points(path: str, group: str) -> Iterator[tuple[str, str]]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):  # most distributions have none
        return
    section = ""
    for line in map(str.strip, text.splitlines() if group in text else ()):
        if line.startswith("["):
            section = line.strip("[]")
        elif section == group and line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield name.strip(), value.partition("[")[0].strip()
