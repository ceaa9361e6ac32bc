"""`otter manifest query`: choosing tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from otter.cli import main
from tests.support.manifests import Publish, task


@pytest.fixture
def manifest(publish: Publish, tmp_path: Path) -> str:
    """Two steps with tasks of several types and results."""
    failed: dict[str, Any] = {"result": "failure", "failure_reason": "CopyError: full\ndisk", "elapsed": 2.5}
    publish(tmp_path, "otter_fetch", [task("copy a"), task("copy b", **failed), task("load c")], result="failure")
    return str(
        publish(tmp_path, "otter_sum", [task("sum a", result="pending", elapsed=None), task("other", task_type="sum")])
    )


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        ([], ["copy a", "copy b", "load c", "sum a", "other"]),
        (["--result", "failure"], ["copy b"]),
        (["--result", "failure", "--result", "pending"], ["copy b", "sum a"]),
        (["--type", "sum"], ["sum a", "other"]),
        (["--name", "* a"], ["copy a", "sum a"]),
        (["--type", "copy", "--name", "* b"], ["copy b"]),
        (["--step", "sum"], ["sum a", "other"]),
        (["--step", "otter_fetch", "--type", "load"], ["load c"]),
    ],
)
def test_tasks_are_chosen(
    manifest: str, flags: list[str], names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """By result, type, name and step; each kind of condition must hold, one of a kind is enough."""
    assert 0 == main(["manifest", "query", manifest, "--json", *flags])
    assert names == [entry["name"] for entry in orjson.loads(capsys.readouterr().out)]


def test_what_was_recorded_comes_out_whole(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` gives each task's part of the manifest as it is, and its step."""
    assert 0 == main(["manifest", "query", manifest, "--json", "--name", "other"])
    assert [{"step": "otter_sum", **task("other", task_type="sum")}] == orjson.loads(capsys.readouterr().out)


def test_people_get_a_line_for_each_task(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Result, duration, step and name; of a failure the first line of its reason."""
    assert 0 == main(["manifest", "query", manifest, "--type", "copy"])
    expected = """\
success    30.0s  otter_fetch  copy a
failure    2.50s  otter_fetch  copy b: CopyError: full
"""
    assert expected == capsys.readouterr().out


def test_nothing_found_is_told_by_the_exit_code(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    """1, as grep does it; a person is told in words as well, because a slip looks the same."""
    assert 1 == main(["manifest", "query", manifest, "--name", "nobody"])
    assert ("", f"no task of {manifest} is so\n") == capsys.readouterr()
    assert 1 == main(["manifest", "query", manifest, "--name", "nobody", "--json"])
    assert ("[]\n", "") == capsys.readouterr()


def test_an_unknown_step_is_an_error(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It names those that there are."""
    assert 22 == main(["manifest", "query", manifest, "--step", "x"])
    assert "there is no step 'x'; it has: otter_fetch, otter_sum" in capsys.readouterr().err
