"""What a long file says before its first task, so that workers can start while the rest is read.

Reading a hundred thousand tasks takes half a second, in which nothing else would happen. Where everything outside the
steps stands before the first `[[steps.name]]`, as it does in most files, that part alone says how to run them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import attrs

from otter.pipeline.document import Document
from otter.pipeline.loader import Pipeline, loads_pipeline
from otter.pipeline.problem import PipelineError
from otter.pipeline.settings import read_structure
from otter.util.values import Value

LONG = 100_000
"""Characters of a text that takes so long to read that it is worth to begin before that."""

_FIRST_TASK = re.compile(r"^\[\[steps\.", re.MULTILINE)
_HEADER = re.compile(r"\[steps\.([A-Za-z0-9_-]+)|steps\.[A-Za-z0-9_-]")
_INDENTED = re.compile(r"\n[ \t]+\[")


@attrs.frozen(eq=False, repr=False)
class Preamble(Value):
    """A file whose tasks have not been read.

    Attributes:
        pipeline: the file as if no step had tasks.
        free: for each step, how many of its tasks certainly require nothing and have no policy of their own, if the
            text is sound.
    """

    pipeline: Pipeline
    free: Mapping[str, int]

    def complete(self) -> Pipeline:
        """The file with its tasks.

        Raises:
            PipelineError: as `load_pipeline`.
        """
        return loads_pipeline(self.pipeline.document.text, str(self.pipeline.file))


def preamble_of(text: str, file: str) -> Preamble | None:
    """The preamble of a text; none for one that is short, in another order, or not sound as far as it was read.

    Args:
        text: TOML, its line ends as they are.
        file: how messages name it.
    """
    text = text.replace("\r\n", "\n")
    first = _FIRST_TASK.search(text) if len(text) >= LONG else None
    if first is None or not _lines_are_plain(text, first.start()):
        return None
    # What stands between the brackets of each line that begins with one: a few texts, each of them many times.
    headers = Counter([line.partition("]")[0] for line in text[first.start() + 1 :].split("\n[")])
    tasks: dict[str, int] = {}
    for header, count in headers.items():
        match = _HEADER.match(header)
        if match is None:  # a table that is no step's, or an array that begins a line
            return None
        if match[1] is not None and match.end() == len(header):
            tasks[match[1]] = count
    try:
        before = Document.parse(text[: first.start()], file)
    except PipelineError:  # reading all of it will say what is wrong, and where it really is
        return None
    structure = read_structure({"steps": {name: [] for name in tasks}} | before.value)
    if "steps" in before.value or structure.findings:
        return None
    bound = text.count("requires", first.start()) + text.count("policy", first.start())  # at most: in any words
    pipeline = Pipeline.of(attrs.evolve(before, text=text), structure)
    return Preamble(pipeline, {name: max(0, count - bound) for name, count in tasks.items()})


def _lines_are_plain(text: str, start: int) -> bool:
    """Whether what looks like a table's header from there on is one, and begins its line."""
    if text.find('"""', start) >= 0 or text.find("'''", start) >= 0:  # what is within may look like anything
        return False
    # Most texts have no line that begins with a blank, and to see that takes a tenth of what the expression takes.
    return ("\n " not in text and "\n\t" not in text) or _INDENTED.search(text, start) is None
