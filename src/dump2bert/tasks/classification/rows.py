"""Records as rows of the network, [CLS] A [SEP] or [CLS] A [SEP] B [SEP], and their TFRecord files in the model zoo's
four columns. label_ids holds one label, or one score as a float."""

from typing import NamedTuple

import numpy as np

from dump2bert.files import atomic_write
from dump2bert.tasks.tfrecords import check_range, check_shapes, column, read_parts
from dump2bert.tfrecord import encode_example, write_records


class Rows(NamedTuple):
    """Arrays (rows, max_seq_length) int32; label_ids (rows,): int32 labels or float32 scores."""

    input_ids: np.ndarray
    input_mask: np.ndarray
    segment_ids: np.ndarray
    label_ids: np.ndarray

    @property
    def lengths(self):
        """Tokens of each row, special ones included."""
        return self.input_mask.sum(1)


class Encoded(NamedTuple):
    """rows; tokens: of each record, nothing cut; cut: numbers of the records that had to be cut; unknown: [UNK]s."""

    rows: Rows
    tokens: np.ndarray
    cut: list
    unknown: int


def encode(records, tokenizer, max_seq_length, ids):
    """Tokenize records -> Encoded. ids: {label: id}, or None where label_ids are scores; without a label it is 0.

    What is too long is cut, of a pair always the longer one, token by token (as Google's BERT does).
    """
    vocabulary = tokenizer.vocabulary
    cls, sep, unk = (vocabulary[name] for name in ("[CLS]", "[SEP]", "[UNK]"))
    rows = Rows(*(np.zeros((len(records), max_seq_length), np.int32) for _ in range(3)),
                np.zeros(len(records), np.float32 if ids is None else np.int32))
    tokens, cut, unknown = np.zeros(len(records), np.int64), [], 0
    for row, record in enumerate(records):
        parts = [tokenizer.encode(text) for text in (record.text, record.text_pair) if text is not None]
        unknown += sum(part.count(unk) for part in parts)
        tokens[row] = sum(map(len, parts))
        lengths = shortened([len(part) for part in parts], max_seq_length - 1 - len(parts))
        if sum(lengths) < tokens[row]:
            cut.append(row)
        sentence = [cls]
        for segment, (part, length) in enumerate(zip(parts, lengths)):
            start = len(sentence) if segment else 0
            sentence += [*part[:length], sep]
            rows.segment_ids[row, start:len(sentence)] = segment
        rows.input_ids[row, :len(sentence)] = sentence
        rows.input_mask[row, :len(sentence)] = 1
        if record.label is not None:
            rows.label_ids[row] = record.label if ids is None else ids[record.label]
    return Encoded(rows, tokens, cut, unknown)


def shortened(lengths, room):
    """Lengths of one part or two after cutting the longer one (of two equal ones the second) until they fit."""
    if sum(lengths) <= room:
        return lengths
    if len(lengths) == 1:
        return [room]
    first, second = lengths
    kept = min(second, max(room // 2, room - first))
    return [room - kept, kept]


def write_rows(path, rows):
    with atomic_write(path, "wb") as file:
        write_records(file, (encode_example({name: np.atleast_1d(values).tolist()
                                             for name, values in zip(Rows._fields, row)}) for row in zip(*rows)))


def schema(rows, max_seq_length, regression):
    """schema.json as MindSpore's TFRecordDataset reads it; one for all splits, so numRows is that of the largest."""
    columns = {name: {"type": "int64", "rank": 1, "shape": [max_seq_length]} for name in Rows._fields[:3]}
    columns["label_ids"] = {"type": "float32" if regression else "int64", "rank": 1, "shape": [1]}
    return {"datasetType": "TF", "numRows": rows, "columns": columns}


def read_rows(path, schema_file, labels, vocab_size):
    """The Rows of a TFRecord file, every checksum and id checked. labels: how many there are; None: scores."""
    parts, count = read_parts(path, Rows._fields)
    arrays = {name: column(path, name, parts[name], count) for name in Rows._fields}
    length = arrays["input_ids"].shape[1]
    check_shapes(path, schema_file, arrays, {**dict.fromkeys(Rows._fields[:3], length), "label_ids": 1})
    check_range(path, "input_ids", arrays["input_ids"], vocab_size)
    check_range(path, "input_mask", arrays["input_mask"], 2)
    if labels is not None:
        check_range(path, "label_ids", arrays["label_ids"], labels)
    label_ids = arrays.pop("label_ids")[:, 0].astype(np.float32 if labels is None else np.int32)
    return Rows(**arrays, label_ids=label_ids)
