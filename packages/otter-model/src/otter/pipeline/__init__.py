"""Pipeline files: TOML to settings and specs, with every mistake at once, each with its line."""

from otter.pipeline.document import Document
from otter.pipeline.loader import Pipeline, load_pipeline, loads_pipeline
from otter.pipeline.names import folded
from otter.pipeline.problem import Note, PipelineError, Problem
from otter.pipeline.render import render, render_one, summary, visible
from otter.pipeline.settings import Workers
from otter.pipeline.writer import dumps_pipeline

__all__ = [
    "Document",
    "Note",
    "Pipeline",
    "PipelineError",
    "Problem",
    "Workers",
    "dumps_pipeline",
    "folded",
    "load_pipeline",
    "loads_pipeline",
    "render",
    "render_one",
    "summary",
    "visible",
]
