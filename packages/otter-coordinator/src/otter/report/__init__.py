"""Reports on a run, made from its manifest: a page for people, and exports for other programs."""

from typing import TYPE_CHECKING

from otter.util.lazily import lazily

if TYPE_CHECKING:
    from otter.report.facts import ReleaseFacts, StepFacts, read_release
    from otter.report.page import render_report

__all__ = ["ReleaseFacts", "StepFacts", "read_release", "render_report"]

__getattr__ = lazily(
    __name__,
    {
        "facts": ("ReleaseFacts", "StepFacts", "read_release"),
        "page": ("render_report",),
    },
)
