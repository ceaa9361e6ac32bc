"""What the pages say of the code is so."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
import pytest
import tomli

from otter.cli.main import EXIT_CODES
from tests.docs.reference import PAGES, REFERENCE

PACKAGES = Path(__file__).parents[2] / "packages"
DISTRIBUTIONS = sorted(path.parent.name for path in PACKAGES.glob("*/README.md"))
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def table(page: Path, heading: str) -> dict[str, list[str]]:
    """The rows of the first table below a heading, by their first cell."""
    _, _, below = page.read_text("utf-8").partition(heading)
    rows = [line for line in below.split("\n## ")[0].splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1:]]
    return {first.strip("`"): rest for first, *rest in cells}


@pytest.mark.parametrize("name", REFERENCE)
def test_reference_pages_are_up_to_date(name: str) -> None:
    """They are what the code gives; `python -m tests.docs` writes them anew."""
    assert REFERENCE[name]() == (PAGES / name).read_text("utf-8")


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_every_dependency_has_its_reason(name: str) -> None:
    """One line in the README for each, the extras' ones included, and for no other."""
    project = tomli.loads((PACKAGES / name / "pyproject.toml").read_text("utf-8"))["project"]
    required = [*project["dependencies"], *chain.from_iterable(project.get("optional-dependencies", {}).values())]
    names = {match[0] for text in required if (match := _NAME.match(text))}
    assert names == table(PACKAGES / name / "README.md", "## Dependencies\n").keys()


def test_exit_codes_are_those_of_the_command() -> None:
    """The table has what `otter --help` says."""
    rows = table(PACKAGES / "otter-coordinator/README.md", "otter check pipeline.toml")
    for code, (meaning,) in rows.items():
        assert re.search(rf"\b{code} +{re.escape(meaning)}", EXIT_CODES), code


PIPELINE = """\
[[steps.x]]
name = "hello_world a"

[[steps.x]]
name = "explode b"
requires = ["hello_world a"]
foreach = ["1"]
do = [{ name = "hello_world ${each}" }]

[[steps.x]]
name = "copy c"
source = "/nowhere/c"
destination = "c"

[[steps.x]]
name = "copy d"
requires = ["copy c"]
source = "/nowhere/d"
destination = "d"
"""


def test_the_fields_of_the_manifest_are_documented(tmp_path: Path) -> None:
    """Those that a run leaves, and no others."""
    (tmp_path / "p.toml").write_text(PIPELINE)
    for flags in ([], ["--resume"]):
        command = [sys.executable, "-m", "otter.cli", "run", "p.toml", "--keep-going", *flags]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=80)
        assert 1 == done.returncode, done.stderr
    root: dict[str, Any] = orjson.loads((tmp_path / "work/manifest.json").read_bytes())
    (step,) = root["steps"].values()
    found = {*root, *step, *(field for task in step["tasks"] for field in task)} - {"sha256", "index"}
    assert found == table(PACKAGES / "otter-coordinator/README.md", "## The manifest\n").keys()
