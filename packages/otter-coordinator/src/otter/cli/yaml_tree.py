"""YAML of the first generation as a tree of values that remember their lines and comments.

The parser is ruamel.yaml, whose nodes know where they stand. What its plain words mean is not left to it: that is in
`yaml_words`, as the first generation read them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import attrs

from otter.cli.yaml_words import plain_value, tagged_value
from otter.pipeline import PipelineError, Problem
from otter.util.errors import ConfigError

MAX_NODES = 1_000_000
"""Nodes after aliases are put in: a file of ten lines can have billions."""

_COMMENT_AT_END = re.compile(r"(?:^|\s)(#.*)$")
_TAG = "tag:yaml.org,2002:"
_PLAIN = "!plain"


@attrs.define
class Branch:
    """A value with its place.

    Attributes:
        line: from 1, of its key, of its dash, or of the value itself.
        value: a scalar, none, a list of branches, or a dictionary of branches.
    """

    line: int
    value: Any

    def plain(self) -> Any:
        """The value without its lines, and without what is null."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items() if item.value is not None}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value if item.value is not None]
        return self.value


@attrs.define
class Source:
    """A YAML file that was read.

    Attributes:
        root: its value.
        above: for a line the comments that stand on lines of their own before it, blank lines between them included.
        beside: for a line the comment at its end.
        below: comments after the last value.
        notes: what was read otherwise than it is written, each with its line.
    """

    root: Branch
    above: dict[int, list[str]]
    beside: dict[int, str]
    below: list[str]
    notes: list[tuple[int, str]]


def read_yaml(text: str, file: str) -> Source:
    """The values and comments of a YAML text.

    Raises:
        PipelineError: it is no YAML, or holds what TOML has nothing for.
        ConfigError: ruamel.yaml is not installed.
    """
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError
    except ImportError as error:
        raise ConfigError("reading YAML needs ruamel.yaml: pip install 'otter-coordinator[yaml]'") from error
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _resolver()
    try:
        node = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = " ".join(str(error.problem or error.context).split())
        raise _refusal(text, file, mark.line + 1 if mark else 0, mark.column + 1 if mark else 0, message) from error
    except (YAMLError, RecursionError) as error:
        raise _refusal(text, file, 0, 0, f"is no YAML: {' '.join(str(error).split())}") from error
    if node is None:
        raise _refusal(text, file, 0, 0, "is empty")
    builder = _Builder(text, file)
    root = builder.build(node, node.start_mark.line + 1)
    above, beside, below = _comments(text, builder.scalars, root)
    return Source(root, above, beside, below, builder.notes)


def _resolver() -> type:
    """A resolver that tells plain scalars from those with quotes or a tag, and leaves what they mean alone."""
    from ruamel.yaml.nodes import ScalarNode
    from ruamel.yaml.resolver import VersionedResolver
    from ruamel.yaml.tag import Tag

    class PlainWords(VersionedResolver):
        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            """The tag of a node that has none."""
            if kind is ScalarNode and implicit[0]:
                return Tag(suffix=_PLAIN)
            return super().resolve(kind, value, (False, implicit[1]) if kind is ScalarNode else implicit)

        @property
        def processing_version(self) -> tuple[int, int]:
            """YAML 1.1, in every document."""
            return (1, 1)

    return PlainWords


class _Builder:
    """Builds branches from nodes."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._count = 0
        self._open: set[int] = set()
        self.scalars: list[Any] = []
        self.notes: list[tuple[int, str]] = []

    def build(self, node: Any, line: int) -> Branch:
        """The branch of a node."""
        self._count += 1
        if self._count > MAX_NODES:
            raise self._error(node, f"has more than {MAX_NODES:,} values when its aliases are put in")
        if id(node) in self._open:
            raise self._error(node, "an alias stands within what it stands for")
        self._open.add(id(node))
        kind = type(node).__name__
        value: Any
        if kind == "MappingNode":
            value = self._mapping(node)
        elif kind == "SequenceNode":
            self._check_tag(node, "seq")
            value = [self.build(item, item.start_mark.line + 1) for item in node.value]
        else:
            value = self._scalar(node)
        self._open.discard(id(node))
        return Branch(line, value)

    def _mapping(self, node: Any) -> dict[str, Branch]:
        self._check_tag(node, "map")
        own: dict[str, Branch] = {}
        merged: dict[str, Branch] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if str(key_node.tag) == _PLAIN and key_node.value == "<<":
                self.scalars.append(key_node)
                for source in self._merged(value_node):
                    for key, branch in source.items():
                        merged.setdefault(key, branch)
                continue
            key = self._key(key_node)
            if key in own:
                self.notes.append((line, f"{key!r} stands there twice; the last one counts, as it did"))
            own[key] = self.build(value_node, line)
        return {**{key: branch for key, branch in merged.items() if key not in own}, **own}

    def _merged(self, node: Any) -> Iterator[dict[str, Branch]]:
        nodes = node.value if type(node).__name__ == "SequenceNode" else [node]
        for item in nodes:
            branch = self.build(item, item.start_mark.line + 1)
            if not isinstance(branch.value, dict):
                raise self._error(item, "what is merged is a mapping")
            yield branch.value

    def _key(self, node: Any) -> str:
        if type(node).__name__ != "ScalarNode":
            raise self._error(node, "a key is text")
        value = self._scalar(node)
        if isinstance(value, str):
            return value
        text = str(node.value)
        self.notes.append((node.start_mark.line + 1, f"the key {text} is no text; it is written as {text!r}"))
        return text

    def _scalar(self, node: Any) -> Any:
        self.scalars.append(node)
        tag, word = str(node.tag).removeprefix(_TAG), str(node.value)
        try:
            if tag == _PLAIN:
                return plain_value(word)
            if tag == "str":
                return word
            if tag in ("bool", "int", "float", "null", "timestamp"):
                return tagged_value(tag, word)
        except (ValueError, OverflowError) as error:
            raise self._error(node, str(error)) from error
        raise self._error(node, f"TOML has nothing for {node.tag}")

    def _check_tag(self, node: Any, tag: str) -> None:
        if str(node.tag) != f"{_TAG}{tag}":
            raise self._error(node, f"TOML has nothing for {node.tag}")

    def _error(self, node: Any, message: str) -> PipelineError:
        mark = node.start_mark
        return _refusal(self._text, self._file, mark.line + 1, mark.column + 1, message)


def _comments(text: str, scalars: list[Any], root: Branch) -> tuple[dict[int, list[str]], dict[int, str], list[str]]:
    """Comments above lines that have a value, beside them, and after the last."""
    inside, ends = _scalar_lines(scalars)
    starts = set(_lines(root))
    above: dict[int, list[str]] = {}
    beside: dict[int, str] = {}
    waiting: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if number not in inside and (stripped.startswith("#") or (waiting and not stripped)):
            waiting.append(stripped)
            continue
        if "#" in line and (number not in inside or number in ends):
            match = _COMMENT_AT_END.search(line[ends.get(number, 0) :])
            if match is not None:
                beside[number] = match[1]
        if waiting and number in starts:
            above[number] = _trimmed(waiting)
            waiting = []
    return above, beside, _trimmed(waiting)


def _scalar_lines(scalars: list[Any]) -> tuple[set[int], dict[int, int]]:
    """The lines that a scalar continues, where `#` is text, and where on a line the last scalar ends."""
    inside: set[int] = set()
    ends: dict[int, int] = {}
    for node in scalars:
        first, last = node.start_mark.line + 1, node.end_mark.line + 1
        if node.style in ("|", ">"):
            inside.update(range(first + 1, last + (node.end_mark.column > 0)))
            ends[first] = max(ends.get(first, 0), node.start_mark.column + 1)
        else:
            inside.update(range(first + 1, last + 1))
            ends[last] = max(ends.get(last, 0), node.end_mark.column)
    return inside, ends


def _trimmed(comments: list[str]) -> list[str]:
    while comments and not comments[-1]:
        comments.pop()
    return comments


def _lines(branch: Branch) -> Iterator[int]:
    pending = [branch]
    seen: set[int] = set()
    while pending:
        item = pending.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item.line
        if isinstance(item.value, dict):
            pending += item.value.values()
        elif isinstance(item.value, list):
            pending += item.value


def _refusal(text: str, file: str, line: int, column: int, message: str) -> PipelineError:
    lines = text.splitlines()
    source = lines[line - 1] if 0 < line <= len(lines) else ""
    return PipelineError([Problem(code="yaml", message=message, file=file, line=line, column=column, source=source)])
