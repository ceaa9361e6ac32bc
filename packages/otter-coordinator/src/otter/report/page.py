"""The report: one HTML file that needs nothing else, and that nothing in a manifest can make do anything.

Three fences, each sufficient: texts of the manifest reach the page only as data, escaped so that no parser of HTML sees
markup in them; the script makes text nodes of them and nothing else, and trusted types forbid it any other way; the
content security policy allows one script and one style sheet, by digest, and no request to anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Sequence
from typing import Any

import orjson

from otter.report.bundle import script, style
from otter.report.columns import step_columns
from otter.report.details import BUDGET, CHUNK_TASKS, pack_details
from otter.report.facts import ReleaseFacts, StepFacts
from otter.util.units import format_duration

_ESCAPES = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<div id="app"><noscript>{summary}</noscript></div>
<script type="application/json" id="report">{report}</script>
{chunks}
<script>{script}</script>
</body>
</html>
"""


def render_report(release: ReleaseFacts, steps: Sequence[StepFacts], budget: int = BUDGET) -> bytes:
    """The report on some steps of a release, as the bytes of an HTML file.

    Args:
        release: the manifest.
        steps: those of its steps that the report is about.
        budget: bytes for the logs and tracebacks of a step, before they are packed.
    """
    columns: list[dict[str, Any]] = []
    chunks: list[str] = []
    for number, step in enumerate(steps):
        details = pack_details(step.tasks, budget)
        columns.append({**step_columns(step), "chunks": len(details.chunks), "logs_left_out": details.left_out})
        chunks += [
            f'<script type="text/plain" id="details-{number}-{place}">{chunk}</script>'
            for place, chunk in enumerate(details.chunks)
        ]
    report = {
        "path": str(release.path),
        "result": release.result.value,
        "started": release.started if release.started is not None else -1,
        "modified": release.modified if release.modified is not None else -1,
        "problem": release.problem,
        "chunk_tasks": CHUNK_TASKS,
        "steps": columns,
    }
    page = _PAGE.format(
        policy=_policy(),
        title=html.escape(_title(steps)),
        style=style(),
        summary="".join(f"<p>{html.escape(_sentence(step))}</p>" for step in steps),
        report=escape_json(report),
        chunks="\n".join(chunks),
        script=script(),
    )
    return page.encode("utf-8", "replace")


def escape_json(value: Any) -> str:
    """JSON that may stand in a script element: `<`, `>`, `&`, U+2028 and U+2029 are escaped, and read back equal."""
    return orjson.dumps(value).decode("utf-8").translate(_ESCAPES)


def _policy() -> str:
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_digest(script())}'",
            f"style-src '{_digest(style())}'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _title(steps: Sequence[StepFacts]) -> str:
    names = ", ".join(step.key for step in steps[:3]) + (", …" if len(steps) > 3 else "")
    results = {step.result.value for step in steps}
    return f"{names or 'no steps'}: {results.pop() if len(results) == 1 else 'mixed'} · otter"


def _sentence(step: StepFacts) -> str:
    took = f" in {format_duration(step.elapsed)}" if step.elapsed is not None else ""
    why = f": {step.reason}" if step.reason else ""
    return f"{step.key}: {step.result.value}{took}, {len(step.tasks)} tasks{why}"
