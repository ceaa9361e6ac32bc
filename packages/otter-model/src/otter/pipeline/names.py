"""Names of tasks: their form, and that each is there once."""

from __future__ import annotations

import unicodedata

from otter.pipeline.kinds import Kinds
from otter.pipeline.nearest import suggestion
from otter.pipeline.patterns import Pattern
from otter.pipeline.problem import Finding, Hint, Report
from otter.pipeline.tasks import Known
from otter.scratchpad.model import placeholders
from otter.task.task_registry import how_to_allow
from otter.util.convert import describe_value

MAX_LISTED = 20
"""Known task types that a message lists when none is near."""


def folded(name: str) -> str:
    """What two names must not have in common: the name without case, in one Unicode form.

    Names become names of log files, and some file systems tell neither apart.
    """
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class Names:
    """The names of a step's tasks.

    Args:
        report: takes each finding.

    Attributes:
        positions: of each name that is known in full, the position of its task.
        patterns: positions of templates whose names are known in part.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._folded: dict[str, tuple[str, int]] = {}
        self.positions: dict[str, int] = {}
        self.patterns: list[int] = []

    def add(self, position: int, task: Known, tasks: list[Known]) -> None:
        """Read the name of a task that has a table, and find whether it is free."""
        name = task.spec.get("name")
        path = (*task.path, "name")
        if type(name) is not str:
            task.sound = False
            if name is None:
                hint = 'write name = "TYPE description"'
                self._report(Finding("missing-name", "a task needs a name", path, hint=hint))
            else:
                self._report(Finding("name-type", f"expected text, got {describe_value(name)}", path))
            return
        if "$" in name:
            name = self._resolved(task, name)
        task.name = name
        words = name.split(None, 1)
        if len(words) < 2:
            task.sound = False
            self._report(
                Finding(
                    "name-form",
                    f"a name is the task type, a blank, and a description; got {name!r}",
                    path,
                    hint=f'for instance name = "{words[0] if words else "copy"} something"',
                )
            )
        elif not name.isprintable():
            task.sound = False
            self._report(Finding("name-form", "a name is one line of printable text", path))
        if task.pattern is None:
            self._take(position, task, name, tasks)
        elif task.parent >= 0:
            self.patterns.append(position)

    def find_kind(self, task: Known, kinds: Kinds) -> None:
        """Find the type of a task whose name was read."""
        words = task.name.split(None, 1) if task.name is not None else ()
        if not words:
            return
        word = words[0]
        task.kind = kinds.get(word)
        if task.kind is None and not placeholders(word):
            task.sound = False
            known = kinds.names()
            more = f" and {len(known) - MAX_LISTED} more" if len(known) > MAX_LISTED else ""
            listed = f"known types: {', '.join(known[:MAX_LISTED])}{more}" if known else "no task types are installed"
            self._report(
                Finding(
                    "unknown-type",
                    f"unknown task type {word!r}",
                    (*task.path, "name"),
                    hint=how_to_allow(word) or suggestion(word, known, listed),
                    text=word,
                )
            )

    def _resolved(self, task: Known, name: str) -> str:
        unknown = task.values.unknown(name)
        if not unknown:
            return str(task.values.resolve(name))
        if task.parent < 0:
            task.sound = False
            for missing in dict.fromkeys(unknown):
                self._report(
                    Finding(
                        "name-placeholder",
                        f"nothing defines ${{{missing}}} before the step starts, and a name must be known by then",
                        (*task.path, "name"),
                        hint=suggestion(missing, task.values, "define it under [scratchpad]"),
                        text=f"${{{missing}}}",
                    )
                )
        task.pattern = Pattern.of(task.values.scratchpad.fill(name))
        return str(task.values.resolve(name))

    def _take(self, position: int, task: Known, name: str, tasks: list[Known]) -> None:
        fold = name.lower() if name.isascii() else folded(name)
        taken = self._folded.setdefault(fold, (name, position))
        if taken[1] == position:
            self.positions[name] = position
            return
        self.positions.setdefault(name, position)
        task.sound = False
        other, first = taken[0], tasks[taken[1]]
        if first.path == task.path:
            self._report(
                Finding(
                    "duplicate-name",
                    f"two tasks made of this template have the name {name!r}: {first.made_how()} and {task.made_how()}",
                    (*task.path, "name"),
                    hint="name the value once in foreach"
                    if first.made_how() == task.made_how()
                    else "put the placeholder of foreach into the name",
                )
            )
            return
        how = f" ({task.made_how()})" if task.made_how() else ""
        if other == name:
            message = f"another task has the name {name!r}{how}"
        elif other.casefold() == name.casefold():
            message = f"the name {name!r}{how} differs from {other!r} only in case"
        else:
            message = f"the name {name!a}{how} differs from {other!a} only in its Unicode form"
        self._report(
            Finding(
                "duplicate-name",
                message,
                (*task.path, "name"),
                related=(Hint("the first one is here", (*first.path, "name")),),
            )
        )
