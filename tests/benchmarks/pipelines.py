"""The pipeline files that are measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

STEP = "bench"
COPIES = "copied"


def independent(path: Path, count: int) -> Path:
    """Tasks that do nothing and need nothing."""
    return _write(path, (f'[[steps.{STEP}]]\nname = "nothing {number:06d}"\n' for number in range(count)))


def chain(path: Path, links: int) -> Path:
    """Tasks that do nothing, each after the one before."""
    first = [f'[[steps.{STEP}]]\nname = "nothing {0:06d}"\n']
    rest = (
        f'[[steps.{STEP}]]\nname = "nothing {number:06d}"\nrequires = ["nothing {number - 1:06d}"]\n'
        for number in range(1, links)
    )
    return _write(path, [*first, *rest])


def nested(path: Path, width: int) -> Path:
    """Ten lines that make the square of `width` tasks, by one generator of generators."""
    values = list(range(width))
    lines = [
        f"max_specs = {width * width + width + 1}",
        f"[[steps.{STEP}]]",
        'name = "explode all"',
        f"foreach = {values}",
        f"[[steps.{STEP}.do]]",
        'name = "explode ${each}"',
        'each_placeholder = "inner"',
        f"foreach = {values}",
        f"[[steps.{STEP}.do.do]]",
        'name = "nothing ${each} ${inner}"',
    ]
    return _write(path, [f"{line}\n" for line in lines])


def timed(path: Path, kind: str, seconds: Iterable[float]) -> Path:
    """Tasks of a type that take the given times."""
    return _write(
        path,
        (
            f'[[steps.{STEP}]]\nname = "{kind} {number:06d}"\nseconds = {float(length)}\n'
            for number, length in enumerate(seconds)
        ),
    )


def copies(path: Path, urls: Iterable[str]) -> Path:
    """One `copy` task for each URL, into the directory `COPIES`."""
    return _write(
        path,
        (
            f'[[steps.{STEP}]]\nname = "copy {number:06d}"\nsource = "{url}"\n'
            f'destination = "{COPIES}/{url.rpartition("/")[2]}"\n'
            for number, url in enumerate(urls)
        ),
    )


def copy_many(path: Path, urls: Sequence[str], at_once: int) -> Path:
    """One `copy_many` task for all URLs, into the same directory."""
    listed = ",\n".join(f'  "{url}"' for url in urls)
    head = f'[[steps.{STEP}]]\nname = "copy_many files"\ndestination = "{COPIES}"\nmax_concurrency = {at_once}\n'
    return _write(path, [head, f"sources = [\n{listed}\n]\n"])


def _write(path: Path, parts: Iterable[str]) -> Path:
    path.write_text("".join(parts), "utf-8")
    return path
