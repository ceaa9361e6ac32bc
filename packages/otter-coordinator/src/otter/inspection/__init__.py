"""What runs left behind, looked at and never changed: manifests, journals, logs, and runs that are going on."""

from typing import TYPE_CHECKING

from otter.util.lazily import lazily

if TYPE_CHECKING:
    from otter.inspection.difference import StepDifference, differences
    from otter.inspection.lineage import Lineage, Origin
    from otter.inspection.manifest_view import ManifestView, TaskView, read_manifest
    from otter.inspection.run_view import RunView, find_runs
    from otter.inspection.verification import Finding, verify

__all__ = [
    "Finding",
    "Lineage",
    "ManifestView",
    "Origin",
    "RunView",
    "StepDifference",
    "TaskView",
    "differences",
    "find_runs",
    "read_manifest",
    "verify",
]

__getattr__ = lazily(
    __name__,
    {
        "difference": ("StepDifference", "differences"),
        "lineage": ("Lineage", "Origin"),
        "manifest_view": ("ManifestView", "TaskView", "read_manifest"),
        "run_view": ("RunView", "find_runs"),
        "verification": ("Finding", "verify"),
    },
)
