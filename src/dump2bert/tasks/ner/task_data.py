"""Task data: records with entities -> TFRecord, the schema that MindSpore reads it with, labels, statistics."""

from collections import Counter
from pathlib import Path

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import sha256_of, write_json
from dump2bert.progress import say
from dump2bert.tasks.batches import some_of
from dump2bert.tasks.datasets import dataset_of
from dump2bert.tasks.ner.alignment import align
from dump2bert.tasks.ner.labels import Labels
from dump2bert.tasks.ner.reading import read
from dump2bert.tasks.ner.tfrecords import schema, write_rows
from dump2bert.tasks.tables import check_ids
from dump2bert.tokenization import Tokenizer, load_vocabulary

MISFITS_SAID = 5


def make_task_data(task, files, vocab_file, output_dir, do_lower_case, max_seq_length, train_records=None,
                   **own):
    """files: {"train": path, "dev": path} -> {split}.tfrecord, schema.json, labels.json and statistics.json in
    output_dir. train_records: how many of the training records to take, None: all; own: what datasets.dataset_of takes."""
    output_dir = Path(output_dir)
    tokenizer = Tokenizer(load_vocabulary(vocab_file), do_lower_case)
    dataset = dataset_of(task, "ner", **own)
    types = dataset.labels and list(dataset.labels)
    read_files = {split: read(path, dataset, types) for split, path in files.items()}
    records = {"train": some_of(read_files["train"].records, train_records), "dev": read_files["dev"].records}
    check_ids(records["dev"], files["dev"])
    if types is None:
        types = sorted({kind for record in records["train"] for _, _, kind in record.entities})
        if not types:
            raise BadInput(f"{files['train']} has no entity: there is nothing to learn")
        check_types(records["dev"], types, files["dev"])
    labels = Labels.of_types(types)
    statistics = {"task": task, "kind": "ner", "max_seq_length": max_seq_length, "do_lower_case": do_lower_case,
                  "vocabulary_sha256": sha256_of(vocab_file), "splits": {}}
    rows = 0
    for split, path in files.items():
        aligned = align(records[split], tokenizer, labels, max_seq_length)
        write_rows(output_dir / f"{split}.tfrecord", aligned.rows)
        rows = max(rows, len(aligned.rows.input_ids))
        statistics["splits"][split] = {**describe(records[split], aligned, path),
                                       "labels_mended": read_files[split].repaired}
        warn(split, path, statistics["splits"][split])
    write_json(output_dir / "schema.json", schema(rows, max_seq_length))
    write_json(output_dir / "labels.json", labels.ids)
    write_json(output_dir / "statistics.json", statistics)


def check_types(records, types, path):
    for record in records:
        for _, _, kind in sorted(record.entities):
            if kind not in types:
                raise BadInput(f"{path} line {record.line} has entities of the type {kind!r}, "
                               "which the training data has not")


def describe(records, aligned, path):
    """The statistics of one split; `not_fitting` names each entity that the labels do not say."""
    tokens = np.array([len(places) for places in aligned.offsets])
    entities = Counter(kind for record in records for _, _, kind in record.entities)
    return {
        "records": len(records), "rows": len(aligned.rows.input_ids), "sha256": sha256_of(path),
        "tokens": int(tokens.sum()), "longest": int(tokens.max()),
        "unknown_rate": round(aligned.unknown / max(int(tokens.sum()), 1), 6),
        "entities": dict(sorted(entities.items())),
        "records_without_entities": sum(not record.entities for record in records),
        "records_in_several_rows": int((np.bincount(aligned.rows.record_numbers) > 1).sum()),
        "records_not_fitting": len({misfit.record for misfit in aligned.misfits}),
        "not_fitting_reasons": dict(Counter(misfit.reason for misfit in aligned.misfits)),
        "not_fitting": [{"line": records[number].line, "type": kind, "entity": records[number].text[start:end],
                         "start": start, "end": end, "reason": reason}
                        for number, (start, end, kind), reason in sorted(aligned.misfits)],
    }


def warn(split, path, statistics):
    say(f"{split}: {statistics['records']} records, {sum(statistics['entities'].values())} entities, "
        f"{statistics['records_not_fitting']} records that do not fit completely")
    if statistics["labels_mended"]:
        say(f"{path}: {statistics['labels_mended']} labels go on with an entity that has not begun; they begin one")
    for misfit in statistics["not_fitting"][:MISFITS_SAID]:
        say(f"{path} line {misfit['line']}: {misfit['type']} {misfit['entity']!r} does not fit: {misfit['reason']}")
    if len(statistics["not_fitting"]) > MISFITS_SAID:
        say(f"... and {len(statistics['not_fitting']) - MISFITS_SAID} more, all in statistics.json")
