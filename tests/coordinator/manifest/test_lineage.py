"""`otter manifest query --artifact`: where an artifact came from."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from otter.cli import main
from otter.inspection import Lineage, read_manifest
from tests.support.manifests import MakeTask, Publish, task

URL = "https://example.org/a.tsv"


def names(manifest: Path, asked: str) -> list[str]:
    """The tasks behind an artifact, nearest first."""
    lineage = Lineage(read_manifest(manifest))
    (location,) = lineage.find(asked)
    return [origin.made.task.name for origin in lineage.trace(location)]


@pytest.fixture
def manifest(publish: Publish, made: MakeTask, tmp_path: Path) -> Path:
    """Two steps: the second reads what the first one fetched."""
    publish(
        tmp_path, "otter_fetch",
        [made("copy a", tmp_path / "in/a.tsv", URL), made("copy b", tmp_path / "in/b.tsv", "/data/b.tsv")],
    )  # fmt: skip
    sums = [
        made("sum all", tmp_path / "sum.tsv", "in/a.tsv", f"file://{tmp_path}/in/b.tsv", minute=3),
        made("rank all", tmp_path / "rank.tsv", str(tmp_path / "sum.tsv"), "in/a.tsv", minute=5),
    ]
    return publish(tmp_path, "otter_sum", sums)


def test_an_artifact_is_traced_through_all_steps(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Who made it, from what, and who made that; what was drawn once is not drawn again."""
    assert 0 == main(["manifest", "query", str(manifest), "--artifact", "rank.tsv"])
    root = manifest.parent
    expected = f"""\
{root}/rank.tsv
└─ made by rank all (otter_sum, 2026-03-01 12:05:30Z)
   ├─ from {root}/sum.tsv
   │  └─ made by sum all (otter_sum, 2026-03-01 12:03:30Z)
   │     ├─ from in/a.tsv
   │     │  └─ made by copy a (otter_fetch, 2026-03-01 12:01:30Z)
   │     │     └─ from {URL}
   │     └─ from file://{root}/in/b.tsv
   │        └─ made by copy b (otter_fetch, 2026-03-01 12:01:30Z)
   │           └─ from /data/b.tsv
   └─ from in/a.tsv
      └─ made by copy a (otter_fetch, 2026-03-01 12:01:30Z) (see above)
"""
    assert expected == capsys.readouterr().out


def test_a_program_gets_the_graph(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Flat, each artifact once, with the numbers of what it was made from."""
    assert 0 == main(["manifest", "query", str(manifest), "--artifact", "rank.tsv", "--json"])
    table = orjson.loads(capsys.readouterr().out)
    found = {origin["number"]: origin for origin in table["origins"]}
    top = table["origins"][0]
    assert ["rank all", "sum all", "copy a", "copy b"] == [origin["task"] for origin in table["origins"]]
    makers = [[found[number]["task"] for number in source["made_by"]] for source in top["sources"]]
    assert [["sum all"], ["copy a"]] == makers


def test_depth_is_limited_for_people(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is left out is said."""
    assert 0 == main(["manifest", "query", str(manifest), "--artifact", "sum.tsv", "--depth", "1"])
    assert "from in/a.tsv … (--depth 2 draws more)" in capsys.readouterr().out


def test_directories_hold_what_is_read_from_them(publish: Publish, made: MakeTask, tmp_path: Path) -> None:
    """A file within a directory that a task made, and a directory in which tasks made files, are followed both."""
    parts = [made(f"write {n}", tmp_path / f"parts/{n}") for n in (1, 2)]
    whole = task("spark job", artifacts=[{"source": "parts", "destination": str(tmp_path / "table")}], minute=3)
    last = made("read table", tmp_path / "out", "table/part-0.parquet", minute=5)
    manifest = publish(tmp_path, "otter_x", [*parts, whole, last])
    assert ["read table", "spark job", "write 1", "write 2"] == names(manifest, "out")
    assert ["spark job", "write 1", "write 2"] == names(manifest, "table/part-7.parquet")


def test_the_writer_before_the_reader_counts(publish: Publish, made: MakeTask, tmp_path: Path) -> None:
    """A file that was written twice was read as it was then; asked for now, it is what the last task left."""
    early, late = made("write early", tmp_path / "a", minute=1), made("write late", tmp_path / "a", minute=9)
    manifest = publish(tmp_path, "otter_x", [early, late, made("read it", tmp_path / "b", "a", minute=5)])
    assert ["read it", "write early"] == names(manifest, "b")
    assert ["write late"] == names(manifest, "a")


def test_a_task_that_changes_a_file_in_place_ends_no_search(publish: Publish, made: MakeTask, tmp_path: Path) -> None:
    """Its source is what was there before it, and a circle is walked once."""
    first = made("write a", tmp_path / "a", "b", minute=1)
    change = made("sort a", tmp_path / "a", "a", minute=3)
    circle = made("write b", tmp_path / "b", "a", minute=5)
    manifest = publish(tmp_path, "otter_x", [first, change, circle])
    assert ["write b", "sort a", "write a"] == names(manifest, "b")


def test_paths_from_beside_the_work_directory_are_followed(publish: Publish, made: MakeTask, tmp_path: Path) -> None:
    """A task that opened a file from where the run was started recorded such a path."""
    root = tmp_path / "work"
    tasks = [made("write a", root / "a"), made("read a", root / "b", "work/a", minute=3)]
    assert ["read a", "write a"] == names(publish(root, "otter_x", tasks), "b")


def test_a_long_chain_is_walked(publish: Publish, tmp_path: Path) -> None:
    """Nothing recurses."""
    tasks = [
        task(f"link {n}", artifacts=[{"source": f"{n - 1}", "destination": str(tmp_path / str(n))}])
        for n in range(3000)
    ]
    manifest = publish(tmp_path, "otter_x", tasks)
    assert 3000 == len(names(manifest, "2999"))


def test_the_end_of_a_path_may_mean_several(
    publish: Publish, made: MakeTask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then they are listed; whole components are compared."""
    tasks = [
        made("a", tmp_path / "x/one.tsv"),
        made("b", tmp_path / "y/one.tsv"),
        made("c", tmp_path / "z/someone.tsv"),
    ]
    manifest = publish(tmp_path, "otter_x", tasks)
    assert 22 == main(["manifest", "query", str(manifest), "--artifact", "one.tsv"])
    error = capsys.readouterr().err
    assert (
        f"is the end of 2 locations; name more of the one:\n    {tmp_path}/x/one.tsv\n    {tmp_path}/y/one.tsv" in error
    )


def test_what_nobody_made_is_told(manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 1."""
    assert 1 == main(["manifest", "query", str(manifest), "--artifact", "nothing.tsv"])
    assert f"nothing.tsv: no task of {manifest} made it\n" == capsys.readouterr().out
