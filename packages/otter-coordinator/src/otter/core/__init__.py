"""Everything put together: `Runner` for applications, and what the command line uses."""

from otter.core.runner import Runner

__all__ = ["Runner"]
