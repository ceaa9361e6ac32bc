"""Texts that would do harm if anything took them for more than text."""

from __future__ import annotations

import copy
from typing import Any

from tests.coordinator.report.manifests import manifest

SCRIPTS = (
    "</script><script>window.harmed = 1</script>",
    "<img src=x onerror='window.harmed = 1'>",
    "<!--<script>",
    "]]><svg/onload=window.harmed=1>",
    "{{constructor.constructor('window.harmed = 1')()}}",
    "javascript:window.harmed=1",
    "\u2028window.harmed = 1\u2029",
    "\u202egnp.exe \u2066x\u2069 \u200b",
    "\x1b[31mred\x1b[0m \x00\x07",
    "&lt;b&gt; &amp; \"quoted\" 'single' \\ `tick` ${x}",
    "__proto__",
)


def hostile_manifest() -> dict[str, Any]:
    """A manifest that says something hostile wherever text can stand."""
    root = manifest(60)
    step = copy.deepcopy(root["steps"]["otter_species"])
    renamed = {task["name"]: f"{task['name']} {_text(place)}" for place, task in enumerate(step["tasks"])}
    for place, task in enumerate(step["tasks"]):
        text = _text(place)
        task["name"] = renamed[task["name"]]
        task["task_type"] = f"{task['name'].split()[0]} {text}"
        for field in ("parent", "blocked_by"):
            if field in task:
                task[field] = renamed[task[field]]
        task["requires"] = [renamed[name] for name in task.get("requires", [])] + [f"unknown {text}"]
        task["log"] = [f"{text} in a log", *SCRIPTS]
        task["log_file"] = text
        task["artifacts"] = [
            {"source": text, "destination": [text, text], "files": [{"path": text, "sha256": text}], text: text}
        ]
        task["more"] = {text: text}
        if task["failure_reason"]:
            task |= {
                "failure_reason": text,
                "exception": text,
                "traceback": f'File "{text}", line 1, in {text}\n{text}',
            }
        for attempt in task.get("attempts", []):
            attempt |= {"reason": text, "signal": text, "last_output": [text]}
            if attempt["result"] != "success":
                attempt["result"] = text
    step |= {"name": SCRIPTS[0], "failure_reason": SCRIPTS[1], "log": list(SCRIPTS), "quota": {SCRIPTS[0]: SCRIPTS[1]}}
    return {**root, "steps": {f"otter_{SCRIPTS[0]}": step, "otter_other": root["steps"]["otter_species"]}}


def _text(place: int) -> str:
    return SCRIPTS[place % len(SCRIPTS)]
