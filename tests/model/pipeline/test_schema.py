"""The JSON Schema of pipeline files, against the checks of otter themselves and a validator of others."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs
import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from otter.pipeline import PipelineError, Workers, dumps_pipeline, loads_pipeline
from otter.pipeline.schema import json_schema
from otter.pipeline.settings import SETTINGS, TABLES
from otter.task.policy import Policy
from otter.task.task_type import Field, TaskType
from tests.model.pipeline.task_types import TASK_TYPES

SCHEMA = json_schema(TASK_TYPES.values())
VALIDATOR = Draft7Validator(SCHEMA)

COPY = '[[steps.s]]\nname = "copy x"\nsource = "a"\ndestination = "b"\n'
EXPLODE = '[[steps.s]]\nname = "explode x"\nforeach = ["a"]\n[[steps.s.do]]\nname = "copy ${each}"\n'


def plain(value: Any) -> Any:
    """TOML values as JSON has them: dates and times are texts."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


def accepts(text: str) -> bool:
    """Whether the schema accepts a file."""
    return bool(VALIDATOR.is_valid(plain(tomli.loads(text))))


def test_it_is_a_schema() -> None:
    """The schema follows the draft that it names."""
    Draft7Validator.check_schema(SCHEMA)
    assert "http://json-schema.org/draft-07/schema#" == SCHEMA["$schema"]


def test_it_knows_every_key() -> None:
    """Settings, tables, and the keys of policies and workers are those that otter reads."""
    assert {*SETTINGS, *TABLES} == set(SCHEMA["properties"])
    policy = {attribute.name for attribute in attrs.fields(Policy)}
    assert policy == set(SCHEMA["definitions"]["policy"]["properties"])
    workers = {attribute.name for attribute in attrs.fields(Workers)} - {"grace"}
    assert workers == set(SCHEMA["properties"]["workers"]["properties"])


SOUND = {
    "settings": 'work_path = "w"\nrelease_uri = "s3://b"\npool_size = "8"\nlog_level = "Debug"\ngrace = "5s"\n'
    "max_specs = 10\n" + COPY,
    "tables": '[scratchpad]\nx = { deep = [1] }\n[pools]\nebi = 4\n[workers]\npython = "p"\nmemory = "4GiB"\n'
    'concurrency = 3\nenv = ["HOME"]\nstart_timeout = 30\n[defaults.policy]\nretries = 2\ntimeout = "1h 30m"\n' + COPY,
    "policy": COPY
    + 'policy = { retries = 1, backoff = "fixed", retry_delay = 0.5, priority = -1, uses = { a = 2 } }\n',
    "placeholders": COPY
    + 'retries_allowed = "${n}"\nstrict = "${s}"\nmode = "${m}"\ncolumns = "${c}"\nratio = "${r}"\n',
    "lax": COPY + 'retries_allowed = "5"\nstrict = "Yes"\nratio = "1e3"\n',
    "union": COPY + 'headers = { a = "b" }\nsettings = { n = "3" }\n',
    "date": COPY + "day = 2026-01-31\n",
    "generated": EXPLODE + 'source = "a"\ndestination = "b"\n',
    "nested": EXPLODE.replace("copy ${each}", "explode ${each}")
    + 'foreach = "${list}"\n[[steps.s.do.do]]\nname = "copy ${each}"\nsource = "a"\ndestination = "b"\n',
    "any fields": '[[steps.s]]\nname = "note x"\nanything = [1, "a", { b = 2 }]\n',
    "type from a placeholder": EXPLODE.replace("copy ${each}", "${each} x") + "anything = 1\n",
}


@pytest.mark.parametrize("text", SOUND.values(), ids=SOUND)
def test_sound_files_pass(text: str) -> None:
    """What a file may say, in each form that it may take."""
    assert [] == [error.message for error in VALIDATOR.iter_errors(plain(tomli.loads(text)))]


BROKEN = {
    "unknown setting": "pool = 8\n" + COPY,
    "setting of another type": "work_path = 3\n" + COPY,
    "setting out of range": "pool_size = 0\n" + COPY,
    "unknown level": 'log_level = "LOUD"\n' + COPY,
    "no steps": 'work_path = "w"\n[steps]\n',
    "a step that is one table": '[steps.s]\nname = "copy x"\n',
    "duration without a unit that is one": 'grace = "5 minutes"\n' + COPY,
    "unknown key of workers": '[workers]\npythn = "p"\n' + COPY,
    "pool of no size": "[pools]\nebi = 0\n" + COPY,
    "unknown key of defaults": "[defaults]\nretries = 3\n" + COPY,
    "no name": '[[steps.s]]\nsource = "a"\n',
    "name without a description": COPY.replace("copy x", "copy"),
    "unknown type": COPY.replace("copy x", "cpy x"),
    "unknown field": COPY + "colour = 1\n",
    "missing field": '[[steps.s]]\nname = "copy x"\nsource = "a"\n',
    "number for text": COPY.replace('"a"', "3"),
    "text for a number": COPY + 'retries_allowed = "many"\n',
    "fraction for an integer": COPY + "retries_allowed = 1.5\n",
    "no word of the list": COPY + 'mode = "fly"\n',
    "no boolean": COPY + 'strict = "maybe"\n',
    "text for an array": COPY + 'columns = "a"\n',
    "number in an array of text": COPY + "columns = [1]\n",
    "text in a table of integers": COPY + 'settings = { n = "x" }\n',
    "requires a text": COPY + 'requires = "copy y"\n',
    "unknown key of a policy": COPY + "policy = { retry = 1 }\n",
    "backoff of another kind": COPY + 'policy = { backoff = "linear" }\n',
    "too many retries": COPY + "policy = { retries = 1001 }\n",
    "mistake in a template": EXPLODE + 'source = "a"\ndestnation = "b"\n',
    "templates that are no tables": '[[steps.s]]\nname = "explode x"\nforeach = ["a"]\ndo = "${templates}"\n',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_mistakes_are_found(text: str) -> None:
    """What `otter check` refuses in one task by itself, the schema refuses too."""
    assert refuses(text)
    assert not accepts(text)


def refuses(text: str) -> bool:
    """Whether otter finds a mistake in a file."""
    try:
        return bool(loads_pipeline(text).check("s", TASK_TYPES))
    except PipelineError:
        return True


VALUES = st.recursive(
    st.one_of(
        st.sampled_from(["", "x", "5", " -5 ", "1_000", "1.5", "1e3", "nan", "inf", "yes", "OFF", "true", "1", "link"]),
        st.sampled_from(["${n}", "a${n}", "${missing_on_purpose}", "$5", "$${n}", "2026-01-31", "2026-01-31T10:00:00"]),
        st.integers(-3, 5),
        st.sampled_from([0.0, 1.0, 2.5, -1e3]),
        st.booleans(),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)),
    max_leaves=4,
)
FIELDS = ("retries_allowed", "mode", "strict", "ratio", "settings", "columns", "headers", "day")
TASKS = st.one_of(
    st.fixed_dictionaries(
        {"name": st.just("copy x"), "source": st.just("a"), "destination": st.just("b")},
        optional=dict.fromkeys(FIELDS, VALUES),
    ),
    st.fixed_dictionaries({"name": st.just("copy x"), "source": VALUES, "destination": VALUES, "requires": VALUES}),
    st.fixed_dictionaries(
        {"name": st.just("note x"), "policy": st.dictionaries(st.sampled_from(sorted(
            attribute.name for attribute in attrs.fields(Policy))), VALUES, max_size=3)},
    ),
)  # fmt: skip


@given(task=TASKS)
@settings(max_examples=300, deadline=None)
def test_what_otter_accepts_is_accepted(task: dict[str, Any]) -> None:
    """No editor marks a file that `otter check` finds sound: whatever the values, with and without placeholders."""
    text = dumps_pipeline({"s": [task]})
    problems = loads_pipeline(text).check("s", TASK_TYPES, scratchpad={"n": 3, "missing_on_purpose": [1]})
    if not problems:
        assert [] == [error.message for error in VALIDATOR.iter_errors(plain(tomli.loads(text)))], text


def test_fields_are_explained() -> None:
    """The text of a field says what it is for, what it must be, and its default."""
    kind = TaskType(
        name="greet",
        doc="Greet somebody.",
        fields=(
            Field("who", {"type": "string"}, required=True, doc="Whom."),
            Field("times", {"type": "integer"}, required=False, default=2),
        ),
    )
    outline = json_schema([kind])["definitions"]["outline-of-greet"]
    assert "Greet somebody." == outline["properties"]["name"]["description"]
    assert "Whom.\n\ntext; required" == outline["properties"]["who"]["description"]
    assert {"description": "an integer", "default": 2} == outline["properties"]["times"]


def test_without_types_every_task_is_unknown() -> None:
    """An environment without task types has a schema all the same: none of its tasks could run."""
    validator = Draft7Validator(json_schema([]))
    assert not validator.is_valid(tomli.loads(COPY))
