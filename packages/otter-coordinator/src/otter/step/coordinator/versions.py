"""What runs: the versions that a manifest tells of."""

from __future__ import annotations

import functools
import sys

from otter.util.installed import installed_versions


@functools.cache
def own_versions() -> dict[str, str]:
    """Versions of this process's Python and of the distributions in it, by name."""
    python = ".".join(map(str, sys.version_info[:3]))
    return {"python": python, **installed_versions(("otter-coordinator", "otter-model"))}
