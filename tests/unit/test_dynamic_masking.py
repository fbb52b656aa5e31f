"""Instances that are stored unmasked and masked when they are read: `masking: dynamic`."""

import json

import numpy as np
import pytest

from dump2bert.config import plain
from dump2bert.config_corpus import DataGates
from dump2bert.errors import BadInput
from dump2bert.files import sha256_of
from dump2bert.pretraining.instances import Options
from dump2bert.pretraining.masking import number_of_predictions
from dump2bert.stages import pretrain, schema
from dump2bert.tfrecord import decode_example, encode_example, read_records, write_records
from dump2bert.training.checkpoints import read_weights
from dump2bert.training.dynamic_masking import Masking, masked
from dump2bert.training.pretraining_batches import open_records
from tests.unit.pretraining_world import PIECES, make_data, write_text, write_vocabulary
from tests.unit.test_pretrain import arguments

CLS, SEP, MASK = 2, 3, 4
GATES = {**plain(DataGates()), "min_sentences_per_document": 1.1}


def make(folder, whole_words=False):
    """Shards and schema.json; returns the folder."""
    folder.mkdir()
    vocabulary = write_vocabulary(folder / "vocab.txt")
    make_data(folder, write_text(folder / "text.txt", documents=60), vocabulary, masking="dynamic", dupe_factor=10,
              do_whole_word_mask=whole_words)
    schema.run(data_dir=folder, vocab_file=vocabulary, output=folder / "schema.json", **GATES)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make(tmp_path_factory.mktemp("world") / "data")


@pytest.fixture(scope="module")
def whole_words(tmp_path_factory):
    return make(tmp_path_factory.mktemp("world") / "data", whole_words=True)


def all_masked(folder, seed=1, epoch=0):
    """(unmasked batch, masked batch) of all records."""
    records = open_records(folder, None)
    numbers = np.arange(len(records))
    unmasked = records.batch(numbers)
    return unmasked, masked(unmasked, numbers, records.masking, seed, epoch)


def test_instances_are_stored_once_with_columns_and_schema_of_their_own(data):
    described = json.loads((data / "schema.json").read_text())
    assert {name: column["shape"] for name, column in described["columns"].items()} \
        == {"input_ids": [64], "segment_lengths": [2], "next_sentence_labels": [1]}
    assert described["masking"] == {"max_predictions_per_seq": 10, "masked_lm_prob": 0.15, "do_whole_word_mask": False,
                                    "vocab_size": len(PIECES), "mask_id": MASK}
    statistics = json.loads((data / "statistics.json").read_text())
    assert statistics["masking"] == "dynamic" and "mask_rate" not in statistics
    assert statistics["instances"] == described["numRows"] < 60 * 12     # one pass, whatever dupe_factor
    for record in map(decode_example, read_records(data / "part-0.tfrecord")):
        first, second = record["segment_lengths"]
        ids = record["input_ids"].tolist()
        assert [place for place, token in enumerate(ids) if token == SEP] == [first - 1, first + second - 1]
        assert ids[0] == CLS and MASK not in ids and not any(ids[first + second:])


def test_masked_batches_have_googles_columns(data):
    unmasked, batch = all_masked(data)
    options = Options(64, 10, 1, 0.1, 0.15, False)
    for row, (first, second) in enumerate(unmasked["segment_lengths"].tolist()):
        length = first + second
        predictions = number_of_predictions(length, options)
        assert batch["input_mask"][row].tolist() == [1] * length + [0] * (64 - length)
        assert batch["segment_ids"][row].tolist() == [0] * first + [1] * second + [0] * (64 - length)
        assert batch["masked_lm_weights"][row].tolist() == [1] * predictions + [0] * (10 - predictions)
        positions = batch["masked_lm_positions"][row][:predictions]
        assert sorted(set(positions)) == positions.tolist() and not set(positions) & {0, first - 1, length - 1}
        restored = batch["input_ids"][row].copy()
        restored[positions] = batch["masked_lm_ids"][row][:predictions]
        assert restored.tolist() == unmasked["input_ids"][row].tolist()
        assert not batch["masked_lm_positions"][row][predictions:].any()
        assert not batch["masked_lm_ids"][row][predictions:].any()
    assert {values.dtype.name for values in batch.values()} == {"int32", "float32"}


def test_every_token_is_masked_in_turn_80_percent_shown_as_mask_10_kept_10_random(data):
    shown, at = {"mask": 0, "kept": 0, "random": 0}, np.zeros(64)
    for epoch in range(30):
        unmasked, batch = all_masked(data, epoch=epoch)
        real = batch["masked_lm_weights"] > 0
        tokens = np.take_along_axis(batch["input_ids"], batch["masked_lm_positions"], 1)[real]
        labels = batch["masked_lm_ids"][real]
        shown["mask"] += (tokens == MASK).sum()
        shown["kept"] += (tokens == labels).sum()
        shown["random"] += ((tokens != labels) & (tokens != MASK)).sum()
        full = batch["input_mask"].all(1)
        at += np.bincount(batch["masked_lm_positions"][full][real[full]], minlength=64)
    total = sum(shown.values())
    assert shown["mask"] / total == pytest.approx(0.8, abs=0.01)
    assert shown["kept"] / total == pytest.approx(0.1, abs=0.01)
    assert at[0] == at[63] == 0 and at[1:].max() < 1.5 * at[20:30].mean()


def test_masks_follow_from_seed_epoch_and_record_alone(data):
    records = open_records(data, None)
    _, batch = all_masked(data, seed=3, epoch=5)
    some = np.array([17, 3, 40])
    again = masked(records.batch(some), some, records.masking, 3, 5)
    for name, values in again.items():
        assert np.array_equal(values, batch[name][some])
    for seed, epoch in ((3, 6), (4, 5), (5, 3)):
        _, other = all_masked(data, seed, epoch)
        assert (other["masked_lm_positions"] != batch["masked_lm_positions"]).any(1).mean() > 0.9


def test_whole_words_are_masked_whole_or_not_at_all(whole_words):
    unmasked, batch = all_masked(whole_words)
    of_several = 0
    for row, (first, _) in enumerate(unmasked["segment_lengths"].tolist()):
        positions = set(batch["masked_lm_positions"][row][batch["masked_lm_weights"][row] > 0].tolist())
        goes_on = [PIECES[token].startswith("##") for token in unmasked["input_ids"][row].tolist()]
        assert unmasked["word_pieces"][row].tolist() == goes_on
        for start in range(2, first - 1):    # a span's front may have been cut off within a word
            end = start + 1
            while end < first - 1 and goes_on[end]:
                end += 1
            if not goes_on[start] and end < first - 1:
                assert len(positions & set(range(start, end))) in (0, end - start)
                of_several += end - start > 1 and start in positions
    assert of_several > 20


def test_no_more_is_masked_than_is_wanted_even_if_words_are_long():
    batch = {"input_ids": np.array([[CLS, *range(10, 16), SEP, 16, SEP, 0]]), "segment_lengths": np.array([[8, 2]]),
             "next_sentence_labels": np.array([[0]]), "word_pieces": np.array([[0, 0, 1, 1, 1, 1, 1, 0, 1, 0, 0]])}
    masking = Masking(4, 0.3, True, 20, MASK)    # one word of seven pieces; its last one stands behind the [SEP]
    found = masked(batch, np.array([0]), masking, 1, 1)
    assert not found["masked_lm_weights"].any() and np.array_equal(found["input_ids"], batch["input_ids"])


def test_training_that_goes_on_is_bit_identical_to_training_undisturbed(data, tmp_path):
    options = {"epoch_size": 5, "network": {"max_position_embeddings": 64}}
    pretrain.run(**arguments(data, tmp_path / "one", train_steps=30, **options))
    for steps in (7, 13, 30):     # new processes of training, one of them in another epoch
        pretrain.run(**arguments(data, tmp_path / "two", train_steps=steps, **options))
    one, two = (read_weights(tmp_path / name / "out/model.ckpt") for name in ("one", "two"))
    assert all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("change, message", [
    ({"segment_lengths": [60, 20]}, "segment_lengths must be 64 at most together"),
    ({"segment_lengths": [60, 1]}, "segment_lengths must be 3 and 2 at least"),
    ({"next_sentence_labels": [2]}, "next_sentence_labels must be 0 or 1"),
    ({"input_ids": [125] * 64}, "input_ids must be from 0 to 124"),
])
def test_a_record_that_cannot_be_masked_is_found(data, tmp_path, change, message):
    (tmp_path / "statistics.json").write_text(json.dumps({"masking": "dynamic", "max_predictions_per_seq": 10,
                                                          "masked_lm_prob": 0.15, "do_whole_word_mask": False}))
    records = list(read_records(data / "part-0.tfrecord"))
    features = {name: values.tolist() for name, values in decode_example(records[2]).items()}
    records[2] = encode_example({**features, **change})
    with open(tmp_path / "part-0.tfrecord", "wb") as file:
        write_records(file, records)
    statistics = json.loads((tmp_path / "statistics.json").read_text())
    (tmp_path / "statistics.json").write_text(json.dumps({**statistics, "shards": {"part-0.tfrecord": described(
        tmp_path / "part-0.tfrecord")}}))
    with pytest.raises(BadInput, match=rf"part-0\.tfrecord record 3: {message}"):
        schema.run(data_dir=tmp_path, vocab_file=data / "vocab.txt", output=tmp_path / "schema.json", **GATES)


def described(path):
    return {"bytes": path.stat().st_size, "sha256": sha256_of(path)}


def test_unmasked_shards_without_their_statistics_are_refused(data, tmp_path):
    (tmp_path / "part-0.tfrecord").write_bytes((data / "part-0.tfrecord").read_bytes())
    with pytest.raises(BadInput, match="no statistics.json that says how they are to be masked"):
        schema.run(data_dir=tmp_path, vocab_file=data / "vocab.txt", output=tmp_path / "schema.json", **GATES)
