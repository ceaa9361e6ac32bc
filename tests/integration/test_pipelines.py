"""The example pipelines run as their readers run them, and what they make is right."""

from __future__ import annotations

import csv
import functools
import json
import subprocess
import sysconfig
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

PIPELINES = Path(__file__).parents[2] / "pipelines"
DATA = PIPELINES / "http_copy/data"


def otter(*args: str | Path, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command; it must end with an exit code."""
    command = [f"{sysconfig.get_path('scripts')}/otter", *map(str, args)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=80)
    assert code == done.returncode, done.stderr
    return done


def step_of(work: Path) -> dict[str, Any]:
    """The only step in a manifest."""
    manifest = json.loads((work / "manifest.json").read_text("utf-8"))
    (step,) = manifest["steps"].values()
    assert "success" == step["result"]
    assert {"success"} == {task["result"] for task in step["tasks"]}
    return dict(step)


def types_of(step: dict[str, Any]) -> Counter[str]:
    """How many tasks of each type a step had."""
    return Counter(task["name"].split()[0] for task in step["tasks"])


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the inventory was run."""
    directory = tmp_path_factory.mktemp("inventory")
    otter("run", PIPELINES / "stdlib_inventory/pipeline.toml", "--quiet", cwd=directory)
    return directory


def test_the_inventory_accounts_for_each_file(inventory: Path) -> None:
    """A task for each source file, and each of them in the table and the checksums."""
    types = types_of(step_of(inventory / "work"))
    with (inventory / "work/inventory.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    checksums = (inventory / "work/SHA256SUMS").read_text("utf-8").splitlines()
    assert 500 < types["inspect_file"] == len(rows) == len(checksums)
    assert {"locate_stdlib": 1, "explode_glob": 1, "inspect_file": len(rows), "gather_table": 1} == types
    table = {row["path"]: row for row in rows}
    source = Path(csv.__file__)
    assert str(source.stat().st_size) == table["csv.py"]["size"]
    assert str(len(source.read_text("utf-8").splitlines())) == table["csv.py"]["lines"]
    assert not any("site-packages" in path for path in table)


def test_an_independent_tool_agrees_with_the_inventory(inventory: Path) -> None:
    """`sha256sum --check` finds every file as it was recorded."""
    command = ["sha256sum", "--check", "--strict", "--quiet", "work/SHA256SUMS"]
    done = subprocess.run(command, cwd=inventory, capture_output=True, text=True, check=False)
    assert ("", "", 0) == (done.stdout, done.stderr, done.returncode)


def test_the_inventory_is_not_made_twice(inventory: Path) -> None:
    """With `--resume`, what is there stays as it is; a record that went away is made again."""
    records = sorted((inventory / "work/records").iterdir())
    before = {record: record.stat().st_mtime_ns for record in records}
    records[7].unlink()
    otter("run", PIPELINES / "stdlib_inventory/pipeline.toml", "--quiet", "--resume", cwd=inventory)
    after = {record: record.stat().st_mtime_ns for record in sorted((inventory / "work/records").iterdir())}
    assert before.keys() == after.keys()
    assert {records[7]} == {record for record in records if before[record] != after[record]}
    step_of(inventory / "work")


def test_fan_out_comes_together_again(tmp_path: Path) -> None:
    """Every task that was generated ran, in an order in which each found what it needed."""
    otter("run", PIPELINES / "fan_out/pipeline.toml", "--quiet", cwd=tmp_path)
    expected = {
        "explode": 5, "record_sales": 16, "sum_sales": 4, "write_letter": 1, "rank_regions": 1,
    }  # fmt: skip
    assert expected == types_of(step_of(tmp_path / "work"))
    totals = {}
    for region in (tmp_path / "work/sales").iterdir():
        tables = [csv.DictReader(table.read_text("utf-8").splitlines()) for table in region.iterdir()]
        totals[region.name] = sum(int(row["amount"]) for table in tables for row in table)
    ranking = sorted(totals, key=lambda region: -totals[region])
    lines = ["place\tregion\ttotal", *(f"{n}\t{region}\t{totals[region]}" for n, region in enumerate(ranking, 1))]
    assert lines == (tmp_path / "work/ranking.tsv").read_text("utf-8").splitlines()
    letter = (tmp_path / "work/letters/north.txt").read_text("utf-8")
    assert f"in 2025 you sold for €{totals['north'] / 100:,.2f}." in letter


def test_fan_out_takes_values_from_the_command_line(tmp_path: Path) -> None:
    """They replace those of the file, in a field that is a number, too."""
    otter("run", PIPELINES / "fan_out/pipeline.toml", "--quiet", "--set", "year=1999", cwd=tmp_path)
    assert "in 1999 you sold" in (tmp_path / "work/letters/north.txt").read_text("utf-8")


@pytest.fixture
def server() -> Iterator[str]:
    """A web server with the data of the copies; its URL."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(DATA))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_http_copies_are_equal_to_their_sources(server: str, tmp_path: Path) -> None:
    """Each file arrived, and the manifest says where it came from."""
    otter("run", PIPELINES / "http_copy/pipeline.toml", "--quiet", "--set", f"base_url={server}", cwd=tmp_path)
    step = step_of(tmp_path / "work")
    assert {"copy": 5, "copy_many": 1, "explode": 1, "find_latest": 1} == types_of(step)
    sources = {file.relative_to(DATA): file.read_bytes() for file in DATA.rglob("*") if file.is_file()}
    copies = tmp_path / "work/input"
    assert sources == {file.relative_to(copies): file.read_bytes() for file in copies.rglob("*") if file.is_file()}
    recorded = {artifact["source"] for task in step["tasks"] for artifact in task["artifacts"]}
    assert {f"{server}/{file}" for file in sources} <= recorded
    parts = [data for file, data in sources.items() if file.parent.name == "parts"]
    assert (tmp_path / "work/output/latest.txt").read_bytes() in parts


def test_http_copies_fail_in_words(tmp_path: Path) -> None:
    """Without a server, the reason in the manifest names the URL."""
    url = "http://127.0.0.1:1"
    otter("run", PIPELINES / "http_copy/pipeline.toml", "--set", f"base_url={url}", cwd=tmp_path, code=1)
    manifest = json.loads((tmp_path / "work/manifest.json").read_text("utf-8"))
    (step,) = manifest["steps"].values()
    assert "failure" == step["result"]
    reasons = [task["failure_reason"] for task in step["tasks"] if task["result"] == "failure"]
    assert reasons
    assert all(reason.startswith(f"DownloadError: {url}/") for reason in reasons)
    assert all("the server cannot be reached: " in reason for reason in reasons)


@pytest.mark.parametrize("pipeline", sorted(path.name for path in PIPELINES.iterdir() if path.is_dir()))
def test_the_examples_have_no_mistakes(pipeline: str, tmp_path: Path) -> None:
    """`otter check` says so, too."""
    done = otter("check", PIPELINES / pipeline / "pipeline.toml", cwd=tmp_path)
    assert "no problems" in done.stdout + done.stderr
