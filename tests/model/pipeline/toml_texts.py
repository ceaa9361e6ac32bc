"""Random TOML: values, and texts that say them in every style the language has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from random import Random
from typing import Any

import tomli_w
from hypothesis import strategies as st

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_CHARACTERS = st.characters(codec="utf-8", exclude_characters="\r\x7f", exclude_categories=("Cs", "Cc"))
_PIECES = st.sampled_from(["#", "[", "]]", "{", "}", '"', "'", "'''", '"""', "\\", "=", ",", ".", "\n", "\t", "${a}"])
_TEXTS = st.lists(st.one_of(_PIECES, st.text(_CHARACTERS, max_size=4)), max_size=6).map("".join)
_KEYS = st.one_of(
    st.sampled_from(["a", "b", "name", "x-1", "", "a.b", "é", '"', "'"]), st.text(_CHARACTERS, max_size=3)
)
_SCALARS = st.one_of(
    _TEXTS,
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, width=32),
    st.booleans(),
    st.datetimes(min_value=dt.datetime(1900, 1, 1)),  # noqa: DTZ001 - TOML has local times
    st.dates(min_value=dt.date(1900, 1, 1)),
    st.times(),
)
VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_KEYS, inner, max_size=3)),
    max_leaves=8,
)
TABLES = st.dictionaries(_KEYS, VALUES, max_size=5)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every path of a value, without that of the whole."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from paths(item, (*path, key))


class Writer:
    """Writes a table as TOML, each thing in a style that chance picks.

    Args:
        random: makes the choices.
    """

    def __init__(self, random: Random) -> None:
        self._random = random

    def document(self, table: dict[str, Any]) -> str:
        """The text of a document."""
        lines: list[str] = []
        self._body(lines, (), table)
        return "\n".join(lines) + self._pick("", "\n", "\n\n# the end")

    def _pick(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _body(self, lines: list[str], path: tuple[str, ...], table: dict[str, Any]) -> None:
        later: list[tuple[str, Any]] = []
        for key, value in table.items():
            is_tables = isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
            if (isinstance(value, dict) or is_tables) and self._random.random() < 0.6:
                later.append((key, value))
            elif isinstance(value, dict) and value and self._random.random() < 0.5:
                for inner, item in value.items():
                    dot = self._pick(".", " . ", "\t.")
                    lines.append(self._line(f"{self._key(key)}{dot}{self._key(inner)}", item))
            else:
                lines.append(self._line(self._key(key), value))
            if self._random.random() < 0.2:
                lines.append(self._pick("", "  ", "# [not.a.table]", '\t# "no text'))
        for key, value in later:
            header = self._pick(".", " . ").join(self._key(part) for part in (*path, key))
            for item in value if isinstance(value, list) else [value]:
                left, right = ("[[", "]]") if isinstance(value, list) else ("[", "]")
                lines.append(
                    f"{self._pick('', '  ')}{left}{self._pick('', ' ')}{header} {right}{self._pick('', ' # x')}"
                )
                self._body(lines, (*path, key), item)

    def _line(self, key: str, value: Any) -> str:
        return f"{self._pick('', '  ')}{key}{self._pick('=', ' = ')}{self._value(value)}{self._pick('', ' # [x]')}"

    def _key(self, key: str) -> str:
        if key and _BARE.issuperset(key) and self._random.random() < 0.7:
            return key
        if "'" not in key and key.isprintable() and self._random.random() < 0.5:
            return f"'{key}'"
        return tomli_w.dumps({"x": key})[4:-1]

    def _value(self, value: Any, inline: bool = False) -> str:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            pairs = (
                f"{self._key(key)}{self._pick('=', ' = ')}{self._value(item, inline=True)}"
                for key, item in value.items()
            )
            return "{" + self._pick(", ", ",").join(pairs) + " }"
        if isinstance(value, list):
            gap = self._pick(" ", "", "\n    ", "\n# ]\n")
            items = f",{gap}".join(self._value(item) for item in value)
            return f"[{gap}{items}{self._pick('', ',') if value else ''}{gap}]"
        if isinstance(value, dt.datetime):
            return value.isoformat(sep=self._pick("T", " "))
        return tomli_w.dumps({"x": value})[4:-1]

    def _text(self, text: str) -> str:
        styles = [tomli_w.dumps({"x": text})[4:-1]]
        printable = all(char.isprintable() or char in "\n\t" for char in text)
        if printable and "\n" not in text and "'" not in text:
            styles.append(f"'{text}'")
        if printable and "'''" not in text and not text.endswith("'"):
            styles += [f"'''\n{text}'''", f"'''{text}'''" if not text.startswith("\n") else f"'''\n{text}'''"]
        if printable:
            escaped = text.replace("\\", "\\\\").replace('"""', '""\\"')
            if not escaped.endswith('"'):
                styles.append(f'"""\n{escaped}"""')
        return self._random.choice(styles)
