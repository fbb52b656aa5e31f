"""What the instances are like in both modes, and that they depend on text, vocabulary, options and seed alone."""

import collections
import gzip
import json

import numpy as np
import pytest

from dump2bert.config_data import Instances
from dump2bert.errors import BadInput
from dump2bert.files import documents_of, sha256_of
from dump2bert.pretraining import drawing, shuffling, tokenized_corpus
from dump2bert.pretraining.documents import input_files, lines_of
from dump2bert.stages import join, pretraining_data
from dump2bert.tfrecord import decode_example, read_records
from dump2bert.tokenization import Tokenizer, load_vocabulary
from tests.unit.pretraining_world import PIECES, make_data, write_text, write_vocabulary

PAD, UNK, CLS, SEP, MASK = range(5)
MODES = pytest.mark.parametrize("mode", ["google", "fast"])


@pytest.fixture
def vocabulary(tmp_path):
    return write_vocabulary(tmp_path / "vocab.txt")


@pytest.fixture
def text(tmp_path):
    return write_text(tmp_path / "text.txt", documents=120)


def records(paths):
    return [decode_example(data) for path in paths for data in read_records(path)]


def original_spans(record):
    """The two spans of a record with its masks taken off, and the place of the second [SEP]."""
    ids = record["input_ids"].copy()
    masked = record["masked_lm_weights"] > 0
    ids[record["masked_lm_positions"][masked]] = record["masked_lm_ids"][masked]
    first_end, second_end = np.flatnonzero(ids == SEP)
    assert ids[0] == CLS
    return ids[1:first_end].tolist(), ids[first_end + 1:second_end].tolist(), second_end


def token_documents(text, vocabulary):
    tokenizer = Tokenizer(load_vocabulary(vocabulary), True)
    return [[token for line in document for token in tokenizer.encode(line)]
            for document in documents_of(lines_of([text]))]


def as_text(tokens):
    return " " + " ".join(map(str, tokens)) + " "


@MODES
def test_spans_are_contiguous_text_and_the_label_says_whether_the_second_follows(mode, tmp_path, text, vocabulary):
    documents = [as_text(document) for document in token_documents(text, vocabulary)]
    labels = collections.Counter()
    # One number tells a sentence, but not every cut span has it whole: spans of at least 12 tokens are looked at.
    for record in records(make_data(tmp_path, text, vocabulary, mode=mode)):
        first, second, _ = original_spans(record)
        if min(len(first), len(second)) < 12:
            continue
        is_random, = record["next_sentence_labels"]
        labels[is_random] += 1
        home = {number for number, document in enumerate(documents) if as_text(first) in document}
        guest = {number for number, document in enumerate(documents) if as_text(second) in document}
        assert len(home) == len(guest) == 1
        assert (home != guest) == is_random
    assert labels[0] > 50 and labels[1] > 50


@MODES
def test_records_have_masks_segments_and_padding_where_they_belong(mode, tmp_path, text, vocabulary):
    lengths = set()
    for record in records(make_data(tmp_path, text, vocabulary, mode=mode)):
        first, second, end = original_spans(record)
        length = end + 1
        lengths.add(length)
        assert length == len(first) + len(second) + 3 <= 64 and first and second
        assert record["input_ids"][length:].tolist() == [PAD] * (64 - length)
        assert record["input_mask"].tolist() == [1] * length + [0] * (64 - length)
        assert record["segment_ids"].tolist() == [0] * (len(first) + 2) + [1] * (len(second) + 1) + [0] * (64 - length)
        predictions = min(10, max(1, round(length * 0.15)))
        assert record["masked_lm_weights"].tolist() == [1.0] * predictions + [0.0] * (10 - predictions)
        positions = record["masked_lm_positions"][:predictions].tolist()
        assert positions == sorted(set(positions)) and not {0, len(first) + 1, end} & set(positions)
        assert not record["masked_lm_positions"][predictions:].any() and not record["masked_lm_ids"][predictions:].any()
    assert 64 in lengths and min(lengths) < 40


def test_of_the_predictions_80_percent_are_masked_10_kept_and_10_random(tmp_path, text, vocabulary):
    shown = collections.Counter()
    for record in records(make_data(tmp_path, text, vocabulary, dupe_factor=20)):
        for weight, position, label in zip(*(record[f"masked_lm_{what}"] for what in ("weights", "positions", "ids"))):
            if weight:
                token = record["input_ids"][position]
                shown["mask" if token == MASK else "kept" if token == label else "random"] += 1
    total = sum(shown.values())
    assert total > 20000
    assert shown["mask"] / total == pytest.approx(0.8, abs=0.01)
    assert shown["kept"] / total == pytest.approx(0.1, abs=0.01)


def test_whole_words_are_masked_whole_or_not_at_all(tmp_path, text, vocabulary):
    words = collections.Counter()
    for record in records(make_data(tmp_path, text, vocabulary, do_whole_word_mask=True)):
        first, second, _ = original_spans(record)
        ids = [CLS, *first, SEP, *second, SEP]
        positions = set(record["masked_lm_positions"][record["masked_lm_weights"] > 0])
        for start in range(1, len(first) + 1):    # a span whose front was cut off may begin within a word
            if start > 1 and not PIECES[ids[start]].startswith("##"):
                end = start + 1
                while end <= len(first) and PIECES[ids[end]].startswith("##"):
                    end += 1
                if end <= len(first):    # the second span's front may belong to this one's last word
                    masked = positions & set(range(start, end))
                    assert len(masked) in (0, end - start)
                    words[len(masked)] += 1
    assert words[2] and words[3] and words[4]


@MODES
def test_shards_are_the_same_bytes_from_run_to_run(mode, tmp_path, text, vocabulary):
    runs = [list(map(sha256_of, make_data(tmp_path / name, text, vocabulary, mode=mode))) for name in ("one", "two")]
    assert runs[0] == runs[1]
    other_seed = make_data(tmp_path / "three", text, vocabulary, mode=mode, random_seed=1)
    assert not set(map(sha256_of, other_seed)) & set(runs[0])


def test_shards_are_the_same_however_many_workers_make_them(tmp_path, text, vocabulary):
    alone = make_data(tmp_path / "alone", text, vocabulary, shards=3)
    together = make_data(tmp_path / "together", text, vocabulary, shards=3, workers=2)
    assert list(map(sha256_of, alone)) == list(map(sha256_of, together))
    assert (tmp_path / "alone/statistics.json").read_bytes() == (tmp_path / "together/statistics.json").read_bytes()


@MODES
def test_jobs_that_share_the_shards_write_what_one_would(mode, tmp_path, text, vocabulary):
    alone = make_data(tmp_path / "alone", text, vocabulary, shards=5, mode=mode)
    for job in (2, 0, 1):    # in any order, perhaps on other machines
        shared = make_data(tmp_path / "shared", text, vocabulary, shards=5, mode=mode, jobs=3, job=job)
    assert list(map(sha256_of, alone)) == list(map(sha256_of, shared))
    join.run(part_statistics=sorted((tmp_path / "shared").glob("statistics-*.json")),
             output=tmp_path / "shared/statistics.json")
    assert (tmp_path / "alone/statistics.json").read_bytes() == (tmp_path / "shared/statistics.json").read_bytes()
    assert not [path for path in (tmp_path / "shared").iterdir() if path.name.startswith(".")]


def test_a_job_leaves_the_shards_of_the_others_alone(tmp_path, text, vocabulary):
    first, second = make_data(tmp_path, text, vocabulary)
    first.unlink()
    second.write_bytes(b"of another job")
    make_data(tmp_path, text, vocabulary, jobs=2, job=0)
    assert first.exists() and second.read_bytes() == b"of another job"
    with pytest.raises(BadInput, match="--jobs 3 is above the 2 files"):
        make_data(tmp_path, text, vocabulary, jobs=3, job=0)


@pytest.mark.parametrize("change, message", [
    (lambda parts: parts[:2], "their shards have .* instances: name the statistics of all jobs"),
    (lambda parts: [*parts[:2], parts[1]], "lists part-1.tfrecord, as another job does"),
    (lambda parts: [*parts[:2], parts[2].parent / "../other/statistics-00002-of-00003.json"], "are of different data"),
    (lambda parts: [*parts[:2], parts[2].parent / "text.json"], "text.json is not what"),
])
def test_statistics_that_do_not_belong_together_are_not_joined(change, message, tmp_path, text, vocabulary):
    for job in range(3):
        make_data(tmp_path / "data", text, vocabulary, shards=5, jobs=3, job=job)
    make_data(tmp_path / "other", text, vocabulary, shards=5, jobs=3, job=2, random_seed=1)
    (tmp_path / "data/text.json").write_text("{}")
    parts = sorted((tmp_path / "data").glob("statistics-*.json"))
    with pytest.raises(BadInput, match=message):
        join.run(part_statistics=change(parts), output=tmp_path / "data/statistics.json")
    assert not (tmp_path / "data/statistics.json").exists()


def test_fast_mode_draws_random_next_spans_from_the_whole_text_and_shuffles_all_of_it(tmp_path, vocabulary, monkeypatch):
    monkeypatch.setattr(tokenized_corpus, "CHUNK", 64)    # many runs of documents
    monkeypatch.setattr(drawing, "BUCKET", 40)            # many buckets
    monkeypatch.setattr(shuffling, "PENDING", 30)
    text = tmp_path / "text.txt"
    # The number of a document stands in all of its sentences.
    text.write_text("\n\n".join(f"{number} a a\n{number} b b" for number in range(100)), encoding="utf-8")
    pairs, places = [], [[] for _ in range(4)]
    for shard, path in enumerate(make_data(tmp_path, text, vocabulary, shards=4, dupe_factor=20)):
        for place, record in enumerate(records([path])):
            first, second, _ = original_spans(record)
            first, second = (next(int(PIECES[token]) for token in span if PIECES[token].isdigit())
                             for span in (first, second))
            places[shard].append(first)
            if first != second:
                pairs.append((first, second))
    assert np.corrcoef(*zip(*pairs))[0, 1] == pytest.approx(0, abs=0.1)    # from near and far alike
    assert len(set(second for _, second in pairs)) == 100
    for numbers in places:
        assert np.mean(numbers) == pytest.approx(49.5, abs=4)              # each shard has something of all
        assert np.corrcoef(np.arange(len(numbers)), numbers)[0, 1] == pytest.approx(0, abs=0.15)
    lengths = list(map(len, places))
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("masking", ["static", "dynamic"])
def test_what_is_shuffled_in_files_comes_out_as_in_memory(masking, tmp_path, text, vocabulary, monkeypatch):
    monkeypatch.setattr(drawing, "BUCKET", 40)
    in_memory = make_data(tmp_path / "memory", text, vocabulary, masking=masking)
    monkeypatch.setattr(shuffling, "PENDING", 30)
    monkeypatch.setattr(tokenized_corpus, "RESIDENT", 0)
    in_files = make_data(tmp_path / "files", text, vocabulary, masking=masking)
    assert list(map(sha256_of, in_memory)) == list(map(sha256_of, in_files))


def test_google_mode_takes_more_predictions_than_tokens_as_googles_script_does(tmp_path, text, vocabulary):
    instances = Instances(mode="google", max_seq_length=8)
    paths = make_data(tmp_path, text, vocabulary, mode="google", max_seq_length=8,
                      max_predictions_per_seq=instances.max_predictions_per_seq)
    assert {len(record["masked_lm_ids"]) for record in records(paths)} == {20}


def test_google_mode_deals_its_records_to_the_outputs_in_turn(tmp_path, text, vocabulary):
    whole, = make_data(tmp_path / "one", text, vocabulary, shards=1, mode="google")
    parts = make_data(tmp_path / "three", text, vocabulary, shards=3, mode="google")
    whole = list(read_records(whole))
    assert [list(read_records(part)) for part in parts] == [whole[number::3] for number in range(3)]


@MODES
def test_statistics_say_what_is_in_the_shards(mode, tmp_path, text, vocabulary):
    paths = make_data(tmp_path, text, vocabulary, mode=mode)
    statistics = json.loads((tmp_path / "statistics.json").read_text())
    found = records(paths)
    lengths = np.array([record["input_mask"].sum() for record in found])
    documents = token_documents(text, vocabulary)
    assert statistics["documents"] == 120
    assert statistics["sentences"] == sum(1 for line in lines_of([text]) if line)
    assert statistics["tokens"] == sum(map(len, documents))
    assert statistics["unknown_rate"] == 0
    assert statistics["instances"] == len(found)
    assert statistics["random_next_rate"] == pytest.approx(np.mean([r["next_sentence_labels"] for r in found]))
    assert statistics["mask_rate"] == pytest.approx(sum(r["masked_lm_weights"].sum() for r in found) / lengths.sum())
    assert statistics["padding_rate"] == pytest.approx(1 - lengths.mean() / 64)
    assert statistics["length_histogram"]["49-64"] == (lengths > 48).sum()
    assert sum(statistics["length_histogram"].values()) == len(found)
    assert statistics["shards"] == {path.name: {"instances": len(records([path])), "bytes": path.stat().st_size,
                                                "sha256": sha256_of(path)} for path in paths}


def test_unknown_words_are_counted(tmp_path, vocabulary):
    text = tmp_path / "text.txt"
    text.write_text("a b x\n\na xyz c\n", encoding="utf-8")
    make_data(tmp_path, text, vocabulary, shards=1)
    assert json.loads((tmp_path / "statistics.json").read_text())["unknown_rate"] == pytest.approx(2 / 6)


def test_defaults_are_those_of_googles_flags():
    flags = Instances().model_dump()
    del flags["mode"], flags["masking"], flags["word_segmenter"]    # ours
    assert flags == {"do_whole_word_mask": False, "max_seq_length": 128, "max_predictions_per_seq": 20,
                     "random_seed": 12345, "dupe_factor": 10, "masked_lm_prob": 0.15, "short_seq_prob": 0.1}


# ------------------------------------------------------------------------------------------------------------- input


def test_a_documents_end_is_a_blank_line_of_any_white_space(tmp_path):
    (tmp_path / "text.txt").write_bytes("\ufeffone\r\n two \n\u3000\nthree\x0bx\n\n\n\x1c\nfour\u200b".encode())
    assert list(documents_of(lines_of([tmp_path / "text.txt"]))) == [["one", "two"], ["three\x0bx"], ["four\u200b"]]


def test_a_files_end_ends_a_document_but_for_googles_script(tmp_path):
    (tmp_path / "1.txt").write_text("one\n")
    with gzip.open(tmp_path / "2.txt.gz", "wt") as file:
        file.write("two\n")
    paths = [tmp_path / "1.txt", tmp_path / "2.txt.gz"]
    assert list(documents_of(lines_of(paths))) == [["one"], ["two"]]
    assert list(documents_of(lines_of(paths, joined=True))) == [["one", "two"]]


def test_patterns_give_their_files_in_sorted_order(tmp_path):
    for name in ("b.txt", "c.txt", "a.txt", "x.text"):
        (tmp_path / name).touch()
    found = input_files([tmp_path / "x.text", tmp_path / "*.txt"])
    assert [path.rpartition("/")[2] for path in found] == ["x.text", "a.txt", "b.txt", "c.txt"]
    with pytest.raises(BadInput, match="no input file is called .*d.txt"):
        input_files([tmp_path / "d.txt"])


def test_a_file_that_is_there_is_no_pattern(tmp_path):
    for name in ("wiki [2024].txt", "wiki 2.txt"):
        (tmp_path / name).touch()
    assert input_files([tmp_path / "wiki [2024].txt"]) == [str(tmp_path / "wiki [2024].txt")]
    assert input_files([tmp_path / "wiki [12].txt"]) == [str(tmp_path / "wiki 2.txt")]


def test_a_text_whose_lines_end_with_carriage_returns_alone_is_said(tmp_path):
    (tmp_path / "text.txt").write_bytes(b"one\rtwo\r\rthree\r")
    with pytest.raises(BadInput, match=r"text.txt has lines that end with a carriage return alone: .* tr '\\r' '\\n'"):
        input_files([tmp_path / "text.txt"])
    (tmp_path / "text.txt").write_bytes(b"one\r\ntwo\r three\n")
    assert len(input_files([tmp_path / "text.txt"])) == 1


@pytest.mark.parametrize("content, shards, message", [
    ("", 1, "no text in"),
    ("\n \n\n", 1, "no text in"),
    ("\x00\n\n\u200b\n\n", 1, "no text in"),
    ("a\n\nb\n\nc\n", 5, "3 instances, too few for 5 output files: ask for 3 files at most"),
])
def test_text_that_gives_no_instances_is_refused(tmp_path, vocabulary, content, shards, message):
    (tmp_path / "text.txt").write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=message):
        make_data(tmp_path, tmp_path / "text.txt", vocabulary, shards=shards, dupe_factor=1)
    assert not list(tmp_path.glob("*tfrecord*")) and not list(tmp_path.glob(".*")) and not (tmp_path / "statistics.json").exists()


@MODES
def test_a_single_document_is_its_own_random_next(mode, tmp_path, vocabulary):
    text = write_text(tmp_path / "text.txt", documents=1, seed=3)
    path, = make_data(tmp_path, text, vocabulary, shards=1, mode=mode, dupe_factor=10)
    document = as_text(token_documents(text, vocabulary)[0])
    for record in records([path]):
        first, second, _ = original_spans(record)
        assert as_text(first) in document and as_text(second) in document


def test_a_failed_run_leaves_the_data_of_an_earlier_one_with_their_statistics(tmp_path, text, vocabulary):
    shards = make_data(tmp_path, text, vocabulary)
    before = [path.read_bytes() for path in (*shards, tmp_path / "statistics.json")]
    (tmp_path / "empty.txt").touch()
    with pytest.raises(BadInput):
        make_data(tmp_path, tmp_path / "empty.txt", vocabulary)
    assert before == [path.read_bytes() for path in (*shards, tmp_path / "statistics.json")]


def test_statistics_of_an_earlier_run_do_not_vouch_for_new_shards(tmp_path, text, vocabulary, monkeypatch):
    make_data(tmp_path, text, vocabulary)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pretraining_data, "write_json", killed)    # when the shards have their names
    with pytest.raises(KeyboardInterrupt):
        make_data(tmp_path, text, vocabulary, random_seed=1)
    assert not (tmp_path / "statistics.json").exists()


def test_an_output_named_twice_is_refused(tmp_path, text, vocabulary):
    with pytest.raises(BadInput, match="twice"):
        make_data(tmp_path, text, vocabulary, output_file=[tmp_path / "x", tmp_path / "." / "x"])
