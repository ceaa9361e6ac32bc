"""`otter convert`: YAML of the first generation to TOML of equal values, with its comments."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import tomli
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from otter.cli import main
from otter.cli.convert import convert, equal
from otter.pipeline import loads_pipeline
from otter.task import TaskRegistry
from otter.task.task_type import TaskType

PRODUCTION = Path(__file__).parents[1] / "model" / "pipeline" / "data" / "input-stage.yaml"


def without_nulls(value: Any) -> Any:
    """What can be said in TOML of a value."""
    if isinstance(value, dict):
        return {str(key): without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value if item is not None]
    return value


SMALL = """\
---
# where it goes
work_path: ../work  # beside the code

pool_size: 4
scratchpad:
  version: '36'
  day: 2025-01-16
  # an old one
  empty:

steps:
  ######################
  #: FETCH :############
  fetch:
    - name: copy one
      # for the moment
      source: https://example.org/${version}
      strict: False
      queries:
      settings: &common
        retries: 010
        deep: {a: [1, ~, 2]}
    - name: explode all  # three of them
      foreach:
        - first.rpt # the first
        # the second is missing
        - third.rpt
      do:  # for each
        - name: copy ${each}
          source: |
            # no comment
            x
        - name: note ${each}
  ######################

  #: TIDY :#############
  tidy:
    - name: note last
      settings:
        <<: *common
        retries: 9
      pattern: '\\d+ "x"'
# the end
"""

EXPECTED = """\
# where it goes
work_path = "../work"  # beside the code
pool_size = 4

[scratchpad]
version = "36"
day = 2025-01-16

######################
#: FETCH :############
[[steps.fetch]]
name = "copy one"
# for the moment
source = "https://example.org/${version}"
strict = false
settings = { retries = 8, deep = { a = [1, 2] } }

[[steps.fetch]]
name = "explode all"  # three of them
foreach = [
    "first.rpt",  # the first
    # the second is missing
    "third.rpt",
]

# for each
[[steps.fetch.do]]
name = "copy ${each}"
source = '''
# no comment
x
'''

[[steps.fetch.do]]
name = "note ${each}"

######################

#: TIDY :#############
[[steps.tidy]]
name = "note last"
settings = { deep = { a = [1, 2] }, retries = 9 }
pattern = '\\d+ "x"'

# the end
"""


def test_comments_stay_with_their_values(tmp_path: Path) -> None:
    """Comments above, beside and within values are kept; nulls are left out, anchors put in, and all of it is said."""
    path = tmp_path / "old.yaml"
    path.write_text(SMALL, encoding="utf-8")
    conversion = convert(path)
    assert EXPECTED == conversion.text
    assert without_nulls(yaml.safe_load(SMALL)) == conversion.value == tomli.loads(conversion.text)
    assert [
        (10, "dropped a comment: # an old one"),
        (10, "dropped scratchpad.empty is null: TOML leaves such a key out"),
        (20, "dropped steps.fetch[0].queries is null: TOML leaves such a key out"),
        (23, "dropped steps.fetch[0].settings.deep.a[1] is null: the elements behind it move up"),
        (23, "dropped steps.tidy[0].settings.deep.a[1] is null: the elements behind it move up"),
    ] == conversion.notes


def test_the_production_configuration_loads_to_equal_values() -> None:
    """Forty steps, 166 tasks, every comment, and the same values as the first generation's parser reads."""
    conversion = convert(PRODUCTION)
    text = PRODUCTION.read_text(encoding="utf-8")
    assert without_nulls(yaml.safe_load(text)) == tomli.loads(conversion.text)
    pipeline = loads_pipeline(conversion.text)
    assert (40, 166) == (len(pipeline.steps), sum(map(len, pipeline.steps.values())))
    assert text.count("#") - text.count("://#") == conversion.text.count("#")
    assert [(164, "dropped steps.impc[2].queries is null: TOML leaves such a key out")] == conversion.notes


def test_the_production_configuration_is_sound() -> None:
    """No step of it has a mistake, with the built-in types and those of its application, whose fields nobody knows."""
    registry = TaskRegistry(None)
    registry.register("otter.tasks")
    types = {task_type.name: task_type for task_type in registry.describe()}
    for name in ("crawl_encode", "crispr_brain", "elasticsearch", "panel_app", "solr"):
        types[name] = TaskType(name, open=True)
    types["explode_openfda"] = TaskType("explode_openfda", open=True, generates=True)
    pipeline = loads_pipeline(convert(PRODUCTION).text, "production.toml")
    found = [problem for step in pipeline.steps for problem in pipeline.check(step, types)]
    assert [] == found


_SCALARS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12),
    st.sampled_from(["yes", "null", "~", "1e3", "010", "2025-01-16", "a: b", "# x", "x # y", " ", "line\nline\n", "'"]),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.booleans(),
    st.none(),
    st.dates(),
    st.datetimes(),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text("abc.: #y'", min_size=1, max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("abcsteps ", min_size=1), _VALUES, max_size=4), st.sampled_from([None, True, False]))
def test_any_configuration_converts_to_equal_values(
    tmp_path_factory: pytest.TempPathFactory, value: dict[str, Any], flow: bool | None
) -> None:
    """In block and in flow style, with every kind of scalar: what PyYAML reads is what the TOML says."""
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=flow)
    path = tmp_path_factory.mktemp("yaml") / "c.yaml"
    path.write_text(text, encoding="utf-8")
    assert equal(without_nulls(yaml.safe_load(text)), tomli.loads(convert(path).text))


@pytest.mark.parametrize(
    "scalar",
    ["yes", "Off", "y", "N", "~", "", "null", "NULL", "True", "tRue", "010", "0x1F", "0b11", "0b2", "08", "0o17", "+1",
     "-0", "1_000", "1:30", "-1:30", "190:20:30.15", "1.5", "1e3", "1.0e+3", "685.230_15e+03", ".5", ".inf", "-.inf",
     "1.2.3", "+", ".", "=", "2025-01-16", "2025-1-6", "2025-01-16 10:00:00", "2025-01-16T10:00:00Z",
     "2025-01-16T10:00:00+02:00", "2025-01-16 10:00:00.25", "2025-1-6 1:00:00 -1", "!!str 5", "!!int '5'", "!!float 5",
     "!!bool 'yes'", "!!null x", "! 5"],
)  # fmt: skip
def test_words_mean_what_they_meant(tmp_path: Path, scalar: str) -> None:
    """Each plain scalar of YAML 1.1 is read as the first generation's parser reads it."""
    path = tmp_path / "c.yaml"
    path.write_text(f"a: 1\nb: {scalar}\n", encoding="utf-8")
    try:
        expected = without_nulls(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError:
        expected = {"a": 1, "b": scalar}  # that parser gave up on a lone equals sign
    assert equal(expected, convert(path).value)


def otter_convert(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, *arguments: str
) -> tuple[int, str, str]:
    """Exit code, output and messages of the command, the directory left out."""
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    code = main(["convert", str(tmp_path / "c.yaml"), *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err.replace(str(tmp_path), "DIR")


def test_the_command_says_what_it_dropped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """TOML on the output, one line for each note and a summary on the other stream."""
    text = "steps:\n  s:\n    - name: note a\n      x:\n    - name: note b\n"
    assert (
        0,
        '[[steps.s]]\nname = "note a"\n\n[[steps.s]]\nname = "note b"\n',
        """\
DIR/c.yaml:4: dropped steps.s[0].x is null: TOML leaves such a key out
DIR/c.yaml: 1 step, 2 tasks; 1 note above
""",
    ) == otter_convert(tmp_path, capsys, text)


def test_an_output_that_exists_is_not_replaced_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--force` replaces it."""
    output = tmp_path / "c.toml"
    assert (0, "") == otter_convert(tmp_path, capsys, "pool_size: 2\n", "-o", str(output))[:2]
    assert "pool_size = 2\n" == output.read_text(encoding="utf-8")
    refusal = "otter: error: DIR/c.toml exists; --force replaces it\n"
    assert (22, "", refusal) == otter_convert(tmp_path, capsys, "pool_size: 3\n", "-o", str(output))
    assert 0 == otter_convert(tmp_path, capsys, "pool_size: 3\n", "-o", str(output), "--force")[0]
    assert "pool_size = 3\n" == output.read_text(encoding="utf-8")
    code, _, message = otter_convert(tmp_path, capsys, "pool_size: 3\n", "-o", str(tmp_path / "no" / "c.toml"))
    assert (22, "otter: error: DIR/no/c.toml cannot be written: No such file or directory\n") == (code, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\nb: 2\n", "DIR/c.yaml:2:2: error: expected ',' or ']', but got ':'\n"),
        ("a: 'x\n", "DIR/c.yaml:2:1: error: found unexpected end of stream\n"),
        ("- a\n", "DIR/c.yaml:1:1: error: a configuration is a mapping\n"),
        ("", "DIR/c.yaml: error: is empty\n"),
        ("a: !!binary aGk=\n", "DIR/c.yaml:1:4: error: TOML has nothing for tag:yaml.org,2002:binary\n"),
        ("a: !!set {x}\n", "DIR/c.yaml:1:4: error: TOML has nothing for tag:yaml.org,2002:set\n"),
        ("a: !!python/object:os.system {}\n", "DIR/c.yaml:1:4: error: TOML has nothing for "),
        ("? [a]\n: 1\n", "DIR/c.yaml:1:3: error: a key is text\n"),
        ("a: &x [*x]\n", "DIR/c.yaml:1:4: error: an alias stands within what it stands for\n"),
        ("a: *nothing\n", "DIR/c.yaml:1:4: error: found undefined alias 'nothing'\n"),
        ("a:\n  <<: 5\n", "DIR/c.yaml:2:7: error: what is merged is a mapping\n"),
        ("a: 1\n---\nb: 2\n", "DIR/c.yaml:2:1: error: but found another document\n"),
    ],
)
def test_what_is_no_configuration_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    """Broken YAML, tags, aliases in circles: the place and the reason, never a traceback."""
    code, output, said = otter_convert(tmp_path, capsys, text)
    assert (22, "") == (code, output)
    assert said.startswith(message), said


def test_an_alias_bomb_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten lines that stand for billions of values end in a message."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    code, _, said = otter_convert(tmp_path, capsys, "\n".join(lines))
    assert 22 == code
    assert "has more than 1,000,000 values when its aliases are put in" in said


def test_keys_that_are_no_text_become_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers and doubled keys are read as they were, and both are said."""
    code, output, said = otter_convert(tmp_path, capsys, "a:\n  5: x\n  b: 1\n  b: 2\n")
    assert (0, '[a]\n5 = "x"\nb = 2\n') == (code, output)
    assert "c.yaml:2: the key 5 is no text; it is written as '5'\n" in said
    assert "c.yaml:4: 'b' stands there twice; the last one counts, as it did\n" in said


def test_files_that_cannot_be_read_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, and one that is no UTF-8."""
    assert 22 == main(["convert", str(tmp_path / "none.yaml")])
    assert "none.yaml: error: cannot be read: No such file or directory\n" in capsys.readouterr().err
    (tmp_path / "x.yaml").write_bytes(b"a: \xff\n")
    assert 22 == main(["convert", str(tmp_path / "x.yaml")])
    assert "x.yaml: error: is no UTF-8\n" in capsys.readouterr().err


def test_without_the_yaml_parser_the_extra_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line says what to install."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "ruamel"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ruamel.yaml", None)
    expected = "otter: error: reading YAML needs ruamel.yaml: pip install 'otter-coordinator[yaml]'\n"
    assert (22, "", expected) == otter_convert(tmp_path, capsys, "a: 1\n")


def test_what_is_toml_already_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It would be no good YAML, and that is not what is wrong."""
    (tmp_path / "p.toml").write_text('[[steps.a]]\nname = "hello_world x"\n')
    assert 22 == main(["convert", str(tmp_path / "p.toml")])
    assert f"otter: error: {tmp_path / 'p.toml'} is TOML already\n" == capsys.readouterr().err


def test_the_standard_output_may_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As `-`, like that of every verb."""
    (tmp_path / "c.yaml").write_text("steps: {a: [{name: hello_world x}]}\n")
    assert 0 == main(["convert", str(tmp_path / "c.yaml"), "-o", "-"])
    assert '[[steps.a]]\nname = "hello_world x"\n' == capsys.readouterr().out
