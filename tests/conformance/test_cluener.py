"""The complete real CLUENER: read, labelled, decoded, scored."""

import itertools

import pytest

from dump2bert import cli
from dump2bert.tasks.ner.labels import read_labels
from dump2bert.tasks.datasets import CLUENER_TYPES
from dump2bert.tasks.ner.records import read_records
from dump2bert.tasks.ner.tfrecords import read_rows
from dump2bert.tasks.ner.windows import merge
from dump2bert.files import read_json
from dump2bert.tokenization import Tokenizer, load_vocabulary


def run(command, **flags):
    assert cli.main([command, *itertools.chain(*((f"--{name}", str(value)) for name, value in flags.items()))]) == 0


@pytest.mark.parametrize("max_seq_length", [32, 64])
def test_label_ids_of_every_record_that_fits_decode_back_to_the_annotated_spans(shared_data, tmp_path, max_seq_length):
    vocab_file = shared_data / "vocab" / "bert-base-chinese-vocab.txt"
    files = {split: shared_data / "cluener" / f"{split}.json" for split in ("train", "dev")}
    run("task_data", task="cluener", **files, vocab_file=vocab_file, output_dir=tmp_path, max_seq_length=max_seq_length)
    labels = read_labels(tmp_path / "labels.json")
    tokenizer = Tokenizer(load_vocabulary(vocab_file), do_lower_case=True)
    statistics = read_json(tmp_path / "statistics.json")["splits"]
    for split, (count, misfits) in {"train": (10748, 11), "dev": (1343, 4)}.items():
        records = read_records(files[split], CLUENER_TYPES)
        rows = read_rows(tmp_path / f"{split}.tfrecord", tmp_path / "schema.json", len(labels), 21128)
        decoded = [labels.decode(ids) for ids in merge(rows, rows.label_ids)]
        assert len(records) == len(decoded) == count
        named = {(item["line"], item["start"], item["end"], item["type"]) for item in statistics[split]["not_fitting"]}
        assert len({line for line, *_ in named}) == statistics[split]["records_not_fitting"]
        if max_seq_length == 64:
            assert statistics[split]["records_not_fitting"] == misfits
        for record, spans in zip(records, decoded):
            places = tokenizer.tokenize_with_offsets(record.text)
            found = {(places[start][1], places[end - 1][2], kind) for start, end, kind in spans}
            assert found == {entity for entity in record.entities if (record.line, *entity) not in named}


def test_the_published_prediction_file_scores_as_the_official_scorer_says(shared_data, tmp_path):
    run("evaluate", task="cluener", gold=shared_data / "cluener" / "dev.json", output=tmp_path / "metrics.json",
        predictions=shared_data / "cluener" / "ner_predict-example.json")
    metrics = read_json(tmp_path / "metrics.json")
    assert metrics["metrics"]["zoo"]["clue_benchmark"] == pytest.approx(0.6471829433597345, abs=1e-15)
    assert metrics["records"] == 1343
    standard = metrics["metrics"]["standard"]
    assert standard["f1"] == pytest.approx(2 * standard["precision"] * standard["recall"]
                                           / (standard["precision"] + standard["recall"]))
    assert sum(scores["support"] for scores in standard["per_type"].values()) == 3072
