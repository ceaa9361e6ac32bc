"""Row 34: runs that share a work directory."""

from __future__ import annotations

import signal

import tomli_w

from tests.support.runs import KEY, Scene

STEPS = 50
BUSY = 75


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


def test_row_34_a_second_run_of_a_step_is_refused(scene: Scene) -> None:
    """While a step runs, a second run of it ends at once with 75 and names process, host and start of the first."""
    scene.write({"name": "wait one"})
    gate = scene.gate
    first = scene.start()
    gate.wait_for(1)

    refused = scene.start()
    code = refused.process.wait(timeout=40)
    gate.open()

    assert code == BUSY
    assert f"process {first.pid} on " in refused.output()
    assert ", started 2" in refused.output()
    assert first.wait().code == 0


def test_row_34_a_killed_run_leaves_no_lock(scene: Scene) -> None:
    """The lock of a run that was killed is free for the next one at once; it needs no unlocking by hand."""
    scene.write({"name": "wait one"})
    gate = scene.gate
    first = scene.start()
    gate.wait_for(1)
    first.signal(signal.SIGKILL)
    first.wait()
    gate.open()

    again = scene.run("--resume")

    assert again.code == 0, again.output
    assert {"wait one": "success"} == again.results()
    assert KEY in scene.manifest()["steps"]
