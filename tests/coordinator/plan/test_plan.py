"""`otter plan`: what is said of a run that does not happen."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.coordinator.plan.conftest import Otter

TEXT = """\
pool_size = 2
[scratchpad]
v = "35"
[[steps.fetch]]
name = "copy ${v}"
source = "a"
destination = "b"
[[steps.fetch]]
name = "explode species"
requires = ["copy 35"]
foreach = ["man", "mouse"]
[[steps.fetch.do]]
name = "note ${each}"
[[steps.fetch]]
name = "explode_glob files"
glob = "*.tsv"
[[steps.fetch.do]]
name = "note file ${match_stem}"
[[steps.fetch]]
name = "note all"
requires = ["explode species", "note file seven"]
"""

BEGAN = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


def manifest(path: Path, seconds: dict[str, float], step: str = "otter_fetch") -> None:
    """Write the manifest of a run in which tasks took so long; a name may be `generator > task`."""
    tasks: list[dict[str, Any]] = []
    for name, elapsed in seconds.items():
        parent, _, task = name.rpartition(" > ")
        entry: dict[str, Any] = {"name": task, "result": "success", "elapsed": elapsed}
        entry["started_run_at"] = (BEGAN + dt.timedelta(seconds=0.5)).isoformat()
        tasks.append({**entry, **({"parent": parent} if parent else {})})
    entry = {"name": "fetch", "started_run_at": BEGAN.isoformat(), "elapsed": 99.0, "tasks": tasks}
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(orjson.dumps({"steps": {step: entry}}))


RUN = {
    "copy 35": 10.0, "explode species": 1.0, "explode species > note man": 20.0, "explode species > note mouse": 2.0,
    "explode_glob files": 1.0, "explode_glob files > note file seven": 5.0, "explode_glob files > note file eight": 5.0,
    "note all": 4.0,
}  # fmt: skip


def test_a_first_run(otter: Otter) -> None:
    """The order, and what each task waits for; of what only run time can tell, that it is so."""
    expected = """\
step fetch: 6 tasks to run, 2 of them generated
'explode_glob files' makes tasks at run time; how many, an earlier run's manifest would tell

    1  copy 35  (requires nothing)
    2  explode_glob files  (requires nothing)
    3  explode species  (after 'copy 35')
    4  note man  (made by 'explode species')
    5  note mouse  (made by 'explode species')
    6  note all  (after 'explode species', 'explode_glob files')

no earlier run tells how long tasks take: run it, and plan again
"""
    assert (0, expected) == otter("plan", TEXT)


def test_a_run_like_an_earlier_one(otter: Otter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Durations, the critical path, what more workers would gain; what was generated then is expected again."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    manifest(tmp_path / "work/manifest.json", RUN)
    expected = """\
step fetch: 8 tasks to run, 4 of them generated

    1     10.0s  copy 35  (requires nothing)
    2     1.00s  explode_glob files  (requires nothing)
    3     5.00s  note file seven  (made by 'explode_glob files')
    4     5.00s  note file eight  (made by 'explode_glob files')
    5     1.00s  explode species  (after 'copy 35')
    6     20.0s  note man  (made by 'explode species')
    7     2.00s  note mouse  (made by 'explode species')
    8     4.00s  note all  (after 'explode species', 'note file seven')

durations: 8 of 8 tasks as in the earlier run
predicted: 35.5s with pool_size 2, for 48.0s of work
by pool_size:  1: 48.5s   2: 35.5s *   4: 35.5s   (this machine has 2 processors)
critical path: 35.0s in 4 tasks
          10.0s  copy 35
          1.00s  explode species
          20.0s  note man
          4.00s  note all
"""
    assert (0, expected) == otter("plan", TEXT)


def test_durations_of_others_help(otter: Otter, tmp_path: Path) -> None:
    """A task that is new takes as long as others of its type did; one of a new type counts as nothing."""
    manifest(tmp_path / "old.json", {"copy 34": 10.0, "copy 33": 20.0}, "myapp_fetch")
    code, output = otter("plan", TEXT, "--manifest", "old.json", "--pool-size", "1")
    assert 0 == code
    assert "durations: 0 of 6 tasks as in the earlier run, 1 as others of their type, 5 unknown, counted" in output
    assert "predicted: 15.5s with pool_size 1" in output


def test_many_siblings_are_counted(otter: Otter) -> None:
    """The first ones are listed, or all of them on request."""
    text = '[[steps.s]]\nname = "explode x"\nforeach = [1, 2, 3, 4, 5, 6, 7, 8, 9]\n'
    text += '[[steps.s.do]]\nname = "note ${each}"\n'
    _, output = otter("plan", text)
    assert "    4  note 3  (made by 'explode x')\n    …  and 6 more of 'explode x' (--all lists them)\n" in output
    _, output = otter("plan", text, "--all")
    assert "   10  note 9  (made by 'explode x')\n" in output


def test_json(otter: Otter, tmp_path: Path) -> None:
    """For programs: everything, with the times at which tasks would begin."""
    manifest(tmp_path / "work/manifest.json", RUN)
    code, output = otter("plan", TEXT, "--json")
    plan = orjson.loads(output)
    assert 0 == code
    assert {"1": 48.5, "2": 35.5, "4": 35.5} == plan["by_pool_size"]
    assert ["copy 35", "explode species", "note man", "note all"] == [link["name"] for link in plan["path"]]
    assert {
        "name": "note man", "kind": "note", "action": "run", "why": "made by 'explode species'", "requires": [],
        "made_by": "explode species", "start": 11.5, "seconds": 20.0, "basis": "recorded",
    } == plan["entries"][5]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--manifest", "none.json"], 1, "otter: error: none.json: No such file or directory"),
        (["--manifest", "types.json"], 1, "otter: error: types.json: not a manifest"),
        (["--manifest", "other.json"], 1, "otter: error: other.json: no run of the step 'fetch' is in it"),
        (["--step", "fetsh"], 22, "did you mean 'fetch'?"),
        (["--pool-size", "0"], 22, "pool_size"),
    ],
)
def test_what_is_wrong_is_said(otter: Otter, tmp_path: Path, arguments: list[str], code: int, text: str) -> None:
    """In a line, with the exit code that `otter run` would have."""
    manifest(tmp_path / "other.json", {"note x": 1.0}, "otter_other")
    found, output = otter("plan", TEXT, *arguments)
    assert (code, True) == (found, text in output), output


def test_a_pipeline_with_mistakes_has_no_plan(otter: Otter) -> None:
    """They are shown as `otter check` shows them."""
    code, output = otter("plan", TEXT.replace("copy 35", "copy 36"))
    assert 22 == code
    assert "pipeline.toml:10:13: error: steps.fetch[1].requires[0]" in output


def test_policies_count(otter: Otter, tmp_path: Path) -> None:
    """A pool that two tasks share keeps them apart; that of a template holds for what it made before."""
    text = """\
[pools]
one = 1
[[steps.s]]
name = "explode_glob x"
glob = "*"
[[steps.s.do]]
name = "note ${match_stem}"
policy = { uses = "one", timeout = 1 }
"""
    seconds = {"explode_glob x": 0.0, "explode_glob x > note a": 5.0, "explode_glob x > note b": 5.0}
    manifest(tmp_path / "work/manifest.json", seconds, "otter_s")
    plan = orjson.loads(otter("plan", text, "--json")[1])
    assert 10.5 == plan["elapsed"]
