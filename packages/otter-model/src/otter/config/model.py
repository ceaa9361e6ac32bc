"""`Config`: what a run was told, frozen before anything starts, and seen by every task as `context.config`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs

from otter.util.errors import ConfigError

RUNNER_NAME = re.compile(r"[a-z][a-z0-9_]{1,31}")
LOG_LEVELS = ("TRACE", "DEBUG", "INFO", "SUCCESS", "WARNING", "ERROR", "CRITICAL")
DEFAULT_WORK_PATH = Path("./work")
DEFAULT_POOL_SIZE = 5
MAX_POOL_SIZE = 4096

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def _path(value: Any) -> Path:
    return Path(value).expanduser()


def _uri(value: Any) -> str | None:
    text = str(value) if value is not None else ""
    if text.startswith("~"):
        text = str(_path(text))
    scheme = _SCHEME.match(text)
    shortest = scheme.end() + 1 if scheme is not None else 1
    while len(text) > shortest and text.endswith("/"):
        text = text[:-1]
    return text or None


def scheme_of(uri: str) -> str:
    """The scheme of a URI in lower case; `file` for a path."""
    match = _SCHEME.match(uri)
    return match[1].lower() if match is not None else "file"


def directory_of(uri: str) -> Path | None:
    """The directory that a path or a file URL names; none for a URI of another scheme.

    Raises:
        ConfigError: a file URL names none on this machine.
    """
    match = _SCHEME.match(uri)
    if match is None:
        return Path(uri)
    if match[1].lower() != "file":
        return None
    host, slash, path = uri[match.end() :].partition("/")
    if host not in ("", "localhost") or not slash:
        raise ConfigError(f"a file URL is file:/// and an absolute path, got {uri!r}")
    from urllib.parse import unquote

    return Path(unquote(f"/{path}"))


def _release(_: Any, attribute: Any, value: str | None) -> None:
    if value is not None:
        try:
            directory_of(value)
        except ConfigError as error:
            raise ConfigError(f"{attribute.name}: {error}") from error


def _level(value: Any) -> str:
    return str(value).upper()


def _check(test: Any, rule: str) -> Any:
    def validator(_: Any, attribute: Any, value: Any) -> None:
        if not test(value):
            raise ConfigError(f"{attribute.name}: {rule}, got {value!r}")

    return validator


@attrs.frozen(kw_only=True)
class Config:
    """Configuration of a run.

    Attributes:
        step: the step to run.
        steps: every step of the pipeline file.
        work_path: directory for what the run writes; made when it is missing.
        release_uri: where the release lives; none keeps it under `work_path`.
        pool_size: how many worker processes at most, 1 to 4096.
        log_level: least level of the messages that are kept.
        config_path: the pipeline file; none for a step built in code.
        runner_name: prefix of environment variables and manifest keys.

    Raises:
        ConfigError: a value breaks its rule.
    """

    step: str
    steps: tuple[str, ...] | list[str] = attrs.field(factory=list)
    work_path: Path = attrs.field(default=DEFAULT_WORK_PATH, converter=_path)
    release_uri: str | None = attrs.field(default=None, converter=_uri, validator=_release)
    pool_size: int = attrs.field(
        default=DEFAULT_POOL_SIZE,
        converter=int,
        validator=_check(lambda n: 1 <= n <= MAX_POOL_SIZE, f"must be 1 to {MAX_POOL_SIZE}"),
    )
    log_level: str = attrs.field(
        default="INFO",
        converter=_level,
        validator=_check(lambda level: level in LOG_LEVELS, f"must be one of {', '.join(LOG_LEVELS)}"),
    )
    config_path: Path | None = attrs.field(default=None, converter=attrs.converters.optional(_path))
    runner_name: str = attrs.field(
        default="otter",
        validator=_check(
            lambda name: isinstance(name, str) and RUNNER_NAME.fullmatch(name),
            "must be 2 to 32 lower-case letters, digits and underscores, beginning with a letter",
        ),
    )

    @property
    def release_directory(self) -> Path | None:
        """The directory in which the release lives; none if it lives in no file system."""
        return directory_of(self.release_uri) if self.release_uri is not None else self.work_path

    def to_json(self) -> dict[str, Any]:
        """The configuration as JSON carries it, for the wire."""
        table = attrs.asdict(self)
        table["steps"] = list(self.steps)
        table["work_path"] = str(self.work_path)
        table["config_path"] = str(self.config_path) if self.config_path else None
        return table

    @classmethod
    def from_json(cls, table: dict[str, Any]) -> Config:
        """The configuration from what `to_json` made; keys of newer versions are ignored.

        Raises:
            ConfigError: `step` is missing, or a value does not fit.
        """
        from otter.util.convert import MisfitError, converter_for

        values: dict[str, Any] = {}
        for name, form in _JSON_FORMS.items():
            if name in table:
                try:
                    values[name] = converter_for(form)(table[name])
                except MisfitError as error:
                    raise ConfigError(f"{name}: {error}") from error
        if "step" not in values:
            raise ConfigError("step: missing")
        return cls(**values)

    def resolved(self) -> Config:
        """The configuration with an absolute work path, so that it means the same in every process."""
        return attrs.evolve(self, work_path=Path(self.work_path).absolute())


_JSON_FORMS: dict[str, Any] = {
    "step": str, "steps": list[str], "work_path": str, "release_uri": str | None, "pool_size": int, "log_level": str,
    "config_path": str | None, "runner_name": str,
}  # fmt: skip
"""The fields with the forms in which JSON has them."""
