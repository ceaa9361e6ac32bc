"""Runs of different steps that share a work directory; those of the same step are in `test_coordinator`."""

from __future__ import annotations

import tomli_w

from tests.support.runs import Scene

STEPS = 50


def test_fifty_steps_that_end_at_once_all_stand_in_the_manifest(scene: Scene) -> None:
    """Fifty processes run a step each in one work directory; none loses its entry to another."""
    steps = {f"step_{number}": [{"name": f"wait {number}"}] for number in range(STEPS)}
    (scene.path / "pipeline.toml").write_text(tomli_w.dumps({"work_path": str(scene.work), "steps": steps}))
    gate = scene.gate

    running = [scene.start(f"--step={name}") for name in steps]
    gate.wait_for(STEPS, timeout=80)
    gate.open()
    codes = [run.process.wait() for run in running]

    assert [0] * STEPS == codes
    manifest = scene.manifest()
    assert {f"otter_{name}" for name in steps} == set(manifest["steps"])
    assert {"success"} == {step["result"] for step in manifest["steps"].values()}
    assert manifest["result"] == "success"
