"""Where a path stands in a TOML text.

The parser gives values without positions, and fast. When there is something to report, `Positions` reads the text a
second time, which a parser has accepted before: first only for its tables and where their bodies lie, then, for each
path that is asked for, the statements of one body, and the inside of one value. It knows TOML 1.0 and what 1.1 adds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

from otter.pipeline.limits import COMMENT, LINE_TEXT, MULTILINE_TEXT
from otter.pipeline.problem import Path, Span

_BARE_KEY = r"[A-Za-z0-9_-]++"
_BASIC = r'"(?:[^"\\\n]++|\\[^\n])*+"'
_LITERAL = r"'[^'\n]*+'"
_KEY = rf"(?:{_BARE_KEY}|{_BASIC}|{_LITERAL})"
_DOTTED = rf"{_KEY}(?:[ \t]*+\.[ \t]*+{_KEY})*+"
_BARE_VALUE = r"""[^\s"'#\[\]{},=]++(?:[ ][0-9][^\s"'#\[\]{},=]*+)?+"""  # a blank may part a date from a time
_ONE_LINE = rf"(?:(?!\"\"\"|''')(?:{_BASIC}|{_LITERAL})|{_BARE_VALUE})"
_FLAT_ARRAY = rf"\[(?:[ \t]*+{_ONE_LINE}[ \t]*+,?+)*[ \t]*+\]"

_GAP = re.compile(rf"(?:[ \t\r\n]++|{COMMENT})*+")
_GAP_OR_COMMA = re.compile(rf"(?:[ \t\r\n,]++|{COMMENT})*+")
# Line by line, and with no possessive repetition around another one: Python 3.11.2, which is Debian's, loses its place
# in these where the inner one matches and what follows does not.
_PLAIN_LINE = re.compile(rf"[ \t]*+(?:{_DOTTED}[ \t]*+=[ \t]*+(?:{_ONE_LINE}|{_FLAT_ARRAY}))?[ \t]*+(?:{COMMENT})?\n")
_HEADER = re.compile(rf"(\[\[?)[ \t]*+({_DOTTED})[ \t]*+\]\]?")
_KEY_PART = re.compile(_KEY)
_ASSIGN = re.compile(rf"({_DOTTED})[ \t]*+=[ \t]*+")
_TEXT = re.compile(f"{MULTILINE_TEXT}|{LINE_TEXT}", re.DOTALL)
_BARE = re.compile(_BARE_VALUE)
_NEXT = re.compile(rf"{MULTILINE_TEXT}|{LINE_TEXT}|{COMMENT}|[\[\]{{}}]", re.DOTALL)


@attrs.frozen
class Place:
    """Where a path stands.

    Attributes:
        key: the last part of its key; of an array's element, the element; of a table with a header, the name there.
        value: the value; none for a table that stands under a header or comes of dotted keys.
    """

    key: Span
    value: Span | None


@attrs.frozen
class _Table:
    header: Span
    start: int
    end: int


@attrs.frozen
class _Statement:
    parts: tuple[str, ...]
    spans: tuple[Span, ...]
    value: Span


class Positions:
    r"""Positions in a text that a parser has accepted.

    Args:
        text: the text, with its line ends turned into `\n`.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._tables: dict[Path, _Table] = {}
        self._implied: dict[Path, Span] = {}
        self._statements: dict[Path, list[_Statement]] = {}
        self._read_tables()

    def find(self, path: Path) -> Place | None:
        """The place of a path; none where the text has no such thing."""
        table = self._tables.get(path)
        if table is not None and path:
            return Place(table.header, None)
        for size in range(len(path) - 1, -1, -1):
            if path[:size] in self._tables:
                place = self._find_in_body(path[:size], path[size:])
                if place is not None:
                    return place
        implied = self._implied.get(path)
        return Place(implied, None) if implied is not None else None

    def nearest(self, path: Path) -> tuple[Path, Place | None]:
        """The longest beginning of a path that stands in the text, with its place; none for the text itself."""
        for size in range(len(path), 0, -1):
            place = self.find(path[:size])
            if place is not None:
                return path[:size], place
        return (), None

    def __iter__(self) -> Iterator[Path]:
        """Every path of the text, each once: tables, keys and elements."""
        seen: dict[Path, None] = dict.fromkeys(self._implied)
        for path in self._tables:
            if path:
                seen[path] = None
            for statement in self._body(path):
                for size in range(1, len(statement.parts) + 1):
                    seen[path + statement.parts[:size]] = None
                pending = [(path + statement.parts, statement.value)]
                while pending:
                    outer, value = pending.pop()
                    for keys, _, inner in self._children(value):
                        for size in range(1, len(keys) + 1):
                            seen[outer + keys[:size]] = None
                        pending.append((outer + keys, inner))
        return iter(seen)

    def _read_tables(self) -> None:
        text, size = self._text, len(self._text)
        counts: dict[Path, int] = {}
        path: Path = ()
        header = Span(0, 0)
        start = at = 0
        while True:
            while (line := _PLAIN_LINE.match(text, at)) is not None:
                at = line.end()
            at = _GAP.match(text, at).end()  # type: ignore[union-attr]  # likewise
            if at >= size or text[at] == "[":
                self._tables[path] = _Table(header, start, min(at, size))
                if at >= size:
                    return
                match = _HEADER.match(text, at)
                if match is None:
                    return
                path, header = self._open(match, counts)
                start = at = match.end()
            else:
                assign = _ASSIGN.match(text, at)
                if assign is None:
                    return
                at = self._value_end(assign.end())

    def _open(self, match: re.Match[str], counts: dict[Path, int]) -> tuple[Path, Span]:
        """The path of a header, its arrays' indexes filled in, and the span of its last part."""
        parts, spans = self._key_parts(match.start(2), match.end(2))
        path: Path = ()
        for depth, part in enumerate(parts, 1):
            path = (*path, part)
            self._implied.setdefault(path, spans[depth - 1])
            if depth < len(parts) and path in counts:
                path = (*path, counts[path])
        if match[1] == "[[":
            index = counts[path] = counts.get(path, -1) + 1
            path = (*path, index)
        return path, spans[-1]

    def _key_parts(self, start: int, end: int) -> tuple[tuple[str, ...], tuple[Span, ...]]:
        spans: list[Span] = []
        parts: list[str] = []
        for match in _KEY_PART.finditer(self._text, start, end):
            spans.append(Span(match.start(), match.end()))
            parts.append(_decode_key(match[0]))
        return tuple(parts), tuple(spans)

    def _body(self, path: Path) -> list[_Statement]:
        statements = self._statements.get(path)
        if statements is None:
            table = self._tables[path]
            statements = self._statements[path] = list(self._read_statements(table.start, table.end))
        return statements

    def _read_statements(self, start: int, end: int) -> Iterator[_Statement]:
        at = start
        while True:
            at = _GAP_OR_COMMA.match(self._text, at).end()  # type: ignore[union-attr]  # it matches the empty text
            if at >= end:
                return
            match = _ASSIGN.match(self._text, at)
            if match is None:
                return
            at = self._value_end(match.end())
            parts, spans = self._key_parts(match.start(1), match.end(1))
            yield _Statement(parts, spans, Span(match.end(), at))

    def _value_end(self, at: int) -> int:
        """The end of the value that begins at an offset."""
        first = self._text[at : at + 1]
        if first in ('"', "'"):
            match = _TEXT.match(self._text, at)
        elif first in ("[", "{"):
            depth = 0
            for match in _NEXT.finditer(self._text, at):
                if match[0] in ("[", "{"):
                    depth += 1
                elif match[0] in ("]", "}"):
                    depth -= 1
                    if not depth:
                        return match.end()
            return len(self._text)
        else:
            match = _BARE.match(self._text, at)
        return match.end() if match is not None else at + 1

    def _children(self, value: Span) -> Iterator[tuple[tuple[str | int, ...], Span, Span]]:
        """What stands in an array or an inline table: keys from there, the last key's span, the value's span."""
        first = self._text[value.start : value.start + 1]
        if first == "{":
            for statement in self._read_statements(value.start + 1, value.end - 1):
                yield statement.parts, statement.spans[-1], statement.value
        elif first == "[":
            at, index = value.start + 1, 0
            while True:
                at = _GAP_OR_COMMA.match(self._text, at).end()  # type: ignore[union-attr]  # it matches the empty text
                if at >= value.end - 1:
                    return
                end = self._value_end(at)
                yield (index,), Span(at, end), Span(at, end)
                at, index = end, index + 1

    def _find_in_body(self, table: Path, rest: Path) -> Place | None:
        for statement in self._body(table):
            parts = statement.parts
            if parts == rest[: len(parts)]:
                if len(parts) == len(rest):
                    return Place(statement.spans[-1], statement.value)
                return self._find_in_value(statement.value, rest[len(parts) :])
            if parts[: len(rest)] == rest:
                return Place(statement.spans[len(rest) - 1], None)
        return None

    def _find_in_value(self, value: Span, rest: Path) -> Place | None:
        if self._text.startswith("{", value.start):
            for statement in self._read_statements(value.start + 1, value.end - 1):
                parts = statement.parts
                if parts == rest[: len(parts)]:
                    if len(parts) == len(rest):
                        return Place(statement.spans[-1], statement.value)
                    return self._find_in_value(statement.value, rest[len(parts) :])
                if parts[: len(rest)] == rest:
                    return Place(statement.spans[len(rest) - 1], None)
            return None
        for keys, key, inner in self._children(value):
            if keys == rest[:1]:
                return Place(key, inner) if len(rest) == 1 else self._find_in_value(inner, rest[1:])
        return None


def _decode_key(text: str) -> str:
    if text[0] == "'":
        return text[1:-1]
    if text[0] != '"':
        return text
    if "\\" not in text:
        return text[1:-1]
    import tomli

    return str(tomli.loads(f"k = {text}")["k"])
