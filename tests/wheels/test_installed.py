"""Each distribution does its part alone, in an environment that has nothing else."""

from collections.abc import Callable

import pytest

from tests.wheels.archive import PACKAGES, Wheel
from tests.wheels.environment import Environment

LOADED_DISTRIBUTIONS = """
import json, sys
from importlib.metadata import packages_distributions
owners = packages_distributions()
loaded = {name.partition(".")[0] for name in sys.modules}
print(json.dumps(sorted({owner.lower() for name in loaded for owner in owners.get(name, ())})))
"""


@pytest.fixture(scope="session", params=PACKAGES)
def alone(request: pytest.FixtureRequest, install: Callable[..., Environment]) -> tuple[str, Environment]:
    """A distribution, and an environment with that one and what it depends on."""
    return request.param, install(request.param)


def test_imports_everything_it_ships(alone: tuple[str, Environment], wheels: dict[str, Wheel]) -> None:
    """Every module of a distribution can be imported where only its dependencies are installed."""
    name, environment = alone

    for module in wheels[name].modules:
        assert module == environment.evaluate(
            f"import importlib, json; print(json.dumps(importlib.import_module({module!r}).__name__))"
        )


def test_brings_only_what_it_declares(alone: tuple[str, Environment]) -> None:
    """A model or a coordinator brings no worker, a worker no coordinator; all are small."""
    name, environment = alone
    installed = environment.distributions()

    assert {"otter-model", name} == {one for one in installed if one.startswith("otter-")}
    assert len(installed) <= 20, sorted(installed)


@pytest.mark.parametrize("alone", ["otter-worker"], indirect=True)
def test_starting_a_worker_loads_no_client(
    alone: tuple[str, Environment],
    install: Callable[..., Environment],
    wheels: dict[str, Wheel],
) -> None:
    """A worker with all built-in task types registered has loaded the model's dependencies at most.

    HTTP and object-store clients are large: they are imported by the task that needs one.
    """
    name, environment = alone
    program = ("otter.step.worker", "otter.tasks")
    modules = [one for one in wheels[name].modules if one.startswith(program)]
    model = install("otter-model").distributions()

    loaded = environment.evaluate(f"import {', '.join(modules)}\n{LOADED_DISTRIBUTIONS}")

    assert isinstance(loaded, list)
    assert set() == set(loaded) - model - {name}
