"""Rows in TFRecord files: the model zoo's columns, five to train and three to evaluate, and beside the schema unique_ids,
by which an evaluated row is told whose it is. Foreign files need not have them: their rows are taken in order."""

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import atomic_write
from dump2bert.tasks.squad.windows import FIRST_UNIQUE_ID
from dump2bert.tasks.tfrecords import check_range, check_shapes
from dump2bert.tfrecord import encode_example, read_records, write_records
from dump2bert.training.data import features, unpack

SEQUENCES = ("input_ids", "input_mask", "segment_ids")
POSITIONS = ("start_positions", "end_positions")
UNIQUE_IDS = "unique_ids"
RECORDS_AT_ONCE = 4096    # numbers are unpacked for so many, since unpacking takes many times the room of the result


def write_rows(path, rows, positions):
    """positions: whether the rows have them (to train) or not (to evaluate)."""
    with atomic_write(path, "wb") as file:
        write_records(file, (encode_example(values) for values in examples(rows, positions)))


def examples(rows, positions):
    """Yield the columns of each row."""
    for number, (ids, mask, segments, start, end) in enumerate(zip(*rows[:5])):
        values = {"input_ids": ids.tolist(), "input_mask": mask.tolist(), "segment_ids": segments.tolist(),
                  UNIQUE_IDS: [FIRST_UNIQUE_ID + number]}
        if positions:
            values |= {"start_positions": [int(start)], "end_positions": [int(end)]}
        yield values


def schema(rows, max_seq_length, positions):
    """schema_train.json or schema_eval.json, as MindSpore's TFRecordDataset reads it."""
    lengths = {**(dict.fromkeys(POSITIONS, 1) if positions else {}), **dict.fromkeys(SEQUENCES, max_seq_length)}
    return {"datasetType": "TF", "numRows": rows,
            "columns": {name: {"type": "int64", "rank": 1, "shape": [length]} for name, length in lengths.items()}}


def read_rows(path, schema_file, vocab_size, positions):
    """{column: array} of a TFRecord file, every checksum and number checked: input_ids (rows, n) int32, input_mask and
    segment_ids (rows, n) int8, with `positions` start_positions and end_positions (rows,) int32, and unique_ids (rows,)
    int64 where the file has them.

    schema_file: schema.json to hold it against, or None. BadInput names what is wrong.
    """
    parts = {}
    waiting, count = new_parts(), 0
    for count, data in enumerate(read_records(path), 1):
        try:
            for name, _, packed in features(data):
                if name in waiting:
                    waiting[name].append(packed)
        except (IndexError, ValueError) as error:
            raise BadInput(f"{path} record {count} is no tf.train.Example") from error
        if count % RECORDS_AT_ONCE == 0:
            take(path, waiting, parts, RECORDS_AT_ONCE, positions)
            waiting = new_parts()
    if not count:
        raise BadInput(f"{path} holds no record")
    take(path, waiting, parts, count % RECORDS_AT_ONCE, positions)
    columns = {name: np.concatenate(arrays) for name, arrays in parts.items() if sum(map(len, arrays)) == count}
    check(path, schema_file, columns, vocab_size, positions)
    return {name: values if name in SEQUENCES else values[:, 0] for name, values in columns.items()}


def new_parts():
    return {name: [] for name in (*SEQUENCES, *POSITIONS, UNIQUE_IDS)}


def take(path, waiting, parts, count, positions):
    """Unpack what is waiting of `count` records and put it to `parts`."""
    for name, packed in waiting.items():
        if not count or not packed and (name == UNIQUE_IDS or name in POSITIONS and not positions):
            continue
        values = unpack(b"".join(packed))
        if len(packed) != count or not values.size or values.size % count:
            raise BadInput(f"{path} has records without {name}, or of different lengths")
        if name != UNIQUE_IDS and values.size and (values.min() < 0 or values.max() >= 2 ** 31):
            raise BadInput(f"{path} has {name} that are no ids")
        kind = np.int8 if name in SEQUENCES[1:] and values.max() < 128 else np.int64 if name == UNIQUE_IDS else np.int32
        parts.setdefault(name, []).append(values.reshape(count, -1).astype(kind))
        if parts[name][0].shape[1] != parts[name][-1].shape[1]:
            raise BadInput(f"{path} has records without {name}, or of different lengths")


def check(path, schema_file, columns, vocab_size, positions):
    arrays = {name: columns[name] for name in (*(POSITIONS if positions else ()), *SEQUENCES)}
    length = columns["input_ids"].shape[1]
    check_shapes(path, schema_file, arrays, {name: length if name in SEQUENCES else 1 for name in arrays})
    for name, limit in (("input_ids", vocab_size), ("input_mask", 2), ("segment_ids", 2)):
        check_range(path, name, columns[name], limit)
    if positions:
        check_positions(path, columns)


def check_positions(path, columns):
    """BadInput where an answer is neither [CLS] nor among the tokens of its paragraph."""
    starts, ends = columns["start_positions"], columns["end_positions"]
    of_paragraph = columns["input_mask"] * columns["segment_ids"]
    right = (starts >= 0) & (starts <= ends) & (ends < of_paragraph.shape[1])
    for place in (starts, ends):
        inside = np.take_along_axis(of_paragraph, np.clip(place, 0, of_paragraph.shape[1] - 1), 1)
        right &= (place == 0) | (inside == 1)
    wrong = np.flatnonzero(~right)
    if wrong.size:
        raise BadInput(f"{path} record {wrong[0] + 1} has an answer from {starts[wrong[0], 0]} to {ends[wrong[0], 0]}, "
                       "which is no place among the tokens of its paragraph")
