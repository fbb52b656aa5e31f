"""The validation pass finds what MindSpore would not see, and schema.json says what is in the shards."""

import json
from collections import Counter

import pytest

from dump2bert.config import plain
from dump2bert.config_corpus import DataGates
from dump2bert.errors import BadInput
from dump2bert.pretraining.validation import columns_of, shares_of, validate_shard
from dump2bert.stages import schema
from dump2bert.tfrecord import decode_example, encode_example, read_records, write_records
from tests.unit.pretraining_world import PIECES, make_data, write_text, write_vocabulary


GATES = {**plain(DataGates()), "min_sentences_per_document": 1.1}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """(vocabulary, shards as bytes, statistics as bytes), made once."""
    folder = tmp_path_factory.mktemp("world")
    vocabulary = write_vocabulary(folder / "vocab.txt")
    shards = make_data(folder, write_text(folder / "text.txt", documents=40), vocabulary)
    return vocabulary, {path.name: path.read_bytes() for path in shards}, (folder / "statistics.json").read_bytes()


@pytest.fixture
def data_dir(world, tmp_path):
    _, shards, statistics = world
    for name, content in shards.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "statistics.json").write_bytes(statistics)
    return tmp_path


@pytest.fixture
def make_schema(world, data_dir):
    def run(**gates):
        schema.run(data_dir=data_dir, vocab_file=world[0], output=data_dir / "schema.json", **{**GATES, **gates})
        return json.loads((data_dir / "schema.json").read_text())
    return run


def rewrite(path, change, number=3):
    """Change record `number` (from 1) of a shard by change(features), in a file that is sound otherwise."""
    records = list(read_records(path))
    features = {name: values.tolist() for name, values in decode_example(records[number - 1]).items()}
    change(features)
    records[number - 1] = encode_example(features)
    with open(path, "wb") as file:
        write_records(file, records)
    # As it would be with shards that another program has made.
    (path.parent / "statistics.json").unlink()


def test_schema_is_the_one_of_the_model_zoo_with_the_rows_that_were_counted(make_schema, data_dir):
    rows = json.loads((data_dir / "statistics.json").read_text())["instances"]
    vector = {"type": "int64", "rank": 1, "shape": [64]}
    predictions = {"type": "int64", "rank": 1, "shape": [10]}
    assert make_schema() == {"datasetType": "TF", "numRows": rows, "columns": {
        "input_ids": vector, "input_mask": vector, "segment_ids": vector,
        "next_sentence_labels": {"type": "int64", "rank": 1, "shape": [1]},
        "masked_lm_positions": predictions, "masked_lm_ids": predictions,
        "masked_lm_weights": {"type": "float32", "rank": 1, "shape": [10]}}}


def test_a_sound_file_of_records_that_are_no_examples_is_said(tmp_path):
    with open(tmp_path / "a.tfrecord", "wb") as file:
        write_records(file, [b"hello"])
    with pytest.raises(BadInput, match="a.tfrecord record 1 is no tf.train.Example"):
        columns_of(tmp_path / "a.tfrecord")


def test_mindspore_reads_every_record_of_the_shards_by_the_schema(make_schema, data_dir):
    dataset = pytest.importorskip("mindspore.dataset")
    columns = make_schema()["columns"]
    paths = sorted(map(str, data_dir.glob("*.tfrecord")))
    read = list(dataset.TFRecordDataset(paths, str(data_dir / "schema.json"), columns_list=list(columns), shuffle=False)
                .create_dict_iterator(num_epochs=1, output_numpy=True))
    written = [decode_example(data) for path in paths for data in read_records(path)]
    key = lambda record: tuple(record["input_ids"].tolist() + record["masked_lm_positions"].tolist())    # noqa: E731
    assert len(read) == len(written)
    for ours, theirs in zip(sorted(written, key=key), sorted(read, key=key)):
        assert ours.keys() == theirs.keys()
        assert all((ours[name] == theirs[name]).all() and ours[name].dtype == theirs[name].dtype for name in ours)


def test_shards_without_statistics_are_all_validated(make_schema, data_dir):
    rows = make_schema()["numRows"]
    (data_dir / "statistics.json").unlink()
    assert make_schema()["numRows"] == rows


@pytest.mark.parametrize("name, value, message", [
    ("input_ids", len(PIECES), f"input_ids must be from 0 to {len(PIECES) - 1}"),
    ("input_ids", -1, "input_ids must be"),
    ("masked_lm_ids", len(PIECES), "masked_lm_ids must be"),
    ("input_mask", 0, "input_mask must be ones, then zeros"),
    ("segment_ids", 2, "segment_ids must be 0 or 1"),
    ("next_sentence_labels", 2, "next_sentence_labels must be 0 or 1"),
    ("masked_lm_positions", 64, "masked_lm_positions must be within the sequence"),
    ("masked_lm_weights", 0.5, "masked_lm_weights must be 0.0 or 1.0"),
])
def test_a_wrong_number_is_an_error_that_names_file_and_record(make_schema, data_dir, name, value, message):
    rewrite(data_dir / "part-1.tfrecord", lambda features: features[name].__setitem__(0, value))
    with pytest.raises(BadInput, match=rf"part-1\.tfrecord record 3: {message}"):
        make_schema()
    assert not (data_dir / "schema.json").exists()


@pytest.mark.parametrize("change, number, message", [
    (lambda features: features["input_ids"].append(0), 3, "record 3 has not the columns"),
    (lambda features: features.pop("segment_ids"), 3, "record 3 has not the columns"),
    (lambda features: features.pop("segment_ids"), 1, "record 1 lacks segment_ids"),
    (lambda features: features["input_ids"].append(0), 1, "the shards of a folder must be alike"),
])
def test_another_shape_is_an_error_that_names_file_and_record(make_schema, data_dir, change, number, message):
    rewrite(data_dir / "part-1.tfrecord", change, number)
    with pytest.raises(BadInput, match=rf"part-1\.tfrecord .*{message}"):
        make_schema()


def test_a_flipped_byte_is_found_by_checksum_and_by_manifest(make_schema, data_dir):
    path = data_dir / "part-0.tfrecord"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadInput, match="part-0.tfrecord is not the file"):
        make_schema()
    (data_dir / "statistics.json").unlink()
    with pytest.raises(BadInput, match=r"part-0.tfrecord record \d+ "):
        make_schema()


def test_a_cut_off_shard_is_found(make_schema, data_dir):
    path = data_dir / "part-0.tfrecord"
    path.write_bytes(path.read_bytes()[:-10])
    (data_dir / "statistics.json").unlink()
    with pytest.raises(BadInput, match=r"part-0.tfrecord ends within record \d+"):
        make_schema()


def test_a_shard_of_another_run_is_not_passed_over(make_schema, data_dir):
    (data_dir / "part-2.tfrecord").write_bytes((data_dir / "part-0.tfrecord").read_bytes())
    with pytest.raises(BadInput, match="part-2.tfrecord is not in .*another run"):
        make_schema()


def test_a_missing_shard_and_an_empty_folder_are_errors(make_schema, data_dir):
    (data_dir / "part-1.tfrecord").unlink()
    with pytest.raises(BadInput, match="part-1.tfrecord is missing"):
        make_schema()
    (data_dir / "part-0.tfrecord").write_bytes(b"")
    (data_dir / "statistics.json").unlink()
    with pytest.raises(BadInput, match="part-0.tfrecord has no records"):
        make_schema()
    (data_dir / "part-0.tfrecord").unlink()
    with pytest.raises(BadInput, match="has no TFRecord files"):
        make_schema()


def test_two_shards_of_the_same_bytes_are_refused_unless_it_is_meant(make_schema, data_dir):
    (data_dir / "statistics.json").unlink()
    (data_dir / "part-7.tfrecord").write_bytes((data_dir / "part-1.tfrecord").read_bytes())
    with pytest.raises(BadInput, match="part-7.tfrecord and .*part-1.tfrecord are the same.*accept_equal_shards: true"):
        make_schema()
    assert not (data_dir / "schema.json").exists()
    assert make_schema(accept_equal_shards=True)["numRows"]


def test_a_gate_of_the_statistics_stops_the_stage(make_schema, data_dir):
    statistics = json.loads((data_dir / "statistics.json").read_text())
    (data_dir / "statistics.json").write_text(json.dumps({**statistics, "unknown_rate": 0.9}))
    with pytest.raises(BadInput, match="statistics.json: unknown tokens .* are 90.0%.*max_unknown_rate: 0.9"):
        make_schema()
    assert not (data_dir / "schema.json").exists()
    make_schema(max_unknown_rate=0.9)


@pytest.mark.parametrize("gate, value, said", [
    ("max_unknown_rate", 0.0, "unknown tokens .* are 0.0%.*do_lower_case right[?] If it is meant"),
    ("max_nsp_majority", 0.0, "next sentences those that are"),
    ("max_mask_factor", 1.0, "tokens are to be predicted, where masked_lm_prob means 15.0%"),
    ("max_padding_rate", 0.0, "padding is .* max_seq_length 64: a smaller one"),
])
def test_the_gates_look_at_the_records_where_no_statistics_are(make_schema, data_dir, gate, value, said):
    rewrite(data_dir / "part-1.tfrecord", lambda features: features["input_ids"].__setitem__(1, PIECES.index("[UNK]")))
    with pytest.raises(BadInput, match=said):
        make_schema(**{gate: value})
    assert not (data_dir / "schema.json").exists()


def test_what_the_records_show_is_what_the_statistics_say(world, data_dir):
    said = json.loads((data_dir / "statistics.json").read_text())
    shards = sorted(data_dir.glob("*.tfrecord"))
    counted = sum((validate_shard(path, columns_of(path), {piece: n for n, piece in enumerate(PIECES)})
                   for path in shards), Counter())
    shown = shares_of(counted, columns_of(shards[0]))
    assert shown.pop("unknown_rate") == 0 and shown == pytest.approx({name: said[name] for name in shown})
