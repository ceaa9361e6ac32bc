"""`otter manifest verify`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import orjson
import pytest

from otter.cli import main
from tests.support.manifests import MakeTask, Publish, task


def keep_time(file: Path, text: str) -> None:
    """Change a file behind the back of its modification time."""
    status = file.stat()
    file.write_text(text)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture
def manifest(publish: Publish, made: MakeTask, tmp_path: Path) -> Path:
    """Two files that tasks made."""
    root = tmp_path / "work"
    return publish(root, "otter_x", [made("copy a", root / "a", text="aaa"), made("copy b", root / "b", text="bbb")])


def test_what_is_as_recorded_passes(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, and the number of artifacts."""
    assert 0 == main(["manifest", "verify", str(manifest)])
    assert "2 artifacts: 2 as recorded\n" == capsys.readouterr().out


def test_what_is_gone_or_of_another_size_is_found(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its task; exit code 1."""
    (manifest.parent / "a").unlink()
    (manifest.parent / "b").write_text("longer")
    assert 1 == main(["manifest", "verify", str(manifest)])
    expected = f"""\
missing: {manifest.parent}/a: it is gone (copy a, otter_x)
changed: {manifest.parent}/b: it has 6 bytes instead of 3 (copy b, otter_x)
2 artifacts: 1 changed, 1 missing
"""
    assert expected == capsys.readouterr().out


def test_a_change_behind_the_back_of_the_clock_is_found(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Same size, same modification time, other content: the digest tells; `--quick` trusts the time."""
    keep_time(manifest.parent / "a", "axa")
    assert 1 == main(["manifest", "verify", str(manifest), "--json"])
    (finding,) = orjson.loads(capsys.readouterr().out)["findings"]
    assert ("changed", "copy a") == (finding["verdict"], finding["task"])
    assert "instead of 9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0" in finding["detail"]
    assert 0 == main(["manifest", "verify", str(manifest), "--quick"])


def test_quick_reads_what_was_touched(manifest: Path) -> None:
    """Another modification time makes it look at the content."""
    (manifest.parent / "a").write_text("axa")
    os.utime(manifest.parent / "a", ns=(1, 1))
    assert 1 == main(["manifest", "verify", str(manifest), "--quick"])


def test_only_the_last_writer_counts(publish: Publish, made: MakeTask, tmp_path: Path) -> None:
    """A file that a later step replaced is compared with what that one left."""
    publish(tmp_path, "otter_x", [made("write a", tmp_path / "a", text="first", minute=1)])
    manifest = publish(tmp_path, "otter_y", [made("write a again", tmp_path / "a", text="second", minute=2)])
    assert 0 == main(["manifest", "verify", str(manifest)])


def test_what_failed_tasks_left_is_no_promise(publish: Publish, made: MakeTask, tmp_path: Path) -> None:
    """Their artifacts are not looked at."""
    manifest = publish(tmp_path, "otter_x", [made("write a", tmp_path / "a", result="failure")], result="failure")
    (tmp_path / "a").unlink()
    assert 0 == main(["manifest", "verify", str(manifest)])


def test_a_large_file_that_was_touched_is_neither_right_nor_wrong(
    publish: Publish, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a digest it is said that nobody can tell; what is no local file is counted."""
    (tmp_path / "large").write_text("large")
    facts = [{"path": str(tmp_path / "large"), "size": 5, "modified_ns": 1}]
    artifacts = [
        {"source": "x", "destination": "large", "files": facts}, {"source": "x", "destination": "s3://bucket/far"},
    ]  # fmt: skip
    manifest = publish(tmp_path, "otter_x", [task("write it", artifacts=artifacts)])
    assert 0 == main(["manifest", "verify", str(manifest)])
    shown = capsys.readouterr().out
    assert "touched: " in shown
    assert shown.endswith(
        "2 artifacts: 1 modified since, and too large to have had a digest recorded, 1 without a recorded file\n"
    )


def test_a_release_that_was_moved_can_be_verified(manifest: Path, tmp_path: Path) -> None:
    """Its files are looked for beside the manifest."""
    old, new = manifest.parent, tmp_path / "elsewhere"
    shutil.move(old, new)
    assert 1 == main(["manifest", "verify", str(new)])
    assert 0 == main(["manifest", "verify", str(new), "--moved-from", str(old)])


def test_a_manifest_that_was_edited_does_not_pass(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own digest tells, even where every artifact is as it says."""
    manifest.write_bytes(manifest.read_bytes().replace(b'"copy a"', b'"copy z"'))
    assert 1 == main(["manifest", "verify", str(manifest)])
    assert "it does not match its own SHA-256" in capsys.readouterr().err


def test_steps_can_be_chosen(publish: Publish, made: MakeTask, tmp_path: Path) -> None:
    """Others are not looked at."""
    publish(tmp_path, "otter_x", [made("write a", tmp_path / "a")])
    publish(tmp_path, "otter_y", [made("write b", tmp_path / "b")])
    (tmp_path / "a").unlink()
    assert 0 == main(["manifest", "verify", str(tmp_path), "--step", "y"])
    assert 1 == main(["manifest", "verify", str(tmp_path), "--step", "x"])
