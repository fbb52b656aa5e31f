"""TFRecord files without tensorflow; tensorflow itself says whether they are right."""

import random
import struct

import numpy as np
import pytest

from dump2bert.errors import BadInput
from dump2bert.tfrecord import crc32c, decode_example, encode_example, field, masked_crc, read_records, write_records

FEATURES = {"ids": [0, 1, 127, 128, 21127, 300, 2**40, -1], "small": [0] * 200, "weights": [1.0, 0.5, 0.0],
            "label": [1]}


def crc32c_bit_by_bit(data):
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


def test_crc32c_has_the_check_value_of_its_standard():
    assert crc32c(b"123456789") == 0xE3069283    # RFC 3720, appendix B.4 and the CRC catalogue


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 1023, 1024, 1025, 1027, 1028, 3000])
def test_crc32c_equals_the_definition_at_every_block_edge(length):
    data = random.Random(length).randbytes(length)
    assert crc32c(data) == crc32c_bit_by_bit(data)


def test_examples_do_not_depend_on_the_order_of_features():
    assert encode_example(FEATURES) == encode_example(dict(reversed(FEATURES.items())))


def test_examples_read_back():
    decoded = decode_example(encode_example(FEATURES))
    assert {name: values.tolist() for name, values in decoded.items()} == FEATURES
    assert decoded["ids"].dtype == np.int64 and decoded["weights"].dtype == np.float32


def test_numbers_by_themselves_and_features_without_any_are_read():
    """tensorflow writes them packed, other programs need not."""
    features = {b"ids": field(3, b"\x08\x05\x08\xac\x02"), b"none": b"", b"packed": field(3, field(1, b"\x07")),
                b"weights": field(2, b"\x0d" + struct.pack("<f", 0.5))}
    example = field(1, b"".join(field(1, field(1, name) + field(2, feature)) for name, feature in features.items()))
    decoded = decode_example(example)
    assert {name: values.tolist() for name, values in decoded.items()} == {
        "ids": [5, 300], "none": [], "packed": [7], "weights": [0.5]}


@pytest.mark.parametrize("data", [b"hello", b"\x0a", b"\x0a\xff", b"\x0a\x03abc", encode_example(FEATURES)[:-1],
                                  field(1, field(1, field(1, b"\xff") + field(2, field(3, b"")))),
                                  field(1, field(1, field(2, field(3, field(1, b"\xff" * 12 + b"\x01"))))),
                                  field(1, field(1, field(2, field(2, field(1, b"abc")))))])
def test_what_is_no_example_is_a_value_error(data):
    with pytest.raises(ValueError):
        decode_example(data)


def test_files_read_back(tmp_path):
    records = [b"", b"a", bytes(5000)]
    with open(tmp_path / "x", "wb") as file:
        assert write_records(file, records) == 3
    assert list(read_records(tmp_path / "x")) == records


@pytest.mark.parametrize("damage, message", [
    (lambda data: data[:-1], "ends within record 2"),
    (lambda data: data[:-20], "ends within record 2"),
    (lambda data: data + b"more", "record 3 has a damaged length"),
    (lambda data: data[:14] + b"X" + data[15:], "record 1 is damaged"),
    (lambda data: b"X" + data[1:], "record 1 has a damaged length"),
    (lambda data: b"plain text, no TFRecord", "record 1 has a damaged length"),
])
def test_damage_is_an_error_that_names_the_record(tmp_path, damage, message):
    with open(tmp_path / "x", "wb") as file:
        write_records(file, [b"0123456789" * 3] * 2)
    (tmp_path / "x").write_bytes(damage((tmp_path / "x").read_bytes()))
    with pytest.raises(BadInput, match=message):
        list(read_records(tmp_path / "x"))


def test_the_masked_crc_is_the_one_in_the_file(tmp_path):
    with open(tmp_path / "x", "wb") as file:
        write_records(file, [b"abc"])
    assert (tmp_path / "x").read_bytes()[-4:] == struct.pack("<I", masked_crc(b"abc"))


def test_tensorflow_reads_what_we_write_and_writes_what_we_read(tmp_path):
    tf = pytest.importorskip("tensorflow")
    example = encode_example(FEATURES)
    with open(tmp_path / "ours", "wb") as file:
        write_records(file, [example, b"second"])
    theirs = [record.numpy() for record in tf.data.TFRecordDataset(str(tmp_path / "ours"))]
    assert theirs == [example, b"second"]
    assert tf.train.Example.FromString(example).SerializeToString(deterministic=True) == example

    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as writer:
        for record in theirs:
            writer.write(record)
    assert (tmp_path / "theirs").read_bytes() == (tmp_path / "ours").read_bytes()
