"""The wheels under test.

These tests never build: they take what `hatch run build` left, or what CI has built once, so that
what is tested is what will be released.
"""

from collections.abc import Callable

import pytest

from tests.wheels.archive import PACKAGES, Wheel
from tests.wheels.environment import Environment

USAGE_ERROR = 4


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--wheels", default="dist", help="the folder of the wheels under test")


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
def install(
    wheels: dict[str, Wheel], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Environment]:
    """Install distributions in a new environment, with what their metadata ask for and no more."""

    def install(*names: str, python: str | None = None) -> Environment:
        environment = Environment.create(tmp_path_factory.mktemp(names[0]) / "env", python)
        needed = {one.name for name in names for one in wheels[name].dependencies()}
        environment.install(*(wheels[name].path for name in wheels if name in needed | {*names}))
        return environment

    return install
