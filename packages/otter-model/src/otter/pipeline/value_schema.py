"""What single values of a pipeline file may be, as JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from otter.task.task_type import SPEC_REF

Schema = dict[str, Any]

PLACEHOLDER = r"\$\{[^{}$\s][^{}$]*\}"
_INTEGER = r"^\s*[+-]?\d+(_\d+)*\s*$"
_NUMBER = r"^\s*[+-]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d+)?\s*$|^\s*[+-]?([iI][nN][fF]|[nN][aA][nN])"
_BOOLEAN = r"^\s*([tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[yY][eE][sS]|[nN][oO]|[oO][nN]|[oO][fF][fF]|0|1)\s*$"


def value_schema(schema: Mapping[str, Any]) -> Schema | bool:
    """What a field accepts in a file, made of the schema of its typed value.

    More than its type: a text that spells a number fits a number, as it does after placeholders were replaced, and a
    text with a placeholder fits everything. What has no schema fits everything too; there is no null in TOML.
    """
    if "$ref" in schema:
        return ref("task") if schema["$ref"] == SPEC_REF else True
    if "anyOf" in schema:
        arms = [value_schema(arm) for arm in schema["anyOf"] if arm.get("type") != "null"]
        return True if True in arms or not arms else arms[0] if len(arms) == 1 else {"anyOf": arms}
    if "enum" in schema:
        return or_placeholder({"enum": _spellings(schema["enum"])})
    match schema.get("type"):
        case "string" if schema.get("format") in ("date-time", "date", "time"):
            return _moment()
        case "string":
            return {"type": "string"}
        case "integer":
            return or_placeholder(whole_number())
        case "number":
            return or_placeholder({"anyOf": [{"type": "number"}, text_like(_NUMBER)]})
        case "boolean":
            return or_placeholder(boolean())
        case "array":
            items = value_schema(schema.get("items", {}))
            if SPEC_REF in str(schema):  # templates are read as they stand
                return {"type": "array", "items": items}
            return or_placeholder({"type": "array"} if items is True else {"type": "array", "items": items})
        case "object":
            values = value_schema(schema.get("additionalProperties", {}))
            return or_placeholder({"type": "object"} if values is True else _table_of(values))
    return True


def _table_of(values: Schema | bool) -> Schema:
    return {"type": "object", "additionalProperties": values}


def _spellings(choices: Iterable[Any]) -> list[Any]:
    """The choices, and the texts that spell those which are no texts."""
    choices = [choice for choice in choices if choice is not None]
    return list(dict.fromkeys([*choices, *(str(choice) for choice in choices if not isinstance(choice, str))]))


def boolean() -> Schema:
    """True or false, and the words and numbers that mean the same."""
    return {"anyOf": [{"type": "boolean"}, text_like(_BOOLEAN), {"enum": [0, 1]}]}


def whole_number(**bounds: int) -> Schema:
    """An integer as it is or as text. Some servers tell 1.0 from 1; otter does not."""
    whole = {"type": "number", "multipleOf": 1, **bounds}
    return {"anyOf": [{"type": "integer", **bounds}, text_like(_INTEGER), whole]}


def _moment() -> Schema:
    """A date or a time: as TOML writes them, which servers know by their formats, or as a text."""
    formats = ("date-time", "date-time-local", "date", "time-local", "time")
    return {"anyOf": [*({"type": "string", "format": name} for name in formats), {"type": "string"}]}


def or_placeholder(schema: Schema) -> Schema:
    """A value, or a text with a placeholder: what that stands for is not known to an editor."""
    arms = schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
    return {"anyOf": [*arms, ref("placeholder")]}


def text_like(pattern: str) -> Schema:
    """A text that matches a pattern."""
    return {"type": "string", "pattern": pattern}


def any_case(words: Iterable[str]) -> str:
    """The pattern of words in capital or small letters: the patterns of JSON Schema have no flag for that."""
    letters = ("".join(f"[{char.upper()}{char.lower()}]" for char in word) for word in words)
    return f"^({'|'.join(letters)})$"


def ref(name: str) -> Schema:
    """Another part of the schema."""
    return {"$ref": f"#/definitions/{name}"}


def described(schema: Schema, text: str, **more: Any) -> Schema:
    """A schema with a text for people. In draft 7 nothing counts beside a `$ref`, so that one goes into an `allOf`."""
    return {"description": text, **({"allOf": [schema]} if "$ref" in schema else schema), **more}
