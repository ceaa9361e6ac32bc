"""The pages are followed, in an environment on top of the present one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from otter.pipeline import loads_pipeline
from tests.docs.blocks import LANGUAGES, blocks_of
from tests.docs.follow import Follower, reader
from tests.docs.overlay import OFFLINE, make_overlay
from tests.docs.reference import PAGES, REFERENCE

PACKAGES = Path(__file__).parents[2] / "packages"
FOLLOWED = [*sorted(PACKAGES.glob("*/README.md")), PACKAGES / "otter-coordinator/docs/guide.md"]
ALL = [*FOLLOWED, *(PAGES / name for name in REFERENCE)]


def title(page: Path) -> str:
    """A page in the name of a test."""
    return str(page.relative_to(PACKAGES))


@pytest.fixture
def follower(tmp_path: Path) -> Follower:
    """Someone in an empty directory, who has otter."""
    scripts = make_overlay(tmp_path / "environment")
    (tmp_path / "here").mkdir()
    environ = {**reader(os.environ, scripts), **OFFLINE, "HOME": str(tmp_path)}
    return Follower(tmp_path / "here", environ, tmp_path)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", FOLLOWED, ids=title)
def test_a_page_can_be_followed(page: Path, follower: Follower) -> None:
    """Every command does what the page says, and prints what it shows."""
    assert follower.follow(page) > 0


@pytest.mark.parametrize("page", ALL, ids=title)
def test_every_block_says_what_it_is(page: Path) -> None:
    """Nothing on a page passes for an example that nobody executes."""
    for block in blocks_of(page):
        assert block.language in LANGUAGES, block
        if block.language == "toml":
            assert block.flags.keys() & {"file", "fragment"}, f"{block}: a file of its own, or a fragment?"


@pytest.mark.parametrize("page", ALL, ids=title)
def test_fragments_are_pipelines(page: Path) -> None:
    """A part of a pipeline file is right by itself, or beside one task."""
    for block in blocks_of(page):
        if "fragment" in block.flags:
            task = "" if "[[steps." in block.text else '\n[[steps.x]]\nname = "hello_world x"\n'
            pools = "" if "[pools]" in block.text else "\n[pools]\nhosts = 2\n"
            assert loads_pipeline(f"{block.text}{pools}{task}").steps
