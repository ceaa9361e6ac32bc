"""`otter graph`: the tasks of a step and what they wait for, as a picture."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from otter.cli.printing import tell_problems
from otter.cli.type_flags import add_type_flags, task_types
from otter.core import exit_codes
from otter.core.runner import exit_code
from otter.core.settings import choose_step, from_environment, parse_overrides, readable_file
from otter.core.spec_problems import load_sound
from otter.pipeline import PipelineError, read_text
from otter.plan.graph import Graph
from otter.plan.outline import outline
from otter.report.output import write_output
from otter.util.errors import OtterError

FORMATS = ("mermaid", "dot", "svg")
SUFFIXES = {".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.add_argument("file", metavar="FILE", help="the pipeline file")
    parser.add_argument("-s", "--step", metavar="NAME", help="the step; may be left out when the file has one")
    parser.add_argument(
        "-f", "--format", choices=FORMATS, help="default: what the name of the output says, else mermaid"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write it to a file; - for the standard output"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a scratchpad value")
    parser.add_argument("--lenient", action="store_true", help="fields that no task type declares are no errors")
    add_type_flags(parser)


def run(args: argparse.Namespace) -> int:
    """Write the picture; the exit code."""
    try:
        text = _picture(args)
        if args.output is None:
            sys.stdout.write(text)
        else:
            write_output(str(args.output), text.encode())
    except PipelineError as error:
        tell_problems(error.problems)
        return exit_codes.BAD_CONFIGURATION
    except OtterError as error:
        print(f"otter: error: {error}", file=sys.stderr)
        return exit_code(error)
    return exit_codes.SUCCESS


def _picture(args: argparse.Namespace) -> str:
    values = parse_overrides(args.set)
    named = args.step or from_environment("otter", os.environ).get("step")
    file = readable_file(args.file)
    pipeline = load_sound(
        read_text(file), file, named, lambda python: task_types(args, python), None,
        scratchpad=values, lenient=args.lenient,
    )  # fmt: skip
    step = choose_step(pipeline, named)
    types = task_types(args, pipeline.workers.python)
    problems = pipeline.check(step, types, scratchpad=values, lenient=args.lenient)
    if any(problem.severity == "error" for problem in problems):
        raise PipelineError(problems)
    graph = Graph.of(outline(pipeline, step, types, values))
    suffix = args.output.suffix.lower() if args.output is not None else ""
    match args.format or SUFFIXES.get(suffix, "mermaid"):
        case "svg":
            from otter.plan.svg import svg

            return svg(graph, f"step {step} of {pipeline.file.name}")
        case "dot":
            from otter.plan.dot import dot

            return dot(graph)
        case _:
            from otter.plan.mermaid import mermaid

            return mermaid(graph)
