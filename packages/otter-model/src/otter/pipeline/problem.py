"""What is wrong with a pipeline file: found by path, shown by line and column.

A check only knows paths. It yields `Finding`s, and the document turns them into `Problem`s when there is something to
report: the position of a table among a hundred thousand costs a second, and most files have no problem.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Protocol

import attrs

from otter.util.errors import ConfigError
from otter.util.values import Value

Path = tuple[str | int, ...]
"""Keys and indexes from the top of the file: `("steps", "fetch", 2, "requires", 0)`."""

Part = Literal["key", "value"]
Severity = Literal["error", "warning"]


@attrs.frozen(eq=False, repr=False)
class Hint(Value):
    """Another place that belongs to a finding.

    Attributes:
        message: what is to be seen there.
        path: the place.
        text: the very piece of the value at that place, where it is only a part.
    """

    message: str
    path: Path
    text: str = ""


@attrs.frozen(eq=False, repr=False)
class Finding(Value):
    """A mistake, by path.

    Attributes:
        code: the kind of mistake, such as `unknown-field`; it does not change between versions.
        path: where; of a thing that is missing, where it would be.
        part: whether the key or the value is at fault.
        text: the very piece of the value that is at fault; empty for all of it.
        at: the place to show when it is not that of `path`.
    """

    code: str
    message: str
    path: Path
    hint: str | None = None
    part: Part = "value"
    severity: Severity = "error"
    text: str = ""
    at: Path | None = None
    related: tuple[Hint, ...] = ()


@attrs.frozen(eq=False, repr=False)
class Span(Value):
    """A piece of a text, by character offsets."""

    start: int
    end: int


class Report(Protocol):
    """Takes a finding; of one that is `made`, by a template for many values, the first at its place is enough."""

    def __call__(self, finding: Finding, *, made: bool = False) -> None:
        """Keep the finding."""


@attrs.frozen(eq=False, repr=False)
class Note(Value):
    """Another place that belongs to a problem; lines and columns count from 1, columns in characters."""

    message: str
    line: int
    column: int


@attrs.frozen(eq=False, repr=False)
class Problem(Value):
    """A mistake in a pipeline file, with its place.

    Attributes:
        code: the kind of mistake; it does not change between versions.
        message: what is wrong, in one line.
        path: the table path, as in `steps.fetch[2].requires[0]`; empty for the file as a whole.
        file: the file as it was named.
        line: from 1; 0 for the file as a whole.
        column: in characters, from 1; 0 for the file as a whole.
        source: the line itself.
        length: characters at fault, within the line.
        hint: what would be right, where that is known.
        severity: whether it keeps the step from running.
        notes: other places that belong to it.
    """

    code: str
    message: str
    path: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    source: str = ""
    length: int = 1
    hint: str | None = None
    severity: Severity = "error"
    notes: tuple[Note, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The problem as plain values, for programs."""
        return attrs.asdict(self)


class PipelineError(ConfigError):
    """A pipeline file has mistakes; `str` shows all of them, each with its line. Mend the file.

    Attributes:
        problems: the mistakes, in the order of the file; warnings among them.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        from otter.pipeline.rendering import render

        return render(self.problems)


def path_text(path: Path) -> str:
    """A path as people write it: `steps.fetch[2].requires[0]`, with quotes around keys that need them."""
    parts: list[str] = []
    for part in path:
        if isinstance(part, int):
            parts.append(f"[{part}]")
        else:
            parts.append(f".{key_text(part)}")
    return "".join(parts).removeprefix(".")


def key_text(key: str) -> str:
    """A key as TOML writes it: bare where it can be."""
    if key and key.isascii() and key.replace("-", "_").replace("_", "a").isalnum():
        return key
    import tomli_w

    return tomli_w.dumps({key: 0}).removesuffix(" = 0\n")
