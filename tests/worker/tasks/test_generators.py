"""`explode` and `explode_glob`: the tasks that they make, and what they leave to these."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from otter.config.model import Config
from otter.scratchpad.model import Scratchpad
from otter.task.model import Spec, TaskContext
from otter.task.task_registry import TaskRegistry
from otter.tasks.explode import Explode, ExplodeSpec
from otter.tasks.explode_glob import ExplodeGlob, ExplodeGlobSpec
from tests.worker.tasks.conftest import Run


def explode(context: TaskContext, **fields: Any) -> Explode:
    return Explode(ExplodeSpec(**{"name": "explode things"} | fields), context)


def explode_glob(context: TaskContext, glob: str, **do: Any) -> ExplodeGlob:
    return ExplodeGlob(ExplodeGlobSpec(name="explode_glob things", glob=glob, do=[do]), context)


def dumps(specs: Iterable[Spec]) -> list[dict[str, Any]]:
    return [{key: value for key, value in spec.model_dump().items() if value} for spec in specs]


def test_each_value_makes_each_task(context: TaskContext, run: Run) -> None:
    """In the order of the values, and for each value in the order of the templates."""
    do = [
        {"name": "copy ${each} genes", "source": "https://host/${each}.tsv", "requires": ["copy ${each} index"]},
        {"name": "copy ${each} index", "options": {"${each}": ["x-${each}", 3]}},
    ]
    assert run(explode(context, foreach=["mouse", "rat"], do=do)) is None
    expected = [
        {"name": "copy mouse genes", "source": "https://host/mouse.tsv", "requires": ["copy mouse index"]},
        {"name": "copy mouse index", "options": {"mouse": ["x-mouse", 3]}},
        {"name": "copy rat genes", "source": "https://host/rat.tsv", "requires": ["copy rat index"]},
        {"name": "copy rat index", "options": {"rat": ["x-rat", 3]}},
    ]
    assert expected == dumps(context.specs)
    assert {Spec} == {type(spec) for spec in context.specs}


def test_values_keep_their_types(context: TaskContext, run: Run) -> None:
    """Where the placeholder is all there is; within a text they are text."""
    do = [{"name": "copy ${each}", "size": "${each}", "text": "${each}x"}]
    assert run(explode(context, foreach=[1, 2.5, True, "1"], do=do)) is None
    assert [1, 2.5, True, "1"] == [spec.model_dump()["size"] for spec in context.specs]
    assert ["1x", "2.5x", "Truex", "1x"] == [spec.model_dump()["text"] for spec in context.specs]


def test_nested_blocks_fill_in_their_own_names(context: TaskContext, run: Run) -> None:
    """The outer generator leaves the inner placeholder to the inner one, and both leave the rest to the tasks."""
    inner = {
        "name": "explode ${outer} inner", "foreach": ["${outer}1", "2"], "each_placeholder": "inner",
        "do": [{"name": "copy ${outer} ${inner} ${version}", "price": "$$5 ${inner}"}],
    }  # fmt: skip
    assert run(explode(context, foreach=["a"], each_placeholder="outer", do=[inner])) is None
    made = context.specs.pop()
    assert "explode a inner" == made.name
    assert run(explode(context, **made.model_dump())) is None
    assert [
        {"name": "copy a a1 ${version}", "price": "$$5 a1"},
        {"name": "copy a 2 ${version}", "price": "$$5 2"},
    ] == dumps(context.specs)


def test_a_value_is_data_and_not_a_template(context: TaskContext, run: Run) -> None:
    """Dollars in it reach the task as they are: no placeholder is found in what was filled in."""
    assert run(explode(context, foreach=["${secret} $ $$"], do=[{"name": "copy ${each}", "source": "${each}"}])) is None
    registry = TaskRegistry(context.config, Scratchpad({"secret": "no"}))
    registry.register("otter.tasks")
    spec = Spec(**context.specs[0].model_dump(), destination="x")
    built = registry.build(spec).spec.model_dump()
    assert ("${secret} $ $$", "copy ${secret} $ $$") == (built["source"], built["name"])


def test_an_exploded_step_is_published_in_pages(context: TaskContext, run: Run) -> None:
    """However many tasks are made, few are held at once."""
    pages: list[int] = []
    context.publish = lambda specs: pages.append(len(list(specs)))
    values = [str(number) for number in range(5500)]
    assert run(explode(context, foreach=values, do=[{"name": "copy ${each}"}])) is None
    assert (5500, 6, []) == (sum(pages), len(pages), context.specs)


@pytest.mark.parametrize("kind", ["explode", "explode_glob"])
def test_an_asked_for_stop_ends_a_generator(kind: str, context: TaskContext, run: Run, tmp_path: Path) -> None:
    """Between two pages."""
    assert context.abort is not None
    context.abort.set()
    (tmp_path / "x").touch()
    task = (
        explode(context, foreach=["x"], do=[{"name": "copy ${each}"}])
        if kind == "explode"
        else explode_glob(context, f"{tmp_path}/*", name="copy ${match_stem}")
    )
    assert (run(task) or "").startswith("TaskAbortedError: stopped while tasks were generated")


def test_the_names_in_do_are_published() -> None:
    """So that a pipeline can be checked before it runs."""
    registry = TaskRegistry(None)
    registry.register("otter.tasks")
    types = {kind.name: kind for kind in registry.describe()}
    assert ("$each_placeholder",) == types["explode"].do_placeholders
    assert ("match_prefix", "match_path", "match_stem", "match_ext", "uri", "uuid") == (
        types["explode_glob"].do_placeholders
    )
    assert {"explode", "explode_glob"} == {kind.name for kind in types.values() if kind.generates}
    assert {"find_latest"} == {kind.name for kind in types.values() if kind.stores}
    assert {"copy", "copy_many", "download"} == {kind.name for kind in types.values() if kind.asynchronous}


FACTS = {name: f"${{{name}}}" for name in ("match_prefix", "match_path", "match_stem", "match_ext", "uri")}


def matches(context: TaskContext, glob: str, run: Run) -> list[tuple[Any, ...]]:
    assert run(explode_glob(context, glob, name="copy ${uuid}", **FACTS)) is None
    made, context.specs = [spec.model_dump() for spec in context.specs], []
    return [tuple(spec[name] for name in FACTS) for spec in made]


def put(root: Path, *files: str) -> None:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()


def test_each_match_is_taken_apart(context: TaskContext, run: Run, tmp_path: Path) -> None:
    """In the order of the paths; the extension is what follows the last dot."""
    put(tmp_path / "d", "items/b/x.json.gz", "items/a.json", "items/.profile", "items/README")
    prefix = f"{tmp_path}/d/items"
    assert [
        (prefix, "", ".profile", "", f"{prefix}/.profile"),
        (prefix, "", "README", "", f"{prefix}/README"),
        (prefix, "", "a", "json", f"{prefix}/a.json"),
        (prefix, "b", "x.json", "gz", f"{prefix}/b/x.json.gz"),
    ] == matches(context, f"{tmp_path}/d/items/**/*", run)


def test_a_relative_pattern_gives_relative_locations(run: Run, tmp_path: Path) -> None:
    """Relative to where it was looked up: the release if there is one, otherwise the work path."""
    put(tmp_path / "work", "in/x.txt", "y.txt")
    put(tmp_path / "release", "in/z.txt")
    local = TaskContext(config=Config(step="test", work_path=tmp_path / "work"))
    assert [("in", "", "x", "txt", "in/x.txt")] == matches(local, "in/*", run)
    assert [("", "", "y", "txt", "y.txt")] == matches(local, "*.txt", run)
    assert [("", "in", "x", "txt", "in/x.txt")] == matches(local, "*/*.txt", run)
    release = TaskContext(
        config=Config(step="test", work_path=tmp_path / "work", release_uri=str(tmp_path / "release"))
    )
    assert [("in", "", "z", "txt", "in/z.txt")] == matches(release, "in/*", run)


def test_a_location_without_wildcards_is_its_own_match(context: TaskContext, run: Run, tmp_path: Path) -> None:
    """If it is there; a directory is none."""
    put(tmp_path / "work", "in/x.txt", "y")
    assert [("in", "", "x", "txt", "in/x.txt")] == matches(context, "in/x.txt", run)
    assert [("", "", "y", "", "y")] == matches(context, "y", run)
    assert [] == matches(context, "in/nothing", run)
    assert [] == matches(context, "in", run)
    location = f"{tmp_path}/work/in/x.txt"
    assert [(f"{tmp_path}/work/in", "", "x", "txt", location)] == matches(context, location, run)


def test_empty_parts_take_their_neighbours_along(context: TaskContext, run: Run, tmp_path: Path) -> None:
    """One template is right for files at the top and below, with and without an extension."""
    put(tmp_path / "work", "README", "a/x.txt", "a/b/y")
    template = "out/${match_path}/${match_stem}.${match_ext}"
    task = explode_glob(
        context, "**/*", name="copy ${uri}", to=[template], same="${match_prefix}/${match_path}/${match_stem}",
        text="$${match_path}/ ${match_ext}.",
    )  # fmt: skip
    assert run(task) is None
    assert [
        (["out/README"], "README", "$${match_path}/ ."),
        (["out/a/b/y"], "a/b/y", "$${match_path}/ ."),
        (["out/a/x.txt"], "a/x", "$${match_path}/ txt."),
    ] == [(spec["to"], spec["same"], spec["text"]) for spec in dumps(context.specs)]


def test_what_is_excluded_makes_no_task(context: TaskContext, run: Run, tmp_path: Path) -> None:
    """Files by pattern, directories with all that is in them, at the top or anywhere."""
    put(tmp_path / "work", "in/a.txt", "in/a.csv", "in/tmp/b.txt", "in/x/tmp/c/d.txt", "in/x/tmp.txt", "in/y/e.txt")

    def left(*exclude: str) -> list[str]:
        spec = ExplodeGlobSpec(name="explode_glob x", glob="in/**/*", exclude=exclude, do=[{"name": "copy ${uri}"}])
        assert run(ExplodeGlob(spec, context)) is None
        made, context.specs = context.specs, []
        return [spec.name.removeprefix("copy in/") for spec in made]

    assert ["a.csv", "a.txt", "x/tmp/c/d.txt", "x/tmp.txt", "y/e.txt"] == left("tmp")
    assert ["a.csv", "a.txt", "x/tmp.txt", "y/e.txt"] == left("**/tmp")
    assert ["a.txt"] == left("*.csv", "*/**")
    assert ["a.csv"] == left("**/*.txt")


def test_the_uuid_of_a_match_is_always_the_same(context: TaskContext, run: Run, tmp_path: Path) -> None:
    """A run that is resumed makes the same names again; matches differ, and so do tasks."""
    put(tmp_path, "x", "y")

    def names(task: str) -> list[str]:
        spec = ExplodeGlobSpec(name=task, glob=f"{tmp_path}/*", do=[{"name": "copy ${uuid}"}])
        assert run(ExplodeGlob(spec, context)) is None
        made, context.specs = context.specs, []
        return [spec.name for spec in made]

    first = names("explode_glob first")
    assert first == names("explode_glob first")
    assert 4 == len({*first, *names("explode_glob second")})


def test_no_match_makes_no_task(
    context: TaskContext, run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is no failure, and a warning says so."""
    assert run(explode_glob(context, f"{tmp_path}/nothing/**/*.txt", name="copy ${uuid}")) is None
    assert [] == context.specs
    assert f"nothing matches {tmp_path}/nothing/**/*.txt: no tasks were made" in caplog.text


def test_a_pattern_over_http_is_refused(context: TaskContext, run: Run) -> None:
    """There is nothing to list; the reason says so."""
    reason = run(explode_glob(context, "https://host/items/*.json", name="copy ${uuid}"))
    assert "StorageError: https://host/items/: HTTP has no listings to match '*.json' with" == reason
