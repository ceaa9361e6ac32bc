"""In a sub-package: left out."""

from otter.task import Task


class Hidden(Task):
    """Never found."""
