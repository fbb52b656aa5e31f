"""Every flag of the seed's run_pretrain, one test each: that it does what docs/seed_flags.md says of it."""

import json
import re
from types import SimpleNamespace

import mindspore as ms
import numpy as np
import pytest

from dump2bert import cli, config
from dump2bert.errors import BadInput
from dump2bert.training import context, distribution
from dump2bert.training.checkpoints import read_weights
from dump2bert.training.feeding import HostFeeder, SinkFeeder, make_feeder
from dump2bert.training.pretraining import Run
from dump2bert.training.pretraining_batches import COLUMNS, open_records
from tests.conftest import PROJECT
from tests.unit.small_networks import small_network, write_shards
from tests.unit.test_pretrain import ROWS, equal, metrics, run

TABLE = re.findall(r"^\| `--(\w+)` \| (\S+) \|",
                   (PROJECT / "docs" / "seed_flags.md").read_text().partition("\n## ")[0], re.M)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_shards(folder, ROWS)
    return folder


def options(**changes):
    values = {"batch_size": 8, "optimizer": "Momentum", "Momentum": {"learning_rate": 0.1, "momentum": 0.0}, **changes}
    return SimpleNamespace(device_target="CPU", **config.plain(config.Pretrain(**values)))


def a_run(data, **changes):
    """A Run that has not begun; nothing is compiled."""
    return Run(options(**changes), small_network(num_hidden_layers=1), open_records(data, None))


def parsed(monkeypatch, *flags):
    """What the stage receives from the command line."""
    received = {}
    monkeypatch.setattr("dump2bert.stages.pretrain.run", lambda **values: received.update(values))
    assert cli.main(["pretrain", "--state_dir", "s", "--network", '{"bert_network": "base"}', *flags]) == 0
    return received


def test_the_table_has_the_seeds_flags_and_the_commands_defaults(monkeypatch):
    seed = {"device_target": "Ascend", "distribute": "false", "epoch_size": "1", "device_num": "1", "device_id": "0",
            "enable_save_ckpt": "true", "enable_lossscale": "true", "do_shuffle": "true", "enable_data_sink": "true",
            "data_sink_steps": "1", "accumulation_steps": "1", "save_checkpoint_path": '""', "load_checkpoint_path": '""',
            "save_checkpoint_steps": "1000", "save_checkpoint_num": "1", "train_steps": "-1", "data_dir": '""',
            "schema_dir": '""'}
    assert dict(TABLE) == seed
    received = parsed(monkeypatch)
    for name, default in seed.items():
        value = received[name]
        assert ('""' if value is None else str(value).lower() if isinstance(value, bool) else str(value)) == default


def test_every_flag_has_a_test_here():
    tests = {name for name in globals() if name.startswith("test_")}
    assert not [name for name, _ in TABLE if not any(test.startswith(f"test_{name}_") for test in tests)]


def test_device_target_that_is_not_there_is_a_sentence():
    with pytest.raises(BadInput, match="--device_target GPU .* cannot be used on this machine"):
        context.set_up("GPU")
    context.set_up("CPU")


def test_distribute_needs_ranks_that_were_started(monkeypatch):
    monkeypatch.delenv("MS_ROLE", raising=False)
    monkeypatch.delenv("RANK_TABLE_FILE", raising=False)
    with pytest.raises(BadInput, match="nothing says which rank this process is: start the processes with `dump2bert launch`"):
        distribution.join(True, 2)
    assert distribution.join(False, 1).size == 1


def test_epoch_size_is_the_number_of_passes_each_in_an_order_of_its_own(data):
    two = a_run(data, epoch_size=2)
    assert two.last_step == two.last_update == 2 * (ROWS // 8)
    epochs = [np.concatenate([two.order.numbers(step) for step in range(first, first + 4)]) for first in (0, 4)]
    for numbers in epochs:
        assert len(set(numbers)) == 32 and two.order.left_out == ROWS - 32    # no record twice
    assert (epochs[0] != epochs[1]).any()


def test_device_num_must_be_the_number_of_processes(monkeypatch):
    with pytest.raises(BadInput, match="--device_num 4 asks for several devices: give --distribute true"):
        distribution.join(False, 4)
    monkeypatch.setenv("MS_ROLE", "MS_WORKER")
    monkeypatch.setattr("mindspore.communication.init", lambda: None)
    monkeypatch.setattr("mindspore.communication.get_group_size", lambda: 2)
    with pytest.raises(BadInput, match="--device_num 4, but 2 processes have been started"):
        distribution.join(True, 4)


def test_device_id_is_what_mindspore_is_told(monkeypatch):
    told = []
    monkeypatch.setattr(ms, "set_device", lambda *device: told.append(device))
    context.set_up("Ascend", 3)
    assert told == [("Ascend", 3)]


def test_enable_save_ckpt_false_leaves_only_the_final_model(data, tmp_path):
    out = run(data, tmp_path, train_steps=3, save_checkpoint_steps=1, enable_save_ckpt=False, data_sink_steps=1)
    assert sorted(path.name for path in out.glob("*.ckpt")) == ["model.ckpt"]
    # The state is another matter.
    assert len(list((tmp_path / "state").glob("*/snapshot-*"))) == 2


def test_enable_lossscale_false_is_a_scale_of_one(data):
    assert a_run(data, enable_lossscale=False).train_step.loss_scale.value.asnumpy() == 1
    scaled = a_run(data, loss_scale_value=2.0 ** 20, scale_factor=4.0, scale_window=7).train_step.loss_scale
    assert (scaled.value.asnumpy(), scaled.factor, scaled.window) == (2.0 ** 20, 4.0, 7)


def test_do_shuffle_false_is_the_order_of_the_shards(data):
    plain, shuffled = a_run(data, do_shuffle=False), a_run(data)
    assert plain.order.numbers(1).tolist() == list(range(8, 16))
    assert plain.order.numbers(5).tolist() == list(range(8, 16))
    assert shuffled.order.numbers(1).tolist() != list(range(8, 16))
    assert shuffled.order.numbers(1).tolist() == a_run(data).order.numbers(1).tolist()


def test_enable_data_sink_is_for_accelerators_and_false_looks_at_every_step(data):
    looks = a_run(data, data_sink_steps=3)
    assert [looks.next_steps()[1], isinstance(make_feeder(looks, looks.options), HostFeeder)] == [3, True]
    looks.options.enable_data_sink = False
    assert looks.next_steps() == ([0], 1)
    ascend = options(data_sink_steps=3)
    ascend.device_target = "Ascend"
    assert isinstance(make_feeder(looks, ascend), SinkFeeder)


def test_data_sink_steps_is_the_interval_of_looks_and_the_size_of_a_sink(data, monkeypatch):
    cut = a_run(data, data_sink_steps=3, save_checkpoint_steps=4, epoch_size=2, train_steps=7)
    ends = []
    while not cut.finished:
        cut.updates = cut.step = cut.next_steps()[1]
        ends.append(cut.step)
    assert ends == [3, 4, 6, 7]

    asked = {}

    def sink_of(fn, dataset, sink_size):    # what mindspore.data_sink does with these, on the host
        asked.update(sink_size=sink_size, columns=dataset.get_col_names())
        batches = dataset.create_tuple_iterator(num_epochs=1)

        def sink():
            for _ in range(sink_size):
                fn(*next(batches))
        return sink

    monkeypatch.setattr(ms, "data_sink", sink_of)
    trained = SimpleNamespace(steps=[], batch_of=cut.batch_of, steps_from=lambda first: list(range(first, 8)))
    trained.train_on = lambda step, batch: trained.steps.append(
        (step, (batch["input_ids"].asnumpy() == cut.batch_of(step)["input_ids"]).all()))
    feeder = SinkFeeder(trained, 3)
    outcomes, tokens = feeder.train([0, 1, 2], lambda: None)
    assert asked == {"sink_size": 3, "columns": list(COLUMNS)} and len(outcomes) == 3 and tokens > 0
    feeder.train([3, 4, 5], lambda: None)
    feeder.train([1, 2, 3], lambda: None)     # after a rollback
    assert trained.steps == [(step, True) for step in (0, 1, 2, 3, 4, 5, 1, 2, 3)]


@pytest.mark.parametrize("scale", [True, False])
def test_accumulation_steps_make_one_update_that_equals_a_large_batch(data, tmp_path, scale):
    common = {"optimizer": "Momentum", "Momentum": {"learning_rate": 0.1, "momentum": 0.9}, "train_steps": 2,
              "enable_lossscale": scale, "do_shuffle": False,
              "network": {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}}
    large = run(data, tmp_path / "large", batch_size=8, **common)
    small = run(data, tmp_path / "small", batch_size=2, accumulation_steps=4, **common)
    ours, theirs = read_weights(small / "model.ckpt"), read_weights(large / "model.ckpt")
    for name in theirs:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-6, err_msg=name)
    assert json.loads((small / "network.json").read_text())["provenance"]["updates"] == 2
    assert metrics(small)[-1]["loss"] == pytest.approx(metrics(large)[-1]["loss"], rel=1e-5)


def test_save_checkpoint_path_holds_all_that_is_written_and_its_default_is_the_working_directory(data, tmp_path,
                                                                                                 monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(data, tmp_path, train_steps=2, save_checkpoint_steps=1, save_checkpoint_path=None, data_sink_steps=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint-1.ckpt", "metrics.jsonl", "model.ckpt", "network.json", "state", "tensorboard"]


def test_load_checkpoint_path_gives_the_initial_weights(data, tmp_path):
    first = run(data, tmp_path, seed=7, train_steps=2)
    still = {"optimizer": "Momentum", "Momentum": {"learning_rate": 1e-30, "momentum": 0.0}, "train_steps": 1}
    assert equal(run(data, tmp_path / "second", load_checkpoint_path=first / "model.ckpt", **still), first)


def test_save_checkpoint_steps_and_save_checkpoint_num_say_which_are_kept(data, tmp_path):
    out = run(data, tmp_path, epoch_size=2, train_steps=8, save_checkpoint_steps=2, save_checkpoint_num=2,
              data_sink_steps=1)
    assert sorted(path.name for path in out.glob("checkpoint*")) == ["checkpoint-4.ckpt", "checkpoint-6.ckpt"]


def test_save_checkpoint_num_does_not_count_snapshots(data, tmp_path):
    run(data, tmp_path, train_steps=3, save_checkpoint_steps=1, save_checkpoint_num=1, data_sink_steps=1)
    assert sorted(path.name for path in (tmp_path / "state").glob("*/snapshot-*")) == [
        "snapshot-000000002.npz", "snapshot-000000003.npz"]


@pytest.mark.parametrize("epoch_size, train_steps, updates", [(1, 100, 4), (2, -1, 8), (2, 3, 3)])
def test_train_steps_or_epoch_size_whichever_is_smaller(data, epoch_size, train_steps, updates):
    assert a_run(data, epoch_size=epoch_size, train_steps=train_steps).last_update == updates


def test_train_steps_count_weight_updates(data, tmp_path):
    out = run(data, tmp_path, epoch_size=5, train_steps=3, loss_scale_value=2.0 ** 70, data_sink_steps=2)
    provenance = json.loads((out / "network.json").read_text())["provenance"]
    assert provenance["updates"] == 3 and provenance["step"] > 3


def test_data_dir_without_shards_is_a_sentence(tmp_path):
    with pytest.raises(BadInput, match="has no TFRecord files"):
        open_records(tmp_path, None)


def test_schema_dir_may_be_a_file_or_a_folder_and_defaults_to_data_dir(data, tmp_path):
    elsewhere = tmp_path / "schema"
    elsewhere.mkdir()
    (elsewhere / "schema.json").write_text((data / "schema.json").read_text())
    for schema in (None, elsewhere, elsewhere / "schema.json"):
        assert len(open_records(data, schema)) == ROWS


def test_compute_type_is_float32_on_a_cpu_and_float16_where_the_device_has_it():
    assert [context.usable_compute_type("float16", device) for device in ("CPU", "Ascend", "GPU")] == [
        "float32", "float16", "float16"]
