"""The manifest: what a run did, for people and for other programs."""

from otter.manifest.model import Artifact, Result, RootManifest, StepManifest, TaskManifest

__all__ = ["Artifact", "Result", "RootManifest", "StepManifest", "TaskManifest"]
