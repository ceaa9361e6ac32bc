"""Pipeline files as a whole: settings, specs, and files that are none."""

from __future__ import annotations

import copy
import datetime as dt
from pathlib import Path

import pytest

from otter.pipeline import Pipeline, PipelineError, Workers, load_pipeline, loads_pipeline
from otter.pipeline.limits import MAX_BYTES
from otter.task import Spec, load_specs
from otter.task.policy import Policy
from otter.util.errors import ConfigError, OtterError

FULL = """\
work_path = "./work"
release_uri = "https://example.org/release"
pool_size = "4"
log_level = "debug"
grace = "1m30s"
max_specs = 1000

[scratchpad]
version = "35"
day = 2026-01-02

[defaults]
policy = { retries = 2, timeout = "10m", uses = "ebi" }

[pools]
ebi = 4

[workers]
python = "/opt/env/bin/python"
memory = "2GiB"
concurrency = 8
env = ["HOME", "PATH"]
start_timeout = 5

[[steps.fetch]]
name = "copy v${version}"
source = "${version} ${later}"
requires = ["note of v${version}"]

[[steps.fetch]]
name = "note of v35"

[[steps.tidy]]
name = "note other"
"""


def test_reads_every_table() -> None:
    """Each setting arrives with its type, and the tables of tasks as they are written."""
    pipeline = loads_pipeline(FULL, "full.toml")
    assert Path("full.toml") == pipeline.file
    assert {
        "work_path": "./work",
        "release_uri": "https://example.org/release",
        "pool_size": 4,
        "log_level": "DEBUG",
        "grace": 90.0,
        "max_specs": 1000,
    } == pipeline.settings
    assert {"version": "35", "day": dt.date(2026, 1, 2)} == pipeline.scratchpad
    assert Policy(retries=2, timeout=600.0, uses={"ebi": 1}) == pipeline.defaults
    assert {"ebi": 4} == pipeline.pools
    assert (
        Workers(
            python="/opt/env/bin/python",
            memory=2 * 2**30,
            concurrency=8,
            env=("HOME", "PATH"),
            start_timeout=5.0,
            grace=90.0,
        )
        == pipeline.workers
    )
    assert ["fetch", "tidy"] == list(pipeline.steps)
    assert {"name": "note of v35"} == pipeline.steps["fetch"][1]
    assert () == pipeline.warnings


def test_what_a_file_leaves_out_has_defaults() -> None:
    """A file of one task says nothing else."""
    pipeline = loads_pipeline('[[steps.s]]\nname = "note a"\n')
    assert ({}, {}, Policy(), {}) == (pipeline.settings, pipeline.scratchpad, pipeline.defaults, pipeline.pools)
    assert Workers(None, None, 16, None, 30.0, 10.0) == pipeline.workers


def test_names_and_requirements_of_specs_are_final() -> None:
    """Known placeholders are replaced there, with values from outside winning; all other fields stay templates."""
    pipeline = loads_pipeline(FULL)
    first, second = pipeline.specs("fetch", scratchpad={"version": 36})
    assert ("copy v36", ["note of v36"], "${version} ${later}") == (
        first.name,
        first.requires,
        first.model_dump()["source"],
    )
    assert "note of v35" == second.name
    assert "copy v35" == pipeline.specs("fetch")[0].name


def test_specs_that_have_no_name_are_refused_with_their_line() -> None:
    """Specs are made of sound tables only; the error is that of the check."""
    pipeline = loads_pipeline('[[steps.s]]\nname = "note"\n[[steps.s]]\nsource = "x"\n', "p.toml")
    with pytest.raises(PipelineError) as raised:
        pipeline.specs("s")
    assert [("name-form", 2), ("missing-name", 3)] == [(p.code, p.line) for p in raised.value.problems]


def test_load_specs_reads_a_step_of_a_file(tmp_path: Path) -> None:
    """What task packages import as `otter.task.load_specs` gives generic specs."""
    (tmp_path / "p.toml").write_text(FULL, encoding="utf-8")
    (spec,) = load_specs(str(tmp_path / "p.toml"), "tidy")
    assert Spec(name="note other") == spec


def test_all_mistakes_of_the_structure_are_reported_together() -> None:
    """Settings, tables and steps are all read before the file is refused."""
    text = "pool_size = 0\ncolour = 1\n[pools]\nebi = 0\n[workers]\nmemory = true\n[steps]\nfetch = 5\n"
    with pytest.raises(PipelineError) as raised:
        loads_pipeline(text)
    assert [
        (1, "pool_size"),
        (2, "colour"),
        (4, "pools.ebi"),
        (6, "workers.memory"),
        (8, "steps.fetch"),
    ] == [(problem.line, problem.path) for problem in raised.value.problems]


def _refusal(path: Path) -> str:
    with pytest.raises(PipelineError) as raised:
        load_pipeline(path)
    return str(raised.value).replace(str(path.parent), "DIR")


def test_files_that_cannot_be_read_are_refused_in_one_line(tmp_path: Path) -> None:
    """A missing file, a directory, and a name that no file can have: the reason, never a traceback."""
    assert "DIR/none.toml: error: cannot be read: No such file or directory\n1 error" == _refusal(
        tmp_path / "none.toml"
    )
    (tmp_path / "folder").mkdir()
    assert "DIR/folder: error: cannot be read: Is a directory\n1 error" == _refusal(tmp_path / "folder")
    assert "cannot be read: embedded null byte" in _refusal(tmp_path / "a\0b")


def test_a_file_that_is_no_utf8_is_refused_with_the_place_of_the_byte(tmp_path: Path) -> None:
    """The line is shown up to the first byte that is no UTF-8."""
    path = tmp_path / "p.toml"
    path.write_bytes(b'[[steps.s]]\nname = "note caf\xe9"\n')
    expected = """\
DIR/p.toml:2:17: error: byte 0xe9 is no UTF-8; a pipeline file is UTF-8 text
    2 | name = "note caf\N{REPLACEMENT CHARACTER}
      |                 ^
1 error"""
    assert expected == _refusal(path)


def test_a_file_that_is_too_large_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    """The limit is 64 MiB, for files and for texts."""
    path = tmp_path / "p.toml"
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    assert "DIR/p.toml: error: is larger than 64.0 MiB\n1 error" == _refusal(path)
    with pytest.raises(PipelineError, match=r"is larger than 64.0 MiB"):
        loads_pipeline("#" * (MAX_BYTES + 1))


def test_byte_order_marks_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    """A file of an editor on Windows means the same, and its lines are counted the same."""
    path = tmp_path / "p.toml"
    path.write_bytes(b'\xef\xbb\xbf[[steps.s]]\r\nname = "note a"\r\nrequires = "x"\r\n')
    (problem,) = load_pipeline(path).check("s", None)
    assert (3, 12, 'requires = "x"') == (problem.line, problem.column, problem.source)


def test_the_error_survives_a_trip_to_another_process() -> None:
    """It keeps its problems and its text, and it is a configuration error."""
    with pytest.raises(PipelineError) as raised:
        loads_pipeline("pool_size = 0\n", "p.toml")
    twin = copy.deepcopy(raised.value)
    assert type(twin) is PipelineError
    assert raised.value.problems == twin.problems
    assert str(raised.value) == str(twin)
    assert isinstance(twin, ConfigError | OtterError)


def test_a_pipeline_is_frozen() -> None:
    """What was read does not change while a run goes on."""
    pipeline: Pipeline = loads_pipeline('[[steps.s]]\nname = "note a"\n')
    with pytest.raises(AttributeError):
        pipeline.steps = {}  # type: ignore[misc]
