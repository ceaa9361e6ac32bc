"""Everything put together: `Runner` for applications, and what the command line uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from otter.core.runner import Runner

__all__ = ["Runner"]


def __getattr__(name: str) -> Any:
    """`Runner`, loaded when it is asked for: it brings the whole engine along, and `otter check` needs none of it."""
    if name != "Runner":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from otter.core.runner import Runner

    return Runner
