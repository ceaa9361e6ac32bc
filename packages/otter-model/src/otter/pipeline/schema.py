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
from collections.abc import Iterable, Mapping
from typing import Any

from otter.config.model import LOG_LEVELS, MAX_POOL_SIZE
from otter.pipeline.kinds import annotation_for
from otter.task.policy import MAX_RETRIES
from otter.task.task_type import SPEC_REF, Field, TaskType
from otter.util.convert import expectation

Schema = dict[str, Any]

DRAFT = "http://json-schema.org/draft-07/schema#"

_PLACEHOLDER = r"\$\{[^{}$\s][^{}$]*\}"
_DURATION = r"^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+$|^\s*\d+(\.\d+)?\s*$"
_INTEGER = r"^\s*[+-]?\d+(_\d+)*\s*$"
_NUMBER = r"^\s*[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d+)?\s*$|^\s*[+-]?([iI][nN][fF]|[nN][aA][nN])"
_BOOLEAN = r"^\s*([tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[yY][eE][sS]|[nN][oO]|[oO][nN]|[oO][fF][fF]|0|1)\s*$"
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
            "placeholder": {"type": "string", "pattern": _PLACEHOLDER},
            "duration": _described({"anyOf": [_text(_DURATION), {"type": "number", "minimum": 0}]}, _A_DURATION),
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
        "work_path": _described({"type": "string"}, "Where the run writes.", default="./work"),
        "release_uri": _described({"type": "string"}, "Where the release lives; the work path where this is missing."),
        "pool_size": _described(
            {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_POOL_SIZE}, _text(natural)]},
            "Worker processes at most.",
            default=5,
        ),
        "log_level": _described(
            {"anyOf": [_text(_any_case(LOG_LEVELS)), {"enum": list(LOG_LEVELS)}]},
            "Least level of the messages that are kept.",
            default="INFO",
        ),
        "grace": _described(_ref("duration"), "How long running tasks may take to stop before they are killed."),
        "max_specs": _described(
            {"anyOf": [{"type": "integer", "minimum": 1}, _text(natural)]},
            "Tasks of a step at most, generated ones included.",
            default=1_000_000,
        ),
        "scratchpad": _described({"type": "object"}, "Values for placeholders: `${name}` in a task's fields."),
        "defaults": _described(
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {"policy": _policy(placeholders=False)},
            },
            "What tasks have that say nothing else.",
        ),
        "pools": _described(
            {
                "type": "object",
                "additionalProperties": {"anyOf": [{"type": "integer", "minimum": 1}, _text(natural)]},
            },
            "Limits that tasks share: at most so much of each pool is in `uses` at a time.",
        ),
        "workers": _workers(natural),
        "steps": _described(
            {
                "type": "object",
                "additionalProperties": {"type": "array", "items": _ref("task")},
                "minProperties": 1,
            },
            "The steps by name; each is an array of tasks.",
        ),
    }


def _workers(natural: str) -> Schema:
    properties = {
        "python": _described({"type": "string"}, "Interpreter of the environment in which workers run."),
        "memory": _described(
            {"anyOf": [_text(_SIZE), {"type": "number", "minimum": 0}]}, "Memory of one worker, such as `4GiB`."
        ),
        "concurrency": _described(
            {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 10_000}, _text(natural)]},
            "Asynchronous tasks that one worker runs at a time.",
            default=16,
        ),
        "env": _described(
            {"type": "array", "items": {"type": "string"}},
            "Names of the environment variables that workers inherit; all where this is missing.",
        ),
        "start_timeout": _described(_ref("duration"), "How long a worker may take until it answers."),
    }
    return _described({"type": "object", "additionalProperties": False, "properties": properties}, "How workers run.")


def _policy(*, placeholders: bool) -> Schema:
    """The policy of tasks; in those of a step placeholders may stand for values, in `[defaults]` they may not."""

    def value(schema: Schema, doc: str, **more: Any) -> Schema:
        return _described(_or_placeholder(schema) if placeholders else schema, doc, **more)

    integer = _integer()
    retries = _integer(minimum=0, maximum=MAX_RETRIES)
    properties = {
        "retries": value(retries, "Attempts after the first one fails.", default=0),
        "backoff": value(
            {"enum": ["fixed", "exponential"]},
            "`fixed` waits `retry_delay` before each retry, `exponential` doubles it each time.",
            default="exponential",
        ),
        "retry_delay": value(_ref("duration"), "How long to wait before the first retry. " + _A_DURATION, default=1),
        "timeout": value(_ref("duration"), "How long one attempt may take. " + _A_DURATION),
        "priority": value(integer, "Ready tasks of a higher priority start first.", default=0),
        "uses": value(
            {
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "additionalProperties": _or_placeholder(integer) if placeholders else integer,
                    },
                ]
            },
            "The pool, or the pools and amounts, that the task holds while it runs.",
        ),
        "idempotent": value(
            _boolean(), "Whether an attempt may be made again at all, after a failure or a crash.", default=True
        ),
    }
    table = {"type": "object", "additionalProperties": False, "properties": properties}
    return _described(table, _ENGINE_DOCS["policy"])


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
        {"if": {"properties": {"name": _text(_of_type(kind))}}, "then": _ref(f"fields-of-{kind.name}")}
        for kind in types
    ]
    named = {"properties": {"name": _text(rf"^\s*(({known})\s+\S|\S*{_PLACEHOLDER}\S*\s+\S)")}}
    # Servers complete from properties, and do not look into the outline where others stand beside it.
    conditions.append({"if": {"required": ["name"]}, "then": named})
    return {"type": "object", "required": ["name"], **_outline(types), "allOf": conditions}


def _fields_of(kind: TaskType) -> Schema:
    """What the fields of a type must be."""
    engine = {
        "name": {"type": "string"},
        "requires": {"type": "array", "items": {"type": "string"}},
        "scratchpad_ignore_missing": _or_placeholder(_boolean()),
        "policy": _ref("policy"),
    }
    schema: Schema = {"properties": {**engine, **{field.name: value_schema(field.schema) for field in kind.fields}}}
    if not kind.open:
        schema["additionalProperties"] = False
    if required := [field.name for field in kind.fields if field.required]:
        schema["required"] = required
    return schema


def _outline(types: list[TaskType]) -> Schema:
    """One arm for each type, and one for names of no known type, so that a `oneOf` of them never fails."""
    arms = [_ref(f"outline-of-{kind.name}") for kind in types]
    known = [_text(_of_type(kind)) for kind in types]
    return {"oneOf": [*arms, {"properties": {"name": {"not": {"anyOf": known}}}} if known else {}]}


def _outline_of(kind: TaskType) -> Schema:
    """What fields a type has and what they are for."""
    doc = {"description": kind.doc} if kind.doc else {}
    engine: Schema = {key: {"description": text} for key, text in _ENGINE_DOCS.items()}
    engine["policy"] = _without_rules(_policy(placeholders=True))
    fields = {field.name: _explained(field) for field in kind.fields}
    name = {**_text(_of_type(kind)), "description": kind.doc or _ENGINE_DOCS["name"]}
    return {"title": kind.name, **doc, "type": "object", "properties": {**engine, "name": name, **fields}}


def _explained(field: Field) -> Schema:
    annotation = annotation_for(field.schema)
    facts = expectation(annotation) + ("; required" if field.required else "")
    schema: Schema = {"description": f"{field.doc}\n\n{facts}".strip()}
    if not field.required and field.default is not None:
        schema["default"] = field.default
    if SPEC_REF in str(field.schema):
        schema["items"] = _ref("outline")
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


# --- values -----------------------------------------------------------------------------------------------------------


def value_schema(schema: Mapping[str, Any]) -> Schema | bool:
    """What a field accepts in a file, made of the schema of its typed value.

    More than its type: a text that spells a number fits a number, as it does after placeholders were replaced, and a
    text with a placeholder fits everything. What has no schema fits everything too; there is no null in TOML.
    """
    if "$ref" in schema:
        return _ref("task") if schema["$ref"] == SPEC_REF else True
    if "anyOf" in schema:
        arms = [value_schema(arm) for arm in schema["anyOf"] if arm.get("type") != "null"]
        return True if True in arms or not arms else arms[0] if len(arms) == 1 else {"anyOf": arms}
    if "enum" in schema:
        return _or_placeholder({"enum": _spellings(schema["enum"])})
    match schema.get("type"):
        case "string" if schema.get("format") in ("date-time", "date", "time"):
            return _moment()
        case "string":
            return {"type": "string"}
        case "integer":
            return _or_placeholder(_integer())
        case "number":
            return _or_placeholder({"anyOf": [{"type": "number"}, _text(_NUMBER)]})
        case "boolean":
            return _or_placeholder(_boolean())
        case "array":
            items = value_schema(schema.get("items", {}))
            if SPEC_REF in str(schema):  # templates are read as they stand
                return {"type": "array", "items": items}
            return _or_placeholder({"type": "array"} if items is True else {"type": "array", "items": items})
        case "object":
            values = value_schema(schema.get("additionalProperties", {}))
            return _or_placeholder({"type": "object"} if values is True else _table_of(values))
    return True


def _table_of(values: Schema | bool) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _spellings(choices: Iterable[Any]) -> list[Any]:
    """The choices, and the texts that spell those which are no texts."""
    choices = [choice for choice in choices if choice is not None]
    return list(dict.fromkeys([*choices, *(str(choice) for choice in choices if not isinstance(choice, str))]))


def _boolean() -> Schema:
    return {"anyOf": [{"type": "boolean"}, _text(_BOOLEAN), {"enum": [0, 1]}]}


def _integer(**bounds: int) -> Schema:
    """An integer as it is or as text. Some servers tell 1.0 from 1; otter does not."""
    whole = {"type": "number", "multipleOf": 1, **bounds}
    return {"anyOf": [{"type": "integer", **bounds}, _text(_INTEGER), whole]}


def _moment() -> Schema:
    """A date or a time: as TOML writes them, which servers know by their formats, or as a text."""
    formats = ("date-time", "date-time-local", "date", "time-local", "time")
    return {"anyOf": [*({"type": "string", "format": name} for name in formats), {"type": "string"}]}


def _or_placeholder(schema: Schema) -> Schema:
    arms = schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
    return {"anyOf": [*arms, _ref("placeholder")]}


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def _any_case(words: Iterable[str]) -> str:
    letters = ("".join(f"[{char.upper()}{char.lower()}]" for char in word) for word in words)
    return f"^({'|'.join(letters)})$"


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _described(schema: Schema, text: str, **more: Any) -> Schema:
    """A schema with a text for people. In draft 7 nothing counts beside a `$ref`, so that one goes into an `allOf`."""
    return {"description": text, **({"allOf": [schema]} if "$ref" in schema else schema), **more}
