"""`TaskRegistry`: from the name of a task type to the classes that do it."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import typing
import warnings
from collections.abc import Iterable, Iterator
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, cast

import attrs

from otter.scratchpad.model import Scratchpad
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import is_asynchronous
from otter.task.task_type import ENGINE_KEYS, SPEC_REF, Field, TaskType, schema_for
from otter.util.convert import without_alias
from otter.util.errors import NotFoundError, OtterError, TaskBuildError, failure_text
from otter.util.installed import installed_entry_points
from otter.util.record import record_fields
from otter.util.values import Value

if TYPE_CHECKING:
    from otter.config.model import Config

ENTRY_POINTS = "otter.tasks"
"""Entry-point group whose values are packages of task modules."""


@attrs.frozen(eq=False, repr=False)
class RegisteredType(Value):
    """The classes of a task type.

    Attributes:
        replaces: the module of the type that it took the place of; empty for none.
    """

    name: str
    task: type[Task]
    spec: type[Spec]
    replaces: str = ""


class TaskRegistry:
    """Task types by name.

    Args:
        config: given to every task.
        scratchpad: values for placeholders, given to every task.

    Attributes:
        packages: what was registered, in order.
    """

    def __init__(self, config: Config | None, scratchpad: Scratchpad | None = None) -> None:
        self.config = config
        self.scratchpad = scratchpad if scratchpad is not None else Scratchpad()
        self.packages: list[str] = []
        self._types: dict[str, RegisteredType] = {}

    def register(self, package: str) -> None:
        """Register every task type of a package: module `crawl_catalogue` holds `CrawlCatalogue`.

        Sub-packages and modules without such a class are left out. A type that is known already is replaced, with a
        warning.

        Raises:
            NotFoundError: there is no such package.
            TaskBuildError: one of its modules cannot be imported.
        """
        module = _import_package(package)
        for info in pkgutil.iter_modules(getattr(module, "__path__", [])):
            if info.ispkg:
                continue
            try:
                self.add(importlib.import_module(f"{package}.{info.name}"))
            except Exception as error:
                reason = failure_text(error)
                raise TaskBuildError(f"task module {package}.{info.name} cannot be imported: {reason}") from error
        self.packages.append(package)

    def register_entry_points(self) -> None:
        """Register the packages that installed distributions name in the entry-point group `otter.tasks`."""
        found = installed_entry_points(ENTRY_POINTS)
        for _, package in sorted(found, key=lambda entry: (entry[0] != "builtin", entry[0])):
            if package not in self.packages:
                self.register(package)

    def add(self, module: ModuleType) -> None:
        """Register the task type of one module; a module without a task class of its name is left out."""
        name = module.__name__.rpartition(".")[2]
        class_name = "".join(part.title() for part in name.split("_"))
        found = _class_named(module, class_name, Task)
        if found is None:
            return
        task = cast(type[Task], found)
        spec = cast(type[Spec], _class_named(module, f"{class_name}Spec", Spec) or Spec)
        former = self._types.get(name)
        replaces = ""
        if former is not None and former.task is not task:
            replaces = former.task.__module__
            warnings.warn(f"task type {name!r} of {replaces} is replaced by that of {module.__name__}", stacklevel=3)
        self._types[name] = RegisteredType(name, task, spec, replaces)

    def __contains__(self, name: object) -> bool:
        return name in self._types

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def find(self, name: str) -> RegisteredType:
        """The classes of a type.

        Raises:
            TaskBuildError: the type is unknown; the nearest known one is named.
        """
        found = self._types.get(name)
        if found is None:
            raise TaskBuildError(unknown_type(name, self._types))
        return found

    def build(self, spec: Spec, context: TaskContext | None = None) -> Task:
        """A task: placeholders of the spec replaced, its type's Spec made of it, its class constructed.

        Raises:
            TaskBuildError: the type is unknown, a placeholder is undefined, the spec does not fit, or the constructor
                raised; the cause is kept.
        """
        kind = self.find(spec.task_type)
        if context is None:
            context = TaskContext(config=cast("Config", self.config), scratchpad=self.scratchpad)
        try:
            values = spec.model_dump()
            typed = kind.spec if not isinstance(spec, kind.spec) else type(spec)
            ignore = spec.scratchpad_ignore_missing or _ignores_missing(typed)
            # Templates inside a spec are left to its task, which knows their names.
            templates = {field.name for field in record_fields(typed) if SPEC_REF in str(schema_for(field.type))}
            kept = {name: values.pop(name) for name in templates & values.keys()}
            replaced = context.scratchpad.replace(values, ignore_missing=ignore)
            return kind.task(typed(**replaced, **kept), context)
        except OtterError as error:
            raise TaskBuildError(f"{spec.name}: {failure_text(error)}") from error
        except Exception as error:
            raise TaskBuildError(f"{spec.name}: the constructor failed with {failure_text(error)}") from error

    def describe(self, docs: bool = False) -> list[TaskType]:
        """Every type as a worker publishes it, sorted by name; with texts from the source where `docs` is set."""
        return [describe_type(self._types[name], docs) for name in sorted(self._types)]


APART = {"command": "otter.commands"}
"""Task types that come with otter and that an operator has to allow, with their packages."""


def unknown_type(name: str, known: Iterable[str]) -> str:
    """The message for a task type that nobody registered."""
    from otter.pipeline.nearest import suggestion

    known = sorted(known)
    hint = how_to_allow(name) or suggestion(name, known, f"known types: {', '.join(known) or 'none'}")
    return f"unknown task type {name!r}; {hint}"


def how_to_allow(name: str) -> str | None:
    """What makes a task type known that comes with otter and has to be allowed; none for every other one."""
    package = APART.get(name)
    return f"it is in the task package {package}, which has to be named: --tasks {package}" if package else None


def describe_type(kind: RegisteredType, docs: bool = False) -> TaskType:
    """What a pipeline can see of a task type."""
    from otter.task.source_docs import class_doc, field_docs

    texts = field_docs(kind.spec) if docs else {}
    fields = tuple(
        Field(
            name=field.name, schema=schema_for(field.type), required=field.required,
            default=_json_default(field.default, field.factory), doc=texts.get(field.name, ""),
        )
        for field in record_fields(kind.spec) if field.name not in ENGINE_KEYS
    )  # fmt: skip
    names = _names_used(kind.task) | _names_used(kind.spec)
    plain = kind.spec is Spec
    return TaskType(
        name=kind.name,
        fields=fields,
        open=plain,
        asynchronous=is_asynchronous(kind.task.run) or is_asynchronous(kind.task.validate),
        generates="add_specs" in names or "specs" in names,
        stores=bool({"store", "merge"} & names) or "sentinel_dict" in names,
        ignores_missing=_ignores_missing(kind.spec),
        validates=any(f.check is not None or _is_opaque(f.type) for f in record_fields(kind.spec))
        or kind.spec.model_post_init is not Spec.model_post_init,
        do_placeholders=getattr(kind.spec, "do_placeholders", None),
        doc=class_doc(kind.task) if docs else "",
        module=kind.task.__module__,
        replaces=kind.replaces,
    )


def _is_opaque(tp: Any) -> bool:
    tp = without_alias(tp)
    if not schema_for(tp):
        return tp is not Any
    aliases = [arm for arm in typing.get_args(tp) if without_alias(arm) is not arm]
    return "Annotated" in repr(tp) or any(map(_is_opaque, aliases))


def _json_default(default: Any, factory: Any) -> Any:
    import orjson

    value = default if default is not attrs.NOTHING else factory() if factory is not None else None
    try:
        return orjson.loads(orjson.dumps(value, default=str))
    except TypeError:
        return None


def _ignores_missing(spec: type[Spec]) -> bool:
    default = next((f.default for f in record_fields(spec) if f.name == "scratchpad_ignore_missing"), False)
    return default is True or "scratchpad_ignore_missing" in _names_used(spec)


def _names_used(cls: type) -> set[str]:
    """Attribute and global names in the code of a class and of its bases outside otter.

    It tells what a type may do at run time without running it: whether it touches `add_specs`, or stores values.
    """
    names: set[str] = set()
    pending: list[CodeType] = []
    for base in cls.__mro__:
        if base in (Task, Spec) or base.__module__ in ("otter.task.task_reporter", "otter.util.record", "builtins"):
            continue
        for value in vars(base).values():
            function = getattr(value, "otter_method", value)
            code = getattr(getattr(function, "__func__", function), "__code__", None)
            if isinstance(code, CodeType):
                pending.append(code)
    while pending:
        code = pending.pop()
        names.update(code.co_names)
        pending += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return names


def _class_named(module: ModuleType, name: str, base: type) -> type | None:
    """The class of a module by its name, also where an acronym is written in capitals (`PPPEvidence`)."""
    exact = getattr(module, name, None)
    if isinstance(exact, type) and issubclass(exact, base):
        return exact
    for key, value in vars(module).items():
        if key.lower() == name.lower() and isinstance(value, type) and issubclass(value, base):
            return value
    return None


def no_package(package: str) -> str:
    """What is wrong where a task package cannot be found, and what would be right."""
    where = "install it, or have PYTHONPATH name the directory that it is in"
    return f"there is no task package {package!r} on this Python's path: {where}"


def _import_package(package: str) -> ModuleType:
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name and (package == error.name or package.startswith(f"{error.name}.")):
            raise NotFoundError(no_package(package)) from error
        raise TaskBuildError(f"task package {package!r} cannot be imported: {failure_text(error)}") from error
    except Exception as error:
        raise TaskBuildError(f"task package {package!r} cannot be imported: {failure_text(error)}") from error
