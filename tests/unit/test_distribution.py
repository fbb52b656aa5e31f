"""Training with two processes on a CPU equals training with one, and goes on after a kill."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest

from dump2bert import cli
from dump2bert.errors import BadInput
from dump2bert.launching import commands, supervision
from dump2bert.training import context
from dump2bert.training.checkpoints import read_weights
from dump2bert.training.data import Order
from dump2bert.training.distribution import World, check_ranks_agree, digest_halves, join, own_device
from tests.unit.small_networks import write_shards
from tests.unit.test_pretrain import NETWORK, ROWS, equal, metrics, run

OPTIONS = {"optimizer": "AdamWeightDecay", "AdamWeightDecay": {"learning_rate": 1e-2, "decay_steps": 10, "warmup_steps": 2},
           "epoch_size": 5, "train_steps": 10, "save_checkpoint_steps": 2, "data_sink_steps": 3}
NETWORK = {**NETWORK, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}

# A rank that is killed when it looks at losses after step 3.
DYING = """
import os, signal, sys
from dump2bert import cli
from dump2bert.training import pretraining_loop

agree = pretraining_loop.agree

def dying(run, *others):
    if run.step >= 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return agree(run, *others)

pretraining_loop.agree = dying
sys.exit(cli.main())
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_shards(folder, ROWS)
    return folder


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def flags(data, folder):
    """Of two ranks with 4 records each."""
    return {**OPTIONS, "network": NETWORK, "batch_size": 4, "vocab_file": str(data / "vocab.txt"),
            "state_dir": str(folder / "state"), "save_checkpoint_path": str(folder / "out")}


def launch(data, folder, program=None, **changes):
    """Run two ranks; `program`: what rank 1 runs in place of the trainer."""
    given = {"device_target": "CPU", "data_dir": str(data), **flags(data, folder), **changes}
    ranks = commands.ranks_of_scheduler(0, 2, 2, "127.0.0.1", free_port(), given, folder, 120, [])
    if program:
        ranks[2] = ranks[2]._replace(words=[sys.executable, "-c", program, *ranks[2].words[3:]])
    supervision.run(ranks, folder)


@pytest.fixture(scope="module")
def together(data, tmp_path_factory):
    """Ten steps of two ranks under msrun."""
    folder = tmp_path_factory.mktemp("together")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        code = cli.main(["launch", "--device_target", "CPU", "--device_num", "2", "--start", "msrun", "--data_dir", str(data),
                         "--options", json.dumps(flags(data, folder)), "--cmd_file", str(folder / "run.sh"), "--run", "true",
                         "--log_dir", str(folder), "--bind_cores", "false", "--master_port", str(free_port())])
    assert code == 0
    return folder


@pytest.mark.slow
def test_two_ranks_have_the_loss_curve_of_one_process_with_the_same_batch(data, together, tmp_path):
    alone = run(data, tmp_path, network=NETWORK, batch_size=8, **OPTIONS)
    ours, theirs = metrics(together / "out"), metrics(alone)
    assert [line["step"] for line in ours] == [line["step"] for line in theirs]
    for name in ("loss", "mlm_loss", "nsp_loss", "mlm_accuracy", "nsp_accuracy", "global_norm", "learning_rate"):
        np.testing.assert_allclose([line[name] for line in ours], [line[name] for line in theirs], rtol=2e-5, err_msg=name)
    ours, theirs = read_weights(together / "out" / "model.ckpt"), read_weights(alone / "model.ckpt")
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-3, atol=1e-4, err_msg=name)
    provenance = json.loads((together / "out" / "network.json").read_text())["provenance"]
    assert provenance["device_num"] == 2


@pytest.mark.slow
def test_two_ranks_of_msrun_save_before_they_end_when_the_launcher_is_told_to_stop(data, tmp_path):
    options = {**flags(data, tmp_path), "epoch_size": 100000, "train_steps": -1}
    words = {"device_target": "CPU", "device_num": 2, "start": "msrun", "data_dir": data,
             "options": json.dumps(options), "cmd_file": tmp_path / "run.sh", "run": "true", "log_dir": tmp_path,
             "bind_cores": "false", "master_port": free_port()}
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    launcher = subprocess.Popen([sys.executable, "-m", "dump2bert.cli", "launch", *(
        word for name, value in words.items() for word in (f"--{name}", str(value)))], env=environment)
    while not [path for path in tmp_path.glob("state/*/snapshot-*.npz") if path.stem != "snapshot-000000000"]:
        assert launcher.poll() is None
        time.sleep(0.05)
    launcher.terminate()
    assert launcher.wait(120) == cli.EXIT_INTERRUPTED
    for number in range(2):
        log = (tmp_path / "msrun-1" / f"worker_{number}.log").read_text().splitlines()
        assert [line for line in log if line.startswith("interrupted: ") and "is saved" in line]


@pytest.mark.slow
def test_a_rank_that_dies_ends_all_with_a_sentence_and_the_run_goes_on_exactly(data, together, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(BadInput, match="rank 1 has ended with SIGKILL, so all ranks were ended; the state is kept"):
        launch(data, folder, DYING)
    assert not (folder / "out" / "model.ckpt").exists() and list(folder.glob("state/*/snapshot-*2.npz"))
    shutil.copytree(folder / "state", tmp_path / "alone" / "state")
    launch(data, folder)
    assert "goes on from step" in (folder / "LOG0" / "pretraining_log.txt").read_text()
    assert equal(folder / "out", together / "out")
    with pytest.raises(BadInput, match="was trained on 2 devices, not on 1: give --device_num 2 to go on"):
        run(data, tmp_path / "alone", network=NETWORK, batch_size=4, **OPTIONS)


@pytest.mark.slow
def test_two_ranks_leave_a_step_with_a_spike_out_and_know_of_it_when_they_go_on(data, tmp_path):
    spiky = {"spike_factor": 1.0001, "spike_window": 2, "max_rollbacks": 100}    # some loss is above the median of two
    for steps in (8, 10):
        launch(data, tmp_path, epoch_size=30, train_steps=steps, **spiky)
    log = (tmp_path / "LOG1" / "pretraining_log.txt").read_text()
    assert "see the log of rank 0 at step" in log and "is left out (rollback 1 of at most 100)" in log
    lines = metrics(tmp_path / "out")
    assert [line["step"] for line in lines if "rolled_back" in line and "times the median" in line["rolled_back"]["reason"]]
    assert json.loads((tmp_path / "out" / "network.json").read_text())["provenance"]["updates"] == 10


def test_a_rank_takes_its_own_device_whatever_started_it(monkeypatch):
    for name in ("DEVICE_ID", "OMPI_COMM_WORLD_LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert own_device(3) == 3
    monkeypatch.setenv("OMPI_COMM_WORLD_LOCAL_RANK", "5")
    assert own_device(0) == 5
    monkeypatch.setenv("DEVICE_ID", "1")
    assert own_device(0) == 1


def test_the_device_of_a_rank_is_what_mindspore_is_given(monkeypatch, data, tmp_path):
    given = []

    def set_up(target, device_id):
        given.append((target, device_id))
        raise BadInput("enough")

    monkeypatch.setattr(context, "set_up", set_up)
    monkeypatch.setenv("MS_ROLE", "MS_WORKER")
    monkeypatch.setenv("DEVICE_ID", "1")
    for distribute in (True, False):
        with pytest.raises(BadInput, match="enough"):
            run(data, tmp_path, distribute=distribute, device_num=2 if distribute else 1)
    assert given == [("CPU", 1), ("CPU", 0)]


@pytest.mark.parametrize("device, wanted", [("CPU", ["joined"]), ("Ascend", [True, "joined"])])
def test_ranks_on_accelerators_are_told_to_compute_alike_before_they_are_joined(monkeypatch, device, wanted):
    """Their weights are compared bit by bit."""
    done = []
    monkeypatch.setenv("MS_ROLE", "MS_WORKER")
    monkeypatch.setattr(ms, "get_context", {"device_target": device}.__getitem__)
    monkeypatch.setattr(ms, "set_deterministic", done.append)
    monkeypatch.setattr("mindspore.communication.init", lambda: done.append("joined"))
    monkeypatch.setattr("mindspore.communication.get_group_size", lambda: 1)
    monkeypatch.setattr("mindspore.communication.get_rank", lambda: 0)
    assert join(True, 1).size == 1 and done == wanted


class OtherRank(World):
    """Rank 1 of two, whose rank 0 has the weights `theirs`."""

    def __init__(self, theirs):
        super().__init__()
        self.rank, self.size, self.theirs = 1, 2, theirs

    def share(self, arrays):
        return {name: np.array(digest_halves([self.theirs])) for name in arrays}

    def any(self, flag):
        return flag


def test_ranks_whose_weights_differ_are_found():
    ours = np.arange(4, dtype=np.float32)
    check_ranks_agree(OtherRank(ours), [ours])
    with pytest.raises(BadInput, match="the ranks' weights differ"):
        check_ranks_agree(OtherRank(ours + 1), [ours])
    check_ranks_agree(World(), [ours])


def test_global_batches_are_dealt_to_ranks_without_a_record_twice():
    order = Order(100, 4 * 8, 1)
    dealt = [order.numbers(step)[rank * 8:][:8] for step in range(order.steps_per_epoch) for rank in range(4)]
    assert all(len(part) == 8 for part in dealt) and len(set(np.concatenate(dealt))) == 96 and order.left_out == 4


def test_a_world_of_one_says_nothing_to_nobody():
    world = World()
    arrays = {"a": np.arange(3)}
    assert world.is_first and world.share(arrays) is arrays and world.any(True) and not world.any(None)
    assert world.sum([1, 2]).tolist() == [1, 2]
