"""After kill -9 of the trainer, of Snakemake or of both, the same command goes on from the last snapshot."""

import os
import re
import signal
import time

import psutil
import pytest

pytestmark = pytest.mark.xdist_group("workflow")

MODEL = "results/networks/base/pretrain/model.ckpt"
SECONDS = 120


def trainers(folder):
    """Processes that pretrain in this folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        if process.info["cwd"] == str(folder) and "pretrain" in words and "--state_dir" in words \
                and "python" in words[0]:
            found.append(process)
    return found


def wait_for(condition, what):
    deadline = time.monotonic() + SECONDS
    while not (value := condition()):
        assert time.monotonic() < deadline, f"no {what} within {SECONDS} s"
        time.sleep(0.05)
    return value


@pytest.mark.parametrize("killed", ["the trainer", "Snakemake", "both"])
def test_the_same_command_goes_on_after_kill(workspace, killed):
    # Many more steps than can be done before the kill arrives.
    workspace.edit("overlay.yaml", "train_steps: 12", "train_steps: 1500")
    workspace.edit("overlay.yaml", "save_checkpoint_steps: 4", "save_checkpoint_steps: 50")
    state = workspace.folder / "state" / "base"
    before = set(state.rglob("snapshot-*.npz"))

    snakemake = workspace.start("--cores", "2", MODEL)
    new = wait_for(lambda: set(state.rglob("snapshot-*.npz")) - before, "snapshot")
    if killed != "Snakemake":
        [trainer] = wait_for(lambda: trainers(workspace.folder), "trainer")
    if killed != "the trainer":
        snakemake.kill()
    if killed != "Snakemake":
        os.kill(trainer.pid, signal.SIGKILL)
    snakemake.wait(timeout=SECONDS)
    assert not (workspace.folder / MODEL).exists() and new

    again = workspace.run("--cores", "2", MODEL)
    went_on = re.search(r"goes on from step (\d+)", again.stdout)
    assert went_on and int(went_on.group(1)) >= 50, again.stdout[-3000:]
    assert (workspace.folder / MODEL).exists()
    assert workspace.stale(MODEL) == {}
