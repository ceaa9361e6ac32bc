"""`Record` and `Spec`: what existing task packages rely on when they subclass and build them."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import enum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otter.manifest.model import Artifact
from otter.task import Spec
from otter.util.errors import SpecError
from otter.util.record import Record, record_fields, reserved_names


def even(value: int) -> int:
    if value % 2:
        raise ValueError(f"expected an even number, got {value}")
    return value


def shouted(value: str) -> str:
    return value.upper()


class Colour(enum.Enum):
    RED = "red"


class Location:
    """An arbitrary class, made from one value."""

    def __init__(self, text: str) -> None:
        self.text = text


type_alias = str | dict[str, str]


class WideSpec(Spec):
    """Every kind of field that was seen in use."""

    source: str
    """Where from."""
    retries_allowed: int = 3
    strict: bool = False
    path: Path
    maybe: str | None
    count: int | None
    headers: str | dict[str, str] = ""
    alias: type_alias = "x"
    options: dict[str, Any] | None = None
    labels: dict[str, str] | None = None
    columns: list[str] = []
    more: list[str] | None = None
    do: list[Spec] = []
    mode: Literal["move", "link", 3] = "move"
    number: Annotated[int, even] = 0
    loud: Annotated[str, shouted] = "QUIET"
    place: Location | None = None
    colour: Colour = Colour.RED
    day: dt.date | None = None
    known: ClassVar[tuple[str, ...]] = ("a",)

    def described(self) -> str:
        """A method of its own."""
        return f"{self.source} to {self.path}"


REQUIRED: dict[str, Any] = {"name": "wide one", "source": "a", "path": "b", "maybe": None, "count": None}


def refusal(cls: type[Record] = WideSpec, **values: Any) -> list[tuple[str, str]]:
    """What is wrong with values, by field."""
    with pytest.raises(SpecError) as raised:
        cls(**values)
    return list(raised.value.problems)


def test_fields_are_keyword_only_and_may_be_required_after_a_default() -> None:
    """The order of annotations does not matter, and positions mean nothing."""
    spec = WideSpec(**REQUIRED)
    assert ("a", 3, Path("b"), None, None) == (spec.source, spec.retries_allowed, spec.path, spec.maybe, spec.count)
    assert "a to b" == spec.described()
    assert ("a",) == spec.known
    with pytest.raises(TypeError):
        WideSpec("wide one")  # type: ignore[call-arg]


def test_an_optional_field_without_default_is_required() -> None:
    """`int | None` without a default must be given, as it had to be."""
    assert [("count", "missing: this field has no default")] == refusal(
        **{key: value for key, value in REQUIRED.items() if key != "count"}
    )


def test_every_misfit_is_reported_with_its_path() -> None:
    """One error has all problems, those within lists and tables too."""
    assert [
        ("name", "missing: this field has no default"),
        ("source", "expected text, got the integer 5"),
        ("retries_allowed", "expected an integer, got the text 'x'"),
        ("path", "expected a path, got an array"),
        ("maybe", "missing: this field has no default"),
        ("count", "expected an integer, got a table"),
        ("labels.b", "expected text, got the integer 2"),
        ("columns[1]", "expected text, got nothing"),
        ("do[0].requires[0]", "expected text, got the integer 1"),
        ("mode", "expected one of 'move', 'link', 3, got the text 'copy'"),
        ("number", "expected an even number, got 3"),
    ] == refusal(
        source=5, retries_allowed="x", path=["b"], count={}, labels={"a": "x", "b": 2}, columns=["a", None],
        do=[{"name": "x y", "requires": [1]}], mode="copy", number="3",
    )  # fmt: skip


def test_conversion_is_lax_where_placeholders_leave_text() -> None:
    """A text that spells the value fits; a number is no text."""
    spec = WideSpec(
        **REQUIRED
        | {"retries_allowed": "5", "strict": "yes", "count": 2.0, "number": " 4 ", "loud": "x", "mode": "3"}
        | {"place": "home", "colour": "red", "day": "2026-01-02", "headers": {"a": "b"}, "more": ("x",)}
    )
    assert (5, True, 2, 4, "X", 3) == (spec.retries_allowed, spec.strict, spec.count, spec.number, spec.loud, spec.mode)
    assert ("home", Colour.RED, dt.date(2026, 1, 2)) == (spec.place.text if spec.place else "", spec.colour, spec.day)
    assert ({"a": "b"}, ["x"]) == (spec.headers, spec.more)


def test_mutable_defaults_belong_to_each_instance() -> None:
    """What one spec appends does not reach the next."""
    one, two = WideSpec(**REQUIRED), WideSpec(**REQUIRED)
    one.columns.append("x")
    one.requires.append("y")
    assert ([], []) == (two.columns, two.requires)


def test_unknown_keys_are_kept_and_readable() -> None:
    """A generic Spec serves types without a Spec class: its fields are attributes, and survive a dump."""
    spec = Spec(name="solr fetch", url="x", fields=["a"], nested={"b": 1})
    assert ("x", ["a"], {"b": 1}) == (spec.url, spec.fields, spec.nested)  # type: ignore[attr-defined]
    assert {
        "name": "solr fetch",
        "requires": [],
        "scratchpad_ignore_missing": False,
        "url": "x",
        "fields": ["a"],
        "nested": {"b": 1},
    } == spec.model_dump()
    assert {"": 1, "self": 2}.items() <= Spec(**{"name": "a b", "": 1, "self": 2}).model_dump().items()


def test_names_of_methods_cannot_be_fields() -> None:
    """A key that would hide a method of otter is refused."""
    assert [("model_dump", "this name belongs to otter and cannot be a field")] == refusal(
        Spec, name="a b", model_dump=1
    )
    assert {"model_dump", "model_validate", "model_post_init", "task_type"} <= reserved_names(Spec)


def test_dump_and_validate_are_inverse() -> None:
    """The pair is idempotent, nested `do` and arbitrary classes included."""
    spec = WideSpec(**REQUIRED | {"do": [{"name": "copy x", "do": [{"name": "copy y", "z": 1}]}], "extra": [1]})
    dump = spec.model_dump()
    inner = {"name": "copy x", "requires": [], "scratchpad_ignore_missing": False, "do": [{"name": "copy y", "z": 1}]}
    assert [inner] == dump["do"]
    again = WideSpec.model_validate(dump)
    assert spec == again
    assert dump == again.model_dump()
    assert again is WideSpec.model_validate(again)
    assert type(WideSpec.model_validate(Spec(**REQUIRED))) is WideSpec
    dump["columns"].append("x")
    assert [] == spec.columns


@dataclasses.dataclass
class Column:
    name: str
    width: int = 3
    inner: list[Column] = dataclasses.field(default_factory=list)


@attrs.frozen
class Range:
    low: int
    high: Path


class Model:
    """As a class of a library for validation is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.text == other.text

    __hash__ = None  # type: ignore[assignment]

    def model_dump(self) -> dict[str, str]:
        return {"text": self.text}

    @classmethod
    def model_validate(cls, value: dict[str, str]) -> Model:
        return cls(**value)


class TableSpec(Spec):
    columns: list[Column] = []
    colour: Colour = Colour.RED
    range: Range | None = None
    model: Model | None = None


def test_what_makes_instances_again_is_dumped() -> None:
    """So a generator may hand over the specs that it has made, and they cross to another process."""
    column = Column("a", inner=[Column("b", 4)])
    spec = TableSpec(name="table x", columns=[column], range=Range(1, Path("p")), model=Model("m"))
    dump = spec.model_dump()
    inner = {"name": "b", "width": 4, "inner": []}
    assert [{"name": "a", "width": 3, "inner": [inner]}] == dump["columns"]
    assert ({"low": 1, "high": "p"}, {"text": "m"}) == (dump["range"], dump["model"])
    assert "red" == dump["colour"]
    assert spec == TableSpec.model_validate(dump)
    column.inner.clear()
    assert [inner] == dump["columns"][0]["inner"]


_KEYS = st.text(max_size=5).filter(
    lambda key: key != "name" and key not in reserved_names(Spec) and not key.startswith("_")
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_any_table_survives(table: dict[str, Any]) -> None:
    """Whatever a file says in fields that nobody declares comes out as it went in."""
    dump = Spec(name="note a", **table).model_dump()
    assert table == {key: dump[key] for key in table}


def test_other_things_than_tables_are_refused() -> None:
    """`model_validate` says what it was given."""
    with pytest.raises(SpecError, match="a Spec is made from a table, not from 5"):
        Spec.model_validate(5)


def test_model_post_init_is_called_after_construction() -> None:
    """Specs derive fields there, and set engine keys."""

    class DerivedSpec(Spec):
        a: int
        double: int = 0

        def model_post_init(self, context: Any, /) -> None:
            self.double = self.a * 2
            self.scratchpad_ignore_missing = True

    spec = DerivedSpec(name="derived one", a="4")
    assert (8, True) == (spec.double, spec.scratchpad_ignore_missing)
    assert 8 == DerivedSpec.model_validate(spec.model_dump()).double


def test_subclasses_inherit_and_override() -> None:
    """A base field may get a default, and a subclass of a subclass has all fields."""

    class CrawlSpec(Spec):
        name: str = "crawl catalogue"
        depth: int = 1

    class DeepSpec(CrawlSpec):
        depth: int = 5
        limit: int

    assert "crawl catalogue" == CrawlSpec().name
    assert ("crawl catalogue", 5, 2) == (DeepSpec(limit=2).name, DeepSpec(limit=2).depth, DeepSpec(limit=2).limit)
    assert ["name", "requires", "scratchpad_ignore_missing", "policy", "depth", "limit"] == sorted(
        (field.name for field in record_fields(DeepSpec)),
        key=["name", "requires", "scratchpad_ignore_missing", "policy", "depth", "limit"].index,
    )


class LaterSpec(Spec):
    """Names a class that is defined further down."""

    inner: Inner


class Inner(Record):
    x: int


def test_annotations_may_name_what_is_defined_later() -> None:
    """Fields are compiled at the first use, in functions and in modules."""
    assert 3 == LaterSpec(name="later one", inner={"x": "3"}).inner.x

    class Local(Record):
        y: int

    class Outer(Record):
        local: Local

    assert 4 == Outer(local={"y": 4}).local.y


def test_validators_of_attrs_are_called() -> None:
    """`attrs.field(validator=…, converter=…, factory=…)` works as its users expect."""

    def small(instance: Any, attribute: Any, value: int) -> None:
        if value > 10:
            raise ValueError(f"{attribute.name} must be small, not {value}")

    class CheckedSpec(Spec):
        size: int = attrs.field(validator=small)
        words: list[str] = attrs.field(factory=lambda: ["x"])
        both: list[str] = attrs.field(default=None, converter=lambda value: (value or "").split(","))

    assert [("size", "size must be small, not 11")] == refusal(CheckedSpec, name="a b", size="11")
    spec = CheckedSpec(name="a b", size=1, both="x,y")
    assert (["x"], ["x", "y"]) == (spec.words, spec.both)


def test_the_task_type_is_the_first_word_unless_it_was_set() -> None:
    """It can be set, and then it survives a dump."""
    spec = Spec(name="copy  some file")
    assert "copy" == spec.task_type
    spec.task_type = "other"
    assert ("other", "other") == (spec.task_type, Spec.model_validate(spec.model_dump()).task_type)
    assert "task_type" not in Spec(name="copy x").model_dump()
    assert [("task_type", "this name belongs to otter and cannot be a field")] == refusal(Spec, name="a b", task_type=5)


@pytest.mark.parametrize("name", ["copy", "", "   ", "copy "])
def test_a_name_without_a_description_is_refused(name: str) -> None:
    """The type alone names no task."""
    ((path, message),) = refusal(Spec, name=name)
    assert "name" == path
    assert message.endswith(f"got {name!r}")


def test_records_compare_and_copy_by_value() -> None:
    """Equal fields and kept keys make equal records of one class; copies are independent; none can be hashed."""
    one, two = Spec(name="a b", x=[1]), Spec(name="a b", x=[1])
    assert one == two
    assert one != Spec(name="a b", x=[2])
    assert one != "a b"
    twin = copy.deepcopy(one)
    twin.x.append(2)  # type: ignore[attr-defined]
    assert [1] == one.x  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        hash(one)
    assert "Spec(name='a b', requires=[], scratchpad_ignore_missing=False, policy=None, x=[1])" == repr(one)


def test_an_artifact_may_have_more_fields() -> None:
    """Both fields are a text or a list; a subclass adds fields, and those of other steps survive."""

    class Measured(Artifact):
        rows: int

    artifact = Measured(source=["a", "b"], destination="c", rows="7")
    assert {"source": ["a", "b"], "destination": "c", "rows": 7} == artifact.model_dump()
    assert 7 == Artifact.model_validate(artifact.model_dump()).rows  # type: ignore[attr-defined]


def test_the_error_survives_a_trip_to_another_process() -> None:
    """It keeps its problems."""
    with pytest.raises(SpecError) as raised:
        Spec(requires=5)
    twin = copy.deepcopy(raised.value)
    assert (str(raised.value), raised.value.problems) == (str(twin), twin.problems)
