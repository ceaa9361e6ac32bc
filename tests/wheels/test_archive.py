"""What the wheels hold and declare."""

import shutil
import zipfile
from pathlib import Path

import pytest

from tests.wheels.archive import Wheel, problems


def test_wheels_hold_what_they_should(wheels: dict[str, Wheel]) -> None:
    """Each wheel holds its packages, typed, licensed, and shares nothing but the namespaces."""
    assert [] == problems(wheels.values())


def test_licence_is_the_repository_s(wheels: dict[str, Wheel], pytestconfig: pytest.Config) -> None:
    """Each wheel carries the licence of the repository."""
    expected = (pytestconfig.rootpath / "LICENSE").read_bytes()

    for wheel in wheels.values():
        (name,) = (name for name in wheel.files if name.endswith("/licenses/LICENSE"))
        assert expected == wheel.files[name]


@pytest.mark.parametrize(
    ("distribution", "planted", "complaint"),
    [
        ("otter-model", "otter/__init__.py", "makes the namespace the property of one wheel"),
        ("otter-worker", "otter/step/__init__.py", "makes the namespace the property of one wheel"),
        ("otter-worker", "otter/wire/py.typed", "otter/wire/py.typed is in otter-model and"),
        ("otter-coordinator", "coordinator/loop.py", "is in none of its packages"),
    ],
)
def test_planted_file_is_found(
    distribution: str, planted: str, complaint: str, wheels: dict[str, Wheel], tmp_path: Path
) -> None:
    """A file that does not belong in a wheel is named, with the reason."""
    path = tmp_path / wheels[distribution].path.name
    shutil.copyfile(wheels[distribution].path, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(planted, "")

    spoiled = {**wheels, distribution: Wheel.read(path)}

    assert any(planted in one and complaint in one for one in problems(spoiled.values()))


@pytest.mark.parametrize(
    ("distribution", "missing"),
    [
        ("otter-model", "otter/wire/py.typed"),
        ("otter-worker", "otter/step/worker/__init__.py"),
    ],
)
def test_missing_file_is_found(distribution: str, missing: str, wheels: dict[str, Wheel], tmp_path: Path) -> None:
    """A package without its marker, or without its `__init__.py`, is named."""
    path = tmp_path / wheels[distribution].path.name
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in wheels[distribution].files.items():
            if name != missing:
                archive.writestr(name, data)

    spoiled = {**wheels, distribution: Wheel.read(path)}

    assert [f"{distribution}: {missing} is missing"] == problems(spoiled.values())


@pytest.mark.parametrize(
    ("declared", "complaint"),
    [
        ("Requires-Dist: requests>=2", "depends on"),
        ("Requires-Dist: pycurl<8,>=7.48", "needs a lower bound and nothing else"),
        ("Requires-Dist: otter-model>=0.1.0", "must be pinned"),
        ("Provides-Extra: gcs", "undecided extras"),
    ],
)
def test_undecided_dependency_is_found(declared: str, complaint: str, wheels: dict[str, Wheel], tmp_path: Path) -> None:
    """A dependency, a bound or an extra that nobody decided is refused."""
    worker = wheels["otter-worker"]
    path = tmp_path / worker.path.name
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in worker.files.items():
            metadata = name.endswith("/METADATA")
            archive.writestr(name, declared.encode() + b"\n" + data if metadata else data)

    spoiled = {**wheels, "otter-worker": Wheel.read(path)}

    assert any(complaint in one for one in problems(spoiled.values()))
