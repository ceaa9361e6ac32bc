"""Whatever a TOML file holds, it ends in a pipeline with problems or in `PipelineError`."""

from __future__ import annotations

from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from otter.pipeline import PipelineError, Problem, loads_pipeline, render
from tests.model.pipeline.task_types import TASK_TYPES
from tests.model.pipeline.test_mistakes import own_checks
from tests.model.pipeline.toml_texts import VALUES

_NAMES = st.sampled_from(
    ["copy a", "copy ${each}", "note ${each} x", "note $$ a", "explode a", "explode ${each}", "explode_glob ${x}",
     "explode_listing b", "find_latest b", "crawl c", "remember d", "pair ${n}", "template t", "x", "", "cpoy a",
     "copy ${match_stem}", "copy huge ${huge}"]
)  # fmt: skip
_TEXTS = st.sampled_from(["${each}", "${n}", "a", "", "x${uri}y", "${huge}", "$", "${", "5", "true", "${latest}"])
_FIELDS = st.sampled_from(
    ["source", "destination", "retries_allowed", "mode", "settings", "columns", "headers", "day", "number", "glob",
     "scratchpad_key", "each_placeholder", "scratchpad_ignore_missing", "task_type", "model_dump", "sourc"]
)  # fmt: skip
_POLICY_KEYS = st.sampled_from(["retries", "backoff", "retry_delay", "timeout", "uses", "priority", "idempotent", "x"])
_WORKER_KEYS = st.sampled_from(["python", "memory", "concurrency", "env", "start_timeout"])


@st.composite
def _anything(draw: st.DrawFn) -> Any:
    return draw(st.one_of(VALUES, _TEXTS, st.integers(-(2**70), 2**70), st.floats(), st.just(10**4000)))


@st.composite
def _policy(draw: st.DrawFn) -> Any:
    return draw(st.one_of(_anything(), st.dictionaries(_POLICY_KEYS, _anything())))


@st.composite
def _spec(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    spec: dict[str, Any] = draw(st.dictionaries(_FIELDS, _anything(), max_size=4))
    if draw(st.booleans()):
        spec["name"] = draw(st.one_of(_NAMES, _anything()))
    if draw(st.booleans()):
        spec["requires"] = draw(st.one_of(_anything(), st.lists(st.one_of(_NAMES, _anything()), max_size=3)))
    if draw(st.booleans()):
        spec["policy"] = draw(_policy())
    if draw(st.booleans()):
        spec["foreach"] = draw(st.one_of(_anything(), st.lists(_anything(), max_size=3)))
    if depth and draw(st.booleans()):
        spec["do"] = draw(st.one_of(_anything(), st.lists(_spec(depth - 1), max_size=3)))
    return spec


@st.composite
def _file(draw: st.DrawFn) -> dict[str, Any]:
    steps = st.dictionaries(st.sampled_from(["s", "t/u", ""]), st.lists(_spec(), max_size=5))
    file: dict[str, Any] = {"steps": draw(st.one_of(steps, steps, _anything()))}
    tables = {
        "scratchpad": st.dictionaries(st.sampled_from(["n", "each", "huge", "uri"]), _anything()),
        "pools": st.dictionaries(st.sampled_from(["ebi", "a"]), st.one_of(st.integers(1, 3), _anything())),
        "defaults": _policy().map(lambda policy: {"policy": policy}),
        "workers": st.dictionaries(_WORKER_KEYS, _anything()),
        **dict.fromkeys(["work_path", "pool_size", "grace", "log_level", "max_specs"], _anything()),
    }
    for key, strategy in tables.items():
        if draw(st.integers(0, 3)) == 0:
            file[key] = draw(strategy)
    return file


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(_file())
@example({"steps": {"s": [{"name": "explode a", "foreach": [10**4000], "do": [{"name": "copy ${each}"}]}]}})
@example({"steps": {"s": [{"name": "note a", "policy": {"timeout": 10**4000}}]}})
def test_any_file_is_read_and_checked_without_a_traceback(file: dict[str, Any]) -> None:
    """Each problem has a place in the file, and can be shown."""
    text = tomli_w.dumps(file)
    problems: list[Problem] = []
    try:
        pipeline = loads_pipeline(text)
    except PipelineError as error:
        problems += error.problems
        assert problems
    else:
        for step in pipeline.steps:
            problems += pipeline.check(step, TASK_TYPES, spec_problems=own_checks)
            problems += pipeline.check(step, None, scratchpad={"n": "given"})
    for problem in problems:
        assert problem.message
        assert 0 <= problem.line <= text.count("\n") + 1
    assert render(problems)


@pytest.mark.parametrize(
    "key", ["pool_size", "grace", "workers.memory", "workers.start_timeout", "max_specs", "pools.a"]
)
@pytest.mark.parametrize(
    "literal", [f"0x{'f' * 5000}", f"0b{'1' * 20_000}", "9" * 4000], ids=["hex", "binary", "decimal"]
)
def test_integers_of_thousands_of_digits_are_refused_in_any_base(key: str, literal: str) -> None:
    """Python refuses to write such a number, so no message may try to."""
    with pytest.raises(PipelineError) as raised:
        loads_pipeline(f'{key} = {literal}\n[[steps.s]]\nname = "note a"\n')
    assert [(key, "not-exact")] == [(problem.path, problem.code) for problem in raised.value.problems]
    assert len(str(raised.value)) < 1000
