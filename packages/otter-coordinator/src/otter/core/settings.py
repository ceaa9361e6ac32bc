"""From flags, environment and pipeline file to one `Config`: command line > environment > TOML > defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from otter.config.model import Config
from otter.pipeline import Pipeline
from otter.util.convert import MisfitError, converter_for
from otter.util.errors import ConfigError

FIELDS = ("step", "config_path", "work_path", "release_uri", "pool_size", "log_level")
"""What flags and environment variables may set."""


def from_environment(runner_name: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The fields that environment variables set: `<RUNNER>_<FIELD>`."""
    names = {field: f"{runner_name}_{field}".upper() for field in FIELDS}
    return {field: environ[name] for field, name in names.items() if environ.get(name)}


def source_of(field: str, runner_name: str, flags: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """What sets a field, in words: the command line, or the name of a variable; empty where neither does."""
    if flags.get(field) is not None:
        return "the command line"
    return f"{runner_name}_{field}".upper() if field in from_environment(runner_name, environ) else ""


def choose_step(pipeline: Pipeline, step: str | None) -> str:
    """The step to run; it may be left out when the file has one.

    Raises:
        ConfigError: there are several, or none.
        PipelineError: there is no such step; the nearest one is named.
    """
    if step is not None:
        pipeline.tables(step)
        return step
    if len(pipeline.steps) == 1:
        return next(iter(pipeline.steps))
    if not pipeline.steps:
        raise ConfigError(f"{pipeline.file}: there is no step: a file has tables such as [[steps.fetch]]")
    raise ConfigError(f"{pipeline.file} has several steps; choose one with --step: {', '.join(pipeline.steps)}")


def resolve_config(
    runner_name: str, pipeline: Pipeline, flags: Mapping[str, Any], environ: Mapping[str, str]
) -> Config:
    """The configuration of a run.

    Args:
        runner_name: prefix of environment variables and manifest keys.
        pipeline: the file.
        flags: fields set on the command line; none of them stands for "not set".
        environ: the environment.

    Raises:
        ConfigError: a value breaks its rule; the name of the flag, variable or key is in the message.
    """
    from_env = from_environment(runner_name, environ)
    given = {field: value for field, value in flags.items() if value is not None}
    chosen: dict[str, Any] = {**_of_file(pipeline), **from_env, **given}
    for field, value in chosen.items():
        source = "the command line" if field in given else f"{runner_name}_{field}".upper()
        _must_be_text(f"{source}: {field}", str(value))
    step = choose_step(pipeline, chosen.pop("step", None))
    chosen.pop("config_path", None)
    try:
        if "pool_size" in chosen:
            chosen["pool_size"] = converter_for(int)(chosen["pool_size"])
        return Config(
            **chosen, step=step, steps=tuple(pipeline.steps), config_path=pipeline.file, runner_name=runner_name
        )
    except (MisfitError, ConfigError) as error:
        field = "pool_size" if isinstance(error, MisfitError) else str(error).partition(":")[0]
        source = source_of(field, runner_name, flags, environ)
        text = str(error) if isinstance(error, ConfigError) else f"{field}: {error}"
        raise ConfigError(f"{source}: {text}" if source else text) from error


def _of_file(pipeline: Pipeline) -> dict[str, Any]:
    return {field: pipeline.settings[field] for field in FIELDS if field in pipeline.settings}


def parse_overrides(pairs: list[str]) -> dict[str, str]:
    """Scratchpad values given as `key=value`.

    Raises:
        ConfigError: one of them has no equals sign or no key.
    """
    values: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {pair}: write it as key=value")
        _must_be_text(f"--set {key.strip()!a}", pair)
        values[key.strip()] = value
    return values


def _must_be_text(what: str, text: str) -> None:
    """Refuse bytes that are no text: they came from a shell, and could not be told to anybody."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(f"{what}: {text!a} is no UTF-8 text") from error


def readable_file(path: str | Path) -> Path:
    """A path that names a pipeline file; for one of the first generation, what to do with it.

    Raises:
        ConfigError: it is a YAML file.
    """
    file = Path(path)
    if file.suffix in (".yaml", ".yml"):
        raise ConfigError(f"{file} is YAML: turn it into TOML with `otter convert {file}`")
    return file
