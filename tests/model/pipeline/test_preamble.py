"""What is known of a long file before its tasks have been read: nothing else than what the whole file says."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from otter.pipeline import Pipeline, PipelineError, loads_pipeline, preamble_of
from tests.model.pipeline.toml_texts import TABLES, Writer

HEAD = """\
work_path = "./there"
pool_size = 3

[scratchpad]
version = "35"

[workers]
concurrency = 4

"""
TASKS = """\
[[steps.fetch]]
name = "copy a"

[[steps.fetch]]
name = "copy b"
requires = ["copy a"]

[[steps.fetch]]
name = "explode c"
foreach = [1, 2]
[[steps.fetch.do]]
name = "copy ${each}"

[[steps.tidy]] # the last one
name = "note d"
"""


@pytest.fixture(autouse=True)
def _no_text_is_too_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("otter.pipeline.preamble.LONG", 0)


def facts(pipeline: Pipeline) -> tuple[Any, ...]:
    """All that a file says beside its tasks."""
    return (
        pipeline.file, pipeline.settings, pipeline.scratchpad, pipeline.defaults, pipeline.pools, pipeline.workers,
        list(pipeline.steps),
    )  # fmt: skip


def test_says_how_to_run_and_how_much_there_is() -> None:
    """Settings and names of steps are there at once, tasks when they are asked for."""
    found = preamble_of(HEAD + TASKS, "file.toml")
    assert found is not None
    whole = loads_pipeline(HEAD + TASKS, "file.toml")
    assert facts(whole) == facts(found.pipeline)
    assert {"fetch": [], "tidy": []} == found.pipeline.steps
    assert {"fetch": 2, "tidy": 0} == found.free, "one word binds one task at most, and nobody looked whose it is"
    assert whole == found.complete()


def test_a_file_without_settings() -> None:
    """A file may begin with its first task."""
    found = preamble_of(TASKS.replace("\n", "\r\n"), "file.toml")
    assert found is not None
    assert facts(loads_pipeline(TASKS, "file.toml")) == facts(found.pipeline)


@pytest.mark.parametrize(
    "text",
    [
        TASKS + HEAD.partition("\n\n")[2],
        HEAD + TASKS.replace("[[steps.tidy]]", "  [[steps.tidy]]"),
        HEAD + TASKS.replace("[[steps.tidy]]", '[["steps".tidy]]'),
        HEAD + TASKS.replace("[[steps.tidy]]", "[[ steps.tidy ]]"),
        HEAD + TASKS + 'text = """\n[[steps.seeming]]\n"""\n',
        HEAD + TASKS + "text = '''\n[[steps.seeming]]\n'''\n",
        HEAD + TASKS + "more = [\n[1, 2],\n]\n",
        'work_path = """\n' + TASKS + '"""\n' + TASKS,
        HEAD.replace("3", '"three"') + TASKS,
        HEAD.replace("3", "") + TASKS,
        "odd = 1\n" + TASKS,
        HEAD + "[steps]\n" + TASKS,
        HEAD,
    ],
    ids=[
        "settings behind tasks", "indented", "quoted", "blanks", "in a text", "in a plain text", "array of arrays",
        "begins in a text", "wrong type", "no TOML", "unknown key", "steps before", "no steps",
    ],
)  # fmt: skip
def test_is_not_given_where_it_might_mislead(text: str) -> None:
    """Such a file is read as a whole first, which finds what is wrong with it, if anything is."""
    assert preamble_of(text, "file.toml") is None


def test_is_not_worth_it_for_a_short_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few tasks are read in no time."""
    monkeypatch.setattr("otter.pipeline.preamble.LONG", len(HEAD + TASKS) + 1)
    assert preamble_of(HEAD + TASKS, "file.toml") is None


_NAMES = st.sampled_from(["a", "b-1", "c_2", "d e"])
_STEPS = st.dictionaries(_NAMES, st.lists(TABLES.map(lambda table: {"name": "copy x", **table}), max_size=3))
_OTHERS = st.fixed_dictionaries(
    {}, optional={"pool_size": st.integers(1, 9), "scratchpad": TABLES, "pools": st.just({"ebi": 2}), "x": st.just(1)}
)


@settings(max_examples=400, deadline=None)
@given(_OTHERS, _STEPS, st.booleans(), st.integers(0, 2**32))
def test_never_says_what_the_file_does_not(others: dict[str, Any], steps: Any, last: bool, seed: int) -> None:
    """Whatever the style of a file: where there is a preamble and the file is sound, both say the same."""
    table = {**others, "steps": steps} if last else {"steps": steps, **others}
    text = Writer(Random(seed)).document(table)
    found = preamble_of(text, "file.toml")
    event(f"a preamble: {found is not None}")
    if found is None:
        return
    try:
        whole = loads_pipeline(text, "file.toml")
    except PipelineError:
        with pytest.raises(PipelineError):
            found.complete()
        return
    assert facts(whole) == facts(found.pipeline)
    assert whole == found.complete()
    for name, tasks in whole.steps.items():
        assert found.free[name] <= sum(not task.get("requires") and not task.get("policy") for task in tasks)
