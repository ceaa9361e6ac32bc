"""The follower of pages is known to be able to fail."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import blocks_of, matches
from tests.docs.follow import Follower, reader


@pytest.fixture
def follower(tmp_path: Path) -> Follower:
    """Someone in an empty directory."""
    (tmp_path / "here").mkdir()
    return Follower(tmp_path / "here", reader(os.environ, Path(sys.executable).parent), tmp_path)


def page(tmp_path: Path, *blocks: tuple[str, str]) -> Path:
    """A page with blocks: info strings and texts."""
    path = tmp_path / "page.md"
    path.write_text("# Page\n\n" + "\n".join(f"```{info}\n{text}\n```\n" for info, text in blocks))
    return path


def test_blocks_are_found(tmp_path: Path) -> None:
    """With language, words and line; a longer fence may hold a shorter one."""
    path = page(tmp_path, ("sh setup exit=2", "false"))
    path.write_text(path.read_text() + "\n````text\n```sh\n```\n````\n")
    first, second = blocks_of(path)
    assert ("sh", {"setup": "", "exit": "2"}, "false\n", 4) == (first.language, first.flags, first.text, first.line)
    assert ("text", "```sh\n```\n") == (second.language, second.text)


def test_a_block_without_an_end_is_a_mistake(tmp_path: Path) -> None:
    """It is named with its line."""
    path = tmp_path / "page.md"
    path.write_text("```sh\nls\n")
    with pytest.raises(AssertionError, match=r"page\.md:2: the block has no end"):
        blocks_of(path)


@pytest.mark.parametrize(
    ("expected", "printed", "fits"),
    [
        ("a … c\n", "a b c", True), ("a\n…\nd", "a\nb\nc\nd\n", True), ("a.c", "abc", False), ("a", "ab", False),
        ("… b", "a\nc", False),
    ],
)  # fmt: skip
def test_an_ellipsis_stands_for_anything(expected: str, printed: str, fits: bool) -> None:
    """And everything else for itself."""
    assert fits == matches(expected, printed)


def test_the_shell_goes_on_from_block_to_block(follower: Follower, tmp_path: Path) -> None:
    """Its directory and its variables; files are made where it is."""
    blocks = [
        ("sh", "mkdir sub\ncd sub\nexport NAME='two words'"), ("toml file=a.toml", "x = 1"),
        ("sh", 'echo "$NAME"; ls'), ("text output", "two words\na.toml"), ("python", "print(open('a.toml').read())"),
        ("text output", "x = 1"),
    ]  # fmt: skip
    assert 6 == follower.follow(page(tmp_path, *blocks))


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        ([("sh", "false\ntrue")], "exit code 1"),
        ([("sh exit=1", "true")], "exit code 0"),
        ([("sh exit=1", "exit 3")], "exit code 3"),
        ([("sh", "false | true")], "exit code 1"),
        ([("python", "raise SystemExit(4)")], "exit code 4"),
        ([("sh", "echo a"), ("text output", "b")], "this was printed instead:\na"),
    ],
)
def test_what_goes_wrong_is_found(
    follower: Follower, tmp_path: Path, blocks: list[tuple[str, str]], problem: str
) -> None:
    """A command that fails before the last, one that should have, another output."""
    with pytest.raises(AssertionError, match=problem):
        follower.follow(page(tmp_path, *blocks))


def test_setting_up_is_for_who_has_nothing(follower: Follower, tmp_path: Path) -> None:
    """Such blocks are executed only where there is no environment yet."""
    path = page(tmp_path, ("sh setup", "exit 5"))
    assert 1 == follower.follow(path)
    follower.setup = True
    with pytest.raises(AssertionError, match="exit code 5"):
        follower.follow(path)
