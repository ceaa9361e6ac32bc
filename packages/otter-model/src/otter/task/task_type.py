"""What is known of a task type where its code is not installed.

A worker publishes one `TaskType` for each type it can run. The coordinator checks pipelines against these, in its own
process, so that it never has to import task code.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

import attrs
import orjson

from otter.util.convert import without_alias
from otter.util.values import Value

ENGINE_KEYS = ("name", "requires", "scratchpad_ignore_missing", "policy")
"""Keys of a spec that belong to the engine; all others belong to the task."""

SPEC_REF = "#/$defs/task"
"""How the JSON Schema of a field refers to a nested task description (`do`)."""


@attrs.frozen(eq=False, repr=False)
class Field(Value):
    """A declared field of a task's Spec.

    Attributes:
        schema: JSON Schema (2020-12) of its value: `type`, `enum`, `anyOf`, `items`, `additionalProperties`,
            `format` (`path`, `date-time`, …), and `$ref` to `SPEC_REF` for a nested task; empty for any value.
        required: a spec without it is refused.
        default: the default as JSON carries it; none when there is no such thing.
        doc: the text after the field in the source; empty unless it was asked for.
    """

    name: str
    schema: Mapping[str, Any]
    required: bool
    default: Any = None
    doc: str = ""


@attrs.frozen(eq=False, repr=False)
class TaskType(Value):
    """A task type as its worker publishes it.

    Attributes:
        name: the first word of the names of its tasks.
        fields: declared fields without those of the engine.
        open: no Spec class declares its fields, so that any field is accepted.
        asynchronous: `run` or `validate` is a coroutine function; such tasks share a worker.
        generates: its code adds specs at run time.
        stores: its code stores values in the scratchpad at run time, under keys that cannot be known before.
        ignores_missing: its Spec sets `scratchpad_ignore_missing` by itself.
        validates: the Spec has checks that only its own code can make.
        do_placeholders: names that its `do` templates may use; `$field` stands for the value of that field; none
            when it is not known.
        doc: the first paragraph of its documentation; empty unless it was asked for.
        module: where it is defined, for messages only. Nothing is ever imported by this name.
        replaces: where the type of the same name is defined that it took the place of; empty for none.
    """

    name: str
    fields: tuple[Field, ...] = ()
    open: bool = False
    asynchronous: bool = False
    generates: bool = False
    stores: bool = False
    ignores_missing: bool = False
    validates: bool = False
    do_placeholders: tuple[str, ...] | None = None
    doc: str = ""
    module: str = ""
    replaces: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of what a pipeline can see of the type: its fields and their schemas, not their documentation."""
        import hashlib  # loads OpenSSL, which reading a pipeline file has no use for

        facts = [self.name, self.open, [[f.name, f.schema, f.required, f.default] for f in self.fields]]
        return hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The type as JSON carries it; fields at their defaults are left out."""
        table = {
            name: value
            for name, value in attrs.asdict(self, recurse=False).items()
            if value != getattr(_EMPTY, name) or name == "name"
        }
        if self.fields:
            table["fields"] = [
                {k: v for k, v in attrs.asdict(f).items() if k in _FIELD_KEYS or v not in (None, "")}
                for f in self.fields
            ]
        return table

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> TaskType:
        """The type from what `to_json` made; keys of newer versions are ignored.

        Raises:
            ValueError: the table does not describe a task type.
        """
        try:
            known = _known(table, _TYPE_FORMS)
            known["fields"] = tuple(Field(**_known(item, _FIELD_FORMS)) for item in known.get("fields", ()))
            if known.get("do_placeholders") is not None:
                known["do_placeholders"] = tuple(known["do_placeholders"])
                "".join(known["do_placeholders"])  # raises for what is not text
            return cls(**known)
        except TypeError as error:
            raise ValueError(f"not a description of a task type: {error}") from error


_FIELD_KEYS = ("name", "schema", "required")
_FIELD_FORMS: dict[str, Any] = {"name": str, "schema": Mapping, "required": bool, "default": object, "doc": str}
_FLAGS = ("open", "asynchronous", "generates", "stores", "ignores_missing", "validates")
_TYPE_FORMS: dict[str, Any] = {
    **dict.fromkeys(("name", "doc", "module", "replaces"), str), **dict.fromkeys(_FLAGS, bool),
    "fields": (list, tuple), "do_placeholders": (list, tuple, type(None)),
}  # fmt: skip


def _known(table: Any, forms: Mapping[str, Any]) -> dict[str, Any]:
    """The known keys of a table, whose values have their forms."""
    if not isinstance(table, Mapping):
        raise TypeError(f"a {type(table).__name__} is no table")
    for key, form in forms.items():
        if key in table and not isinstance(table[key], form):
            raise TypeError(f"its {key} is a {type(table[key]).__name__}")
    return {key: table[key] for key in forms if key in table}


_EMPTY = TaskType(name="")


def schema_for(tp: Any) -> dict[str, Any]:
    """JSON Schema of an annotated type; an empty schema accepts anything, and stands for what JSON cannot say."""
    import datetime as dt
    import enum
    import types
    from collections.abc import Mapping as MappingABC
    from collections.abc import Sequence as SequenceABC
    from pathlib import PurePath

    from otter.task.model import Spec

    simple: dict[Any, dict[str, Any]] = {
        str: {"type": "string"}, int: {"type": "integer"}, float: {"type": "number"}, bool: {"type": "boolean"},
        None: {"type": "null"}, type(None): {"type": "null"}, dt.datetime: {"type": "string", "format": "date-time"},
        dt.date: {"type": "string", "format": "date"}, dt.time: {"type": "string", "format": "time"},
        dict: {"type": "object"}, list: {"type": "array"}, tuple: {"type": "array"}, set: {"type": "array"},
    }  # fmt: skip
    tp = without_alias(tp)
    origin, args = typing.get_origin(tp), typing.get_args(tp)
    if origin is typing.Annotated:
        return schema_for(args[0])
    if origin is typing.Literal:
        return {"enum": list(args)}
    if origin in (typing.Union, types.UnionType):
        arms = [schema_for(arm) for arm in args]
        return {"anyOf": arms} if all(arms) else {}
    base = origin or tp
    if base in (list, set, frozenset, SequenceABC) or (base is tuple and (not args or args[-1] is Ellipsis)):
        items = schema_for(args[0]) if args else {}
        return {"type": "array", "items": items} if items else {"type": "array"}
    if base in (dict, MappingABC):
        values = schema_for(args[1]) if args else {}
        return {"type": "object", "additionalProperties": values} if values else {"type": "object"}
    if isinstance(base, type):
        if issubclass(base, PurePath):
            return {"type": "string", "format": "path"}
        if issubclass(base, Spec):
            return {"$ref": SPEC_REF}
        if issubclass(base, enum.Enum):
            return {"enum": [member.value for member in base]}
    try:
        return dict(simple.get(tp, {}))
    except TypeError:
        return {}
