"""The wheels under test.

These tests never build: they take what `hatch run build` left, or what CI has built once, so that
what is tested is what will be released.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.wheels.archive import PACKAGES, Wheel
from tests.wheels.environment import Environment

USAGE_ERROR = 4

SUPPORTED = range(11, 15)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--wheels", default="dist", help="the folder of the wheels under test")


def pytest_report_header() -> str:
    return f"worker Python: {_find_other_python()}"


@pytest.fixture(scope="session")
def other_python() -> str:
    """A supported Python of another minor version; if this machine has none, that of the tests."""
    return _find_other_python()


@pytest.fixture(scope="session")
def wheels(pytestconfig: pytest.Config) -> dict[str, Wheel]:
    """The three wheels, by the name of the distribution."""
    folder = pytestconfig.rootpath / pytestconfig.getoption("--wheels")
    found = [Wheel.read(path) for path in sorted(folder.glob("*.whl"))]
    if sorted(wheel.name for wheel in found) != sorted(PACKAGES):
        names = ", ".join(wheel.path.name for wheel in found) or "none"
        pytest.exit(f"{folder} must hold a wheel of {', '.join(PACKAGES)}: {names}", USAGE_ERROR)
    return {wheel.name: wheel for wheel in found}


@pytest.fixture(scope="session")
def install(wheels: dict[str, Wheel], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Environment]:
    """Install distributions in a new environment, with what their metadata ask for and no more."""

    def install(*names: str, python: str | None = None) -> Environment:
        environment = Environment.create(tmp_path_factory.mktemp(names[0]) / "env", python)
        needed = {one.name for name in names for one in wheels[name].dependencies()}
        environment.install(*(wheels[name].path for name in wheels if name in needed | {*names}))
        return environment

    return install


def _find_other_python() -> str:
    for python in _pythons():
        code = "import sys; print(sys.version_info[1])"
        answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
        minor = int(answer.stdout) if answer.returncode == 0 else None
        if minor in SUPPORTED and minor != sys.version_info.minor:
            return str(python)
    return sys.executable


def _pythons() -> Iterator[Path]:
    """Pythons of the search path, the newest first, and those that pyenv keeps elsewhere."""
    for minor in reversed(SUPPORTED):
        for folder in os.get_exec_path():
            if (python := Path(folder, f"python3.{minor}")).is_file():
                yield python
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(pyenv.glob("versions/3.*/bin/python"), reverse=True)
