"""`Config`: frozen, checked, and the same in every process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from otter.config.model import Config
from otter.util.errors import ConfigError


def test_a_test_of_a_task_package_can_make_one() -> None:
    """`Config(step=…, steps=[…], work_path=…)` is all that a test needs."""
    config = Config(step="fetch", steps=["fetch"], work_path="work")
    assert (Path("work"), None, 5, "INFO", "otter") == (
        config.work_path, config.release_uri, config.pool_size, config.log_level, config.runner_name,
    )  # fmt: skip


def test_values_are_made_uniform() -> None:
    """Paths are paths, a release has no slash at its end, levels are capitals."""
    config = Config(
        step="s",
        work_path="~/x",
        release_uri="https://example.org/r/",
        pool_size="3",
        log_level="debug",
        config_path="c",
    )
    assert (Path.home() / "x", "https://example.org/r", 3, "DEBUG", Path("c")) == (
        config.work_path, config.release_uri, config.pool_size, config.log_level, config.config_path,
    )  # fmt: skip
    assert Config(step="s", release_uri="").release_uri is None


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("pool_size", 0, "pool_size: must be 1 to 4096, got 0"),
        ("pool_size", 5000, "pool_size: must be 1 to 4096, got 5000"),
        (
            "log_level",
            "loud",
            "log_level: must be one of TRACE, DEBUG, INFO, SUCCESS, WARNING, ERROR, CRITICAL, got 'LOUD'",
        ),
        (
            "release_uri",
            "file://host/r",
            "release_uri: a file URL is file:/// and an absolute path, got 'file://host/r'",
        ),
        (
            "runner_name",
            "Otter",
            (
                "runner_name: must be 2 to 32 lower-case letters, digits and underscores, beginning with a letter, "
                "got 'Otter'"
            ),
        ),
    ],
)
def test_what_breaks_a_rule_is_refused(field: str, value: Any, message: str) -> None:
    """The error names the field and the rule."""
    with pytest.raises(ConfigError) as raised:
        Config(step="s", **{field: value})
    assert message == str(raised.value)


@pytest.mark.parametrize(
    ("uri", "kept", "directory"),
    [
        (None, None, Path("w")),
        ("/r/s/", "/r/s", Path("/r/s")),
        ("/", "/", Path("/")),
        ("~/r", str(Path.home() / "r"), Path.home() / "r"),
        ("file:///r%20s/", "file:///r%20s", Path("/r s")),
        ("file:///", "file:///", Path("/")),
        ("File://localhost/r", "File://localhost/r", Path("/r")),
        ("s3://bucket/", "s3://bucket", None),
        ("s3://", "s3://", None),
    ],
)
def test_the_directory_of_a_release(uri: str | None, kept: str | None, directory: Path | None) -> None:
    """A path or a file URL names it; the work path is it where nothing else is named; a bucket has none."""
    config = Config(step="s", work_path="w", release_uri=uri)
    assert (kept, directory) == (config.release_uri, config.release_directory)


def test_it_is_frozen() -> None:
    """Nothing changes while tasks look at it."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Config(step="s").step = "t"  # type: ignore[misc]


def test_it_crosses_to_a_worker() -> None:
    """What JSON carried makes the same configuration; keys of newer versions are left alone."""
    config = Config(step="s", steps=("s", "t"), work_path=Path("/w"), config_path=Path("/c.toml")).resolved()
    twin = Config.from_json({**config.to_json(), "of a newer version": 1})
    assert config.to_json() == twin.to_json()
    assert (config.work_path, config.config_path) == (twin.work_path, twin.config_path)
    assert Path.cwd() / "x" == Config(step="s", work_path=Path("x")).resolved().work_path


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "step: missing"),
        ({"step": 5}, "step: expected text, got the integer 5"),
        ({"step": "s", "steps": "abc"}, "steps: expected an array of text, got the text 'abc'"),
        ({"step": "s", "work_path": 5}, "work_path: expected text, got the integer 5"),
        ({"step": "s", "pool_size": "x"}, "pool_size: expected an integer, got the text 'x'"),
        ({"step": "s", "pool_size": 0}, "pool_size: must be 1 to 4096, got 0"),
    ],
)
def test_what_another_process_sent_is_checked(table: dict[str, Any], message: str) -> None:
    """A peer of another make may send anything; what is left out has its default."""
    with pytest.raises(ConfigError) as raised:
        Config.from_json(table)
    assert message == str(raised.value)
    assert Config(step="s", release_uri=None) == Config.from_json({"step": "s", "release_uri": None})
