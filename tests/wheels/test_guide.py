"""The guide is followed literally by someone who has Python and the wheels."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.docs.follow import Follower, reader
from tests.wheels.archive import Wheel

GUIDE = Path(__file__).parents[2] / "packages/otter-coordinator/docs/guide.md"


@pytest.mark.timeout(600)
def test_the_guide_can_be_followed(wheels: Mapping[str, Wheel], other_python: str, tmp_path: Path) -> None:
    """From an empty directory on: each command does what the guide says, and prints what it shows.

    The one thing that its reader does not type: the wheels under test stand for what the index has of otter.
    """
    programs, here = tmp_path / "programs", tmp_path / "here"
    programs.mkdir()
    here.mkdir()
    (programs / "python3").symlink_to(Path(other_python).resolve())
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("".join(f"{name}=={wheel.version}\n" for name, wheel in wheels.items()))
    folders = {str(wheel.path.resolve().parent) for wheel in wheels.values()}
    links = " ".join((*folders, os.environ.get("PIP_FIND_LINKS", ""))).strip()
    pip = {"PIP_FIND_LINKS": links, "PIP_CONSTRAINT": str(constraints)}
    environ = {**reader(os.environ, programs), **pip, "HOME": str(tmp_path)}

    assert Follower(here, environ, tmp_path, setup=True).follow(GUIDE) > 0

    (installed,) = here.glob(".venv/lib/python*/site-packages")
    for wheel in wheels.values():
        for name in (name for name in wheel.files if name.endswith(".py")):
            assert wheel.files[name] == (installed / name).read_bytes(), f"{name} is not from {wheel.path.name}"
