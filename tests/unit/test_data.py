"""The reader of shards and the order of an epoch."""

import numpy as np
import pytest

from dump2bert.errors import BadInput
from dump2bert.files import read_json, write_json
from dump2bert.nets.bert import namespace
from dump2bert.tfrecord import find_shards
from dump2bert.training.data import Order, Records, columns_of, unpack
from dump2bert.training.pretraining_batches import COLUMNS, manifest, open_records, read_batch
from tests.unit.small_networks import small_network, write_shards


def test_any_batch_equals_what_was_written(tmp_path):
    written = write_shards(tmp_path, 23, shards=3)
    records = open_records(tmp_path, None)
    assert len(records) == 23
    numbers = np.array([22, 0, 7, 8, 7])
    batch = records.batch(numbers)
    assert list(batch) == list(COLUMNS)
    for name, values in written.items():
        np.testing.assert_array_equal(batch[name], values[numbers])
        assert batch[name].dtype == values.dtype


def test_numbers_of_any_size_are_unpacked():
    assert unpack(bytes([5, 0, 127])).tolist() == [5, 0, 127]
    assert unpack(b"\x80\x01\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").tolist() == [128, 5, -1]
    assert unpack(b"\xac\x02" * 3).tolist() == [300] * 3


def test_records_of_tensorflow_are_read(tmp_path):
    """Features in any order, and ones that nobody asked for."""
    from dump2bert.tfrecord import encode_example, write_records
    with open(tmp_path / "a.tfrecord", "wb") as file:
        write_records(file, [encode_example({"z": [1, 300], "a": [0.5], "more": [7, 7, 7]})] * 2)
    batch = Records([tmp_path / "a.tfrecord"], {"a": 1, "z": 2}).batch(np.array([1, 0]))
    assert batch["a"].tolist() == [[0.5]] * 2 and batch["z"].tolist() == [[1, 300]] * 2


def test_truncated_shard_is_named(tmp_path):
    write_shards(tmp_path, 5, shards=1)
    shard = tmp_path / "part-00000.tfrecord"
    for lost in (1, 30, 300):
        shard.write_bytes(shard.read_bytes()[:-lost])
        with pytest.raises(BadInput, match="part-00000.tfrecord ends within record"):
            open_records(tmp_path, None)


def test_schema_that_does_not_fit_is_named(tmp_path):
    write_shards(tmp_path, 5)
    columns, rows = columns_of(tmp_path / "schema.json")
    assert rows == 5
    schema = tmp_path / "schema.json"
    schema.write_text(schema.read_text().replace('"numRows": 5', '"numRows": 6'))
    with pytest.raises(BadInput, match="numRows 6, but the shards .* hold 5"):
        open_records(tmp_path, None)
    with pytest.raises(BadInput, match="input_ids is not 99 numbers"):
        Records(find_shards(tmp_path), {**columns, "input_ids": 99}).batch(np.arange(3))
    with pytest.raises(BadInput, match="no TFRecord files"):
        find_shards(tmp_path / "nowhere")


def test_epoch_is_a_permutation_by_seed_and_epoch():
    order = Order(103, 10, seed=1)
    assert (order.steps_per_epoch, order.left_out) == (10, 3)
    epochs = [np.concatenate([order.numbers(epoch * 10 + step) for step in range(10)]) for epoch in range(3)]
    for epoch in epochs:
        assert len(set(epoch)) == 100 and epoch.min() >= 0 and epoch.max() < 103
    assert (epochs[0] != epochs[1]).any() and (epochs[1] != epochs[2]).any()
    assert (Order(103, 10, seed=1).numbers(25) == order.numbers(25)).all()
    assert (Order(103, 10, seed=2).numbers(25) != order.numbers(25)).any()


def test_without_shuffle_records_come_as_they_stand():
    order = Order(10, 4, seed=1, shuffle=False)
    assert [order.numbers(step).tolist() for step in range(3)] == [[0, 1, 2, 3], [4, 5, 6, 7], [0, 1, 2, 3]]


def test_manifest_follows_the_content(tmp_path):
    write_shards(tmp_path, 8)
    plain = manifest(tmp_path, None)
    shards = {path.name: {"sha256": path.name * 2, "bytes": 1} for path in find_shards(tmp_path)}
    write_json(tmp_path / "statistics.json", {"shards": shards})
    listed = manifest(tmp_path, None)
    shards["part-00001.tfrecord"]["sha256"] = "other"
    write_json(tmp_path / "statistics.json", {"shards": shards, "documents": 3})
    assert len({plain, listed, manifest(tmp_path, None)}) == 3
    (tmp_path / "statistics.json").unlink()
    assert manifest(tmp_path, None) == plain
    write_shards(tmp_path, 9)
    assert manifest(tmp_path, None) != plain


def test_manifest_follows_how_unmasked_records_are_to_be_masked(tmp_path):
    write_shards(tmp_path, 8)
    shards = {path.name: {"sha256": "ab"} for path in find_shards(tmp_path)}
    write_json(tmp_path / "statistics.json", {"shards": shards})
    schema, found = read_json(tmp_path / "schema.json"), [manifest(tmp_path, None)]
    masking = {"max_predictions_per_seq": 3, "do_whole_word_mask": False, "vocab_size": 61, "mask_id": 4}
    for share in (0.15, 0.2, 0.15):
        write_json(tmp_path / "schema.json", {**schema, "masking": {**masking, "masked_lm_prob": share}})
        found.append(manifest(tmp_path, None))
    assert len(set(found)) == 3 and found[1] == found[3]


def test_masks_and_segments_of_the_records_are_used_or_not(tmp_path):
    written = write_shards(tmp_path, 6)
    records = open_records(tmp_path, None)
    batch = read_batch(records, np.arange(6), namespace(small_network()))
    assert (batch["input_mask"] == written["input_mask"]).all()
    assert (batch["segment_ids"] == written["segment_ids"]).all()
    batch = read_batch(records, np.arange(6), namespace(small_network(input_mask_from_dataset=False,
                                                                      token_type_ids_from_dataset=False)))
    assert (batch["input_mask"] == 1).all() and (batch["segment_ids"] == 0).all()


def test_ids_beyond_the_vocabulary_are_named(tmp_path):
    write_shards(tmp_path, 6)
    with pytest.raises(BadInput, match="input_ids up to .* vocab_size is 20"):
        read_batch(open_records(tmp_path, None), np.arange(6), namespace(small_network(vocab_size=20)))
