"""Glob patterns over a local directory tree: each match once, in order, one at a time."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterator, Sequence

from otter.util.errors import StorageError

OWN_PREFIX = ".otter"
"""Begins the names of what otter keeps for itself: state, files being written. Never matched."""

_States = frozenset[int]
_Rules = list[Callable[[str], object] | None]


def iterate_matches(base: str, pattern: str, may_enter: Callable[[str], bool]) -> Iterator[str]:
    """Absolute paths of the files below a directory that match a pattern.

    `*`, `?` and `[…]` match within a component and match a leading dot as well; `**` stands for any
    number of components. The order is that of the sorted component lists. Symbolic links to
    directories are entered where a component of the pattern names them, never for a `**`, so that a
    loop of links ends.

    Args:
        base: an absolute path; if there is no such directory, nothing matches.
        pattern: relative to it.
        may_enter: asked for each symbolic link to a directory before it is entered.

    Raises:
        StorageError: the pattern leads out of the directory.
        OSError: a directory cannot be read.
    """
    if ".." in pattern.split("/") or pattern.startswith("/"):
        raise StorageError(f"the pattern {pattern!r} leads out of {base}")
    rules = _compiled(pattern)
    if not rules:
        return
    # A state is the index of a rule that is next to match: following all of them at once finds each
    # file once, however many ways there are to match it, and enters no directory in vain.
    end = len(rules)
    stack = [_scan(base, _closure(frozenset({0}), rules) - {end})]
    while stack:
        entry, states = next(stack[-1], (None, frozenset[int]()))
        if entry is None:
            stack.pop()
            continue
        is_directory, is_file = _kind(entry)
        is_link = entry.is_symlink()
        passed = _closure(_step(states, entry.name, rules, not (is_directory and is_link)), rules)
        if is_file and end in passed:
            yield entry.path
        elif is_directory and (onward := passed - {end}) and (not is_link or may_enter(entry.path)):
            stack.append(_scan(entry.path, onward))


def excluder(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Tells whether a relative path, or one of the directories above it, matches one of the patterns."""
    compiled = [_compiled(pattern) for pattern in patterns]

    def is_excluded(path: str) -> bool:
        return any(_matches_above(path.split("/"), rules) for rules in compiled)

    return is_excluded


def _matches_above(parts: Sequence[str], rules: _Rules) -> bool:
    end = len(rules)
    states = _closure(frozenset({0}), rules)
    for part in parts:
        states = _closure(_step(states - {end}, part, rules, True), rules)
        if end in states:
            return True
    return False


def _compiled(pattern: str) -> _Rules:
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    if parts and parts[-1] == "**":
        parts.append("*")  # everything below, and not the directory itself
    return [None if part == "**" else re.compile(fnmatch.translate(part)).match for part in parts]


def _scan(path: str, states: _States) -> Iterator[tuple[os.DirEntry[str], _States]]:
    try:
        with os.scandir(path) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return  # it went away, or was never there: nothing matches
    for entry in entries:
        if not entry.name.startswith(OWN_PREFIX):
            yield entry, states


def _kind(entry: os.DirEntry[str]) -> tuple[bool, bool]:
    try:
        return entry.is_dir(), entry.is_file()
    except OSError:
        return False, False  # a symbolic link that leads to itself


def _step(states: _States, name: str, rules: _Rules, may_stay: bool) -> _States:
    """The states after a component: a rule gives way to the next, a `**` may stay."""
    after = {state + 1 for state in states if (rule := rules[state]) is not None and rule(name)}
    if may_stay:
        after |= {state for state in states if rules[state] is None}
    return frozenset(after)


def _closure(states: _States, rules: _Rules) -> _States:
    """The states with those that are reached by letting `**` stand for nothing."""
    reached = set(states)
    for state in states:
        following = state
        while following < len(rules) and rules[following] is None:
            following += 1
            reached.add(following)
    return frozenset(reached)
