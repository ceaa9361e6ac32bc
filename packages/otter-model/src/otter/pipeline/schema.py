"""Pipeline files as a JSON Schema, for the TOML language servers of editors.

The schema accepts what `otter check` accepts, so that no editor marks a file that runs. It refuses less: what concerns
several tasks at once, such as a name that another task requires, no schema can say.

Draft 7, because every TOML language server knows it. The tasks of a step are told apart by the first word of their
`name`, and stand in the schema twice. `outline` is a `oneOf` that says which fields there are and what for; it
accepts any value, and servers complete and explain from it. `if`/`then` conditions say what values must be: when one
fails, the error is about that value, where a failed `oneOf` would say only that no type fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from otter.config.model import LOG_LEVELS, MAX_POOL_SIZE
from otter.pipeline.kinds import annotation_for
from otter.pipeline.value_schema import (
    PLACEHOLDER,
    Schema,
    any_case,
    boolean,
    described,
    or_placeholder,
    ref,
    text_like,
    value_schema,
    whole_number,
)
from otter.task.policy import MAX_RETRIES
from otter.task.task_type import SPEC_REF, Field, TaskType
from otter.util.convert import expectation

DRAFT = "http://json-schema.org/draft-07/schema#"

_DURATION = r"^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+$|^\s*\d+(\.\d+)?\s*$"
_SIZE = r"^\s*\d+(\.\d+)?\s*([kKmMgGtT]([iI])?)?[bB]?\s*$"


def json_schema(task_types: Iterable[TaskType]) -> Schema:
    """The schema of pipeline files whose tasks are of the given types.

    Args:
        task_types: with their documentation, where editors are to show it.
    """
    types = sorted(task_types, key=lambda kind: kind.name)
    return {
        "$schema": DRAFT,
        "title": "otter pipeline",
        "description": "Settings of a run, and the tasks of its steps.",
        "type": "object",
        "additionalProperties": False,
        "properties": _top(),
        "definitions": {
            "placeholder": {"type": "string", "pattern": PLACEHOLDER},
            "duration": described({"anyOf": [text_like(_DURATION), {"type": "number", "minimum": 0}]}, _A_DURATION),
            "policy": _policy(placeholders=True),
            "task": _task(types),
            "outline": _outline(types),
            **{f"outline-of-{kind.name}": _outline_of(kind) for kind in types},
            **{f"fields-of-{kind.name}": _fields_of(kind) for kind in types},
        },
    }


# --- outside of tasks -------------------------------------------------------------------------------------------------

_A_DURATION = "Seconds, or a text such as `90s`, `10m` or `1h30m`."


def _top() -> Schema:
    natural = r"^\s*\+?0*[1-9][\d_]*\s*$"
    return {
        "work_path": described({"type": "string"}, "Where the run writes.", default="./work"),
        "release_uri": described({"type": "string"}, "Where the release lives; the work path where this is missing."),
        "pool_size": described(
            {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_POOL_SIZE}, text_like(natural)]},
            "Worker processes at most.",
            default=5,
        ),
        "log_level": described(
            {"anyOf": [text_like(any_case(LOG_LEVELS)), {"enum": list(LOG_LEVELS)}]},
            "Least level of the messages that are kept.",
            default="INFO",
        ),
        "grace": described(ref("duration"), "How long running tasks may take to stop before they are killed."),
        "max_specs": described(
            {"anyOf": [{"type": "integer", "minimum": 1}, text_like(natural)]},
            "Tasks of a step at most, generated ones included.",
            default=1_000_000,
        ),
        "scratchpad": described({"type": "object"}, "Values for placeholders: `${name}` in a task's fields."),
        "defaults": described(
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {"policy": _policy(placeholders=False)},
            },
            "What tasks have that say nothing else.",
        ),
        "pools": described(
            {
                "type": "object",
                "additionalProperties": {"anyOf": [{"type": "integer", "minimum": 1}, text_like(natural)]},
            },
            "Limits that tasks share: at most so much of each pool is in `uses` at a time.",
        ),
        "workers": _workers(natural),
        "steps": described(
            {
                "type": "object",
                "additionalProperties": {"type": "array", "items": ref("task")},
                "minProperties": 1,
            },
            "The steps by name; each is an array of tasks.",
        ),
    }


def _workers(natural: str) -> Schema:
    properties = {
        "python": described({"type": "string"}, "Interpreter of the environment in which workers run."),
        "memory": described(
            {"anyOf": [text_like(_SIZE), {"type": "number", "minimum": 0}]}, "Memory of one worker, such as `4GiB`."
        ),
        "concurrency": described(
            {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 10_000}, text_like(natural)]},
            "Asynchronous tasks that one worker runs at a time.",
            default=16,
        ),
        "env": described(
            {"type": "array", "items": {"type": "string"}},
            "Names of the environment variables that workers inherit; all where this is missing.",
        ),
        "start_timeout": described(ref("duration"), "How long a worker may take until it answers."),
    }
    return described({"type": "object", "additionalProperties": False, "properties": properties}, "How workers run.")


def _policy(*, placeholders: bool) -> Schema:
    """The policy of tasks; in those of a step placeholders may stand for values, in `[defaults]` they may not."""

    def value(schema: Schema, doc: str, **more: Any) -> Schema:
        return described(or_placeholder(schema) if placeholders else schema, doc, **more)

    integer = whole_number()
    retries = whole_number(minimum=0, maximum=MAX_RETRIES)
    properties = {
        "retries": value(retries, "Attempts after the first one fails.", default=0),
        "backoff": value(
            {"enum": ["fixed", "exponential"]},
            "`fixed` waits `retry_delay` before each retry, `exponential` doubles it each time.",
            default="exponential",
        ),
        "retry_delay": value(ref("duration"), "How long to wait before the first retry. " + _A_DURATION, default=1),
        "timeout": value(ref("duration"), "How long one attempt may take. " + _A_DURATION),
        "priority": value(integer, "Ready tasks of a higher priority start first.", default=0),
        "uses": value(
            {
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "additionalProperties": or_placeholder(integer) if placeholders else integer,
                    },
                ]
            },
            "The pool, or the pools and amounts, that the task holds while it runs.",
        ),
        "idempotent": value(
            boolean(), "Whether an attempt may be made again at all, after a failure or a crash.", default=True
        ),
    }
    table = {"type": "object", "additionalProperties": False, "properties": properties}
    return described(table, _ENGINE_DOCS["policy"])


# --- tasks ------------------------------------------------------------------------------------------------------------


_ENGINE_DOCS = {
    "name": "The task type, a blank, and a description; the whole is unique in its step, and others require it.",
    "requires": "Names of the tasks that must be done before; of a generator, with all that it generated.",
    "scratchpad_ignore_missing": "Leave placeholders that nothing defines as they stand.",
    "policy": "What the engine does around the attempts of a task.",
}


def _task(types: list[TaskType]) -> Schema:
    known = "|".join(re.escape(kind.name) for kind in types)
    conditions = [
        {"if": {"properties": {"name": text_like(_of_type(kind))}}, "then": ref(f"fields-of-{kind.name}")}
        for kind in types
    ]
    named = {"properties": {"name": text_like(rf"^\s*(({known})\s+\S|\S*{PLACEHOLDER}\S*\s+\S)")}}
    # Servers complete from properties, and do not look into the outline where others stand beside it.
    conditions.append({"if": {"required": ["name"]}, "then": named})
    return {"type": "object", "required": ["name"], **_outline(types), "allOf": conditions}


def _fields_of(kind: TaskType) -> Schema:
    """What the fields of a type must be."""
    engine = {
        "name": {"type": "string"},
        "requires": {"type": "array", "items": {"type": "string"}},
        "scratchpad_ignore_missing": or_placeholder(boolean()),
        "policy": ref("policy"),
    }
    schema: Schema = {"properties": {**engine, **{field.name: value_schema(field.schema) for field in kind.fields}}}
    if not kind.open:
        schema["additionalProperties"] = False
    if required := [field.name for field in kind.fields if field.required]:
        schema["required"] = required
    return schema


def _outline(types: list[TaskType]) -> Schema:
    """One arm for each type, and one for names of no known type, so that a `oneOf` of them never fails."""
    arms = [ref(f"outline-of-{kind.name}") for kind in types]
    known = [text_like(_of_type(kind)) for kind in types]
    return {"oneOf": [*arms, {"properties": {"name": {"not": {"anyOf": known}}}} if known else {}]}


def _outline_of(kind: TaskType) -> Schema:
    """What fields a type has and what they are for."""
    doc = {"description": kind.doc} if kind.doc else {}
    engine: Schema = {key: {"description": text} for key, text in _ENGINE_DOCS.items()}
    engine["policy"] = _without_rules(_policy(placeholders=True))
    fields = {field.name: _explained(field) for field in kind.fields}
    name = {**text_like(_of_type(kind)), "description": kind.doc or _ENGINE_DOCS["name"]}
    return {"title": kind.name, **doc, "type": "object", "properties": {**engine, "name": name, **fields}}


def _explained(field: Field) -> Schema:
    annotation = annotation_for(field.schema)
    facts = expectation(annotation) + ("; required" if field.required else "")
    schema: Schema = {"description": f"{field.doc}\n\n{facts}".strip()}
    if not field.required and field.default is not None:
        schema["default"] = field.default
    if SPEC_REF in str(field.schema):
        schema["items"] = ref("outline")
    return schema


def _without_rules(table: Schema) -> Schema:
    """What a table has and what that is for."""
    kept = ("description", "default")
    properties = {
        name: {key: value[key] for key in kept if key in value} for name, value in table["properties"].items()
    }
    return {"description": table["description"], "properties": properties}


def _of_type(kind: TaskType) -> str:
    return rf"^\s*{re.escape(kind.name)}\s+\S"
