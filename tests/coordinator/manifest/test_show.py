"""`otter manifest show`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.cli import main
from tests.support.manifests import Publish, task

TRACEBACK = 'Traceback (most recent call last):\n  File "/app/tasks/load.py", line 12, in run\n    connect()\n'


@pytest.fixture
def manifest(publish: Publish, tmp_path: Path) -> Path:
    """A step in which two tasks failed for one reason, which kept a third from beginning."""
    lost: dict[str, Any] = {
        "result": "failure", "failure_reason": "LoadError: no answer", "exception": "LoadError",
        "traceback": f"{TRACEBACK}LoadError: no answer", "log": ["connecting", "LoadError: no answer"],
        "log_file": "/logs/load.log",
    }  # fmt: skip
    never = {"result": "pending", "requires": ["load b"], "blocked_by": "load b"}
    tasks = [
        task("load a", **lost), task("load b", **lost), task("copy c"),
        {"name": "sum d", "artifacts": [], **never},
    ]  # fmt: skip
    return publish(tmp_path, "otter_fetch", tasks, result="failure", failure_reason="load a: LoadError: no answer")


def test_failures_are_shown_by_cause(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Counts by step and type; each cause once, with its tasks, what it blocks, the last log lines and the log."""
    assert 0 == main(["manifest", "show", str(manifest)])
    expected = f"""\
{manifest}: failure, 1 step

otter_fetch: failure in 1.00s, 4 tasks: 1 succeeded, 2 failed, 1 pending
    load a: LoadError: no answer
    load  2 failed
    copy  1 succeeded
    sum   1 pending
  2 tasks failed: LoadError (load.py:12, in run)
    load a: LoadError: no answer
    load b: LoadError: no answer
    1 task never began because of it
    | connecting
    | LoadError: no answer
    log: /logs/load.log
"""
    assert expected == capsys.readouterr().out


def test_a_program_gets_all_of_it(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` has the counts, and the names of all tasks of each cause."""
    assert 0 == main(["manifest", "show", str(manifest.parent), "--json"])
    (step,) = orjson.loads(capsys.readouterr().out)["steps"]
    assert {"pending": 1, "success": 1, "failure": 2, "aborted": 0} == step["counts"]
    (cause,) = step["failures"]
    assert (["load a", "load b"], 1, "LoadError") == (cause["tasks"], cause["blocked"], cause["cause"])


def test_a_missing_manifest_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is named, with exit code 22."""
    assert 22 == main(["manifest", "show", str(tmp_path)])
    assert f"otter manifest show: error: {tmp_path}/manifest.json: No such file" in capsys.readouterr().err


def test_hostile_text_does_not_act(publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters in reasons and logs are spelled out."""
    evil = task("load a", result="failure", failure_reason="Bad: \x1b[2Jgone", log=["\x1b]0;title\x07"])
    manifest = publish(tmp_path, "otter_fetch", [evil], result="failure")
    assert 0 == main(["manifest", "show", str(manifest)])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "Bad: \\x1b[2Jgone" in shown
