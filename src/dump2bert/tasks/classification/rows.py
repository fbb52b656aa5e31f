"""Records as rows of the network, [CLS] A [SEP] or [CLS] A [SEP] B [SEP], and their TFRecord files: the model zoo's four
columns, of which label_ids holds one label, or one score as a float, and record_numbers beside the schema.

A record that is too long becomes several rows, whose windows cover all of it; the mean of their scores is the record's.
Foreign files need not have record_numbers: then each row is a record.
"""

from typing import NamedTuple

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import atomic_write
from dump2bert.tasks.tfrecords import check_range, check_shapes, column, read_parts
from dump2bert.tasks.windows import window_starts
from dump2bert.tfrecord import encode_example, write_records

COLUMNS = ("input_ids", "input_mask", "segment_ids", "label_ids")


class Rows(NamedTuple):
    """Arrays (rows, max_seq_length) int32; label_ids (rows,): int32 labels or float32 scores; record_numbers (rows,)
    int32, from 0 without gaps."""

    input_ids: np.ndarray
    input_mask: np.ndarray
    segment_ids: np.ndarray
    label_ids: np.ndarray
    record_numbers: np.ndarray

    @property
    def lengths(self):
        """Tokens of each row, special ones included."""
        return self.input_mask.sum(1)

    @property
    def weights(self):
        """What each row counts in training: all windows of a record together as much as one short record."""
        return (1.0 / np.bincount(self.record_numbers)[self.record_numbers]).astype(np.float32)

    @property
    def record_labels(self):
        """The label or score of each record."""
        return self.label_ids[np.unique(self.record_numbers, return_index=True)[1]]


class Encoded(NamedTuple):
    """rows; tokens: of each record; unknown: [UNK]s."""

    rows: Rows
    tokens: np.ndarray
    unknown: int


def encode(records, tokenizer, max_seq_length, ids):
    """Tokenize records -> Encoded. ids: {label: id}, or None where label_ids are scores; without a label it is 0."""
    vocabulary = tokenizer.vocabulary
    cls, sep, unk = (vocabulary[name] for name in ("[CLS]", "[SEP]", "[UNK]"))
    tokens, places, unknown = [], [], 0
    for number, record in enumerate(records):
        parts = [tokenizer.encode(text) for text in (record.text, record.text_pair) if text is not None]
        unknown += sum(part.count(unk) for part in parts)
        tokens.append(sum(map(len, parts)))
        places += [(number, window) for window in windows(parts, max_seq_length - 1 - len(parts))]
    rows = Rows(*(np.zeros((len(places), max_seq_length), np.int32) for _ in range(3)),
                np.zeros(len(places), np.float32 if ids is None else np.int32),
                np.array([number for number, _ in places], np.int32))
    for row, (number, window) in enumerate(places):
        sentence = [cls]
        for segment, part in enumerate(window):
            start = len(sentence) if segment else 0
            sentence += [*part, sep]
            rows.segment_ids[row, start:len(sentence)] = segment
        rows.input_ids[row, :len(sentence)] = sentence
        rows.input_mask[row, :len(sentence)] = 1
        label = records[number].label
        if label is not None:
            rows.label_ids[row] = label if ids is None else ids[label]
    return Encoded(rows, np.array(tokens, np.int64), unknown)


def windows(parts, room):
    """One list of token ids or two -> their windows, each with as many parts and at most `room` tokens in all.

    Of two, one that takes at most half of the room stays whole; where both are longer, their windows go side by side.
    """
    lengths = [len(part) for part in parts]
    if sum(lengths) <= room:
        return [parts]
    sizes = [room]
    if len(parts) == 2:
        second = min(lengths[1], max(room // 2, room - lengths[0]))
        sizes = [room - second, second]
    starts = [window_starts(length, size) for length, size in zip(lengths, sizes)]
    count = max(map(len, starts))
    return [[part[begin[number * len(begin) // count]:][:size] for part, begin, size in zip(parts, starts, sizes)]
            for number in range(count)]


def merge(rows, scores):
    """Scores (rows, K) -> the mean of each record's rows, (records, K)."""
    counts = np.bincount(rows.record_numbers)
    merged = np.zeros((len(counts), scores.shape[1]), np.float64)
    np.add.at(merged, rows.record_numbers, scores)
    return merged / counts[:, None]


def write_rows(path, rows):
    with atomic_write(path, "wb") as file:
        write_records(file, (encode_example({name: np.atleast_1d(values).tolist()
                                             for name, values in zip(Rows._fields, row)}) for row in zip(*rows)))


def schema(rows, max_seq_length, regression):
    """schema.json as MindSpore's TFRecordDataset reads it; one for all splits, so numRows is that of the largest."""
    columns = {name: {"type": "int64", "rank": 1, "shape": [max_seq_length]} for name in COLUMNS[:3]}
    columns["label_ids"] = {"type": "float32" if regression else "int64", "rank": 1, "shape": [1]}
    return {"datasetType": "TF", "numRows": rows, "columns": columns}


def read_rows(path, schema_file, labels, vocab_size):
    """The Rows of a TFRecord file, every checksum and id checked. labels: how many there are; None: scores."""
    parts, count = read_parts(path, Rows._fields)
    arrays = {name: column(path, name, parts[name], count) for name in COLUMNS}
    length = arrays["input_ids"].shape[1]
    check_shapes(path, schema_file, arrays, {**dict.fromkeys(COLUMNS[:3], length), "label_ids": 1})
    check_range(path, "input_ids", arrays["input_ids"], vocab_size)
    check_range(path, "input_mask", arrays["input_mask"], 2)
    if labels is not None:
        check_range(path, "label_ids", arrays["label_ids"], labels)
    label_ids = arrays.pop("label_ids")[:, 0].astype(np.float32 if labels is None else np.int32)
    numbers = np.arange(count, dtype=np.int32)
    if len(parts["record_numbers"]) == count:
        numbers = column(path, "record_numbers", parts["record_numbers"], count)[:, 0]
        if numbers[0] or not np.isin(np.diff(numbers), (0, 1)).all():
            raise BadInput(f"{path} has record_numbers that do not count the records from 0: leave the column out")
    return Rows(**arrays, label_ids=label_ids, record_numbers=numbers)
