"""Where the manifest of a release is kept: in its directory, in a store that a package brings, or where it is told."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import orjson
import pytest

from otter.cli import main
from otter.core import Runner

TASK = '[[steps.greet]]\nname = "hello_world you"\n'
WHERE = '[[steps.put]]\nname = "copy it"\nsource = "${here}/config.toml"\ndestination = "a.toml"\n'
NO_STORE = "release_uri: no store for gs:// is installed, so the manifest stays in the work path"
PLACE = """\
    1 | release_uri = "gs://b"
      |               ^^^^^^^^
"""
HELP = "  help: name a directory; where only tasks of your own go to the release, run with --lenient\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a pipeline file whose release is in a bucket, and one without."""
    (tmp_path / "bucket.toml").write_text(f'release_uri = "gs://b"\n{TASK}')
    (tmp_path / "config.toml").write_text(TASK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_would_leave_its_manifest_elsewhere(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It is refused, and nothing is made: whoever looks into the release would find an old manifest, or none."""
    assert 22 == main(["run", "bucket.toml"])
    assert f"bucket.toml:1:15: error: {NO_STORE}\n{PLACE}{HELP}1 error\n" == capfd.readouterr().err
    assert not (place / "work" / "manifest.json").exists()


def test_what_names_the_release_is_told(
    place: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flag or a variable, where it is not the file."""
    assert 22 == main(["run", "config.toml", "-r", "gs://b/x"])
    assert f"the command line: error: {NO_STORE}\n{HELP}1 error\n" == capfd.readouterr().err
    monkeypatch.setenv("OTTER_RELEASE_URI", "GS://b")
    assert 22 == main(["run", "config.toml"])
    assert f"OTTER_RELEASE_URI: error: {NO_STORE}\n{HELP}1 error\n" == capfd.readouterr().err


def test_all_that_is_wrong_is_told_with_it(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It does not hide the mistakes of the step."""
    (place / "bucket.toml").write_text(f'release_uri = "gs://b"\n{TASK}whoo = "x"\n')
    assert 22 == main(["run", "bucket.toml"])
    said = capfd.readouterr().err
    assert [NO_STORE in said, "has no field 'whoo'" in said, said.endswith("2 errors\n")] == [True] * 3


def test_the_operator_knows(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With `--lenient` it is a warning, before the first task begins, and the manifest is in the work path."""
    assert 0 == main(["run", "bucket.toml", "--lenient"])
    said = capfd.readouterr().err
    assert said.startswith(f"bucket.toml:1:15: warning: {NO_STORE}\n{PLACE}1 warning\nstep greet: 1 task\n")
    assert (place / "work" / "manifest.json").exists()


def test_a_program_reads_it(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Every line of a run is JSON then, a warning as well."""
    assert 0 == main(["run", "bucket.toml", "--lenient", "--log-format", "json"])
    rows = [orjson.loads(line) for line in capfd.readouterr().err.splitlines()]
    warning = next(row for row in rows if row["event"] == "warning")
    assert ("no-store", "release_uri", "bucket.toml", 1, 15) == tuple(
        warning[key] for key in ("code", "path", "file", "line", "column")
    )


def test_an_application_runs(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its tasks may go to the bucket by themselves: it is warned, and does what it always did."""
    runner = Runner("mine")
    runner.start(["-c", "bucket.toml"])
    step = asyncio.run(runner.run())
    assert "success" == step.manifest.result
    assert capfd.readouterr().err.startswith(f"bucket.toml:1:15: warning: {NO_STORE}\n")


@pytest.mark.parametrize("flags", [[], ["--lenient"]])
def test_what_runs_nothing_warns(place: Path, capfd: pytest.CaptureFixture[str], flags: list[str]) -> None:
    """`check` and `plan` say what a run would say, and do their work; a graph has nothing to do with it."""
    hint = "" if flags else HELP
    assert 0 == main(["check", "bucket.toml", *flags])
    expected = f"bucket.toml:1:15: warning: {NO_STORE}\n{PLACE}{hint}1 step, 1 task: 1 warning\n"
    assert expected == capfd.readouterr().out
    assert 0 == main(["plan", "bucket.toml", *flags])
    said = capfd.readouterr()
    assert f"bucket.toml:1:15: warning: {NO_STORE}\n{PLACE}{hint}" == said.err
    assert said.out.startswith("step greet: 1 task to run\n")
    assert 0 == main(["graph", "bucket.toml", *flags])
    assert "" == capfd.readouterr().err


STORE = """\
import json
import pathlib


class Store:
    def __init__(self, uri, rebuild):
        self.location = f"{uri}/manifest.json"

    def publish(self, key, entry, tasks=()):
        names = [json.loads(task)["name"] for task in tasks]
        pathlib.Path("bucket.json").write_text(json.dumps({key: [entry["result"], names]}))
"""


@pytest.fixture
def store(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package is installed that keeps manifests in buckets; the module that does it."""
    site = place / "site"
    facts = site / "buckets-1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: buckets\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[otter.manifest_stores]\ngs = buckets_of_a_test:Store\n")
    (site / "buckets_of_a_test.py").write_text(STORE)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "buckets_of_a_test", raising=False)
    return site / "buckets_of_a_test.py"


def test_a_package_brings_a_store(place: Path, store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its entry point is named as the scheme; then nothing is to be said, and the manifest is there."""
    assert 0 == main(["check", "bucket.toml"])
    assert "1 step, 1 task: no problems\n" == capfd.readouterr().out
    assert 0 == main(["run", "bucket.toml"])
    assert capfd.readouterr().err.endswith("manifest: gs://b/manifest.json\n")
    assert {"otter_greet": ["success", ["hello_world you"]]} == orjson.loads((place / "bucket.json").read_bytes())
    assert not (place / "work" / "manifest.json").exists()


def test_a_store_that_cannot_be_made_is_named(place: Path, store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With the code that failed."""
    store.write_text("import nowhere_at_all\n")
    assert 22 == main(["run", "bucket.toml"])
    said = "the store for manifests at gs://b (buckets_of_a_test:Store): ModuleNotFoundError: No module named"
    assert f"otter: error: {said} 'nowhere_at_all'\n" == capfd.readouterr().err


@pytest.mark.parametrize("form", ["file://{}/re%20lease/", "FILE://localhost{}/re%20lease", "{}/re lease"])
def test_manifest_and_artifacts_are_in_one_directory(place: Path, capfd: pytest.CaptureFixture[str], form: str) -> None:
    """However the directory is spelt, tasks and manifest find the same one; so does the next plan."""
    (place / "put.toml").write_text(WHERE)
    flags = ["-r", form.format(place), "--set", f"here={place}"]
    assert 0 == main(["run", "put.toml", *flags])
    assert {"a.toml", "manifest.json"} == {
        path.name for path in (place / "re lease").iterdir() if not path.name.startswith(".")
    }
    assert 0 == main(["plan", "put.toml", *flags])
    assert "durations: 1 of 1 task as in the earlier run" in capfd.readouterr().out


def test_a_file_url_of_another_host(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It names no directory, which is told with its line."""
    (place / "host.toml").write_text(f'release_uri = "file://host/x"\n{TASK}')
    for verb in ("run", "check", "plan"):
        assert 22 == main([verb, "host.toml"])
        said = capfd.readouterr()
        assert (said.out + said.err).startswith(
            "host.toml:1:15: error: release_uri: a file URL is file:/// and an absolute path, got 'file://host/x'\n"
        )
