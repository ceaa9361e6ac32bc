"""`otter manifest verify`: whether artifacts still are what was recorded."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import attrs

from otter.cli.manifest_flags import add_json_flag, add_manifest_argument, add_step_flag, chosen_manifest
from otter.cli.printing import count, print_json, say
from otter.core import exit_codes
from otter.inspection import verify

EXIT_CODES = """\
exit codes: 0 every artifact is as recorded, as far as that can be told; 1 an artifact is missing or
changed, or the manifest itself was; 22 there is no such manifest or step, or a file cannot be read"""
NOTES = {
    "intact": "as recorded", "changed": "changed", "missing": "missing",
    "touched": "modified since, and too large to have had a digest recorded", "elsewhere": "without a recorded file",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the action."""
    add_manifest_argument(parser)
    add_step_flag(parser)
    parser.add_argument("--quick", action="store_true", help="read only files whose modification time has changed")
    parser.add_argument(
        "--moved-from", type=Path, metavar="DIR",
        help="where the manifest's directory was when it was made, if it was moved or copied since",
    )  # fmt: skip
    add_json_flag(parser)


def run(args: argparse.Namespace) -> int:
    """Look at every artifact; the exit code."""
    manifest = chosen_manifest(args.manifest)
    steps = manifest.keys_of(args.step) if args.step else None
    counts: Counter[str] = Counter()
    wrong = []
    for finding in verify(manifest, steps, quick=args.quick, moved_from=args.moved_from):
        counts[finding.verdict] += 1
        if finding.is_wrong or finding.verdict == "touched":
            wrong.append(finding)
            if not args.json:
                say(f"{finding.verdict}: {finding.path}: {finding.detail} ({finding.task}, {finding.step})")
                sys.stdout.flush()  # reading large files takes its time
    if args.json:
        table = {verdict: counts[verdict] for verdict in NOTES}
        print_json(
            {
                "manifest": str(manifest.path), "problem": manifest.problem, "counts": table,
                "findings": [attrs.asdict(finding) for finding in wrong],
            }
        )  # fmt: skip
    else:
        parts = [f"{counts[verdict]:,} {note}" for verdict, note in NOTES.items() if counts[verdict]]
        say(f"{count(counts.total(), 'artifact')}{': ' if parts else ''}{', '.join(parts)}")
    sound = manifest.problem is None and not counts["changed"] and not counts["missing"]
    return exit_codes.SUCCESS if sound else exit_codes.FAILED
