"""The flags by which the actions of `otter manifest` say what they look at."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from otter.inspection import ManifestView, read_manifest
from otter.pipeline import visible
from otter.report.output import find_manifest


def add_manifest_argument(parser: argparse.ArgumentParser) -> None:
    """The manifest."""
    parser.add_argument(
        "manifest", metavar="MANIFEST", nargs="?",
        help="the manifest, or its directory; by default manifest.json or work/manifest.json",
    )  # fmt: skip


def add_step_flag(parser: argparse.ArgumentParser) -> None:
    """The steps."""
    parser.add_argument(
        "-s", "--step", action="append", default=[], metavar="STEP", help="a step, by key or name; by default all"
    )


def add_json_flag(parser: argparse.ArgumentParser) -> None:
    """The form of the output."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def chosen_manifest(named: str | None) -> ManifestView:
    """The manifest that the arguments name. One that is damaged is read, with a warning.

    Raises:
        ManifestError: it cannot be read.
    """
    return warned(read_manifest(find_manifest(named)))


def named_manifest(path: str) -> ManifestView:
    """A manifest that has to be named.

    Raises:
        ManifestError: it cannot be read.
    """
    return warned(read_manifest(Path(path)))


def warned(manifest: ManifestView) -> ManifestView:
    """A manifest, after a warning if it is not what was written."""
    if manifest.problem is not None:
        print(visible(f"otter manifest: warning: {manifest.path}: {manifest.problem}"), file=sys.stderr)
    return manifest
