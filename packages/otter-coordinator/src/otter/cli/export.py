"""`otter export`: a run for other programs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from otter.core import exit_codes
from otter.report import ReleaseFacts, StepFacts, read_release
from otter.report.exports import CrateOptions, chrome_trace, lineage_events, write_crate
from otter.report.output import STANDARD_OUTPUT, find_manifest, write_output
from otter.util.errors import ConfigError, OtterError

FORMATS = {
    "chrome": "a trace for Perfetto or chrome://tracing (trace.json)",
    "openlineage": "lineage events, one a line (openlineage.jsonl)",
    "ro-crate": "a Workflow Run RO-Crate in the manifest's directory, or in that of -o",
}
_FILES = {"chrome": "trace.json", "openlineage": "openlineage.jsonl"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument(
        "manifest", metavar="MANIFEST", nargs="?",
        help="the manifest, or its directory; by default manifest.json or work/manifest.json",
    )  # fmt: skip
    explained = "; ".join(f"{name}: {text}" for name, text in FORMATS.items())
    parser.add_argument("-f", "--format", choices=FORMATS, required=True, help=explained)
    parser.add_argument("-o", "--output", metavar="OUT", help="where to; - for the standard output")
    parser.add_argument(
        "-s", "--step", action="append", metavar="KEY", help="a step of the manifest, by key or name; by default all"
    )
    parser.add_argument("--namespace", default="otter", help="openlineage: the namespace of the jobs (otter)")
    parser.add_argument("--pipeline", metavar="FILE", type=Path, help="ro-crate: the pipeline file that was run")
    parser.add_argument("--license", metavar="URL", help="ro-crate: the licence of the crate")


def run(args: argparse.Namespace) -> int:
    """Write the export; the exit code."""
    try:
        release = read_release(find_manifest(args.manifest))
        steps = [release.step(wanted) for wanted in dict.fromkeys(args.step)] if args.step else release.steps
        written = _write(args, release, steps)
    except OtterError as error:
        print(f"otter export: error: {error}", file=sys.stderr)
        return exit_codes.BAD_CONFIGURATION
    if written != STANDARD_OUTPUT:
        print(written, file=sys.stderr)
    return exit_codes.SUCCESS


def _write(args: argparse.Namespace, release: ReleaseFacts, steps: Sequence[StepFacts]) -> str:
    if args.format == "ro-crate":
        if args.output == STANDARD_OUTPUT:
            raise ConfigError("a crate is a directory: name one with -o, or leave it out")
        directory = Path(args.output) if args.output is not None else release.path.parent
        return str(write_crate(release, steps, directory, CrateOptions(pipeline=args.pipeline, license=args.license)))
    target = args.output or _FILES[args.format]
    if args.format == "chrome":
        data = orjson.dumps(chrome_trace(steps))
    else:
        events = lineage_events(release, steps, args.namespace)
        data = b"".join(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in events)
    write_output(target, data)
    return str(target)
