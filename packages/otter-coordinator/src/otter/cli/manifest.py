"""`otter manifest`: what stands in a manifest, and whether it still holds."""

from __future__ import annotations

import argparse
import sys

from otter.cli import manifest_diff, manifest_query, manifest_show, manifest_verify
from otter.cli.printing import while_somebody_reads
from otter.core import exit_codes
from otter.util.errors import OtterError

ACTIONS = {
    "show": (manifest_show, "what happened: counts, and what failed and why"),
    "query": (manifest_query, "choose tasks, or trace an artifact back through the steps"),
    "diff": (manifest_diff, "what differs between two runs: results, artifacts, durations"),
    "verify": (manifest_verify, "whether the artifacts still are what was recorded"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    for name, (module, text) in ACTIONS.items():
        action = actions.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}.", allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        module.add_arguments(action)
        action.epilog = module.EXIT_CODES


def run(args: argparse.Namespace) -> int:
    """Do what the action does; the exit code."""
    module, _ = ACTIONS[args.action]
    code = exit_codes.SUCCESS
    try:
        with while_somebody_reads():
            code = int(module.run(args))
    except OtterError as error:
        print(f"otter manifest {args.action}: error: {error}", file=sys.stderr)
        return exit_codes.BAD_CONFIGURATION
    return code
