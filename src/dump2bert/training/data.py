"""Training data: fixed-length features from TFRecord shards, any record at any time, in an order drawn for each epoch.

`Records` indexes the shards once (the offset of each record) and then decodes whole batches with numpy. What a step
trains on follows from (seed, step) alone, so a resumed run needs no more than the step's number.
"""

import mmap
import struct
from pathlib import Path

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import read_json
from dump2bert.tfrecord import FLOAT_LIST, INT64_LIST, fields, masked_crc

HEAD, TAIL = 12, 4   # bytes around a record: its length with a CRC, and the data's CRC


class Records:
    """All records of some shards. `columns`: {name: numbers in it}, in the order in which `batch` returns them."""

    def __init__(self, shards, columns):
        self.columns = dict(columns)
        self.shards = list(shards)
        self.masking = None    # how to mask records that are stored unmasked: dynamic_masking.Masking
        self.maps = [mapped(shard) for shard in self.shards]
        offsets = [offsets_of(shard, data) for shard, data in zip(self.shards, self.maps)]
        self.offsets = np.concatenate(offsets) if offsets else np.zeros(0, np.int64)
        self.shard_ends = np.cumsum([len(part) for part in offsets])

    def __len__(self):
        return len(self.offsets)

    def batch(self, numbers):
        """{column: (len(numbers), n) int32 or float32} of the records with these numbers."""
        parts = {name: [] for name in self.columns}
        shards = np.searchsorted(self.shard_ends, numbers, side="right")
        for number, shard, offset in zip(numbers, shards, self.offsets[numbers]):
            data, checksum = self.record(shard, offset)
            if masked_crc(data) != checksum:
                raise BadInput(f"{self.shards[shard]} has a damaged record (number {number} of all shards): its checksum does "
                               "not match; make the file again")
            try:
                for name, kind, packed in features(data):
                    if name in parts:
                        parts[name].append((kind, packed))
            except (IndexError, ValueError) as error:
                raise BadInput(f"{self.shards[shard]} has a record (number {number} of all shards) that is no "
                               "tf.train.Example: make the file again") from error
        return {name: self.numbers(name, found, len(numbers)) for name, found in parts.items()}

    def record(self, shard, offset):
        """-> its bytes and the checksum that they should have."""
        data = self.maps[shard]
        length, = struct.unpack_from("<Q", data, offset)
        end = offset + HEAD + length
        return data[offset + HEAD:end], struct.unpack_from("<I", data, end)[0]

    def numbers(self, name, found, count):
        """The packed numbers of one column of all records of a batch -> (count, n)."""
        packed = b"".join(packed for _, packed in found)
        if found and all(kind == FLOAT_LIST for kind, _ in found):
            values = np.frombuffer(packed, "<f4")
        else:
            values = unpack(packed).astype(np.int32)
        if len(found) != count or values.size != count * self.columns[name]:
            raise BadInput(f"{Path(self.shards[0]).parent} has records whose {name} is not {self.columns[name]} "
                           "numbers as the schema says: make schema.json again")
        return values.reshape(count, -1)


def mapped(shard):
    try:
        with open(shard, "rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:   # an empty file cannot be mapped
        return b""
    except OSError as error:
        raise BadInput(f"{shard} cannot be read: {error.strerror}") from error


def offsets_of(shard, data):
    """Where the records of a shard begin."""
    offsets, position, end = [], 0, len(data)
    unpack_length = struct.Struct("<Q").unpack_from
    while position < end:
        offsets.append(position)
        if position + HEAD > end:
            break
        position += HEAD + unpack_length(data, position)[0] + TAIL
    if position != end:
        raise BadInput(f"{shard} ends within record {len(offsets)}: make the file again")
    return np.array(offsets, np.int64)


def features(example):
    """Yield (name, kind, packed numbers) for each feature of a serialized tf.train.Example."""
    for _, entries in fields(example):
        for _, entry in fields(entries):
            (_, name), (_, feature) = fields(entry)
            for kind, numbers in fields(feature):
                if kind in (FLOAT_LIST, INT64_LIST):
                    yield name.decode(), kind, b"".join(packed for _, packed in fields(numbers))


def unpack(packed):
    """Protobuf varints -> int64: seven bits a byte, low ones first, the last byte of a number below 128."""
    data = np.frombuffer(packed, np.uint8)
    last = np.flatnonzero(data < 128)
    if last.size == data.size:
        return data.astype(np.int64)
    first = np.concatenate([[0], last[:-1] + 1])
    place = np.arange(data.size) - np.repeat(first, last - first + 1)
    digits = (data & 127).astype(np.uint64) << (7 * place).astype(np.uint64)
    return np.add.reduceat(digits, first).astype(np.int64)


def columns_of(schema_file):
    """({column: numbers in it}, records) as a schema.json in MindSpore's form says."""
    schema = read_json(schema_file)
    try:
        columns = {name: int(np.prod(column["shape"])) for name, column in schema["columns"].items()}
        wrong = [name for name, column in schema["columns"].items()
                 if column.get("rank", len(column["shape"])) != len(column["shape"])]
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{schema_file} is no schema in MindSpore's form: make it with `dump2bert schema`") from error
    if schema.get("datasetType", "TF") != "TF":
        raise BadInput(f"{schema_file} is of datasetType {schema['datasetType']}, but records are read as TF: make it with "
                       "`dump2bert schema`")
    if wrong:
        raise BadInput(f"{schema_file} gives the column {wrong[0]} a rank that is not the length of its shape: make it with "
                       "`dump2bert schema`")
    return columns, schema.get("numRows")


class Order:
    """Which records each step trains on: for each epoch a permutation of all, cut into batches, the rest left out.

    steps_per_epoch; left_out: records of an epoch that fill no batch.
    """

    def __init__(self, count, batch, seed, shuffle=True):
        self.count, self.batch, self.seed, self.shuffle = count, batch, seed, shuffle
        self.steps_per_epoch, self.left_out = divmod(count, batch)
        self.latest = None, None    # an epoch and its permutation

    def numbers(self, step):
        """The numbers (batch,) of the records of step `step`, counted from 0."""
        epoch, position = divmod(step, self.steps_per_epoch)
        known, permutation = self.latest    # read and written at once: a data sink's thread reads ahead of ours
        if known != epoch:
            permutation = self.of_epoch(epoch)
            self.latest = epoch, permutation
        return permutation[position * self.batch:(position + 1) * self.batch]

    def of_epoch(self, epoch):
        if not self.shuffle:
            return np.arange(self.count)
        random = np.random.Generator(np.random.Philox(key=[self.seed, epoch]))
        return random.permutation(self.count)
