"""Pipeline files: TOML to settings and specs, with every mistake at once, each with its line."""

from typing import TYPE_CHECKING

from otter.util.lazily import lazily

if TYPE_CHECKING:
    from otter.pipeline.document import Document, read_text
    from otter.pipeline.loader import Pipeline, load_pipeline, loads_pipeline
    from otter.pipeline.names import folded
    from otter.pipeline.preamble import Preamble, preamble_of
    from otter.pipeline.problem import Note, PipelineError, Problem
    from otter.pipeline.rendering import render, render_one, summary, visible
    from otter.pipeline.settings import Workers
    from otter.pipeline.writer import dumps_pipeline

__all__ = [
    "Document",
    "Note",
    "Pipeline",
    "PipelineError",
    "Preamble",
    "Problem",
    "Workers",
    "dumps_pipeline",
    "folded",
    "load_pipeline",
    "loads_pipeline",
    "preamble_of",
    "read_text",
    "render",
    "render_one",
    "summary",
    "visible",
]

__getattr__ = lazily(
    __name__,
    {
        "document": ("Document", "read_text"),
        "loader": ("Pipeline", "load_pipeline", "loads_pipeline"),
        "names": ("folded",),
        "preamble": ("Preamble", "preamble_of"),
        "problem": ("Note", "PipelineError", "Problem"),
        "rendering": ("render", "render_one", "summary", "visible"),
        "settings": ("Workers",),
        "writer": ("dumps_pipeline",),
    },
)
