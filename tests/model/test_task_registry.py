"""`TaskRegistry`: from packages to classes, and what is published of them."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Annotated, Any

import pytest
from typing_extensions import TypeAliasType

from otter.config.model import Config
from otter.scratchpad import Scratchpad
from otter.task import Spec, Task, TaskContext, TaskRegistry
from otter.task.task_type import TaskType
from otter.util.errors import NotFoundError, TaskBuildError
from tests.model.sample_tasks.crawl_catalogue import CrawlCatalogue, CrawlCatalogueSpec

PACKAGE = "tests.model.sample_tasks"


@pytest.fixture
def registry() -> TaskRegistry:
    """A registry with one package."""
    registry = TaskRegistry(Config(step="s"), Scratchpad({"depth": 3}))
    registry.register(PACKAGE)
    return registry


def test_each_module_with_a_task_is_a_type(registry: TaskRegistry) -> None:
    """The module names the type; sub-packages and modules without a task are left out; acronyms are found."""
    assert {"crawl_catalogue", "ppp_evidence"} == set(registry)
    assert "crawl_catalogue" in registry
    assert (CrawlCatalogue, CrawlCatalogueSpec) == (
        registry.find("crawl_catalogue").task, registry.find("crawl_catalogue").spec,
    )  # fmt: skip
    assert registry.find("ppp_evidence").spec is Spec
    assert [PACKAGE] == registry.packages


def test_a_task_is_built_with_its_own_spec(registry: TaskRegistry) -> None:
    """Placeholders are replaced before the typed check; configuration and scratchpad reach the task."""
    task = registry.build(Spec(name="crawl_catalogue one", source="x", depth="${depth}"))
    assert isinstance(task, CrawlCatalogue)
    assert CrawlCatalogueSpec(name="crawl_catalogue one", source="x", depth=3) == task.spec
    assert ("s", 3) == (task.context.config.step, task.context.scratchpad.sentinel_dict["depth"])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (Spec(name="crawl_catalog x"), "unknown task type 'crawl_catalog'; did you mean 'crawl_catalogue'?"),
        (Spec(name="zzz x"), "unknown task type 'zzz'; known types: crawl_catalogue, ppp_evidence"),
        (Spec(name="command x"), "unknown task type 'command'; it is in the task package otter.commands, which has"),
        (Spec(name="crawl_catalogue x"), "crawl_catalogue x: SpecError: CrawlCatalogueSpec: source: missing: "),
        (
            Spec(name="crawl_catalogue x", source="broken"),
            "crawl_catalogue x: the constructor failed with RuntimeError: no such catalogue",
        ),
        (Spec(name="ppp_evidence x", a="${b}"), "ppp_evidence x: ScratchpadError: nothing defines ${b}"),
    ],
)
def test_what_cannot_be_built_says_why(registry: TaskRegistry, spec: Spec, message: str) -> None:
    """One error for all reasons, with the task's name and the cause."""
    with pytest.raises(TaskBuildError) as raised:
        registry.build(spec)
    assert str(raised.value).startswith(message)


def test_a_missing_package_is_told_from_a_broken_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is not there; the second cannot be imported, and the reason is kept."""
    registry = TaskRegistry(None)
    for name in ("no_such_package", "tests.model.no_such_tasks"):
        with pytest.raises(NotFoundError, match=f"there is no task package '{name}'"):
            registry.register(name)
    (tmp_path / "broken_tasks").mkdir()
    (tmp_path / "broken_tasks" / "__init__.py").write_text("")
    (tmp_path / "broken_tasks" / "copy.py").write_text("import no_such_library\n")
    (tmp_path / "broken_package.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TaskBuildError, match=r"broken_tasks\.copy cannot be imported: ModuleNotFoundError"):
        registry.register("broken_tasks")
    with pytest.raises(TaskBuildError, match=r"'broken_package' cannot be imported: ZeroDivisionError"):
        registry.register("broken_package")


def test_a_later_registration_wins_with_a_warning(registry: TaskRegistry) -> None:
    """An application replaces a type by one of its own."""
    module = types.ModuleType("other.crawl_catalogue")

    class CrawlCatalogue(Task):
        """Another one."""

    vars(module)["CrawlCatalogue"] = CrawlCatalogue
    with pytest.warns(
        UserWarning, match=r"'crawl_catalogue' of tests\.model\.sample_tasks.* is replaced by that of other"
    ):
        registry.add(module)
    assert registry.find("crawl_catalogue").task is CrawlCatalogue
    published = registry.describe()[0]
    assert ("tests.model.sample_tasks.crawl_catalogue", published) == (
        published.replaces, TaskType.from_json(published.to_json()),
    )  # fmt: skip


def test_what_is_published_tells_what_a_type_does(registry: TaskRegistry) -> None:
    """Fields with schemas and defaults, and what its code can be seen to do, without running it."""
    crawl, evidence = registry.describe()
    assert ["source", "depth", "do"] == [field.name for field in crawl.fields]
    assert [True, False, False] == [field.required for field in crawl.fields]
    assert [None, 1, []] == [field.default for field in crawl.fields]
    assert {"type": "array", "items": {"$ref": "#/$defs/task"}} == crawl.fields[2].schema
    assert (True, True, True, True, False, ("page",)) == (
        crawl.asynchronous, crawl.generates, crawl.stores, crawl.ignores_missing, crawl.open, crawl.do_placeholders,
    )  # fmt: skip
    assert (False, False, False, False, True, None) == (
        evidence.asynchronous, evidence.generates, evidence.stores, evidence.ignores_missing, evidence.open,
        evidence.do_placeholders,
    )  # fmt: skip
    assert "" == crawl.doc


def test_documentation_is_read_from_the_source_when_it_is_asked_for(registry: TaskRegistry) -> None:
    """The docstring of the class, and the texts after fields."""
    crawl = registry.describe(docs=True)[0]
    assert "Crawl a catalogue." == crawl.doc
    assert ["Where from.", "", ""] == [field.doc for field in crawl.fields]


def test_installed_packages_are_found_by_their_entry_points() -> None:
    """The built-in types are among them, and none is registered twice."""
    registry = TaskRegistry(None)
    registry.register_entry_points()
    assert {"copy", "explode", "hello_world"} <= set(registry)
    before = list(registry.packages)
    registry.register_entry_points()
    assert before == registry.packages


async def _run(task: Task) -> None:
    await task.run()
    await task.validate()


def test_specs_are_added_to_the_context_in_a_plain_test(registry: TaskRegistry) -> None:
    """Outside a run, what a task adds stands in `context.specs`, as specs."""
    import asyncio

    context = TaskContext(config=Config(step="s"), scratchpad=Scratchpad())
    task = registry.build(Spec(name="crawl_catalogue one", source="x", depth=2), context)
    asyncio.run(_run(task))
    assert task.manifest.failure_reason is None
    assert [Spec(name="note page 0"), Spec(name="note page 1")] == context.specs
    assert 2 == context.scratchpad.sentinel_dict["pages"]
    assert "sample_tasks" not in sys.modules


def test_a_single_spec_may_be_added() -> None:
    """`add_specs` takes one spec as well as several."""
    context = TaskContext(config=Config(step="s"))
    context.add_specs(Spec(name="note one"))
    context.add_specs({"name": name} for name in ("note two", "note three"))
    assert ["note one", "note two", "note three"] == [spec.name for spec in context.specs]


def _even(number: int) -> None:
    if number % 2:
        raise ValueError("odd")


Even = TypeAliasType("Even", Annotated[int, _even])


@pytest.mark.parametrize(
    ("tp", "validates"), [(Even, True), (Even | None, True), (TypeAliasType("Number", int), False), (int | None, False)]
)
def test_a_check_behind_an_alias_is_seen(registry: TaskRegistry, tp: Any, validates: bool) -> None:
    """`otter check` asks a worker about fields whose types only their own code can check."""
    module = types.ModuleType("other.halve")
    vars(module)["Halve"] = type("Halve", (Task,), {})
    vars(module)["HalveSpec"] = type("HalveSpec", (Spec,), {"__annotations__": {"number": tp}})
    registry.add(module)
    assert validates is next(kind.validates for kind in registry.describe() if kind.name == "halve")
