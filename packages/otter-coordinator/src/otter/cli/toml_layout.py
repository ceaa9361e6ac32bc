"""A tree of values with comments, laid out as TOML: each comment stays with the value that it stood with."""

from __future__ import annotations

from collections.abc import Iterator

from otter.cli.yaml_tree import Branch, Source
from otter.pipeline.problem import Path, key_text, path_text
from otter.pipeline.writer import MAX_LINE, inline_text, value_text


class Layout:
    """Writes a source as TOML.

    Args:
        source: what was read; its comments are used up.

    Attributes:
        dropped: what TOML has no place for, each with its line.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lines: list[str] = []
        self._waiting: list[str] = []
        self.dropped: list[tuple[int, str]] = []

    def text(self) -> str:
        """The TOML text."""
        self._table((), self._source.root.value, header=None)
        if below := [*self._waiting, *self._source.below]:
            self._lines += ["", *below]
        left = {line: [text for text in texts if text] for line, texts in self._source.above.items()}
        for line, text in self._source.beside.items():
            left.setdefault(line, []).append(text)
        self.dropped += [(line, f"a comment: {text}") for line, texts in left.items() for text in texts]
        return "\n".join(self._lines).strip("\n") + "\n"

    def _table(self, path: Path, table: dict[str, Branch], header: str | None, line: int = 0) -> None:
        """One table: its values below its header, then what has headers of its own."""
        alive = {key: item for key, item in table.items() if self._is_alive((*path, key), item)}
        later = {key: item for key, item in alive.items() if _has_headers(item) or (not path and _is_table(item))}
        if header is not None and (len(later) < len(alive) or not alive or header.startswith("[[")):
            self._header(header, line)
        for key, item in alive.items():
            if key not in later:
                self._entry((*path, key), key_text(key), item)
        for key, item in later.items():
            inner = (*path, key)
            name = ".".join(key_text(part) for part in inner if isinstance(part, str))
            if isinstance(item.value, dict):
                self._hold(item.line)
                self._table(inner, item.value, f"[{name}]", item.line)
                continue
            self._hold(item.line, unless=item.value[0].line)
            for index, element in enumerate(item.value):
                if self._is_alive((*inner, index), element):
                    self._table((*inner, index), element.value, f"[[{name}]]", element.line)

    def _is_alive(self, path: Path, item: Branch) -> bool:
        if item.value is None:
            why = "the elements behind it move up" if isinstance(path[-1], int) else "TOML leaves such a key out"
            self.dropped.append((item.line, f"{path_text(path)} is null: {why}"))
        return item.value is not None

    def _hold(self, line: int, unless: int = 0) -> None:
        """Keep the comments of a line that has no line in TOML for the next header."""
        if line != unless:
            self._waiting += self._above(line)
            if beside := self._source.beside.pop(line, None):
                self._waiting.append(beside)

    def _header(self, header: str, line: int) -> None:
        comments = [*self._waiting, *self._above(line)]
        self._waiting = []
        self._lines += ["", *comments, header]

    def _above(self, line: int) -> list[str]:
        return self._source.above.pop(line, [])

    def _beside(self, line: int) -> str:
        text = self._source.beside.pop(line, None)
        return f"  {text}" if text else ""

    def _entry(self, path: Path, key: str, item: Branch) -> None:
        """One key and its value, on one line where it fits and no comment stands inside."""
        self._lines += self._above(item.line)
        value = item.value
        if isinstance(value, dict) and value and (self._has_comments(item) or self._is_long(key, item)):
            self._lines += self._beside_above(item.line)
            for name, inner in value.items():
                if self._is_alive((*path, name), inner):
                    self._entry((*path, name), f"{key}.{key_text(name)}", inner)
            return
        if isinstance(value, list) and self._has_comments(item):
            self._lines.append(f"{key} = [{self._beside(item.line)}")
            for index, element in enumerate(value):
                if self._is_alive((*path, index), element):
                    self._lines += [f"    {comment}".rstrip() for comment in self._above(element.line)]
                    self._note_nulls((*path, index), element)
                    self._lines.append(f"    {inline_text(element.plain())},{self._beside(element.line)}")
            self._lines.append("]")
            return
        self._note_nulls(path, item)
        self._lines.append(f"{key} = {value_text(item.plain())}{self._beside(item.line)}")

    def _beside_above(self, line: int) -> list[str]:
        return [text] if (text := self._source.beside.pop(line, "")) else []

    def _is_long(self, key: str, item: Branch) -> bool:
        return len(key) + len(value_text(item.plain())) + 3 > MAX_LINE

    def _note_nulls(self, path: Path, item: Branch) -> None:
        for part, inner in _children(item):
            if self._is_alive((*path, part), inner):
                self._note_nulls((*path, part), inner)

    def _has_comments(self, item: Branch) -> bool:
        """Whether a comment stands inside a value, on another line than its key."""
        above, beside = self._source.above, self._source.beside
        return any(
            (inner.line != item.line and (inner.line in above or inner.line in beside)) or self._has_comments(inner)
            for _, inner in _children(item)
        )


def _children(item: Branch) -> Iterator[tuple[str | int, Branch]]:
    if isinstance(item.value, dict):
        yield from item.value.items()
    elif isinstance(item.value, list):
        yield from enumerate(item.value)


def _is_table(item: Branch) -> bool:
    return isinstance(item.value, dict)


def _has_headers(item: Branch) -> bool:
    """Whether a value is written under headers of its own: tasks, and tables around tasks."""
    if isinstance(item.value, dict):
        return any(_has_headers(inner) for inner in item.value.values())
    if isinstance(item.value, list):
        alive = [inner for inner in item.value if inner.value is not None]
        return bool(alive) and all(isinstance(inner.value, dict) for inner in alive)
    return False
