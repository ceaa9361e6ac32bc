"""What runs: the versions that a manifest tells of."""

from __future__ import annotations

import functools
import sys


@functools.cache
def own_versions() -> dict[str, str]:
    """Versions of this process's Python and of the distributions in it, by name.

    Asked for in a thread while the first worker starts: what looks them up takes longer to load than a small step.
    """
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in ("otter-coordinator", "otter-model"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # the sources are on the path, and nothing is installed
            continue
    return found


def learn_versions() -> None:
    """Look the versions up, so that whoever asks later need not wait."""
    own_versions()
