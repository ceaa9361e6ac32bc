"""What the check of a step accepts, and what it leaves to run time."""

from __future__ import annotations

from typing import Any

import pytest

from otter.pipeline import Pipeline, PipelineError, Problem, loads_pipeline
from otter.task.task_type import TaskType
from tests.model.pipeline.task_types import TASK_TYPES


def check(text: str, **options: Any) -> list[str]:
    """The problems of the first step, each as its code and path."""
    pipeline = loads_pipeline(text)
    step = next(iter(pipeline.steps))
    return [f"{p.code} {p.path}" for p in pipeline.check(step, options.pop("types", TASK_TYPES), **options)]


SOUND = {
    "text that spells a number": """
        [[steps.s]]
        name = "copy a"
        source = "x"
        destination = "y"
        retries_allowed = "5"
        strict = "yes"
        ratio = 1
        settings = { a = "7" }
    """,
    "typed placeholders": """
        [scratchpad]
        n = 3
        all = ["a", "b"]
        [[steps.s]]
        name = "copy a ${n}"
        source = "x${n}"
        destination = "y"
        retries_allowed = "${n}"
        columns = "${all}"
    """,
    "dollars that are text": """
        [[steps.s]]
        name = "copy a"
        source = "^a$ $5 $ {x} $${nothing}"
        destination = "y"
    """,
    "a table or a text": """
        [[steps.s]]
        name = "copy a"
        source = "x"
        destination = "y"
        headers.Accept = "text/plain"
        day = 2026-01-02
    """,
    "requirements in any order": """
        [[steps.s]]
        name = "note last"
        requires = ["note first", "note second"]
        [[steps.s]]
        name = "note second"
        requires = ["note first"]
        [[steps.s]]
        name = "note first"
    """,
    "a name that a foreach of the file makes": """
        [[steps.s]]
        name = "note last"
        requires = ["note mus genes", "explode all"]
        [[steps.s]]
        name = "explode all"
        foreach = ["homo", "mus"]
        do = [{ name = "note ${each} genes" }]
    """,
    "names that templates make of templates": """
        [[steps.s]]
        name = "explode outer"
        foreach = ["a", "b"]
        [[steps.s.do]]
        name = "explode inner ${each}"
        foreach = ["${each}1", "${each}2"]
        each_placeholder = "part"
        [[steps.s.do.do]]
        name = "note ${each} of ${part}"
        [[steps.s]]
        name = "note last"
        requires = ["note a of a2", "note b of b1"]
    """,
    "a name that only run time makes": """
        [[steps.s]]
        name = "explode_glob all"
        glob = "*.txt"
        do = [{ name = "note ${match_stem} of all", text = "${uri}" }]
        [[steps.s]]
        name = "note last"
        requires = ["note seven of all"]
    """,
    "templates that require each other": """
        [[steps.s]]
        name = "explode_glob all"
        glob = "*.txt"
        do = [{ name = "note ${match_stem}" }, { name = "note more ${match_stem}", requires = ["note ${match_stem}"] }]
    """,
    "templates of a type that keeps its names to itself": """
        [[steps.s]]
        name = "explode_listing all"
        source = "x"
        do = [{ name = "copy ${whatever}", source = "${prefix}${each}", destination = "y" }]
        [[steps.s]]
        name = "note last"
        requires = ["copy this one"]
    """,
    "a generator without templates": """
        [[steps.s]]
        name = "crawl all"
        [[steps.s]]
        name = "note last"
        requires = ["note of which nobody knows"]
    """,
    "a value that a task stores under a name of the file": """
        [[steps.s]]
        name = "find_latest a"
        source = "x"
        scratchpad_key = "latest_a"
        [[steps.s]]
        name = "copy a"
        source = "${latest_a}"
        destination = "y"
        retries_allowed = "${latest_a}"
        requires = ["find_latest a"]
    """,
    "a value that a template's task stores": """
        [[steps.s]]
        name = "explode all"
        foreach = ["a", "b"]
        do = [{ name = "find_latest ${each}", source = "x", scratchpad_key = "latest_${each}" }]
        [[steps.s]]
        name = "copy a"
        source = "${latest_b}"
        destination = "y"
        requires = ["explode all"]
    """,
    "a value whose name only run time knows": """
        [[steps.s]]
        name = "explode_glob all"
        glob = "*"
        do = [{ name = "find_latest ${match_stem}", source = "x", scratchpad_key = "latest_${match_stem}" }]
        [[steps.s]]
        name = "copy a"
        source = "${latest_b}"
        destination = "y"
    """,
    "a value that a task stores under its own name": """
        [[steps.s]]
        name = "find_latest a"
        source = "x"
        [[steps.s]]
        name = "copy a"
        source = "${find_latest a}"
        destination = "y"
        requires = ["find_latest a"]
    """,
    "a name of templates that the scratchpad has, too": """
        [scratchpad]
        uri = "not a number"
        each = "x"
        [[steps.s]]
        name = "explode_glob all"
        glob = "*"
        do = [{ name = "copy ${uri}", source = "x", destination = "y", retries_allowed = "${uri}" }]
        [[steps.s]]
        name = "explode some"
        foreach = [1, 2]
        do = [{ name = "copy number ${each}", source = "x", destination = "y", retries_allowed = "${each}" }]
        [[steps.s]]
        name = "note last"
        requires = ["copy number 2", "copy anything"]
    """,
    "values under names that nobody knows": """
        [[steps.s]]
        name = "remember a"
        [[steps.s]]
        name = "copy a"
        source = "${anything}"
        destination = "y"
    """,
    "a type that leaves placeholders as they stand": """
        [[steps.s]]
        name = "template a"
        text = "dear ${reader}"
    """,
    "a task that leaves placeholders as they stand": """
        [[steps.s]]
        name = "copy a"
        source = "${reader}"
        destination = "y"
        scratchpad_ignore_missing = true
    """,
    "policy": """
        [pools]
        ebi = 4
        [defaults]
        policy = { retries = 2, timeout = "10m" }
        [[steps.s]]
        name = "note a"
        policy = { retries = 0, backoff = "fixed", retry_delay = 0.5, priority = -1, uses = { ebi = 4 } }
        [[steps.s]]
        name = "note b"
        policy = { uses = "ebi", idempotent = false }
    """,
    "any field of a type without a Spec class": """
        [[steps.s]]
        name = "note a"
        colour = "red"
        nested = { a = [1, { b = 2 }] }
    """,
}


@pytest.mark.parametrize("case", SOUND)
def test_finds_nothing_wrong(case: str) -> None:
    """What will run is not refused."""
    assert [] == check(SOUND[case])


def test_unknown_fields_are_warnings_where_the_caller_is_lenient() -> None:
    """With `lenient`, an unknown field keeps nothing from running; all else stays an error."""
    pipeline = loads_pipeline('[[steps.s]]\nname = "copy a"\nsource = 1\ndestination = "y"\ncolour = "red"\n')
    found = pipeline.check("s", TASK_TYPES, lenient=True)
    assert [("wrong-type", "error"), ("unknown-field", "warning")] == [(p.code, p.severity) for p in found]


def test_without_task_types_only_what_is_sure_is_reported() -> None:
    """Names, requirements on oneself and cycles need no types; fields, types and names to come are left alone."""
    text = """
        [[steps.s]]
        name = "anything a"
        field = "${unknown}"
        requires = ["something b", "anything a", "of a generator"]
        [[steps.s]]
        name = "something b"
        requires = ["anything a"]
        do = [{ name = 5 }]
        [[steps.s]]
        name = "something"
    """
    assert [
        "self-requirement steps.s[0].requires[1]",
        "cycle steps.s[0].requires[0]",
        "name-form steps.s[2].name",
    ] == sorted(check(text, types=None), key=lambda line: (line.startswith("name"), not line.startswith("self")))


def test_values_from_outside_the_file_win() -> None:
    """A value that the caller gives defines a placeholder, and wins over the file's, in names too."""
    text = """
        [scratchpad]
        n = "many"
        [[steps.s]]
        name = "copy ${who}"
        source = "x"
        destination = "y"
        retries_allowed = "${n}"
        [[steps.s]]
        name = "note last"
        requires = ["copy me"]
    """
    assert [] == check(text, scratchpad={"who": "me", "n": 3})
    (problem,) = loads_pipeline(text).check("s", TASK_TYPES, scratchpad={"who": "me", "n": "often"})
    assert "expected an integer, got the text 'often'" == problem.message
    assert ["the value of ${n} was given to this run, outside the file"] == [note.message for note in problem.notes]


def test_the_types_own_checks_get_sound_specs_only() -> None:
    """Specs with mistakes, and those that wait for a value, are not asked about; the others are, with values put in."""
    asked: list[dict[str, Any]] = []

    def ask(specs: list[dict[str, Any]]) -> list[list[tuple[str, str]]]:
        asked.extend(specs)
        return [[("number", "is odd")] for _ in specs]

    text = """
        [scratchpad]
        n = 4
        [[steps.s]]
        name = "pair sound"
        number = "${n}"
        [[steps.s]]
        name = "pair wrong"
        number = "x"
        [[steps.s]]
        name = "pair later"
        number = "${later}"
        requires = ["find_latest later"]
        [[steps.s]]
        name = "find_latest later"
        source = "x"
        scratchpad_key = "later"
        [[steps.s]]
        name = "explode all"
        foreach = [1, 2]
        do = [{ name = "pair ${each}", number = "${each}" }]
    """
    found = check(text, spec_problems=ask)
    assert ["pair sound", "explode all", "pair 1", "pair 2"] == [spec["name"] for spec in asked]
    assert {"name": "pair sound", "number": 4} == asked[0]
    assert [
        "refused steps.s[0].number",
        "wrong-type steps.s[1].number",
        "refused steps.s[4].number",
        "refused steps.s[4].do[0].number",
    ] == found


def test_templates_of_a_type_without_declared_fields_are_checked() -> None:
    """What an open generator makes is known by its `do`, which may be one table; what is none is refused."""
    types = {**TASK_TYPES, "walk": TaskType("walk", open=True, generates=True)}
    assert ["task-type steps.s[0].do[0]"] == check('[[steps.s]]\nname = "walk a"\ndo = [5]\n', types=types)
    text = """
        [[steps.s]]
        name = "walk a"
        do = { name = "cpoy ${file}" }
        [[steps.s]]
        name = "walk b"
        do = [{ name = "note of ${file}", text = "${anything}" }]
        [[steps.s]]
        name = "note last"
        requires = ["note of this", "copy of this"]
    """
    assert ["unknown-type steps.s[0].do.name", "unknown-requirement steps.s[2].requires[1]"] == check(text, types=types)


def test_an_unknown_step_is_refused_with_the_nearest_known_one() -> None:
    """Both the specs and the check of an unknown step name the step that was probably meant."""
    pipeline = loads_pipeline('[[steps.fetch]]\nname = "note a"\n', "p.toml")
    expected = "p.toml: error: unknown step 'fecth'\n  help: did you mean 'fetch'?\n1 error"
    for ask in (lambda: pipeline.specs("fecth"), lambda: pipeline.check("fecth", None)):
        with pytest.raises(PipelineError) as raised:
            ask()
        assert expected == str(raised.value)


def test_many_unknown_types_name_their_number() -> None:
    """When a type is like none, at most twenty known ones are listed."""
    types = {name: TaskType(name) for name in (f"type_{n:02}" for n in range(30))}
    (problem,) = loads_pipeline('[[steps.s]]\nname = "zzz a"\n').check("s", types)
    assert problem.hint is not None
    assert problem.hint.endswith("type_19 and 10 more")
    (problem,) = loads_pipeline('[[steps.s]]\nname = "zzz a"\n').check("s", {})
    assert "no task types are installed" == problem.hint


def _big(count: int, **fields: Any) -> Pipeline:
    lines = []
    for number in range(count):
        requires = f'requires = ["note {number - 1}"]' if number else fields.get("first", "")
        lines.append(f'[[steps.s]]\nname = "note {number}"\n{requires}')
    return loads_pipeline("\n".join(lines))


def test_a_chain_of_a_hundred_thousand_tasks_is_checked() -> None:
    """No recursion and no quadratic work: the chain is sound, and closed to a ring it is one cycle."""
    assert [] == _big(100_000).check("s", TASK_TYPES)
    (problem,) = _big(100_000, first='requires = ["note 99999"]').check("s", TASK_TYPES)
    assert "cycle" == problem.code
    assert "note 99991 -> … (99,980 more) … -> note 10" in problem.message
    assert 20 == len(problem.notes)


def test_a_wide_fan_in_is_checked() -> None:
    """One task may require a hundred thousand."""
    names = [f"note {number}" for number in range(100_000)]
    tasks = "\n".join(f'[[steps.s]]\nname = "{name}"' for name in names)
    text = f'{tasks}\n[[steps.s]]\nname = "note last"\nrequires = {names}\n'.replace("'", '"')
    assert [] == loads_pipeline(text).check("s", TASK_TYPES)


def test_templates_for_very_many_values_are_checked_as_templates() -> None:
    """A million tasks from a few lines are not made for the check; names are matched by what is known of them."""
    values = [str(number) for number in range(1000)]
    text = f"""
        [[steps.s]]
        name = "explode outer"
        foreach = {values}
        [[steps.s.do]]
        name = "explode inner ${{each}}"
        each_placeholder = "part"
        foreach = {values}
        do = [{{ name = "note ${{each}} ${{part}}" }}]
        [[steps.s]]
        name = "note last"
        requires = ["note 999 999"]
        [[steps.s]]
        name = "note never"
        requires = ["copy 999 999"]
    """
    assert ["unknown-requirement steps.s[2].requires[0]"] == check(text)


def test_a_hundred_thousand_mistakes_are_all_reported() -> None:
    """Suggestions are looked up for the first ones only; the mistakes are all there."""
    tasks = "\n".join(f'[[steps.s]]\nname = "note {n}"\nrequires = ["nothing {n}"]' for n in range(3000))
    found: list[Problem] = loads_pipeline(tasks).check("s", TASK_TYPES)
    assert 3000 == len(found)
    assert [1, 3000] == [found[0].line - 2, found[-1].line // 3]
