"""Pipelines built in code, as TOML: laid out as people write it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import PurePath
from typing import Any

import tomli_w

from otter.pipeline.problem import key_text
from otter.task.model import Spec

MAX_LINE = 100


def dumps_pipeline(
    steps: Mapping[str, Iterable[Spec | Mapping[str, Any]]],
    *,
    settings: Mapping[str, Any] | None = None,
    scratchpad: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
    pools: Mapping[str, int] | None = None,
    workers: Mapping[str, Any] | None = None,
) -> str:
    """The text of a pipeline file.

    Fields without a value (`None`) are left out, since TOML has none; paths and enumerations are written as text.

    Args:
        steps: the tasks of each step.
        settings: keys of the top: `work_path`, `release_uri`, `pool_size`, …
        scratchpad: values for placeholders.
        defaults: the table `[defaults]`.
        pools: sizes by name.
        workers: the table `[workers]`.

    Raises:
        ValueError: a value is nothing that TOML can say; the message has its path.
    """
    lines = [f"{key_text(key)} = {value_text(value)}" for key, value in plain(settings or {}, "settings").items()]
    tables = {"scratchpad": scratchpad, "defaults": defaults, "pools": pools, "workers": workers}
    for name, table in tables.items():
        if table:
            lines += ["", *table_lines((name,), plain(table, name))]
    for step, specs in steps.items():
        listed = [spec.model_dump() if isinstance(spec, Spec) else spec for spec in specs]
        if not listed:
            raise ValueError(f"steps.{step}: a step has at least one task")
        for index, spec in enumerate(listed):
            lines += ["", *task_lines(("steps", step), plain(spec, f"steps.{step}[{index}]"))]
    return "\n".join(lines).lstrip("\n") + "\n"


def plain(value: Any, path: str) -> Any:
    """A value with what TOML knows only, tables without their empty fields.

    Raises:
        ValueError: it holds something else.
    """
    if isinstance(value, Mapping):
        return {
            str(key): plain(item, f"{path}.{key_text(str(key))}") for key, item in value.items() if item is not None
        }
    if isinstance(value, Spec):
        return plain(value.model_dump(), path)
    if isinstance(value, Enum):
        return plain(value.value, path)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [plain(item, f"{path}[{index}]") for index, item in enumerate(items)]
    try:
        tomli_w.dumps({"x": value}).encode()
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: TOML has nothing for {value!r}") from error
    return value


def task_lines(path: Sequence[str], spec: Mapping[str, Any]) -> Iterator[str]:
    """One task under its own header, its nested tasks below it."""
    yield f"[[{'.'.join(map(key_text, path))}]]"
    yield from body_lines(path, spec)


def table_lines(path: Sequence[str], table: Mapping[str, Any]) -> Iterator[str]:
    """One table under its own header."""
    yield f"[{'.'.join(map(key_text, path))}]"
    yield from body_lines(path, table)


def body_lines(path: Sequence[str], table: Mapping[str, Any]) -> Iterator[str]:
    """What stands below a header: values first, then arrays of tables, whose headers end the table's own body."""
    nested = {key: value for key, value in table.items() if is_table_array(value)}
    for key, value in table.items():
        if key not in nested:
            yield f"{key_text(key)} = {value_text(value)}"
    for key, items in nested.items():
        for item in items:
            yield ""
            yield from task_lines((*path, key), item)


def is_table_array(value: Any) -> bool:
    """Whether a value is written under headers of its own."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def value_text(value: Any) -> str:
    """A value after its key: on one line, a long array on several."""
    if isinstance(value, dict):
        inside = ", ".join(f"{key_text(key)} = {inline_text(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list):
        items = [inline_text(item) for item in value]
        one_line = f"[{', '.join(items)}]"
        if len(one_line) <= MAX_LINE or len(items) < 2:
            return one_line
        return "[\n" + "".join(f"    {item},\n" for item in items) + "]"
    return scalar_text(value)


def inline_text(value: Any) -> str:
    """A value as it stands within another: on one line, unless a text in it has several."""
    if isinstance(value, list):
        return f"[{', '.join(inline_text(item) for item in value)}]"
    return value_text(value)


def scalar_text(value: Any) -> str:
    """A text, number, boolean, date or time as TOML writes it; a text as it is where single quotes can hold it."""
    if isinstance(value, str) and "'" not in value:
        if "\n" in value and all(char.isprintable() or char in "\n\t" for char in value):
            return f"'''\n{value}'''"
        if ("\\" in value or '"' in value) and value.isprintable():
            return f"'{value}'"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").removesuffix("\n")
