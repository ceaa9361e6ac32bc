"""`explode_glob`: the same tasks for each file that matches a pattern."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from otter.storage.globbing import excluder
from otter.storage.location import relative_to_root
from otter.storage.synchronous.handle import StorageHandle
from otter.storage.util import split_glob
from otter.task.model import Spec, Task, TaskContext
from otter.task.task_reporter import report
from otter.tasks.generation import filled, pages

_log = logging.getLogger(__name__)

_MAY_BE_EMPTY = ("match_prefix", "match_path", "match_ext")
_WITH_NEIGHBOUR = re.compile(r"\$\$|\$\{(match_prefix|match_path)\}/|\.\$\{(match_ext)\}")
"""A placeholder that may be empty with the letter that would be too much then. `$$` comes first: it hides a `${`."""


class ExplodeGlobSpec(Spec):
    """What `explode_glob` is to do."""

    glob: str
    """The pattern, absolute or relative to the release; `**` stands for any number of directories."""
    do: list[Spec]
    """The tasks to make for each match; their names must differ by what matched."""
    exclude: list[str] = []
    """Patterns of files and directories that are left out, relative to where the wildcards of `glob` begin."""
    scratchpad_ignore_missing: bool = True
    """The placeholders of `do` are filled in here, and those of its tasks when they run."""

    do_placeholders: ClassVar[tuple[str, ...]] = (
        "match_prefix",
        "match_path",
        "match_stem",
        "match_ext",
        "uri",
        "uuid",
    )


class ExplodeGlob(Task):
    """Make the tasks of `do` once for each file that matches a pattern, in the order of their paths.

    For `/data/items/**/*.json` and the match `/data/items/furniture/chair.json`:

    - `${match_prefix}` is the location before the first wildcard: `/data/items`
    - `${match_path}` the directories that matched: `furniture`
    - `${match_stem}` the name without its extension: `chair`
    - `${match_ext}` the extension without its dot: `json`
    - `${uri}` the location of the file, relative to the release where the pattern is
    - `${uuid}` a name for the match that is the same in every run

    Where `match_prefix` or `match_path` is empty, a slash that follows it goes as well, and where
    `match_ext` is, a dot before it: `${match_path}/${match_stem}.${match_ext}` is right for a
    `README` at the top, too.
    """

    def __init__(self, spec: ExplodeGlobSpec, context: TaskContext) -> None:
        super().__init__(spec, context)
        self.spec: ExplodeGlobSpec

    @report
    def run(self) -> Self:
        """Make the tasks."""
        count = 0
        for page in pages(self._specs(), self.context.abort):
            self.context.add_specs(page)
            count += len(page)
        if count == 0:
            _log.warning("nothing matches %s: no tasks were made", self.spec.glob)
        else:
            _log.debug("%d tasks for the matches of %s", count, self.spec.glob)
        return self

    def _specs(self) -> Iterator[Spec]:
        templates = [template.model_dump() for template in self.spec.do]
        variants: dict[frozenset[str], list[dict[str, Any]]] = {}
        for values in self._matches():
            empty = frozenset(name for name in _MAY_BE_EMPTY if not values[name])
            variant = variants.get(empty)
            if variant is None:
                variant = variants[empty] = [_without(template, empty) for template in templates]
            yield from filled(variant, values)

    def _matches(self) -> Iterator[Mapping[str, str]]:
        config = self.context.config
        prefix, pattern = split_glob(self.spec.glob)
        base = StorageHandle(prefix, config)
        if not pattern:  # no wildcard: the file itself, if it is there
            prefix, _, pattern = prefix.rpartition("/")
            base = StorageHandle(f"{prefix}/" if base.is_absolute else prefix, config)
        is_excluded = excluder(self.spec.exclude)
        for match in base.iterate_glob(pattern):
            inside = match.removeprefix(base.absolute).lstrip("/")
            if is_excluded(inside):
                continue
            path, _, name = inside.rpartition("/")
            stem, _, extension = name.rpartition(".")
            if not stem:  # a name that begins with its only dot, or has none
                stem, extension = name, ""
            yield {
                "match_prefix": prefix.rstrip("/") or prefix,
                "match_path": path,
                "match_stem": stem,
                "match_ext": extension,
                "uri": match if base.is_absolute else relative_to_root(match, config),
                "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{config.step}/{self.spec.name}/{match}")),
            }


def _without(template: Any, empty: frozenset[str]) -> Any:
    """A template without the letters beside the placeholders that are empty."""
    if isinstance(template, str):
        return _WITH_NEIGHBOUR.sub(lambda found: "" if (found[1] or found[2]) in empty else found[0], template)
    if isinstance(template, list):
        return [_without(item, empty) for item in template]
    if isinstance(template, dict):
        return {_without(key, empty): _without(item, empty) for key, item in template.items()}
    return template
