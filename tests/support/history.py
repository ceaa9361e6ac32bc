"""The checker of histories: what a journal, a manifest and the disk say of the same runs must agree."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs

from tests.support.runs import KEY, Scene


@attrs.frozen
class Snapshot:
    """What was committed at a moment, and how often each of those tasks had really begun until then."""

    attempts: dict[str, int]

    @classmethod
    def of(cls, scene: Scene) -> Snapshot:
        """The snapshot of now."""
        return cls({name: scene.attempts(name) for name in scene.committed()})

    def check_later(self, scene: Scene) -> None:
        """Nothing that was committed then has begun again since."""
        assert self.attempts == {name: scene.attempts(name) for name in self.attempts}


def check_journal(records: list[dict[str, Any]]) -> None:
    """Within each run every task has one terminal record at most; a success is never followed by another."""
    successes: Counter[str] = Counter()
    seen: set[str] = set()
    for record in records:
        match record["kind"]:
            case "run":
                seen = set()
            case "task":
                name = record["entry"]["name"]
                assert name not in seen, f"{name} has two terminal records in one run"
                seen.add(name)
                successes[name] += record["entry"]["result"] == "success"
    assert {name: count for name, count in successes.items() if count > 1} == {}


def check_effects(scene: Scene) -> None:
    """What was committed as done has been done: each of these tasks has left its line in the diary."""
    assert [] == [name for name in scene.committed() if not scene.attempts(name)]


def outcome(manifest: dict[str, Any]) -> dict[str, Any]:
    """What a manifest says of a step, but for times, places of work and attempts."""
    step = manifest["steps"][KEY]
    tasks = {}
    for task in step["tasks"]:
        kept = {key: task.get(key) for key in ("result", "failure_reason", "requires", "parent")}
        artifacts = [
            {**artifact, "files": [_content(fact) for fact in artifact.get("files", ())]}
            for artifact in task["artifacts"]
        ]
        tasks[task["name"]] = {**kept, "artifacts": artifacts}
    return {"root": manifest["result"], "result": step["result"], "counts": step["counts"], "tasks": tasks}


def _content(fact: dict[str, Any]) -> dict[str, Any]:
    return {"size": fact.get("size"), "sha256": fact.get("sha256")}
