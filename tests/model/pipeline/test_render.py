"""Problems as a terminal shows them."""

from __future__ import annotations

import attrs

from otter.pipeline import Problem, render, render_one, summary, visible

PROBLEM = Problem(
    code="x", message="no", path="a.b", file="p.toml", line=7, column=5, source="x = yz # w", length=2, hint="write z"
)


def test_the_caret_is_below_the_fault() -> None:
    """Place, line, caret and hint, with a summary."""
    expected = """\
p.toml:7:5: error: a.b: no
    7 | x = yz # w
      |     ^^
  help: write z
1 error"""
    assert expected == render([PROBLEM])


def test_colours_change_nothing_but_colours() -> None:
    """Without its escape sequences the coloured text is the plain one."""
    import re

    coloured = render([PROBLEM, attrs.evolve(PROBLEM, severity="warning")], colour=True)
    assert "\x1b[1;31merror:" in coloured
    assert "\x1b[1;33mwarning:" in coloured
    assert render([PROBLEM, attrs.evolve(PROBLEM, severity="warning")]) == re.sub("\x1b\\[[0-9;]*m", "", coloured)


def test_hostile_text_stays_text() -> None:
    """Control and direction characters of a file never reach the terminal, and the caret still fits."""
    problem = attrs.evolve(PROBLEM, source='x = "\x1b[2J\u202e"', column=5, length=9, message="a\x07b", file="p\n.toml")
    shown = render_one(problem)
    assert shown.isprintable() or set(shown) - {"\n"} == {char for char in shown if char.isprintable()}
    assert "p\\x0a.toml:7:5: error: a.b: a\\x07b" == shown.splitlines()[0]
    assert '    7 | x = "\\x1b[2J\\u202e"' == shown.splitlines()[1]
    assert "      |     ^^^^^^^^^^^^^^^" == shown.splitlines()[2]
    assert "plain é 語" == visible("plain é 語")
    assert "\\ud800" == visible("\ud800")


def test_tabs_and_wide_characters_keep_the_caret_in_place() -> None:
    """A tab is shown as blanks, and a wide character takes two columns."""
    shown = render_one(attrs.evolve(PROBLEM, source='\tx = "語" # y', column=6, length=3))
    assert ['    7 |     x = "語" # y', "      |         ^^^^"] == shown.splitlines()[1:3]


def test_a_long_line_is_cut_around_the_fault() -> None:
    """Of a line of thousands of characters a window is shown."""
    source = "x = [" + ", ".join(str(number) for number in range(1000)) + "]"
    shown = render_one(attrs.evolve(PROBLEM, source=source, column=source.index("500") + 1, length=3))
    line, caret = shown.splitlines()[1:3]
    assert len(line) <= 112
    assert "500" == line[caret.index("^") : caret.rindex("^") + 1]


def test_a_problem_of_the_whole_file_has_no_line() -> None:
    """Such as a file that is missing."""
    assert "p.toml: error: cannot be read" == render_one(Problem(code="x", message="cannot be read", file="p.toml"))


def test_the_summary_counts() -> None:
    """Errors and warnings are counted each for itself."""
    warning = attrs.evolve(PROBLEM, severity="warning")
    assert "no problems" == summary([])
    assert "1 error" == summary([PROBLEM])
    assert "2 errors, 1 warning" == summary([PROBLEM, warning, PROBLEM])
    assert "1,001 warnings" == summary([warning] * 1001)


def test_of_very_many_problems_the_first_are_shown() -> None:
    """The number of the others is said, and a program may ask for all."""
    text = render([PROBLEM] * 250, limit=100)
    assert "… and 150 more\n250 errors" == "\n".join(text.splitlines()[-2:])
    assert 250 == render([PROBLEM] * 250, limit=None).count("p.toml:7:5")
