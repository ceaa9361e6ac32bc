"""`Record`: the base of Spec, Artifact and the manifests.

Existing task packages subclass these with annotated fields and no decorator, construct them with keywords, and read
unknown keys as attributes. A Record is an attrs class made by `__init_subclass__`, with an initialiser of its own:
it converts laxly, reports every misfit at once, and keeps the keys that no field declares, because a manifest written
by another version and a spec of a type without a Spec class must survive a read and a write.
"""

from __future__ import annotations

import copy
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, ClassVar, Self, TypeVar, cast

import attrs

from otter.util.convert import Convert, MisfitError, Problem, converter_for, plain_form
from otter.util.errors import SpecError
from otter.util.values import Value

_ATOMS = frozenset({str, int, float, bool, bytes, type(None)})
_IMMUTABLE = (str, int, float, bool, bytes, type(None), tuple, frozenset, PurePath)


@attrs.frozen(eq=False, repr=False)
class RecordField(Value):
    """One declared field, compiled.

    Attributes:
        required: neither a default nor a factory exists.
        default: the default itself; for a factory, `attrs.NOTHING`.
        check: the attrs validators of the field, called with the record, the attribute and the value.
    """

    name: str
    type: Any
    convert: Convert
    required: bool
    default: Any
    factory: Callable[[], Any] | None
    check: Callable[[Any, Any, Any], Any] | None
    attribute: Any


@attrs.frozen(eq=False, repr=False)
class _Plan(Value):
    """How an instance is made, for each class once: a run makes millions of them.

    Attributes:
        template: every field in its order; defaults where they may be shared, otherwise none.
        converters: of every field, by name.
        factories: of the defaults that must not be shared.
        required: names of the fields without a default.
        reserved: names that no key may have.
        validated: whether anything looks at the record once its fields are converted.
        derived: whether the class derives fields after construction.
    """

    template: dict[str, Any]
    converters: dict[str, Convert]
    factories: tuple[tuple[str, Callable[[], Any]], ...]
    required: tuple[str, ...]
    reserved: frozenset[str]
    validated: bool
    derived: bool


R = TypeVar("R", bound="Record")


class Record:
    """A record with typed, keyword-only fields; keys that no field declares are kept as attributes.

    Subclasses annotate their fields; `attrs.field(...)` may be used for validators and factories, and a callable in
    `Annotated[type, callable]` is called with the converted value: it raises `ValueError` to refuse it and returns
    the value to keep.

    Raises:
        SpecError: fields are missing or do not fit; `.problems` names all of them.
    """

    __own_fields__: ClassVar[tuple[RecordField, ...] | None] = None
    __checked_fields__: ClassVar[tuple[RecordField, ...]] = ()
    __plan__: ClassVar[_Plan | None] = None
    __scope__: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in _annotations(cls):
            value = cls.__dict__.get(name, attrs.NOTHING)
            if value is attrs.NOTHING or isinstance(value, _IMMUTABLE) or _is_attrs_field(value):
                continue
            if isinstance(value, list | dict | set | Record):  # a default of one instance must not reach another
                setattr(cls, name, attrs.field(factory=_copier(value)))
        attrs.define(
            cls, slots=False, init=False, eq=False, repr=False, kw_only=True, auto_attribs=True,
            on_setattr=attrs.setters.NO_OP, field_transformer=_public_fields,
        )  # fmt: skip
        # attrs leaves an initialiser that nobody calls. Its code names every field, and would pass for the author's.
        del cls.__attrs_init__  # type: ignore[attr-defined]  # made by the line above
        cls.__own_fields__ = cls.__plan__ = (
            None  # annotations may name classes that are defined later: compiled at first use
        )
        cls.__scope__ = _local_classes(sys._getframe(1))  # noqa: SLF001 - the one way to see what a text annotation may name

    def __init__(self, /, **values: Any) -> None:
        cls = type(self)
        plan = cls.__plan__ or _plan(cls)
        state = self.__dict__
        state.update(plan.template)
        problems: dict[str, list[Problem]] = {}
        converters = plan.converters
        for name, value in values.items():
            convert = converters.get(name)
            if convert is not None:
                try:
                    state[name] = convert(value)
                except MisfitError as error:
                    problems[name] = [(_under(name, path), text) for path, text in error.problems]
            elif name not in plan.reserved:
                state[name] = value
            elif not self._accept_reserved(name, value):
                problems[name] = [(name, "this name belongs to otter and cannot be a field")]
        for name, factory in plan.factories:
            if name not in values:
                state[name] = factory()
        for name in plan.required:
            if name not in values:
                problems[name] = [(name, "missing: this field has no default")]
        if problems:
            fields = {name: place for place, name in enumerate(converters)}
            found = sorted(problems, key=lambda name: fields.get(name, len(fields)))
            raise self._refusal([problem for name in found for problem in problems[name]])
        if plan.validated and (invalid := self._validated()):
            raise self._refusal(invalid)
        if plan.derived:
            self.model_post_init(None)

    def model_post_init(self, context: Any, /) -> None:
        """Called after construction; subclasses override it to derive fields."""

    def model_dump(self) -> dict[str, Any]:
        """The fields and the kept keys as plain dictionaries and lists; `model_validate` takes them back.

        Data classes become dictionaries, members of enumerations their values; instances of other classes are copied.
        """
        return {
            name: value if type(value) in _ATOMS else _plain(value)
            for name, value in self.__dict__.items()
            if name[:1] != "_"
        }

    @classmethod
    def model_validate(cls, value: Any) -> Self:
        """A record of this class from a mapping or another record.

        Raises:
            SpecError: it does not fit.
        """
        if type(value) is cls:
            return value
        if isinstance(value, Record):
            value = value.model_dump()
        if not isinstance(value, Mapping):
            raise SpecError(f"a {cls.__name__} is made from a table, not from {value!r}")
        return cls(**value)

    def _accept_reserved(self, name: str, value: Any) -> bool:
        return False

    def _refusal(self, problems: list[Problem]) -> SpecError:
        lines = "; ".join(f"{path}: {text}" if path else text for path, text in problems)
        return SpecError(f"{type(self).__name__}: {lines}", problems=tuple(problems))

    def _validated(self) -> list[Problem] | None:
        problems: list[Problem] | None = None
        for field in type(self).__checked_fields__:
            if field.check is not None:
                try:
                    field.check(self, field.attribute, self.__dict__[field.name])
                except (ValueError, TypeError, AssertionError) as error:
                    text = str(error.args[0]) if error.args else type(error).__name__
                    problems = [*(problems or []), (field.name, text)]
        return problems

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # records are mutable

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items() if not name.startswith("_"))
        return f"{type(self).__name__}({inside})"


def sound_record(cls: type[R], **values: Any) -> R:
    """A record of values that are known to fit: nothing is converted, nothing checked."""
    plan = cls.__plan__ or _plan(cls)
    record = cls.__new__(cls)
    state = record.__dict__
    state.update(plan.template)
    for name, factory in plan.factories:
        state[name] = factory()
    state.update(values)
    return record


def record_fields(cls: type[Record]) -> tuple[RecordField, ...]:
    """The declared fields of a record class, base classes first, compiled at the first call."""
    if cls.__own_fields__ is None:
        hints = _hints(cls)
        cls.__own_fields__ = tuple(_compile(attribute, hints) for attribute in attrs.fields(cls)) if (
            attrs.has(cls)
        ) else ()  # fmt: skip
        cls.__checked_fields__ = tuple(field for field in cls.__own_fields__ if field.check is not None)
    return cls.__own_fields__


def _plan(cls: type[Record]) -> _Plan:
    fields = record_fields(cls)
    cls.__plan__ = plan = _Plan(
        template={field.name: None if field.default is attrs.NOTHING else field.default for field in fields},
        converters={field.name: field.convert for field in fields},
        factories=tuple((field.name, field.factory) for field in fields if field.factory is not None),
        required=tuple(field.name for field in fields if field.required),
        reserved=reserved_names(cls),
        validated=bool(cls.__checked_fields__) or cls._validated is not Record._validated,  # noqa: SLF001 - of this class
        derived=cls.model_post_init is not Record.model_post_init,
    )
    return plan


def _compile(attribute: Any, hints: dict[str, Any]) -> RecordField:
    tp = hints.get(attribute.name, Any)
    default = attribute.default
    factory: Callable[[], Any] | None = None
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time, a function to mypy
        factory = default.factory
        default = attrs.NOTHING
    convert = converter_for(tp)
    if attribute.converter is not None and callable(attribute.converter):
        convert = _chained(attribute.converter, convert)
    return RecordField(
        name=attribute.name, type=tp, convert=convert, default=default, factory=factory,
        required=default is attrs.NOTHING and factory is None, check=attribute.validator, attribute=attribute,
    )  # fmt: skip


def _copier(value: Any) -> Callable[[], Any]:
    """A factory of copies; for the empty containers that most defaults are, the class itself is the fastest one."""
    if not value and type(value) in (list, dict, set):
        return cast("Callable[[], Any]", type(value))
    return lambda: copy.deepcopy(value)


def _chained(first: Convert, second: Convert) -> Convert:
    return lambda value: second(first(value))


def _public_fields(_: type, fields: list[Any]) -> list[Any]:
    return [field for field in fields if not field.name.startswith("_")]


def _is_attrs_field(value: Any) -> bool:
    return type(value).__name__ == "_CountingAttr"


def _annotations(cls: type) -> dict[str, Any]:
    if sys.version_info >= (3, 14):  # annotations are lazy there, and may name what does not exist yet
        import annotationlib

        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    return typing.cast(dict[str, Any], cls.__dict__.get("__annotations__", {}))  # noqa: RUF063 - its own ones


def _local_classes(frame: Any) -> dict[str, Any]:
    """Classes beside one that is defined inside a function: its text annotations may name them."""
    while frame is not None and frame.f_code.co_name == "__init_subclass__":
        frame = frame.f_back
    if frame is None or frame.f_locals is frame.f_globals:
        return {}
    return {name: value for name, value in frame.f_locals.items() if isinstance(value, type)}


def _hints(cls: type[Record]) -> dict[str, Any]:
    scope = {**cls.__scope__, cls.__name__: cls}
    try:
        return typing.get_type_hints(cls, localns=scope, include_extras=True)
    except Exception:  # noqa: BLE001 - an annotation is an expression, and may raise anything
        return _hints_one_by_one(cls, scope)


def _hints_one_by_one(cls: type[Record], scope: dict[str, Any]) -> dict[str, Any]:
    """As `typing.get_type_hints`, but a name that exists for type checkers only makes its field untyped."""
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        module = vars(sys.modules.get(base.__module__, typing))
        for name, annotation in _annotations(base).items():
            holder = type("_Holder", (), {"__annotations__": {name: annotation}})
            try:
                hints |= typing.get_type_hints(holder, module, {**vars(base), **scope}, include_extras=True)
            except Exception:  # noqa: BLE001 - as above
                hints[name] = Any
    return hints


def reserved_names(cls: type[Record]) -> frozenset[str]:
    """Names of methods and properties that no key may hide."""
    names = cls.__dict__.get("__reserved__")
    if names is None:
        names = frozenset(
            name for base in cls.__mro__[:-1] for name, value in base.__dict__.items()
            if base.__module__.startswith("otter.") and (callable(value) or isinstance(value, property | classmethod))
        )  # fmt: skip
        cls.__reserved__ = names  # type: ignore[attr-defined]  # a cache for each class
    return typing.cast("frozenset[str]", names)


def _under(name: str, path: str) -> str:
    return f"{name}{path}" if not path or path.startswith("[") else f"{name}.{path}"


def _plain(value: Any) -> Any:
    if type(value) is list:
        return [item if type(item) in _ATOMS else _plain(item) for item in value]
    if isinstance(value, _IMMUTABLE) and not isinstance(value, tuple):
        return value
    if isinstance(value, Record):
        return value.model_dump()
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    form = plain_form(value)
    return copy.deepcopy(value) if form is value else _plain(form)
