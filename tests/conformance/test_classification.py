"""The complete TNEWS, CoLA and STS-B: every record is read, and a perfect submission scores 1."""

import pytest

from dump2bert.files import read_json
from dump2bert.tasks.classification.evaluate import evaluate
from dump2bert.tasks.classification.records import read_records
from dump2bert.tasks.classification.submissions import write_predictions
from dump2bert.tasks.classification.task_data import make_task_data
from dump2bert.tasks.datasets import dataset_of

FILES = {"tnews": ("tnews/train.json", 53360, "tnews/dev.json", 10000, "bert-base-chinese-vocab.txt"),
         "cola": ("cola/train.tsv", 8551, "cola/dev.tsv", 1043, "bert-base-uncased-vocab.txt"),
         "stsb": ("stsb/sts-train.tsv", 5749, "stsb/sts-dev.tsv", 1500, "bert-base-uncased-vocab.txt")}


@pytest.mark.parametrize("task", FILES)
def test_every_record_of_the_official_files_is_read_and_a_perfect_submission_scores_one(shared_data, tmp_path, task):
    train, train_count, dev, dev_count, _ = FILES[task]
    dataset = dataset_of(task, None)
    labels = dataset.labels
    assert len(read_records(shared_data / train, dataset, labels)) == train_count
    records = read_records(shared_data / dev, dataset, labels)
    assert len(records) == dev_count
    path = tmp_path / ("predictions.json" if task == "tnews" else "predictions.tsv")
    with open(path, "w", encoding="utf-8") as file:
        write_predictions(file, records, [record.label for record in records], labels or {}, task != "tnews")
    result = evaluate(task, shared_data / dev, path, None, kind=dataset.kind)
    assert result["records"] == dev_count
    assert all(value == pytest.approx(1.0) for value in result["metrics"]["standard"].values() if not isinstance(value, dict))


@pytest.mark.parametrize("task", ["cola", "stsb"])
def test_task_data_of_the_official_files_gives_one_row_a_record_at_128_tokens(shared_data, tmp_path, task):
    train, _, dev, dev_count, vocabulary = FILES[task]
    make_task_data(task, {"train": shared_data / train, "dev": shared_data / dev}, shared_data / "vocab" / vocabulary,
                   tmp_path, True, 128, kind=dataset_of(task, None).kind)
    splits = read_json(tmp_path / "statistics.json")["splits"]
    assert splits["dev"]["records"] == dev_count and splits["train"]["rows"] == splits["train"]["records"]
