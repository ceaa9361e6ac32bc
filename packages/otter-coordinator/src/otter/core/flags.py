"""The flags that every command that runs a step has. Nothing else is loaded with them."""

from __future__ import annotations

import argparse

LENIENT = "fields that no task type declares, and a release without a store, are only warnings"
"""What the flag `--lenient` does."""


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that every command that runs a step has."""
    parser.add_argument("-s", "--step", metavar="NAME", help="the step; may be left out when the file has one")
    parser.add_argument("-w", "--work-path", metavar="DIR", help="where the run writes (default: ./work)")
    parser.add_argument("-r", "--release-uri", metavar="URI", help="where the release lives (default: the work path)")
    parser.add_argument("-p", "--pool-size", metavar="N", help="worker processes at most (default: 5)")
    parser.add_argument("-l", "--log-level", metavar="LEVEL", help="least level of messages kept (default: INFO)")
