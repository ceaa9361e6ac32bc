"""The page's own script and style, put together from the files in `assets`.

The script is written as modules. A page without a network cannot load modules, so they are joined into one script, in
the order of their imports. Each becomes a function that returns what it exports; its other names stay its own.
"""

from __future__ import annotations

import functools
import re
from importlib.resources import files

from otter.util.errors import OtterError

ENTRY = "app.js"
STYLES = ("tokens.css", "frame.css", "overview.css", "table.css", "canvas.css", "drawer.css")

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) (\w+))", re.MULTILINE)


@functools.cache
def script() -> str:
    """The page's script.

    Raises:
        OtterError: modules import each other in a circle, or two of them export the same name.
    """
    order: list[str] = []
    _visit(ENTRY, order, ())
    exported = [name for module in order for name in _EXPORT.findall(_asset(module))]
    twice = sorted({name for name in exported if exported.count(name) > 1})
    if twice:
        raise OtterError(f"the page's modules export twice: {', '.join(twice)}")
    return "\n".join(['"use strict";', "{", *map(_joined, order), "}", ""])


@functools.cache
def style() -> str:
    """The page's style sheet."""
    return "\n".join(_asset(name).strip() for name in STYLES) + "\n"


def _joined(module: str) -> str:
    text = _asset(module)
    names = ", ".join(_EXPORT.findall(text))
    body = _EXPORT.sub("", _IMPORT.sub("", text)).strip()
    return f"// {module}\nconst {{ {names} }} = (() => {{\n{body}\nreturn {{ {names} }};\n}})();"


def _visit(name: str, order: list[str], path: tuple[str, ...]) -> None:
    if name in path:
        raise OtterError(f"the page's modules import each other in a circle: {' -> '.join((*path, name))}")
    if name not in order:
        for imported in _IMPORT.findall(_asset(name)):
            _visit(imported, order, (*path, name))
        order.append(name)


@functools.cache
def _asset(name: str) -> str:
    return files("otter.report").joinpath("assets", name).read_text("utf-8")
