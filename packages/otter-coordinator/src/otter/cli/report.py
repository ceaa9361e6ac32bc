"""`otter report`: a page about a run."""

from __future__ import annotations

import argparse
import sys

from otter.cli.printing import count
from otter.core import exit_codes
from otter.report import read_release, render_report
from otter.report.output import STANDARD_OUTPUT, find_manifest, write_output
from otter.util.errors import OtterError
from otter.util.units import format_size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument(
        "manifest", metavar="MANIFEST", nargs="?",
        help="the manifest, or its directory; by default manifest.json or work/manifest.json",
    )  # fmt: skip
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        default="report.html",
        help="the page; - for the standard output (report.html)",
    )
    parser.add_argument(
        "-s", "--step", action="append", metavar="KEY", help="a step of the manifest, by key or name; by default all"
    )


def run(args: argparse.Namespace) -> int:
    """Write the page; the exit code."""
    try:
        release = read_release(find_manifest(args.manifest))
        steps = [release.step(wanted) for wanted in dict.fromkeys(args.step)] if args.step else release.steps
        page = render_report(release, steps)
        write_output(args.output, page)
    except OtterError as error:
        print(f"otter report: error: {error}", file=sys.stderr)
        return exit_codes.BAD_CONFIGURATION
    if args.output != STANDARD_OUTPUT:
        tasks = sum(len(step.tasks) for step in steps)
        print(f"{args.output}: {count(tasks, 'task')}, {format_size(len(page))}", file=sys.stderr)
    return exit_codes.SUCCESS
