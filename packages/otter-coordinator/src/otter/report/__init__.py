"""Reports on a run, made from its manifest: a page for people, and exports for other programs."""

from otter.report.facts import ReleaseFacts, StepFacts, read_release
from otter.report.page import render_report

__all__ = ["ReleaseFacts", "StepFacts", "read_release", "render_report"]
