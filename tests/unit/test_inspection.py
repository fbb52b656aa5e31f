"""`dump2bert inspect`: what it says about each kind of file, and a clear sentence about what it cannot read."""

import json
import os
import re

import numpy as np
import pytest

from dump2bert import cli
from dump2bert.inspection.records import text_of
from dump2bert.inspection.terminal import bar, binned, histogram
from dump2bert.stages import schema
from dump2bert.tfrecord import write_records
from tests.unit.pretraining_world import PIECES, make_data, write_text, write_vocabulary
from tests.unit.test_schema import GATES


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with a vocabulary, two shards, their statistics and schema."""
    folder = tmp_path_factory.mktemp("world")
    vocabulary = write_vocabulary(folder / "vocab.txt")
    make_data(folder, write_text(folder / "text.txt", documents=40), vocabulary)
    schema.run(data_dir=folder, vocab_file=vocabulary, output=folder / "schema.json", **GATES)
    return folder


@pytest.fixture
def inspect(capsys):
    def run(*words):
        code = cli.main(["inspect", *map(str, words)])
        captured = capsys.readouterr()
        return code, captured.out if code == 0 else captured.err
    return run


def test_counts_and_numbers_of_shards_are_those_of_their_statistics(world, inspect):
    statistics = json.loads((world / "statistics.json").read_text())
    code, printed = inspect(world, "--vocab_file", world / "vocab.txt")
    assert code == 0
    assert f"together {statistics['instances']:,} records" in printed
    for name, shard in statistics["shards"].items():
        assert f"{name}: {shard['instances']:,} records" in printed
    assert f"tokens to predict: {statistics['mask_rate']:.1%} of all" in printed
    assert f"padding: {statistics['padding_rate']:.1%}" in printed
    assert f"second part: {statistics['random_next_rate']:.1%} random" in printed
    assert re.search(r"input_ids +int64 +\[64\] +0 to", printed) and re.search(r"masked_lm_weights +float32 +\[10\]", printed)
    shares = [float(share) for share in re.search(r"are shown: (.*)% as \[MASK\], (.*)% as they are, (.*)% as another",
                                                  printed).groups()]
    assert abs(shares[0] - 80) < 8 and abs(shares[1] - 10) < 6 and sum(shares) == pytest.approx(100, abs=0.3)


def test_as_many_records_are_shown_as_asked_for(world, inspect):
    shard = world / "part-0.tfrecord"
    for count in (0, 2):
        printed = inspect(shard, "--vocab_file", world / "vocab.txt", "--records", count)[1]
        assert len(re.findall(r"^record \d+:$", printed, re.M)) == count
        assert printed.count("[CLS]") == count


def test_an_instance_is_text_with_its_masks_marked():
    pieces = ["[PAD]", "[MASK]", "[CLS]", "[SEP]", "cat", "dog", "##s", "sat"]
    record = {"input_ids": np.array([2, 4, 6, 1, 3, 5, 7, 3, 0, 0]), "input_mask": np.array([1] * 8 + [0] * 2),
              "masked_lm_positions": np.array([3, 5, 6, 0]), "masked_lm_ids": np.array([7, 4, 7, 0]),
              "masked_lm_weights": np.array([1, 1, 1, 0], np.float32)}
    assert text_of(record, pieces) == "[CLS] cats [MASK=sat] [SEP] {dog=cat} {sat} [SEP]"


def test_unmasked_instances_are_shown_up_to_their_length(inspect, tmp_path):
    vocabulary = write_vocabulary(tmp_path / "vocab.txt")
    shard, = make_data(tmp_path, write_text(tmp_path / "text.txt", documents=40), vocabulary, shards=1, masking="dynamic")
    code, printed = inspect(shard, "--vocab_file", vocabulary)
    assert code == 0 and printed.count("[CLS]") == 3 and "[PAD]" not in printed and "tokens of an instance:" in printed
    statistics = json.loads((tmp_path / "statistics.json").read_text())
    for said in (f"masked when they are read; padding: {statistics['padding_rate']:.1%}",
                 f"second part: {statistics['random_next_rate']:.1%} random", "unknown tokens ([UNK]): 0.00%"):
        assert said in printed
    schema.run(data_dir=tmp_path, vocab_file=vocabulary, output=tmp_path / "schema.json", **GATES)
    (tmp_path / "folder.tfrecord").mkdir()
    code, printed = inspect(tmp_path / "schema.json")
    assert code == 0 and re.search(r"masked_lm_prob +0.15", printed) and "beside it stand" in printed


def test_without_a_vocabulary_ids_are_shown_and_it_says_so(world, inspect):
    code, printed = inspect(world / "part-0.tfrecord")
    assert code == 0 and "give --vocab_file" in printed and "input_ids: 2 " in printed and "[CLS]" not in printed


def test_ids_that_the_vocabulary_does_not_have_are_shown_as_numbers(world, inspect, tmp_path):
    write_vocabulary(tmp_path / "short.txt", PIECES[:12])
    code, printed = inspect(world / "part-0.tfrecord", "--vocab_file", tmp_path / "short.txt")
    assert code == 0 and re.search(r"<\d+>", printed)


def test_a_schema_is_compared_with_the_records_beside_it(world, inspect, tmp_path):
    rows = json.loads((world / "schema.json").read_text())["numRows"]
    printed = inspect(world / "schema.json")[1]
    assert f"{rows} rows" in printed and f"beside it stand {rows:,} records\n" in printed
    assert re.search(r"masked_lm_positions +int64 +\[10\]", printed)
    (tmp_path / "part.tfrecord").write_bytes((world / "part-0.tfrecord").read_bytes())
    (tmp_path / "schema.json").write_bytes((world / "schema.json").read_bytes())
    assert "NOT as many as the schema says" in inspect(tmp_path / "schema.json")[1]


def test_a_vocabulary_in_numbers(world, inspect):
    code, printed = inspect(world / "vocab.txt")
    assert code == 0 and f"a vocabulary of {len(PIECES)} pieces" in printed
    assert "10 go on with one (##)" in printed and "[UNK] 1" in printed and "LATIN" in printed


def test_a_checkpoint_in_numbers(inspect, tmp_path):
    import mindspore as ms
    weights = {"bert.embeddings.word_embeddings.weight": np.full((7, 4), 0.5, np.float32),
               "cls.bias": np.array([1, np.nan], np.float32)}
    ms.save_checkpoint([{"name": name, "data": ms.Tensor(value)} for name, value in weights.items()],
                       str(tmp_path / "model.ckpt"))
    (tmp_path / "network.json").write_text('{"network": {"hidden_size": 4}, "provenance": {"step": 12}}')
    code, printed = inspect(tmp_path / "model.ckpt")
    assert code == 0 and "2 parameters, 30 numbers" in printed and "hidden_size 4" in printed and "step 12" in printed
    assert "NOT FINITE: cls.bias" in printed
    assert re.search(r"word_embeddings\.weight +7x4 +float32 +0\.5 +0 +0\.5", printed)


def damaged(world, folder):
    content = bytearray((world / "part-0.tfrecord").read_bytes())
    content[30] ^= 1
    (folder / "part-0.tfrecord").write_bytes(content)
    return folder / "part-0.tfrecord"


def cut_off(world, folder):
    (folder / "part-0.tfrecord").write_bytes((world / "part-0.tfrecord").read_bytes()[:-7])
    return folder / "part-0.tfrecord"


def written(name, content):
    def write(world, folder):
        (folder / name).write_bytes(content)
        return folder / name
    return write


def foreign_records(world, folder):
    with open(folder / "x.tfrecord", "wb") as file:
        write_records(file, [b"this is no protobuf message at all"])
    return folder / "x.tfrecord"


def of_two_runs(world, folder):
    vocabulary = write_vocabulary(folder / "vocab.txt")
    make_data(folder, write_text(folder / "text.txt", documents=40), vocabulary, shards=1, masking="dynamic")
    (folder / "part-9.tfrecord").write_bytes((world / "part-0.tfrecord").read_bytes())
    return folder


@pytest.mark.parametrize("make, said", [
    (of_two_runs, "has unmasked instances, but"),
    (written("x.json", b'{"columns": {"a": 3}}'), "is JSON, but no schema"),
    (lambda world, folder: folder / "nowhere", "is not there"),
    (lambda world, folder: folder, "is a folder without TFRecord files"),
    (damaged, "record 1 is damaged"),
    (cut_off, "ends within record"),
    (foreign_records, "is no tf.train.Example"),
    (written("empty", b""), "is empty"),
    (written("x.tfrecord", b"something else altogether"), "does not begin as a TFRecord file does"),
    (written("x.bin", b"\0\1\2\xff" * 50), "is nothing that can be read here"),
    (written("x.json", b'{"a": 1}'), "is JSON, but no schema"),
    (written("x.json", b"{"), "is not valid JSON"),
    (written("x.txt", b"some text\nof two lines\n"), "lacks [PAD]"),
    (written("x.ckpt", b"no checkpoint"), "is no checkpoint that MindSpore can read"),
])
def test_what_cannot_be_read_is_one_clear_sentence(world, inspect, tmp_path, make, said):
    code, printed = inspect(make(world, tmp_path))
    assert code == 1
    assert printed.startswith("error: ") and said in printed and printed.count("\n") == 1


def test_bars_are_as_long_as_their_share():
    assert bar(1) == "█" * 40 and bar(0) == "" and len(bar(0.5)) == 20 and bar(1 / 320) == "▏"
    lines = histogram("title", [("a", 3), ("bb", 1)])
    assert lines[1] == "title:" and lines[2].split() == ["a", "3", "75.0%", "█" * 40] and lines[3].split()[:3] == ["bb", "1", "25.0%"]
    assert histogram("nothing", []) == []


def test_ranges_of_numbers():
    assert binned([1, 2, 2, 3]) == [("1", 1), ("2", 2), ("3", 1)]
    assert binned(range(100), 4) == [("0-24", 25), ("25-49", 25), ("50-74", 25), ("75-99", 25)]
    assert binned(range(5), 2) == [("0-2", 3), ("3-4", 2)] and binned([1, 2, 3], 2) == [("1-2", 2), ("3", 1)]
    assert binned([]) == []


def test_output_may_be_cut_short_by_its_reader(world):
    assert os.system(f"dump2bert inspect {world} --vocab_file {world / 'vocab.txt'} | head -1 >/dev/null") == 0
