"""Two phases of pretraining in the workflow: which data and weights each has, what makes which of them stale, and what
becomes of them when they are killed."""

import json
import re
import shutil

import numpy as np
import pytest

from dump2bert.training.checkpoints import read_weights
from tests.workflow.conftest import new_workspace

pytestmark = pytest.mark.xdist_group("workflow")

OVERLAY = """
sample: {articles: 120, records: 20}
vocabulary: {vocab_size: 500}
pretraining_data:
  max_seq_length: 32
  max_predictions_per_seq: 5
  dupe_factor: 1
  shards: 2
  phase2: {max_seq_length: 64, max_predictions_per_seq: 10}
pretrain: {train_steps: 6, batch_size: 8, save_checkpoint_steps: 2, data_sink_steps: 2}
networks:
  base:
    hidden_size: 32
    num_hidden_layers: 1
    intermediate_size: 64
    pretrain: {phase2: {train_steps: 4, batch_size: 4}}
  nezha: {hidden_size: 32, num_hidden_layers: 1, intermediate_size: 64}
tasks: null
"""
NETWORKS = "results/networks"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    workspace = new_workspace(tmp_path_factory.mktemp("phases"))
    (workspace.folder / "overlay.yaml").write_text(OVERLAY)
    workspace.run("pretrain_all", "--cores", "2")
    return workspace


def described(workspace, place):
    return json.loads((workspace.folder / NETWORKS / place / "network.json").read_text())


def test_the_second_phase_begins_with_the_firsts_weights_on_data_of_its_own(trained):
    first, second = described(trained, "base/pretrain/phase1"), described(trained, "base/pretrain")
    assert [one["network"]["seq_length"] for one in (first, second)] == [32, 64]
    assert [one["provenance"]["updates"] for one in (first, second)] == [6, 4]
    assert first["provenance"]["initial_weights"] is None
    assert second["provenance"]["initial_weights"] == f"{NETWORKS}/base/pretrain/phase1/model.ckpt"
    assert first["provenance"]["data"] != second["provenance"]["data"]
    # Of one data set, and each phase with its own state.
    one_phase = described(trained, "nezha/pretrain")
    assert one_phase["network"]["seq_length"] == 32 and one_phase["provenance"]["data"] == first["provenance"]["data"]
    assert not (trained.folder / NETWORKS / "nezha/pretrain/phase1").exists()
    [first] = (trained.folder / "state/base/phase1").iterdir()
    [second] = set((trained.folder / "state/base").iterdir()) - {first.parent}
    assert first.name != second.name
    assert json.loads((trained.folder / NETWORKS / "base/pretrain_eval/metrics.json").read_text())["mlm_loss"] > 0
    assert trained.stale("pretrain_all") == {}


@pytest.mark.parametrize("old, new, stale", [
    ("train_steps: 4", "train_steps: 5", {"pretrain": 1, "pretrain_eval": 1}),
    ("max_seq_length: 64", "max_seq_length: 48", {"pretraining_data_phase2": 1, "pretraining_data_phase2_held_out": 1,
                                                  "schema": 2, "pretrain": 1, "pretrain_eval": 1}),
    ("batch_size: 8", "batch_size: 16", {"pretrain": 3, "pretrain_eval": 2}),
])
def test_what_changes_in_the_second_phase_leaves_the_first_alone(trained, tmp_path, old, new, stale):
    workspace = trained.copy(tmp_path / "copy")
    workspace.edit("overlay.yaml", old, new)
    assert workspace.stale("pretrain_all") == {**stale, "pretrain_all": 1}


def test_more_steps_of_the_second_phase_go_on_from_its_state(trained, tmp_path):
    workspace = trained.copy(tmp_path / "copy")
    workspace.edit("overlay.yaml", "train_steps: 4", "train_steps: 6")
    done = workspace.run(f"{NETWORKS}/base/pretrain/model.ckpt", "--cores", "1")
    assert "goes on from step 4" in done.stdout and "Pretraining base phase1" not in done.stdout


# Imported by every Python process of the run: a trainer gets a signal, once for each phase, while it writes a snapshot.
SIGNALS = """
import os, signal, sys
from pathlib import Path

def disturb(event, arguments):
    if event == "os.rename" and {"state/base", "state/base/phase1"} & set(sys.argv):
        second = "--load_checkpoint_path" in sys.argv
        number, file = (signal.SIGKILL, "snapshot-000000004.npz") if second else (signal.SIGTERM, "snapshot-000000002.npz")
        sent = Path(number.name)
        if str(arguments[1]).endswith(file) and not sent.exists():
            sent.touch()
            os.kill(os.getpid(), number)

sys.addaudithook(disturb)
"""


def test_a_terminated_first_phase_and_a_killed_second_one_end_with_the_weights_of_undisturbed_ones(trained, tmp_path):
    workspace = trained.copy(tmp_path / "copy")
    shutil.rmtree(workspace.folder / "state")
    shutil.rmtree(workspace.folder / NETWORKS / "base")
    with open(workspace.folder / "note/sitecustomize.py", "a") as file:
        file.write(SIGNALS)
    done = workspace.run(f"{NETWORKS}/base/pretrain/model.ckpt", "--cores", "1", "--retries", "1")
    # The first phase saved its state and exited, the second was killed; both were submitted again by `retries`.
    assert (workspace.folder / "SIGTERM").exists() and (workspace.folder / "SIGKILL").exists()
    assert "interrupted: SIGTERM; step 3 is saved" in done.stdout
    assert re.findall(r"goes on from step (\d)", done.stdout) == ["3", "2"]
    for phase in ("phase1/", ""):
        ours, theirs = (read_weights(place.folder / NETWORKS / f"base/pretrain/{phase}model.ckpt")
                        for place in (workspace, trained))
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(value, theirs[name]) for name, value in ours.items())
    assert workspace.stale("pretrain_all") == {"pretrain_eval": 1, "pretrain_all": 1}
