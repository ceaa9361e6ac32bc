"""Documentation of classes and fields, read from their source: only `describe` pays for it."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap


def class_doc(cls: type) -> str:
    """The docstring of a class without its indentation; empty where it has none of its own."""
    return inspect.cleandoc(cls.__dict__.get("__doc__") or "")


def field_docs(cls: type) -> dict[str, str]:
    """The text literals that stand after annotated fields, by field, bases first; empty where no source is found."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(base)))
        except (OSError, TypeError, SyntaxError):
            continue
        body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
        for field, text in itertools.pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                value = text.value if isinstance(text, ast.Expr) else None
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    docs[field.target.id] = inspect.cleandoc(value.value)
    return docs
