"""TFRecord files of tf.train.Example, without tensorflow, which is slow to import and orders features by chance.

A record is its length (8 bytes), the masked CRC of those, the data, the masked CRC of the data. The data here is a
protobuf message: Example{1: Features{1: map<name, Feature{2: floats or 3: int64s}>}}. Features are written sorted by
name and numbers packed, so the same values always give the same bytes (those of SerializeToString(deterministic=True)).
"""

import struct
from functools import lru_cache
from pathlib import Path

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import opened

VARINT, LENGTH_DELIMITED = 0, 2          # protobuf wire types
FIXED = {1: 8, 5: 4}                     # those of numbers of a fixed length: {type: bytes}
FLOAT_LIST, INT64_LIST = 2, 3    # fields of tf.train.Feature
CRC_BLOCK = 1024


def find_shards(data_dir):
    """The TFRecord files of a folder, sorted. BadInput where there is none."""
    if data_dir is None:
        raise BadInput("--data_dir is missing: the folder with the TFRecord shards")
    shards = sorted(path for path in Path(data_dir).glob("*tfrecord*") if not path.name.startswith("."))
    if not shards:
        raise BadInput(f"{data_dir} has no TFRecord files (*.tfrecord)")
    return shards


def encode_example(features):
    """{name: list of int or list of float} -> the bytes of a tf.train.Example. Floats are stored as float32."""
    entries = []
    for name in sorted(features):
        values = features[name]
        if values and isinstance(values[0], float):
            feature = field(FLOAT_LIST, field(1, struct.pack(f"<{len(values)}f", *values)))
        else:
            feature = field(INT64_LIST, field(1, packed_integers(values)))
        entries.append(field(1, field(1, name.encode()) + field(2, feature)))
    return field(1, b"".join(entries))


def decode_example(data):
    """The bytes of a tf.train.Example -> {name: int64 or float32 array, or list of bytes}. ValueError for others."""
    features = {}
    try:
        for _, entries in fields(data):
            for _, entry in fields(entries):
                pair = {1: b"", 2: b"", **dict(fields(entry))}
                features[pair[1].decode()] = values_of(pair[2])
    except (IndexError, OverflowError) as error:
        raise ValueError(str(error)) from error
    return features


def values_of(feature):
    """The values of a tf.train.Feature; one without any is of no kind."""
    kind, numbers = next(fields(feature), (INT64_LIST, b""))
    values = [value for _, value in fields(numbers)]
    if kind == FLOAT_LIST:
        return np.frombuffer(b"".join(values), "<f4")
    return unpacked_integers(b"".join(values)) if kind == INT64_LIST else values


def write_records(file, records):
    """Write each of `records` (bytes) to an open binary file; returns how many."""
    count = 0
    for count, data in enumerate(records, 1):
        length = struct.pack("<Q", len(data))
        file.write(length + struct.pack("<I", masked_crc(length)) + data + struct.pack("<I", masked_crc(data)))
    return count


def read_records(path):
    """Yield the data of each record. BadInput names file and record (from 1) where a checksum or length is wrong."""
    with opened(path, "rb", compressed=False) as file:
        number = 1
        while head := file.read(12):
            if len(head) < 12 or masked_crc(head[:8]) != struct.unpack("<I", head[8:])[0]:
                raise BadInput(f"{path} record {number} has a damaged length: make the file again")
            length, = struct.unpack("<Q", head[:8])
            data, checksum = file.read(length), file.read(4)
            if len(data) < length or len(checksum) < 4:
                raise BadInput(f"{path} ends within record {number}: make the file again")
            if masked_crc(data) != struct.unpack("<I", checksum)[0]:
                raise BadInput(f"{path} record {number} is damaged (checksum): make the file again")
            yield data
            number += 1


def field(number, content):
    """A protobuf field whose value is bytes."""
    return varint(number << 3 | LENGTH_DELIMITED) + varint(len(content)) + content


def fields(message):
    """Yield (field number, content) of a message: a field's bytes, or those of a number by itself as it is packed with
    others."""
    position = 0
    while position < len(message):
        key, start = read_varint(message, position)
        if key & 7 == LENGTH_DELIMITED:
            length, start = read_varint(message, start)
            position = start + length
        elif key & 7 == VARINT:
            _, position = read_varint(message, start)
        elif key & 7 in FIXED:
            position = start + FIXED[key & 7]
        else:
            raise ValueError("no protobuf message")
        if position > len(message):
            raise ValueError("a protobuf message that is cut off")
        yield key >> 3, message[start:position]


def packed_integers(values):
    if values and 0 <= min(values) and max(values) < 128:
        return bytes(values)
    return b"".join(map(varint, values))


def unpacked_integers(packed):
    values, position = [], 0
    while position < len(packed):
        value, position = read_varint(packed, position)
        values.append(value - (1 << 64) if value >> 63 else value)
    return np.array(values, np.int64)


@lru_cache(maxsize=1 << 16)    # the ids of a vocabulary come again and again
def varint(value):
    """Seven bits a byte, low ones first; negative numbers as 64-bit two's complement."""
    value &= (1 << 64) - 1
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def read_varint(data, position):
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7


def masked_crc(data):
    """TFRecord's checksum: CRC32C, rotated and shifted by a constant (so that a CRC of a CRC means something)."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(data):
    """CRC-32C (Castagnoli) of bytes.

    CRC is linear: the effect of each byte depends only on its value and on how many bytes follow. So a block is one
    look-up per byte in a table of both, xor-ed together; what came before a block acts as if xor-ed onto its first four
    bytes.
    """
    state = 0xFFFFFFFF
    for start in range(0, len(data), CRC_BLOCK):
        block = np.frombuffer(data, np.uint8, min(CRC_BLOCK, len(data) - start), start).copy()
        head = min(4, len(block))
        block[:head] ^= np.frombuffer(struct.pack("<I", state), np.uint8, head)
        effects = CRC_TABLE[CRC_BLOCK - len(block):].ravel()[CRC_ROWS[:len(block)] + block]
        state = state >> 8 * head ^ int(np.bitwise_xor.reduce(effects))
    return state ^ 0xFFFFFFFF


def crc_table(rows):
    """[rows, 256] uint32: row r holds the effect of each byte value with rows-1-r bytes after it."""
    effect = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        effect = effect >> 1 ^ np.where(effect & 1, np.uint32(0x82F63B78), np.uint32(0))
    last, table = effect, [effect]
    for _ in range(rows - 1):
        effect = effect >> 8 ^ last[effect & 255]
        table.append(effect)
    return np.array(table[::-1])


CRC_TABLE = crc_table(CRC_BLOCK)
CRC_ROWS = np.arange(0, 256 * CRC_BLOCK, 256)
