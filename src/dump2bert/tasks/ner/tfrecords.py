"""Rows in TFRecord files: the model zoo's four columns, and record_numbers and window_starts beside the schema, by
which the rows of a long text are put together again. Foreign files need not have those two: then each row is a
record."""

import codecs

import numpy as np

from dump2bert.files import atomic_write, opened
from dump2bert.tasks.ner.windows import Rows
from dump2bert.tasks.tfrecords import check_range, check_shapes, column, read_parts
from dump2bert.tfrecord import encode_example, masked_crc, write_records

COLUMNS = ("input_ids", "input_mask", "segment_ids", "label_ids")
PLACES = ("record_numbers", "window_starts")


def write_rows(path, rows):
    with atomic_write(path, "wb") as file:
        write_records(file, (encode_example(dict(zip(Rows._fields, map(plain, row)))) for row in zip(*rows)))


def plain(values):
    return np.atleast_1d(values).tolist()


def schema(rows, max_seq_length):
    """schema.json as MindSpore's TFRecordDataset reads it; one for all splits, so numRows is that of the largest."""
    return {"datasetType": "TF", "numRows": rows,
            "columns": {name: {"type": "int64", "rank": 1, "shape": [max_seq_length]} for name in COLUMNS}}


def read_rows(path, schema_file, labels, vocab_size):
    """The Rows of a TFRecord file, every checksum and id checked. schema_file: schema.json to hold it against, or None.

    labels: how many there are. BadInput names what is wrong.
    """
    parts, count = read_parts(path, (*COLUMNS, *PLACES))
    arrays = {name: column(path, name, parts[name], count) for name in COLUMNS}
    check_shapes(path, schema_file, arrays, dict.fromkeys(COLUMNS, arrays["input_ids"].shape[1]))
    for name, limit in (("input_ids", vocab_size), ("label_ids", labels), ("input_mask", 2)):
        check_range(path, name, arrays[name], limit)
    if len(parts["record_numbers"]) == len(parts["window_starts"]) == count:
        places = [column(path, name, parts[name], count)[:, 0] for name in PLACES]
    else:
        places = np.arange(count, dtype=np.int32), np.zeros(count, np.int32)
    return Rows(*arrays.values(), *places)


def form_of(path):
    """TFRecord, JSON or None (neither) for the records of a file, by its first bytes."""
    with opened(path, "rb", compressed=False) as file:
        head = file.read(12)
    if len(head) == 12 and masked_crc(head[:8]) == int.from_bytes(head[8:], "little"):
        return "TFRecord"
    return "JSON" if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{") else None
