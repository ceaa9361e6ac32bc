"""What runs left behind, looked at and never changed: manifests, journals, logs, and runs that are going on."""

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
