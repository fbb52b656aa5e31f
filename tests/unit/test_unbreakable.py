"""What must not end a run, or must end it with an explanation: bad numbers, spikes, kills at bad moments, another world."""

import json
import math
import signal
import subprocess
import sys

import numpy as np
import pytest

from dump2bert import config
from dump2bert.errors import BadInput
from dump2bert.pretraining.examples import columns, schema
from dump2bert.files import write_json
from dump2bert.tfrecord import encode_example, write_records
from dump2bert.training.metrics_log import MetricsLog, zoo_line
from dump2bert.training.watch import LossWatch, Rollbacks
from tests.unit.small_networks import LENGTH, PREDICTIONS, small_batch, write_shards
from tests.unit.test_pretrain import ROWS, command, equal, metrics, run

BAD = 20    # the record whose weights are no numbers


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_shards(folder, ROWS)
    return folder


@pytest.fixture(scope="module")
def bad_data(tmp_path_factory):
    """The same with one record whose loss is not finite."""
    folder = tmp_path_factory.mktemp("bad")
    write_shards(folder, ROWS)
    batch = small_batch(ROWS)
    batch["masked_lm_weights"][BAD] = np.nan
    for file in folder.glob("*.tfrecord"):
        file.unlink()
    with open(folder / "part-00000.tfrecord", "wb") as file:
        write_records(file, [encode_example({name: values[row].tolist() for name, values in batch.items()})
                             for row in range(ROWS)])
    write_json(folder / "schema.json", schema(ROWS, columns(LENGTH, PREDICTIONS)))
    return folder


def good(losses):
    return [(loss, False, 1.0) for loss in losses]


def test_a_loss_above_the_factor_times_the_running_median_is_a_spike():
    watch = LossWatch(2.0, 4)
    assert watch.judge(range(4), good([1, 5, 1, 3])) is None           # no median yet
    assert watch.judge(range(4, 6), good([4, 3.9])) is None            # medians 2 and then 3.5
    trouble = watch.judge(range(6, 9), good([3.0, 7.01, 1.0]))         # median of 1, 3, 4, 3.9, 3 ... is 3.45
    assert trouble.step == 7 and "the loss 7.01 is 2.03 times the median of the last 4 (3.45)" in trouble.reason
    assert list(watch.losses) == [3, 4, 3.9, 3.0]                      # the spike is no part of it


def test_spike_factor_zero_finds_no_spikes():
    watch = LossWatch(0.0, 2)
    assert watch.judge(range(4), good([1, 1, 1, 1e6])) is None


def test_overflow_is_trouble_only_at_the_floor_of_the_loss_scale_or_without_a_finite_loss():
    watch = LossWatch(3.0, 100)
    assert watch.judge([0], [(5.0, True, 2.0)]) is None and not watch.losses
    assert "loss scale 1, its floor" in watch.judge([1], [(5.0, True, 1.0)]).reason
    assert "not finite (nan)" in watch.judge([2], [(math.nan, True, 65536.0)]).reason


def test_the_record_of_rollbacks_survives(tmp_path):
    rollbacks = Rollbacks(tmp_path / "rollbacks.jsonl")
    rollbacks.add({"step": 3, "reason": "a"})
    rollbacks.add({"step": 9, "reason": "b"})
    again = Rollbacks(tmp_path / "rollbacks.jsonl")
    assert list(again.left_out) == [2, 8] and again.lines == rollbacks.lines
    again.clear()
    assert Rollbacks(tmp_path / "rollbacks.jsonl").lines == []


@pytest.fixture(scope="module")
def rolled_back(bad_data, tmp_path_factory):
    """Ten steps over data with a bad record."""
    return run(bad_data, tmp_path_factory.mktemp("rolled"), epoch_size=5, train_steps=8)


def test_a_batch_that_is_not_finite_is_rolled_back_and_left_out(rolled_back):
    lines = metrics(rolled_back)
    left_out = [line for line in lines if "rolled_back" in line]
    record = [json.loads(line) for line in
              next(rolled_back.parent.glob("state/*/rollbacks.jsonl")).read_text().splitlines()]
    assert 1 <= len(left_out) == len(record)
    for line, entry in zip(left_out, record):
        assert line["step"] == entry["step"] and line["loss"] is None and BAD in entry["records"]
        assert "the loss is not finite (nan)" in line["rolled_back"]["reason"]
        assert entry["back_to"] == (entry["step"] - 1) // 4 * 4       # the snapshot before it
        assert (entry["epoch"] - 1) * 4 + entry["batch"] == entry["step"]
    steps = [line["step"] for line in lines]
    assert steps == sorted(set(steps)) and steps[-1] == 8 + len(record)
    assert all(line["loss"] is not None for line in lines if line not in left_out)
    provenance = json.loads((rolled_back / "network.json").read_text())["provenance"]
    assert (provenance["updates"], provenance["rollbacks"]) == (8, len(record))


def test_a_run_that_is_interrupted_around_a_rollback_ends_with_the_same_weights(bad_data, tmp_path, rolled_back):
    first = next(line["step"] for line in metrics(rolled_back) if "rolled_back" in line)
    for updates in sorted({max(first - 1, 1), first}):
        run(bad_data, tmp_path, epoch_size=5, train_steps=updates, data_sink_steps=1, save_checkpoint_steps=1)
    out = run(bad_data, tmp_path, epoch_size=5, train_steps=8, data_sink_steps=2)
    assert equal(out, rolled_back)


def test_after_max_rollbacks_the_run_stops_with_an_explanation_and_the_last_good_state(bad_data, tmp_path):
    with pytest.raises(BadInput, match=r"not finite \(nan\) at step \d+ \(epoch 1, batch \d\), and 0 rollbacks"):
        run(bad_data, tmp_path, epoch_size=1, max_rollbacks=0, save_checkpoint_steps=1, data_sink_steps=1)
    assert list(tmp_path.glob("state/*/snapshot-*")) and not (tmp_path / "out" / "model.ckpt").exists()


def test_a_spike_is_rolled_back_too(data, tmp_path, caplog):
    caplog.set_level("INFO", "dump2bert")
    # Above a thousandth of the median is everything, so the third step always is.
    with pytest.raises(BadInput, match="and 2 rollbacks"):
        run(data, tmp_path, epoch_size=5, train_steps=8, spike_factor=0.001, spike_window=2, max_rollbacks=2,
            data_sink_steps=1)
    assert "times the median of the last 2" in caplog.text and "back to step 0, this batch is left out" in caplog.text
    # With another judgement the same state goes on.
    out = run(data, tmp_path, epoch_size=5, train_steps=8, max_rollbacks=2, data_sink_steps=1)
    assert [line["step"] for line in metrics(out) if "rolled_back" in line] == [3, 4]


KILLED = """
import os, signal, sys
from dump2bert import cli
from dump2bert.training import metrics_log, state

moment = sys.argv.pop(1)
write_arrays, write_line, calls = state.write_arrays, metrics_log.MetricsLog.write, []

def half_written(file, arrays):
    calls.append(1)
    if len(calls) == 3:                       # of step 0, of step 2, and this one
        write_arrays(file, dict(list(arrays.items())[:5]))
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    write_arrays(file, arrays)

def at_the_epochs_end(self, line):
    write_line(self, line)
    if line["step"] == 4:
        os.kill(os.getpid(), signal.SIGKILL)

if moment == "in a snapshot's write":
    state.write_arrays = half_written
else:
    metrics_log.MetricsLog.write = at_the_epochs_end
sys.exit(cli.main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["in a snapshot's write", "at an epoch's end"])
def test_killed_at_a_bad_moment_the_run_ends_with_the_weights_of_an_undisturbed_one(data, tmp_path, moment):
    _, _, _, *words = command(data, tmp_path / "killed", "--save_checkpoint_steps", "2")
    done = subprocess.run([sys.executable, "-c", KILLED, moment, *words], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    leftovers = list((tmp_path / "killed").glob("state/*/.snapshot*.part"))
    assert bool(leftovers) == (moment == "in a snapshot's write")
    out = run(data, tmp_path / "killed", epoch_size=5, train_steps=10)
    assert equal(out, run(data, tmp_path / "undisturbed", epoch_size=5, train_steps=10))
    assert not list((tmp_path / "killed").glob("state/*/.snapshot*.part"))


@pytest.mark.parametrize("more", [
    {"optimizer": "Lamb", "Lamb": {"learning_rate": 0.01, "warmup_steps": 2, "decay_steps": 9}},
    {"optimizer": "Momentum", "Momentum": {"learning_rate": 0.1}, "batch_size": 4, "accumulation_steps": 2}],
    ids=["Lamb", "Momentum, accumulated"])
def test_moments_and_a_loss_scale_that_moves_go_on_where_they_were(data, tmp_path, more):
    more = {"epoch_size": 9, "loss_scale_value": 2.0 ** 70, "scale_window": 2, "data_sink_steps": 1, **more}
    at_once = run(data, tmp_path / "once", train_steps=8, **more)
    begun = metrics(run(data, tmp_path / "parts", train_steps=3, **more))
    assert begun[-1]["loss_scale"] < begun[0]["loss_scale"] and begun[-1]["step"] > 3    # steps were skipped
    out = run(data, tmp_path / "parts", train_steps=8, **more)
    assert equal(out, at_once)
    assert [line["loss_scale"] for line in metrics(out)] == [line["loss_scale"] for line in metrics(at_once)]


def test_two_snapshots_are_kept_from_the_beginning(data, tmp_path):
    run(data, tmp_path, train_steps=1)
    assert [path.name for path in sorted(tmp_path.glob("state/*/snapshot-*"))] == [
        "snapshot-000000000.npz", "snapshot-000000001.npz"]


def test_state_of_another_number_of_devices_is_refused_unless_fresh(data, tmp_path):
    run(data, tmp_path, train_steps=2)
    newest = max(tmp_path.glob("state/*/snapshot-*"))
    with np.load(newest) as file:
        arrays = dict(file)
    about = json.loads(arrays["/about"].tobytes())
    arrays["/about"] = np.frombuffer(json.dumps({**about, "device_num": 2}).encode(), np.uint8)
    with open(newest, "wb") as file:
        np.savez(file, **arrays)
    with pytest.raises(BadInput, match="was trained on 2 devices, not on 1: give --device_num 2 to go on, or give --fresh true"):
        run(data, tmp_path, train_steps=3)
    run(data, tmp_path, train_steps=3, fresh=True)


def test_the_log_never_holds_steps_beyond_the_state(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 2, "loss": 1.0}\n{"step": 4, "loss": 1.0}\n{"step": 6, "lo')
    log = MetricsLog(path, 3, 10)
    assert path.read_text() == '{"step": 2, "loss": 1.0}\n'
    log.write({"step": 5, "loss": 2.0})
    log.go_back(2)
    assert path.read_text() == '{"step": 2, "loss": 1.0}\n'


def test_the_seeds_own_line():
    line = {"step": 100, "loss": 7.25, "overflow": False, "loss_scale": 65536.0}
    assert zoo_line(line, 1000) == \
        "epoch: 0.0, current epoch percent: 0.100, step: 100, outpus are (7.25, False, 65536)"
    assert zoo_line({**line, "step": 2500}, 1000).startswith("epoch: 2.0, current epoch percent: 0.500, step: 2500")


def test_the_options_have_the_meaning_of_the_configuration():
    assert (config.Pretrain().spike_factor, config.Pretrain().max_rollbacks) == (3.0, 3)
