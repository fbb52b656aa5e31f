"""Task data: records with a label or a score -> TFRecord, the schema that MindSpore reads it with, labels, statistics."""

from collections import Counter
from pathlib import Path

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import sha256_of, write_json
from dump2bert.progress import say
from dump2bert.tasks.batches import some_of
from dump2bert.tasks.classification.records import Records, read_records
from dump2bert.tasks.classification.rows import encode, schema, write_rows
from dump2bert.tasks.datasets import dataset_of
from dump2bert.tasks.tables import check_ids
from dump2bert.tokenization import Tokenizer, load_vocabulary

NOTED = {"records_in_several_rows": "are longer than a row and become several", "empty_texts": "have no text",
         "records_left_out": "more have a label that the data set leaves out"}


def make_task_data(task, files, vocab_file, output_dir, do_lower_case, max_seq_length, train_records=None,
                   kind="classification", **own):
    """files: {"train": path, "dev": path} -> {split}.tfrecord, schema.json, labels.json ({} where there are scores) and
    statistics.json in output_dir. train_records: how many of the training records to take, None: all; own: what
    datasets.dataset_of takes."""
    output_dir = Path(output_dir)
    dataset = dataset_of(task, kind, **own)
    regression, labels = kind == "regression", dataset.labels
    records = {"train": read_records(files["train"], dataset, labels)}
    skipped = records["train"].skipped
    records["train"] = Records(some_of(records["train"], train_records))
    records["train"].skipped = skipped
    if labels is None and not regression:
        labels = sorted({record.label for record in records["train"]})
    if not regression and len(labels) < 2:
        raise BadInput(f"{files['train']} has only the label {next(iter(labels))!r}: there is nothing to learn")
    records["dev"] = read_records(files["dev"], dataset, labels)
    check_ids(records["dev"], files["dev"])
    ids = None if regression else {label: number for number, label in enumerate(labels)}
    tokenizer = Tokenizer(load_vocabulary(vocab_file), do_lower_case)
    statistics = {"task": task, "kind": kind, "max_seq_length": max_seq_length, "do_lower_case": do_lower_case,
                  "vocabulary_sha256": sha256_of(vocab_file), "splits": {}}
    largest = 0
    for split, path in files.items():
        encoded = encode(records[split], tokenizer, max_seq_length, ids)
        write_rows(output_dir / f"{split}.tfrecord", encoded.rows)
        statistics["splits"][split] = about = describe(records[split], encoded, path, regression)
        largest = max(largest, about["rows"])
        notes = [f"{about[key]} {said}" for key, said in NOTED.items() if about[key]]
        say("; ".join([f"{split}: {len(records[split])} records", *notes]))
    train, dev = ({(record.text, record.text_pair) for record in records[split]} for split in ("train", "dev"))
    statistics["in_both_splits"] = len(train & dev)
    write_json(output_dir / "schema.json", schema(largest, max_seq_length, regression))
    write_json(output_dir / "labels.json", ids or {})
    write_json(output_dir / "statistics.json", statistics)


def describe(records, encoded, path, regression):
    """The statistics of one split."""
    tokens = int(encoded.tokens.sum())
    values = [record.label for record in records]
    labels = {"mean_score": round(float(np.mean(values)), 6)} if regression else {"labels": dict(sorted(
        Counter(values).items()))}
    return {"records": len(records), "rows": len(encoded.rows.input_ids), "sha256": sha256_of(path), "tokens": tokens,
            "longest": int(encoded.tokens.max()), "unknown_rate": round(encoded.unknown / max(tokens, 1), 6),
            "records_in_several_rows": int((np.bincount(encoded.rows.record_numbers) > 1).sum()),
            "records_left_out": records.skipped, "empty_texts": sum(not record.text.strip() for record in records),
            **labels}
