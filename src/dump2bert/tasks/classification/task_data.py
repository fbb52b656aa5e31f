"""Task data: records with a label or a score -> TFRecord, the schema that MindSpore reads it with, labels, statistics."""

from collections import Counter
from pathlib import Path

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import sha256_of, write_json
from dump2bert.progress import say
from dump2bert.tasks.classification.records import forms_of, known_labels, read_records
from dump2bert.tasks.classification.rows import encode, schema, write_rows
from dump2bert.tokenization import Tokenizer, load_vocabulary


def make_task_data(task, files, vocab_file, output_dir, do_lower_case, max_seq_length, fields=None, regression=False):
    """files: {"train": path, "dev": path} -> {split}.tfrecord, schema.json, labels.json ({} where there are scores) and
    statistics.json in output_dir. fields: of a data set of one's own (records.Fields as a dict)."""
    output_dir = Path(output_dir)
    forms = forms_of(task, fields)
    labels = None if regression else known_labels(task, fields)
    records = {"train": read_records(files["train"], forms, regression, labels)}
    if labels is None and not regression:
        labels = sorted({record.label for record in records["train"]})
        if len(labels) < 2:
            raise BadInput(f"{files['train']} has only the label {labels[0]!r}: there is nothing to learn")
    records["dev"] = read_records(files["dev"], forms, regression, labels)
    ids = None if regression else {label: number for number, label in enumerate(labels)}
    tokenizer = Tokenizer(load_vocabulary(vocab_file), do_lower_case)
    statistics = {"task": task, "kind": "regression" if regression else "classification",
                  "max_seq_length": max_seq_length, "do_lower_case": do_lower_case,
                  "vocabulary_sha256": sha256_of(vocab_file), "splits": {}}
    for split, path in files.items():
        encoded = encode(records[split], tokenizer, max_seq_length, ids)
        write_rows(output_dir / f"{split}.tfrecord", encoded.rows)
        statistics["splits"][split] = describe(records[split], encoded, path, regression)
        cut = f"; {len(encoded.cut)} are cut to {max_seq_length} tokens" if encoded.cut else ""
        say(f"{split}: {len(records[split])} records{cut}")
    train, dev = ({(record.text, record.text_pair) for record in records[split]} for split in ("train", "dev"))
    statistics["in_both_splits"] = len(train & dev)
    write_json(output_dir / "schema.json", schema(max(map(len, records.values())), max_seq_length, regression))
    write_json(output_dir / "labels.json", ids or {})
    write_json(output_dir / "statistics.json", statistics)


def describe(records, encoded, path, regression):
    """The statistics of one split."""
    tokens = int(encoded.tokens.sum())
    values = [record.label for record in records]
    labels = {"mean_score": round(float(np.mean(values)), 6)} if regression else {"labels": dict(sorted(
        Counter(values).items()))}
    return {"records": len(records), "rows": len(records), "sha256": sha256_of(path), "tokens": tokens,
            "longest": int(encoded.tokens.max()), "unknown_rate": round(encoded.unknown / max(tokens, 1), 6),
            "records_cut": len(encoded.cut), "empty_texts": sum(not record.text.strip() for record in records),
            **labels}
