"""Lax conversion of JSON-like values to annotated types.

`converter_for(type)` compiles a type once into a function, since a run converts a hundred thousand specs of a few
types. The rules follow what pipeline authors expect of TOML whose values went through placeholders: a text fits
a number field when it spells the number; a number does not fit a text field. Containers of JSON are handled here, so
that every mistake is found in one pass and named by its path; classes of other libraries (attrs, dataclasses, enums,
typed dictionaries) are left to cattrs.
"""

from __future__ import annotations

import datetime as dt
import enum
import functools
import os
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

Convert = Callable[[Any], Any]
Problem = tuple[str, str]
"""A path within the value (`[2].name`, empty for the value itself) and a sentence."""

_MISSING = object()
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_INTEGER = re.compile(r"\s*[+-]?\d+(?:_\d+)*\s*")


class MisfitError(ValueError):
    """A value does not fit a type.

    Attributes:
        problems: every mistake found, each with its path.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{path}: {text}" if path else text for path, text in problems))
        self.problems = tuple(problems)


def without_alias(tp: Any) -> Any:
    """A type, or what it stands for where it is an alias (`type Paths = str | list[str]`)."""
    while type(tp).__name__ == "TypeAliasType":  # in typing since Python 3.12, and in typing_extensions
        tp = tp.__value__
    return tp


def describe_value(value: Any) -> str:
    """A value as a message shows it: its kind and a shortened form."""
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "the boolean"), (int, "the integer"), (float, "the number"), (str, "the text"),
        (list, "an array"), (tuple, "an array"), (dict, "a table"),
    )  # fmt: skip
    if value is None:
        return "nothing"
    if isinstance(value, int) and value.bit_length() > 64:
        return "an integer beyond 64 bits"  # Python refuses to write one of thousands of digits
    kind = next((word for cls, word in kinds if isinstance(value, cls)), f"a {type(value).__name__}")
    if kind.startswith("an ") or kind == "a table":
        return kind
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return f"{kind} {text if len(text) <= 60 else text[:57] + '…'}"


def _misfit(expected: str, value: Any) -> MisfitError:
    return MisfitError([("", f"expected {expected}, got {describe_value(value)}")])


def _to_str(value: Any) -> Any:
    if isinstance(value, str):
        return value
    raise _misfit("text", value)


def _to_int(value: Any) -> Any:
    if type(value) is int or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and len(value) < 64 and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise _misfit("an integer", value)


def _to_float(value: Any) -> Any:
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise _misfit("a number", value)


def _to_bool(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _TRUE:
            return True
        if word in _FALSE:
            return False
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    raise _misfit("true or false", value)


def _to_none(value: Any) -> Any:
    if value is None:
        return None
    raise _misfit("nothing", value)


def _to_path(value: Any) -> Any:
    if isinstance(value, PurePath):
        return value
    if isinstance(value, str | os.PathLike):
        return Path(value)
    raise _misfit("a path", value)


def _to_bytes(value: Any) -> Any:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise _misfit("text", value)


def _from_iso(cls: type[dt.datetime] | type[dt.date] | type[dt.time], word: str) -> Convert:
    def convert(value: Any) -> Any:
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            try:
                return cls.fromisoformat(value)
            except ValueError:
                pass
        raise _misfit(f"{word} in ISO 8601", value)

    return convert


_SIMPLE: dict[Any, Convert] = {
    str: _to_str,
    int: _to_int,
    float: _to_float,
    bool: _to_bool,
    bytes: _to_bytes,
    None: _to_none,
    type(None): _to_none,
    Path: _to_path,
    PurePath: _to_path,
    Any: lambda value: value,
    object: lambda value: value,
    dt.datetime: _from_iso(dt.datetime, "a date and time"),
    dt.date: _from_iso(dt.date, "a date"),
    dt.time: _from_iso(dt.time, "a time"),
}

_EXPECTED: dict[Any, str] = {
    str: "text", int: "an integer", float: "a number", bool: "true or false", Path: "a path", None: "nothing",
    type(None): "nothing", list: "an array", dict: "a table", tuple: "an array", set: "an array", Any: "anything",
}  # fmt: skip

_PLURALS = {"an integer": "integers", "a number": "numbers", "a path": "paths", "a table": "tables"}


def expectation(tp: Any) -> str:
    """What a type asks for, in words: `an integer`, `text or an array of text`."""
    tp = without_alias(tp)
    origin = typing.get_origin(tp)
    if origin is typing.Annotated:
        return expectation(typing.get_args(tp)[0])
    if origin is typing.Literal:
        return "one of " + ", ".join(repr(choice) for choice in typing.get_args(tp))
    if origin in (typing.Union, types.UnionType):
        arms = [arm for arm in typing.get_args(tp) if arm is not type(None)]
        return " or ".join(expectation(arm) for arm in arms)
    if origin in (list, set, frozenset, tuple) and typing.get_args(tp):
        item = expectation(typing.get_args(tp)[0])
        return f"an array of {_PLURALS.get(item, item)}"
    base = origin or tp
    if isinstance(base, type) and issubclass(base, enum.Enum):
        return "one of " + ", ".join(repr(member.value) for member in base)
    if base in _EXPECTED:
        return _EXPECTED[base]
    return f"a {base.__name__}" if isinstance(base, type) else str(base)


def _literal(choices: tuple[Any, ...], expected: str) -> Convert:
    def convert(value: Any) -> Any:
        for choice in choices:
            if value == choice and type(value) is type(choice):
                return choice
        for choice in choices:  # a placeholder leaves text where a number was meant
            if isinstance(value, str) and not isinstance(choice, str) and value == str(choice):
                return choice
        raise _misfit(expected, value)

    return convert


def _enumeration(cls: type[enum.Enum]) -> Convert:
    member_of = _literal(tuple(member.value for member in cls), expectation(cls))

    def convert(value: Any) -> Any:
        return value if isinstance(value, cls) else cls(member_of(value))

    return convert


def _sequence(build: Callable[[list[Any]], Any], item: Convert, expected: str) -> Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, list | tuple | set | frozenset):
            raise _misfit(expected, value)
        done: list[Any] = []
        problems: list[Problem] = []
        for index, element in enumerate(value):
            try:
                done.append(item(element))
            except MisfitError as error:
                problems += [(f"[{index}]{_joined(path)}", text) for path, text in error.problems]
        if problems:
            raise MisfitError(problems)
        return build(done)

    return convert


def _mapping(key: Convert, item: Convert, expected: str) -> Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _misfit(expected, value)
        done: dict[Any, Any] = {}
        problems: list[Problem] = []
        for name, element in value.items():
            try:
                done[key(name)] = item(element)
            except MisfitError as error:
                problems += [(f"{name}{_joined(path)}", text) for path, text in error.problems]
        if problems:
            raise MisfitError(problems)
        return done

    return convert


def _joined(path: str) -> str:
    return path if not path or path.startswith("[") else f".{path}"


def _arms(union: Any) -> Iterator[Any]:
    """The members of a union, also of one that an alias among them stands for."""
    for arm in map(without_alias, typing.get_args(union)):
        if typing.get_origin(arm) in (typing.Union, types.UnionType):
            yield from _arms(arm)
        else:
            yield arm


def _exact(tp: Any) -> tuple[type, ...]:
    """The classes whose instances fit an arm of a union as they are."""
    origin = typing.get_origin(tp)
    if origin is typing.Annotated:
        return _exact(typing.get_args(tp)[0])
    if origin is typing.Literal:
        return ()
    base = origin or tp
    return (base,) if isinstance(base, type) else ()


def _union(arms: tuple[Any, ...], expected: str) -> Convert:
    compiled = [(converter_for(arm), _exact(arm)) for arm in arms]

    def convert(value: Any) -> Any:
        nested: MisfitError | None = None
        for strict in (True, False):  # an arm that fits as it is wins over one that needs a conversion
            for arm, exact in compiled:
                if strict and type(value) not in exact:
                    continue
                try:
                    return arm(value)
                except MisfitError as error:
                    if strict:
                        nested = error
        if nested is not None and any(path for path, _ in nested.problems):
            raise nested  # the right arm was clear, and the mistake lies inside
        raise _misfit(expected, value)

    return convert


def _annotated(base: Any, metadata: tuple[Any, ...]) -> Convert:
    convert_base = converter_for(base)
    checks = [getattr(item, "func", item) for item in metadata]
    checks = [check for check in checks if callable(check) and not isinstance(check, type)]
    if not checks:
        return convert_base

    def convert(value: Any) -> Any:
        value = convert_base(value)
        for check in checks:
            try:
                checked = check(value)
            except (ValueError, TypeError, AssertionError) as error:
                raise MisfitError([("", str(error) or type(error).__name__)]) from error
            if checked is not None:
                value = checked
        return value

    return convert


@functools.cache
def _cattrs() -> Any:
    from cattrs import Converter

    converter = Converter(prefer_attrib_converters=True)
    for simple in (str, int, float, bool, Path):
        hook = _SIMPLE[simple]
        converter.register_structure_hook(simple, lambda value, _, hook=hook: hook(value))
    return converter


def _is_data_class(cls: type) -> bool:
    return hasattr(cls, "__attrs_attrs__") or hasattr(cls, "__dataclass_fields__")


def plain_form(value: Any) -> Any:
    """What makes an instance again: of a data class its table, of a member of an enumeration its value.

    A model with a `model_dump` of its own says it by that. Anything else is given back as it is.
    """
    if isinstance(value, enum.Enum):
        return value.value
    dump = getattr(type(value), "model_dump", None)  # of the class: a mock has whatever it is asked for
    if dump is not None:
        return dump(value)
    return _cattrs().unstructure(value) if _is_data_class(type(value)) else value


def _foreign(cls: type) -> Convert:
    """A class that JSON does not know: an instance stays, else cattrs or the class itself makes one."""
    by_cattrs = (
        _is_data_class(cls)
        or hasattr(cls, "__total__")  # a typed dictionary
        or hasattr(cls, "_fields")  # a named tuple
    )
    validate = getattr(cls, "model_validate", None)

    def convert(value: Any) -> Any:
        if not hasattr(cls, "__total__") and isinstance(value, cls):
            return value
        try:
            if validate is not None:
                return validate(value)
            if by_cattrs:
                return _cattrs().structure(value, cls)
            return cls(value)
        except MisfitError:
            raise
        except Exception as error:
            raise MisfitError(_foreign_problems(error, cls, value)) from error

    return convert


def _foreign_problems(error: Exception, cls: type, value: Any) -> list[Problem]:
    nested = getattr(error, "problems", None)
    if nested:
        return list(nested)
    if isinstance(error, ExceptionGroup):
        from cattrs import transform_error

        lines = [line.rpartition(" @ $") for line in transform_error(error)]
        return [(path.removeprefix("."), text) for text, _, path in lines]
    return [("", f"expected {expectation(cls)}, got {describe_value(value)}: {error}")]


@functools.lru_cache(maxsize=4096)
def _compiled(tp: Any) -> Convert:
    tp = without_alias(tp)
    simple = _SIMPLE.get(tp, _MISSING) if isinstance(tp, type) or tp in (None, Any) else _MISSING
    if simple is not _MISSING:
        return typing.cast(Convert, simple)
    origin, args = typing.get_origin(tp), typing.get_args(tp)
    expected = expectation(tp)
    if origin is typing.Annotated:
        return _annotated(args[0], args[1:])
    if origin in (typing.Union, types.UnionType):
        return _union(tuple(_arms(tp)), expected)
    if origin is typing.Literal:
        return _literal(args, expected)
    base = origin or tp
    if base in (list, Sequence, typing.Iterable):
        return _sequence(list, converter_for(args[0] if args else Any), expected)
    if base in (set, frozenset):
        return _sequence(base, converter_for(args[0] if args else Any), expected)
    if base is tuple and (not args or args[-1] is Ellipsis):
        return _sequence(tuple, converter_for(args[0] if args else Any), expected)
    if base in (dict, Mapping):
        key, item = args or (Any, Any)
        return _mapping(converter_for(key), converter_for(item), expected)
    if isinstance(tp, typing.NewType):
        return converter_for(tp.__supertype__)
    if isinstance(tp, typing.TypeVar) or not isinstance(base, type):
        return _SIMPLE[Any]
    if issubclass(base, enum.Enum):
        return _enumeration(base)
    return _foreign(base)


def converter_for(tp: Any) -> Convert:
    """The function that converts a JSON-like value to a type; it raises `MisfitError` for one that does not fit."""
    try:
        return _compiled(tp)
    except TypeError:  # an annotation that cannot be hashed, such as Annotated[str, {}]
        return _compiled.__wrapped__(tp)
