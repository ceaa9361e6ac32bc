"""A task with a Spec of its own, a `validate`, and generated tasks."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from otter.task import Spec, Task, TaskContext, report


class CrawlCatalogueSpec(Spec):
    """What to crawl.

    The second paragraph is not shown in lists.
    """

    source: str
    """Where from."""
    depth: int = 1
    do: list[Spec] = []
    do_placeholders: ClassVar[tuple[str, ...]] = ("page",)

    def model_post_init(self, context: Any, /) -> None:
        self.scratchpad_ignore_missing = True


class CrawlCatalogue(Task):
    """Crawl a catalogue."""

    def __init__(self, spec: CrawlCatalogueSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: CrawlCatalogueSpec
        if spec.source == "broken":
            raise RuntimeError("no such catalogue")

    @report
    def run(self) -> Self:
        """Crawl."""
        self.context.scratchpad.store("pages", self.spec.depth)
        self.context.add_specs([{"name": f"note page {page}"} for page in range(self.spec.depth)])
        return self

    @report
    async def validate(self) -> Self:
        """Look at it."""
        return self
