"""TOML text to plain values, and paths back to lines and columns."""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Iterable
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import attrs
import tomli

from otter.pipeline.limits import MAX_BYTES, beyond_limits
from otter.pipeline.problem import Finding, Note, Path, PipelineError, Problem, Span, path_text
from otter.util.collector import paused_collector
from otter.util.units import format_size
from otter.util.values import Value

if TYPE_CHECKING:
    from otter.pipeline.positions import Positions


@attrs.frozen(slots=False, eq=False, repr=False)
class Document(Value):
    r"""A TOML text that was parsed.

    Attributes:
        file: how messages name it.
        text: the text, its line ends turned into `\n`.
        value: what it says.
    """

    file: str
    text: str = attrs.field(repr=False)
    value: dict[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, path: str | FilePath) -> Document:
        """The document in a file.

        Raises:
            PipelineError: it cannot be read, is too large, is no UTF-8, or is no TOML.
        """
        return cls.parse(read_text(path), str(path))

    @classmethod
    def parse(cls, text: str, file: str = "<text>") -> Document:
        """The document that a text is.

        Args:
            text: TOML.
            file: how messages name it.

        Raises:
            PipelineError: it is too large, or it is no TOML.
        """
        text = text.replace("\r\n", "\n")
        if len(text) > MAX_BYTES:
            raise _refusal(file, "too-large", f"is larger than {format_size(MAX_BYTES)}")
        breach = beyond_limits(text)
        if breach is not None:
            raise PipelineError([_at(file, text, breach[0], "limit", breach[1])])
        try:
            with paused_collector():
                return cls(file, text, tomli.loads(text))
        except tomli.TOMLDecodeError as error:
            raise PipelineError([_syntax_problem(file, text, error)]) from error
        except RecursionError as error:
            raise _refusal(file, "limit", "arrays and tables nest too deep") from error
        except ValueError as error:
            raise PipelineError([_value_problem(file, text, error)]) from error

    @functools.cached_property
    def positions(self) -> Positions:
        """Where things stand; the first use reads the text again."""
        from otter.pipeline.positions import Positions  # its expressions take long to compile, and most files are sound

        return Positions(self.text)

    def problems(self, findings: Iterable[Finding]) -> list[Problem]:
        """Findings with their lines and columns, in the order of the file; each mistake of a place once."""
        placed = [(self._span(finding), finding) for finding in findings]
        placed.sort(key=lambda item: item[0].start if item[0] is not None else -1)
        problems: dict[tuple[str, str, int, str], Problem] = {}
        for span, finding in placed:
            problem = self._problem(span, finding)
            problems.setdefault((problem.code, problem.path, problem.column, problem.message), problem)
        return list(problems.values())

    def _problem(self, span: Span | None, finding: Finding) -> Problem:
        facts = Problem(
            code=finding.code, message=finding.message, path=path_text(finding.path), file=self.file,
            hint=finding.hint, severity=finding.severity,
            notes=tuple(self._note(hint.message, hint.path, hint.text) for hint in finding.related),
        )  # fmt: skip
        if span is None:
            return facts
        line, column, source = self._line(span.start)
        end = min(span.end, span.start + len(source) - column + 1)
        return attrs.evolve(facts, line=line, column=column, source=source, length=max(end - span.start, 1))

    def _note(self, message: str, path: Path, text: str) -> Note:
        span = self._span(Finding("", message, path, text=text))
        line, column, _ = self._line(span.start) if span is not None else (0, 0, "")
        return Note(message, line, column)

    def _span(self, finding: Finding) -> Span | None:
        wanted = finding.at if finding.at is not None else finding.path
        path, place = self.positions.nearest(wanted)
        if place is None:
            return None
        whole = path == wanted
        span = place.value if whole and finding.part == "value" and place.value else place.key
        if finding.text and whole:
            found = self.text.find(finding.text, span.start, span.end)
            if found >= 0:
                return Span(found, found + len(finding.text))
        return span

    def _line(self, offset: int) -> tuple[int, int, str]:
        starts = self._line_starts
        number = bisect.bisect_right(starts, offset)
        start = starts[number - 1]
        end = self.text.find("\n", offset)
        return number, offset - start + 1, self.text[start : end if end >= 0 else None]

    @functools.cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]


def read_text(path: str | FilePath) -> str:
    """The text in a file.

    Raises:
        PipelineError: it cannot be read, is too large, or is no UTF-8.
    """
    file = str(path)
    try:
        with FilePath(path).open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refusal(file, "unreadable", f"cannot be read: {reason}") from error
    if len(data) > MAX_BYTES:
        raise _refusal(file, "too-large", f"is larger than {format_size(MAX_BYTES)}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        message = f"byte 0x{data[error.start]:02x} is no UTF-8; a pipeline file is UTF-8 text"
        raise PipelineError([_at(file, before + "\ufffd", len(before), "not-utf8", message)]) from error


def _line_at(text: str, offset: int) -> tuple[int, int, str]:
    """Line, column, and the line itself of an offset."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    return text.count("\n", 0, start) + 1, offset - start + 1, text[start : end if end >= 0 else None]


def _at(
    file: str, text: str, offset: int, code: str, message: str, hint: str | None = None, length: int = 1
) -> Problem:
    line, column, source = _line_at(text, offset)
    return Problem(
        code=code, message=message, file=file, line=line, column=column, source=source, hint=hint,
        length=max(1, min(length, len(source) - column + 1)),
    )  # fmt: skip


def _refusal(file: str, code: str, message: str) -> PipelineError:
    return PipelineError([Problem(code=code, message=message, file=file)])


def _value_problem(file: str, text: str, error: ValueError) -> Problem:
    """What a parser refuses without a place: an integer of thousands of digits."""
    digits = re.search(r"[0-9_]{4300,}|0[xob][0-9A-Fa-f_]{3500,}", text)
    if digits is not None:
        message = f"the integer has {len(digits[0])} digits; values have 64 bits"
        return _at(file, text, digits.start(), "integer-range", message, length=len(digits[0]))
    return Problem(code="syntax", message=f"is no TOML: {error}", file=file)


_WORD = re.compile(r"[^\s,\]}#]+")
_VALUE_HINTS = (
    (re.compile(r"(?i)true|false"), "write true or false in lower case"),
    (re.compile(r"(?i)null|none|nil|~"), "TOML has no null: leave the key out"),
    (re.compile(r"[^0-9+-].*"), "write text in quotes"),
)
_MESSAGES = {
    "Unescaped '\\' in a string": ("", "write a text with backslashes in single quotes, or double them"),
    "Expected '=' after a key": ("a key without a value", "write key = value"),
    "Cannot overwrite a value": ("this key has a value already", "write each key of a table once"),
    "Illegal character '\\n'": ("the text is not closed", "close it on its line, or write it between triple quotes"),
    "Unterminated string": ("the text is not closed", "close it with the quotes that it begins with"),
    "Unclosed array": ("", "write a comma between elements, and ] after the last"),
    "Expected newline or end of document": ("a line has one key and value", "begin a new line here"),
}
"""What the parser says, by how it begins: in other words where these are clearer, and what to do."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]*")
_ODD_KEY = re.compile(r"[^\s=\[\]{}#\"',.]+(?= *[=.\]])")
"""A key, or a part of one, that may have characters that want quotes."""
_NO_KEY = ("Expected '=' after a key", "Expected ']", "Invalid initial character for a key", "Invalid statement")
"""What the parser says of such a character."""

_TWICE = re.compile(r"Cannot declare \((.*)\) twice")


def _odd_key(text: str, offset: int) -> re.Match[str] | None:
    """The key in which the parser stopped, if it only lacks quotes."""
    start = offset
    while start and _BARE_KEY.fullmatch(text, start - 1, offset):
        start -= 1
    key = _ODD_KEY.match(text, start)
    return key if key is not None and not _BARE_KEY.fullmatch(key[0]) else None


def _syntax_problem(file: str, text: str, error: tomli.TOMLDecodeError) -> Problem:
    message, offset, length = error.msg, min(error.pos, len(text)), 1
    words, hint = next((said for start, said in _MESSAGES.items() if message.startswith(start)), ("", None))
    odd = _odd_key(text, offset) if message.startswith(_NO_KEY) else None
    if odd is not None:
        offset, length = odd.start(), len(odd[0])
        words = "a key without quotes has letters from A to Z and a to z, digits, - and _ only"
        hint = f'write "{odd[0][:40]}"'
    elif message == "Invalid value" and (word := _WORD.match(text, offset)):
        length = len(word[0])
        words = f"invalid value {word[0][:40]}"
        hint = next((advice for pattern, advice in _VALUE_HINTS if pattern.fullmatch(word[0])), None)
    elif twice := _TWICE.match(message):
        import ast

        words = f"the table {path_text(ast.literal_eval(f'({twice[1]},)'))} is there already"
        hint = "a table has one header; a task has [[steps.NAME]], in double brackets"
    if message.startswith(("Cannot overwrite", "Cannot declare")):
        # The parser stops behind the key or the value: what is at fault is the line from its first character.
        start = text.rfind("\n", 0, offset) + 1
        start += len(text[start:offset]) - len(text[start:offset].lstrip())
        offset, length = start, offset - start
    message = words or message[:1].lower() + message[1:]
    return _at(file, text, offset, "syntax", message, hint, length)
