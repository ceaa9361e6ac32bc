"""The command `otter`: one module for each verb, loaded when it is called."""

from otter.cli.main import main

__all__ = ["main"]
