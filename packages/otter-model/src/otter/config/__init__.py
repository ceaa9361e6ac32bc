"""The configuration of a run."""

from otter.config.model import Config

__all__ = ["Config"]
