"""What the tasks that make tasks have in common. A sub-package, so that it is not taken for a task type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from threading import Event
from typing import Any

from otter.scratchpad.model import Scratchpad
from otter.task.model import Spec
from otter.util.errors import TaskAbortedError

_PAGE = 1000
"""Specs that are handed over at once: what a million of them need in memory is what a thousand need."""


def filled(templates: Sequence[dict[str, Any]], values: Mapping[str, Any]) -> Iterable[Spec]:
    """The specs of templates with the generator's own names filled in.

    Other placeholders and `$$` are left for the tasks themselves, however deeply `do` blocks are
    nested.
    """
    scratchpad = Scratchpad(values)
    return (Spec(**scratchpad.fill(template)) for template in templates)


def pages(specs: Iterable[Spec], abort: Event | None) -> Iterator[list[Spec]]:
    """Specs in lists that are small enough to be made, sent and forgotten one after the other.

    Raises:
        TaskAbortedError: the generator was asked to stop.
    """
    remaining = iter(specs)
    while page := list(islice(remaining, _PAGE)):
        if abort is not None and abort.is_set():
            raise TaskAbortedError("stopped while tasks were generated, as asked")
        yield page
