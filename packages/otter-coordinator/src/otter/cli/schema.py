"""`otter schema`: a JSON Schema of pipeline files, for the TOML support of editors."""

from __future__ import annotations

import argparse
import sys

import orjson

from otter.cli.type_flags import add_type_flags, task_types
from otter.core import exit_codes
from otter.core.runner import exit_code
from otter.pipeline.schema import json_schema
from otter.report.output import write_output
from otter.util.errors import OtterError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.description = (
        "Print a JSON Schema of pipeline files for the task types at hand. With a first line such as "
        "'#:schema ./otter.schema.json' in a pipeline file, TOML language servers complete, explain and check it."
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write it to a file; - for the standard output")
    add_type_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Write the schema; the exit code."""
    try:
        schema = json_schema(task_types(args).values())
        data = orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        if args.output is None:
            sys.stdout.buffer.write(data)
        else:
            write_output(args.output, data)
    except OtterError as error:
        print(f"otter: error: {error}", file=sys.stderr)
        return exit_code(error)
    return exit_codes.SUCCESS
