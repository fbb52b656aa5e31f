"""The TFRecord files of tasks, read whole with every checksum and number checked. Floats (the scores of a regression)
stay floats, all else becomes int32."""

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.tfrecord import FLOAT_LIST, read_records
from dump2bert.training.data import columns_of, features, unpack


def read_parts(path, names):
    """{name: [(kind, packed numbers) of each record that has the column]} and the number of records."""
    parts, count = {name: [] for name in names}, 0
    for count, data in enumerate(read_records(path), 1):
        try:
            for name, kind, packed in features(data):
                if name in parts:
                    parts[name].append((kind, packed))
        except (IndexError, ValueError) as error:
            raise BadInput(f"{path} record {count} is no tf.train.Example") from error
    if not count:
        raise BadInput(f"{path} holds no record")
    return parts, count


def column(path, name, parts, count):
    """The numbers of a column of all records -> (count, n) int32 or float32."""
    packed = b"".join(numbers for _, numbers in parts)
    if parts and all(kind == FLOAT_LIST for kind, _ in parts):
        values = np.frombuffer(packed, "<f4")
    else:
        values = unpack(packed).astype(np.int32)
    if len(parts) != count or not values.size or values.size % count:
        raise BadInput(f"{path} has records without {name}, or of different lengths")
    return values.reshape(count, -1)


def check_shapes(path, schema_file, arrays, wanted):
    """BadInput where the columns have not as many numbers as `wanted` ({name: n}), or the schema says otherwise."""
    found = {name: values.shape[1] for name, values in arrays.items()}
    asked = columns_of(schema_file)[0] if schema_file else found
    if found != wanted or {name: asked.get(name) for name in found} != found:
        raise BadInput(f"{path} has columns of {', '.join(f'{name} {length}' for name, length in found.items())} "
                       f"numbers; {schema_file or 'the columns of a record'} should have the same")


def check_range(path, name, values, limit):
    """BadInput where a column has numbers outside 0 .. limit - 1."""
    wrong = np.flatnonzero(((values < 0) | (values >= limit)).any(1))
    if wrong.size:
        other = "label file" if name == "label_ids" else "vocabulary"
        raise BadInput(f"{path} record {wrong[0] + 1} has {name} outside 0 .. {limit - 1}: it was made with another "
                       f"{other}")
