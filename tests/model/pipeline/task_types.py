"""Task types that the tests check pipelines against, described as a worker describes them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from otter.task.model import Spec, Task
from otter.task.task_registry import RegisteredType, describe_type


class CopySpec(Spec):
    source: str
    destination: Path
    retries_allowed: int = 3
    mode: Literal["move", "link"] = "move"
    strict: bool = True
    ratio: float | None = None
    settings: dict[str, int] | None = None
    columns: list[str] = []
    headers: str | dict[str, str] = ""
    day: dt.date | None = None


class Copy(Task):
    def run(self) -> Any:
        return self


class ExplodeSpec(Spec):
    do: list[Spec]
    foreach: list[Any]
    each_placeholder: str = "each"
    do_placeholders: ClassVar[tuple[str, ...]] = ("$each_placeholder",)

    def model_post_init(self, context: Any, /) -> None:
        self.scratchpad_ignore_missing = True


class ExplodeGlobSpec(Spec):
    do: list[Spec]
    glob: str
    do_placeholders: ClassVar[tuple[str, ...]] = ("match_stem", "uri")

    def model_post_init(self, context: Any, /) -> None:
        self.scratchpad_ignore_missing = True


class ExplodeListingSpec(Spec):
    """As an application has it: it does not say which names its templates may use."""

    source: str
    do: list[Spec]


class Generator(Task):
    def run(self) -> Any:
        self.context.add_specs([])
        return self


class Crawl(Task):
    """Without a Spec class, and its tasks' names are its own affair."""

    def run(self) -> Any:
        self.context.add_specs([])
        return self


class FindLatestSpec(Spec):
    source: str
    scratchpad_key: str | None = None


class FindLatest(Task):
    spec: FindLatestSpec

    def run(self) -> Any:
        self.context.scratchpad.store(self.spec.scratchpad_key or self.spec.name, "")
        return self


class Remember(Task):
    def run(self) -> Any:
        self.context.scratchpad.store("anything", "")
        return self


class TemplateSpec(Spec):
    text: str
    scratchpad_ignore_missing: bool = True


def _even(value: int) -> int:
    if value % 2:
        raise ValueError(f"expected an even number, got {value}")
    return value


class PairSpec(Spec):
    number: Annotated[int, _even]


CLASSES: dict[str, tuple[type[Task], type[Spec]]] = {
    "copy": (Copy, CopySpec),
    "explode": (Generator, ExplodeSpec),
    "explode_glob": (Generator, ExplodeGlobSpec),
    "explode_listing": (Generator, ExplodeListingSpec),
    "crawl": (Crawl, Spec),
    "note": (Copy, Spec),
    "find_latest": (FindLatest, FindLatestSpec),
    "remember": (Remember, Spec),
    "template": (Copy, TemplateSpec),
    "pair": (Copy, PairSpec),
}
TASK_TYPES = {name: describe_type(RegisteredType(name, task, spec)) for name, (task, spec) in CLASSES.items()}
