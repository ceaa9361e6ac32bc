"""`otter manifest diff`."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from otter.cli import main
from tests.support.manifests import MakeTask, Publish, task


def test_what_differs_is_shown(
    publish: Publish, made: MakeTask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results with reasons, tasks of one run, artifacts by size and digest, considerable durations."""
    old, new = tmp_path / "old", tmp_path / "new"
    before = [
        made("copy a", old / "a"), made("copy same", old / "same"), made("sum all", old / "sum", text="one"),
        task("load x"), task("gone y"),
    ]  # fmt: skip
    after = [
        made("copy a", new / "a", elapsed=90.0), made("copy same", new / "same", elapsed=31.0),
        made("sum all", new / "sum", text="other"),
        task("load x", result="failure", failure_reason="LoadError: no\nanswer"), task("new z", result="pending"),
    ]  # fmt: skip
    publish(old, "otter_x", before, elapsed=100.0)
    publish(new, "otter_x", after, elapsed=200.0, result="failure")
    assert 1 == main(["manifest", "diff", str(old), str(new)])
    expected = """\
otter_x: success → failure (1m40s → 3m20s)
  results
    load x: success → failure: LoadError: no
  tasks of one run only
    gone y: only in the old manifest (success)
    new z: only in the new manifest (pending)
  artifacts
    sum: 3 B, 7692c3ad3540 → 5 B, d9298a10d1b0
  durations
    copy a: 30.0s → 1m30s (3.0 times as long)
"""
    assert expected == capsys.readouterr().out


def test_equal_runs_do_not_differ(
    publish: Publish, made: MakeTask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In two work directories; time alone is no difference that counts."""
    for place, elapsed in (("one", 1.0), ("two", 50.0)):
        root = tmp_path / place
        publish(root, "otter_x", [made("copy a", root / "a", elapsed=elapsed)])
    assert 0 == main(["manifest", "diff", str(tmp_path / "one"), str(tmp_path / "two")])
    shown = capsys.readouterr().out
    assert "copy a: 1.00s → 50.0s (50.0 times as long)" in shown
    assert shown.endswith("the same results and artifacts\n")


def test_steps_of_one_manifest_only_differ(
    publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are named with their results."""
    publish(tmp_path / "old", "otter_x", [task("a b")])
    publish(tmp_path / "new", "otter_x", [task("a b")])
    publish(tmp_path / "new", "otter_y", [task("c d")])
    assert 1 == main(["manifest", "diff", str(tmp_path / "old"), str(tmp_path / "new")])
    assert "otter_y: only in the new manifest (success)\n" == capsys.readouterr().out


def test_what_has_no_digest_differs_by_size(
    publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what has no size either does not differ: nothing is known of it."""
    for place, size in (("old", 10), ("new", 20)):
        facts = [{"path": str(tmp_path / place / "large"), "size": size, "modified_ns": 1}]
        artifacts = [
            {"source": "x", "destination": str(tmp_path / place / "large"), "files": facts},
            {"source": "x", "destination": "s3://bucket/far"},
        ]
        publish(tmp_path / place, "otter_x", [task("a b", artifacts=artifacts)])
    assert 1 == main(["manifest", "diff", str(tmp_path / "old"), str(tmp_path / "new"), "--json"])
    (step,) = orjson.loads(capsys.readouterr().out)["steps"]
    expected = {"location": "large", "old": {"size": 10, "sha256": None}, "new": {"size": 20, "sha256": None}}
    assert [expected] == step["artifacts"]


def test_outcomes_of_an_earlier_run_took_no_time(publish: Publish, tmp_path: Path) -> None:
    """A task that was not run again has the duration of the run that it comes from, which says nothing."""
    publish(tmp_path / "old", "otter_x", [task("a b", elapsed=1.0)])
    publish(tmp_path / "new", "otter_x", [task("a b", elapsed=60.0, reused=True)])
    assert 0 == main(["manifest", "diff", str(tmp_path / "old"), str(tmp_path / "new")])
