"""The stages pretrain and pretrain_eval on small shards: what they write, resume, options, evaluation."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from mindspore import nn

from dump2bert import config
from dump2bert.errors import BadInput, Interrupted
from dump2bert.stages import pretrain, pretrain_eval
from dump2bert.training import pretraining_loop
from dump2bert.training.checkpoints import read_weights, save_weights
from dump2bert.training.distribution import World
from dump2bert.training.interruption import Interruption
from dump2bert.training.pretraining import Run, state_key
from dump2bert.training.pretraining_batches import open_records
from tests.unit import numpy_bert
from tests.unit.interop_world import save_ckpt
from tests.unit.small_networks import LENGTH, WORDS, small_network, write_shards

NETWORK = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 24,
           "max_position_embeddings": 20}
OPTIONS = {"optimizer": "AdamWeightDecay", "batch_size": 8, "save_checkpoint_steps": 4, "data_sink_steps": 3,
           "AdamWeightDecay": {"learning_rate": 1e-2, "decay_steps": 10, "warmup_steps": 2}}
ROWS = 35    # 4 steps of 8 in an epoch, 3 records left out


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_shards(folder, ROWS)
    return folder


def arguments(data, folder, **changes):
    """What the command line gives to the stage."""
    changed = {name: value for name, value in changes.items() if name in config.Pretrain.model_fields}
    options = config.Pretrain(**{**OPTIONS, **changed})
    network = config.Network(**{**NETWORK, **changes.get("network", {})})
    values = {"data_dir": data, "schema_dir": None, "vocab_file": data / "vocab.txt", "state_dir": folder / "state",
              "save_checkpoint_path": folder / "out", "load_checkpoint_path": None, "device_target": "CPU",
              "adopt_state": None, "fresh": False, "stop_with_parent": False, "zoo_lines": False,
              "network": {**config.plain(network), "relative_positions": network.relative_positions},
              **config.plain(options)}
    files = values.keys() - {"network", *config.Pretrain.model_fields}
    return {**values, **{name: value for name, value in changes.items() if name in files}}


def run(data, folder, **changes):
    pretrain.run(**arguments(data, folder, **changes))
    return folder / "out"


def metrics(out):
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def equal(first, second):
    first, second = read_weights(first / "model.ckpt"), read_weights(second / "model.ckpt")
    return first.keys() == second.keys() and all((first[name] == second[name]).all() for name in first)


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    """Ten steps in one go: two epochs and a half."""
    return run(data, tmp_path_factory.mktemp("undisturbed"), epoch_size=5, train_steps=10)


def test_final_model_metrics_and_description_are_written(undisturbed):
    lines = metrics(undisturbed)
    assert [line["step"] for line in lines] == [3, 4, 6, 8, 9, 10]     # every 3 steps, at snapshots, and the last
    assert list(lines[0]) == ["step", "epoch", "loss", "mlm_loss", "nsp_loss", "learning_rate", "loss_scale",
                              "overflow", "global_norm", "tokens_per_second", "mlm_accuracy", "nsp_accuracy"]
    assert [line["epoch"] for line in lines] == [1, 1, 2, 2, 3, 3]
    for line in lines:
        assert line["loss"] == pytest.approx(line["mlm_loss"] + line["nsp_loss"], rel=1e-5)
        assert line["loss_scale"] == 65536 and line["overflow"] is False
    described = json.loads((undisturbed / "network.json").read_text())
    assert described["network"]["vocab_size"] == WORDS and described["network"]["seq_length"] == LENGTH
    assert described["network"]["compute_type"] == "float32" and described["network"]["relative_positions"] == "none"
    assert described["provenance"]["step"] == 10 and described["provenance"]["seed"] == 1
    assert sorted(path.name for path in undisturbed.iterdir()) == [
        "checkpoint-8.ckpt", "metrics.jsonl", "model.ckpt", "network.json", "tensorboard"]


def test_two_undisturbed_runs_with_dropout_are_bit_identical(data, tmp_path, undisturbed):
    network = json.loads((undisturbed / "network.json").read_text())["network"]
    assert (network["hidden_dropout_prob"], network["attention_probs_dropout_prob"]) == (0.1, 0.1)
    assert equal(run(data, tmp_path, epoch_size=5, train_steps=10), undisturbed)


def test_more_steps_go_on_and_equal_one_run(data, tmp_path, undisturbed, caplog):
    run(data, tmp_path, epoch_size=5, train_steps=3)
    caplog.set_level("INFO", "dump2bert")
    out = run(data, tmp_path, epoch_size=5, train_steps=10, data_sink_steps=1, save_checkpoint_num=2)
    assert "goes on from step 3" in caplog.text
    assert equal(out, undisturbed)
    assert [line["step"] for line in metrics(out)] == [3, *range(4, 11)]
    assert sorted(path.name for path in out.glob("checkpoint*")) == ["checkpoint-4.ckpt", "checkpoint-8.ckpt"]


def test_checkpoints_that_others_have_written_are_not_deleted(data, tmp_path):
    (tmp_path / "out").mkdir()
    theirs = [tmp_path / "out" / name for name in ("checkpoint-1.ckpt", "checkpoint-mine.ckpt", "checkpoint-9000.ckpt")]
    for path in theirs:
        path.write_text("dear")
    run(data, tmp_path, epoch_size=5, train_steps=5)
    out = run(data, tmp_path, epoch_size=5, train_steps=10)    # knows its own, of before
    assert {*out.glob("checkpoint*")} == {*theirs, out / "checkpoint-8.ckpt"}
    assert all(path.read_text() == "dear" for path in theirs)


def test_half_written_weights_are_removed_where_their_writer_is_dead(tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    alive, leftover = (tmp_path / f".model.{number}.part.ckpt" for number in (os.getppid(), dead.pid))
    for path in (alive, leftover):
        path.touch()
    save_weights(tmp_path / "model.ckpt", nn.Dense(2, 2))
    assert {*tmp_path.iterdir()} == {alive, tmp_path / "model.ckpt"}


def test_fewer_steps_than_the_state_has_are_refused_unless_fresh(data, tmp_path, undisturbed):
    shutil.copytree(undisturbed.parent / "state", tmp_path / "state")
    with pytest.raises(BadInput, match="is at step 10, beyond the 2 steps asked for"):
        run(data, tmp_path, train_steps=2)
    out = run(data, tmp_path, train_steps=1, fresh=True)
    assert [line["step"] for line in metrics(out)] == [1] and not equal(out, undisturbed)


def test_finished_run_is_written_again_without_training(data, tmp_path, undisturbed):
    shutil.copytree(undisturbed.parent / "state", tmp_path / "state")
    out = run(data, tmp_path, epoch_size=5, train_steps=10, data_sink_steps=7)
    assert equal(out, undisturbed) and metrics(out) == metrics(undisturbed)


def test_another_seed_is_another_run_from_other_weights(data, tmp_path):
    first = run(data, tmp_path, train_steps=1)
    other = run(data, tmp_path, train_steps=1, seed=2, save_checkpoint_path=tmp_path / "other").parent / "other"
    assert len(list((tmp_path / "state").iterdir())) == 2
    assert not equal(first, other)


def test_the_loss_that_there_has_always_been_leaves_the_key_of_a_state_as_it_was():
    options = [config.plain(config.Pretrain(mlm_loss=kind)) for kind in ("global", "zoo")]
    ours, zoos = (state_key(SimpleNamespace(device_target="CPU", **values), {}, "", None) for values in options)
    assert "mlm_loss" not in ours and zoos == {**ours, "mlm_loss": "zoo"}


def test_ranks_that_are_told_to_stop_wait_for_the_state_to_be_saved(data, tmp_path, monkeypatch):
    done, keep = [], pretraining_loop.keep
    monkeypatch.setattr(Interruption, "reason", "SIGTERM")
    monkeypatch.setattr(pretraining_loop, "keep", lambda *run: done.append("saved") or keep(*run))
    monkeypatch.setattr(World, "meet", lambda self: done.append("met"))
    with pytest.raises(Interrupted):
        run(data, tmp_path, train_steps=4)
    assert done == ["saved", "met"]


def test_signal_saves_the_state(data, tmp_path):
    def terminate():
        while not list((tmp_path / "state").glob("*/snapshot-*")):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=terminate)
    thread.start()
    with pytest.raises(Interrupted, match="SIGTERM; step .* is saved in"):
        run(data, tmp_path, epoch_size=5000, save_checkpoint_steps=20)
    thread.join()
    assert not (tmp_path / "out" / "model.ckpt").exists()
    last = json.loads(next((tmp_path / "state").glob("*/metrics.jsonl")).read_text().splitlines()[-1])["step"]
    assert list((tmp_path / "state").glob(f"*/snapshot-*{last}.npz"))


def command(data, folder, *more):
    flags = {"device_target": "CPU", "network": json.dumps(NETWORK), "data_dir": data, "vocab_file": data / "vocab.txt",
             "state_dir": folder / "state", "save_checkpoint_path": folder / "out", "epoch_size": 5, "train_steps": 10,
             **OPTIONS}
    words = [word for name, value in flags.items()
             for word in (f"--{name}", json.dumps(value) if isinstance(value, dict) else str(value))]
    return [sys.executable, "-m", "dump2bert.cli", "pretrain", *words, *more]


@pytest.mark.slow
def test_resume_after_kill_gives_identical_weights(data, tmp_path, undisturbed):
    process = subprocess.Popen(command(data, tmp_path, "--save_checkpoint_steps", "1"), stderr=subprocess.DEVNULL,
                               cwd=tmp_path)
    while not list((tmp_path / "state").glob("*/snapshot-*2.npz")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    subprocess.run(command(data, tmp_path), check=True, cwd=tmp_path, stderr=subprocess.DEVNULL)
    assert equal(tmp_path / "out", undisturbed)
    assert not (tmp_path / "rank_0").exists()


@pytest.mark.slow
def test_the_next_process_reads_the_compiled_graph_and_gives_the_same_weights(data, tmp_path, undisturbed):
    """Accumulation's two graphs are not kept (MindSpore 2.10 reads them back wrongly)."""
    for words, kept in (([], 1), (["--batch_size", "4", "--accumulation_steps", "2"], 0)):
        out, graphs = tmp_path / f"kept-{kept}", []
        for _ in range(2):
            subprocess.run(command(data, out, *words), check=True, cwd=tmp_path, stderr=subprocess.DEVNULL)
            graphs.append([path.stat().st_mtime_ns for path in (out / "state").rglob("*.mindir")])
            for snapshot in (out / "state").glob("*/snapshot-*"):
                snapshot.unlink()
        assert len(graphs[0]) == kept and graphs[0] == graphs[1]    # read, not written again
        assert kept == 0 or equal(out / "out", undisturbed)


PARENT = """
import subprocess, sys
process = subprocess.Popen(sys.argv[1:])
print(process.pid, flush=True)
process.wait()
"""


@pytest.mark.slow
def test_trainer_whose_parent_is_gone_saves_and_stops(data, tmp_path):
    words = command(data, tmp_path, "--stop_with_parent", "true", "--epoch_size", "100000", "--train_steps", "-1")
    shell = subprocess.Popen(
        [sys.executable, "-c", PARENT, *words], stdout=subprocess.PIPE, stderr=open(tmp_path / "log", "w"),
        cwd=tmp_path)
    trainer = int(shell.stdout.readline())
    while not list((tmp_path / "state").glob("*/snapshot-*")):
        assert shell.poll() is None
        time.sleep(0.01)
    shell.kill()
    shell.wait()
    while os.path.exists(f"/proc/{trainer}"):
        time.sleep(0.01)
    assert "the process that started this one is gone; step" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("epoch_size, train_steps, updates", [(1, 100, 4), (2, -1, 8), (2, 3, 3)])
def test_train_steps_and_epochs_whichever_is_smaller(data, epoch_size, train_steps, updates):
    options = config.plain(config.Pretrain(**OPTIONS, epoch_size=epoch_size, train_steps=train_steps))
    assert Run(SimpleNamespace(**options), small_network(), open_records(data, None)).last_update == updates


def test_accumulated_steps_are_weight_updates(data, tmp_path, undisturbed):
    out = run(data, tmp_path, epoch_size=5, train_steps=10, batch_size=4, accumulation_steps=2, enable_save_ckpt=False)
    ours, theirs = metrics(out), metrics(undisturbed)
    assert [line["step"] for line in ours] == [line["step"] for line in theirs]
    np.testing.assert_allclose([line["loss"] for line in ours], [line["loss"] for line in theirs], rtol=1e-3)
    # No checkpoints on the way were asked for; the final model is always written.
    assert sorted(path.name for path in out.iterdir()) == ["metrics.jsonl", "model.ckpt", "network.json", "tensorboard"]


def test_skipped_steps_are_not_counted_as_updates(data, tmp_path):
    out = run(data, tmp_path, epoch_size=5, train_steps=6, loss_scale_value=2.0 ** 70, data_sink_steps=2)
    lines = metrics(out)
    skipped = lines[-1]["step"] - 6
    assert skipped > 0 and lines[0]["overflow"] and not lines[-1]["overflow"]
    assert lines[-1]["loss_scale"] == 2.0 ** (70 - skipped)


def test_loss_that_is_not_finite_stops_with_a_sentence(data, tmp_path):
    adam = {**config.plain(config.AdamWeightDecayOptions()), "learning_rate": 1e30, "warmup_steps": 0}
    with pytest.raises(BadInput, match="not finite .* at step .*, and 3 rollbacks"):
        run(data, tmp_path, epoch_size=5, AdamWeightDecay=adam, enable_lossscale=False)


def test_checkpoint_initialises_the_weights(data, tmp_path, undisturbed):
    still = {**config.plain(config.AdamWeightDecayOptions()), "learning_rate": 1e-30}    # too little to move a weight
    out = run(data, tmp_path, train_steps=1, load_checkpoint_path=undisturbed / "model.ckpt", AdamWeightDecay=still)
    assert equal(out, undisturbed)
    with pytest.raises(BadInput, match="of another network: .* has the shape 61x16 there and 61x32 here"):
        run(data, tmp_path, network={"hidden_size": 32}, load_checkpoint_path=undisturbed / "model.ckpt")
    (tmp_path / "torn.ckpt").write_bytes((undisturbed / "model.ckpt").read_bytes()[:-99])
    with pytest.raises(BadInput, match="torn.ckpt is no checkpoint"):
        run(data, tmp_path, load_checkpoint_path=tmp_path / "torn.ckpt")


def begun_with(checkpoint, data, **network):
    """A Run that has not begun; nothing is compiled."""
    options = SimpleNamespace(device_target="CPU", **config.plain(config.Pretrain(**OPTIONS)))
    return Run(options, small_network(num_hidden_layers=1, **network), open_records(data, None), checkpoint)


POSITIONS, TABLE = "bert.embeddings.position_embeddings.weight", (
    "bert.encoder.layer.0.attention.self.relative_positions.embeddings_table")


@pytest.mark.parametrize("stored, kind, said", [
    ("as it is", "none", None),
    ("as it is", "nezha", f"it has {POSITIONS}, which the network here has not .its positions are of another kind"),
    ("tables", "nezha", f"it has {TABLE}, which the network here has not .its positions are of another kind"),
    ("tables", "zoo", None),
    ("layers", "none", "it has bert.encoder.layer.1.attention.output.LayerNorm.bias, which the network here has not;")])
def test_a_checkpoint_with_weights_that_the_network_has_not_is_refused(data, tmp_path, undisturbed, stored, kind, said):
    weights = read_weights(undisturbed / "model.ckpt")
    if stored == "tables":
        del weights[POSITIONS]
        weights[TABLE] = np.zeros((33, 8), np.float32)
    if stored == "layers":
        weights |= {name.replace("layer.0.", "layer.1."): value for name, value in weights.items()}
    save_ckpt(tmp_path / "model.ckpt", weights)    # no network.json beside it
    if said is None:
        begun_with(tmp_path / "model.ckpt", data, relative_positions=kind)
        return
    with pytest.raises(BadInput, match=f"is of another network: {said}"):
        begun_with(tmp_path / "model.ckpt", data, relative_positions=kind)


@pytest.mark.parametrize("changes, said", [
    ({"relative_positions": "nezha"}, "relative_positions none, but nezha is asked for"),
    ({"num_attention_heads": 4}, "num_attention_heads 2, but 4 is asked for"),
    ({"hidden_act": "gelu_new"}, "hidden_act gelu, but gelu_new is asked for"),
    ({"layer_norm_eps": 1e-7, "hidden_dropout_prob": 0.3, "attention_probs_dropout_prob": 0.0}, None)])
def test_what_no_shape_tells_must_be_as_the_network_json_of_a_checkpoint_says(data, undisturbed, changes, said):
    if said is None:
        begun_with(undisturbed / "model.ckpt", data, **changes)
        return
    with pytest.raises(BadInput, match=f"is of another network: its network.json says {said}"):
        begun_with(undisturbed / "model.ckpt", data, **changes)


def test_an_encoder_without_heads_can_be_pretrained_further_but_not_evaluated(data, tmp_path, undisturbed, caplog):
    weights = {name: value for name, value in read_weights(undisturbed / "model.ckpt").items() if name.startswith("bert.")}
    save_ckpt(tmp_path / "encoder" / "model.ckpt", weights)
    shutil.copy(undisturbed / "network.json", tmp_path / "encoder")
    with pytest.raises(BadInput, match="has no cls.predictions.bias: it is an encoder without the heads of pretraining"):
        evaluate(tmp_path / "encoder", data, tmp_path)
    caplog.set_level("INFO", "dump2bert")
    still = {**config.plain(config.AdamWeightDecayOptions()), "learning_rate": 1e-30}    # too little to move a weight
    out = run(data, tmp_path, train_steps=1, load_checkpoint_path=tmp_path / "encoder/model.ckpt", AdamWeightDecay=still)
    assert "model.ckpt has no cls.predictions.bias, " in caplog.text and "these start at random" in caplog.text
    found = read_weights(out / "model.ckpt")
    assert all((found[name] == value).all() for name, value in weights.items()) and len(found) > len(weights)


def evaluate(folder, data, output, batch_size=8):
    pretrain_eval.run(checkpoint=folder / "model.ckpt", data_dir=data, schema_dir=None, device_target="CPU",
                      output=output / "metrics.json", batch_size=batch_size, split="mine")
    return json.loads((output / "metrics.json").read_text())


def test_data_longer_than_a_networks_positions_are_not_evaluated(data, tmp_path, undisturbed):
    shutil.copy(undisturbed / "model.ckpt", tmp_path)
    (tmp_path / "network.json").write_text((undisturbed / "network.json").read_text().replace(
        '"max_position_embeddings": 20', '"max_position_embeddings": 10'))
    with pytest.raises(BadInput, match="has sequences of 14, but the max_position_embeddings of .* is 10"):
        evaluate(tmp_path, data, tmp_path)


@pytest.mark.parametrize("changes, message", [
    ({"distribute": True}, "say on how many devices to train"),
    ({"device_num": 2}, "--device_num 2 asks for several devices: give --distribute true"),
    ({"batch_size": 64}, "fewer than one batch of 64"),
    ({"device_target": "Ascend"}, "--device_target Ascend .* cannot be used on this machine"),
    ({"network": {"max_position_embeddings": 8}}, "max_position_embeddings is 8"),
    ({"network": {"seq_length": 12}}, "seq_length is 12, but the data has sequences of 14"),
    ({"network": {"vocab_size": 10}}, "vocab_size is 10, but the vocabulary has 61 lines"),
    ({"vocab_file": None}, "vocab_size is not given"),
    ({"data_dir": None}, "--data_dir is missing"),
    ({"train_steps": 0}, "train_steps is 0, so nothing would be trained"),
])
def test_what_cannot_be_done_is_a_sentence(data, tmp_path, changes, message):
    with pytest.raises(BadInput, match=message):
        run(data, tmp_path, **changes)


def test_vocabulary_is_padded_on_request(data, tmp_path):
    out = run(data, tmp_path, train_steps=1, network={"pad_vocab_size_to": 16})
    assert read_weights(out / "model.ckpt")["cls.predictions.bias"].shape == (64,)


@pytest.mark.parametrize("batch_size", [35, 8])
def test_evaluation_covers_every_instance_and_equals_numpy(data, tmp_path, undisturbed, batch_size):
    found = evaluate(undisturbed, data, tmp_path, batch_size)
    assert found["split"] == "mine"
    batch = open_records(data, None).batch(np.arange(ROWS))
    network = json.loads((undisturbed / "network.json").read_text())["network"]
    weights = {name: value.astype(np.float64) for name, value in read_weights(undisturbed / "model.ckpt").items()}
    _, mlm_loss, nsp_loss, *_ = numpy_bert.pretraining_loss(weights, network, batch)
    used = batch["masked_lm_weights"] > 0
    commonest = np.bincount(batch["masked_lm_ids"][used]).max()
    assert found["instances"] == ROWS and found["masked_words"] == used.sum()
    assert found["mlm_loss"] == pytest.approx(mlm_loss, rel=1e-4)
    assert found["nsp_loss"] == pytest.approx(nsp_loss, rel=1e-4)
    assert found["mlm_perplexity"] == pytest.approx(np.exp(found["mlm_loss"]))
    assert found["majority_mlm_accuracy"] == pytest.approx(commonest / used.sum())
    _, pooled = numpy_bert.encode(weights, network, batch["input_ids"], batch["segment_ids"], batch["input_mask"])
    next_sentence = numpy_bert.dense(weights, "cls.seq_relationship", pooled).argmax(-1)
    assert found["nsp_accuracy"] == pytest.approx((next_sentence == batch["next_sentence_labels"][:, 0]).mean())
    assert 0 <= found["mlm_accuracy"] <= 1
