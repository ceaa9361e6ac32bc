"""What is told of a release before a run, where no store at hand can keep a manifest in it.

Its manifest stays in the work path then, and whoever looks for it in the release would find none, or an old one. So
`otter run` refuses it. With `--lenient`, and in an application's own `Runner`, it is a warning: applications name the
bucket that their tasks go to by themselves. So it is where nothing runs.
"""

from __future__ import annotations

from otter.config.model import scheme_of
from otter.pipeline import Pipeline, Problem
from otter.pipeline.problem import Finding, Severity

FIELD = "release_uri"


def release_problems(pipeline: Pipeline, uri: str | None, source: str, *, fatal: bool, lenient: bool) -> list[Problem]:
    """What is wrong with the release: one problem, or none.

    Args:
        uri: of the release; none for the work path.
        source: the flag or variable that names it; empty for the pipeline file.
        fatal: a run is to begin.
        lenient: the operator knows.
    """
    if uri is None or scheme_of(uri) == "file":
        return []
    from otter.step.coordinator.manifest_stores import has_store  # what runs nothing has no use for stores

    if has_store(uri):
        return []
    message = f"no store for {scheme_of(uri)}:// is installed, so the manifest stays in the work path"
    hint = None if lenient else "name a directory; where only tasks of your own go to the release, run with --lenient"
    severity: Severity = "error" if fatal and not lenient else "warning"
    if source:
        return [Problem(code="no-store", message=message, path=FIELD, file=source, hint=hint, severity=severity)]
    return pipeline.document.problems([Finding("no-store", message, (FIELD,), hint=hint, severity=severity)])
