"""TensorBoard event files: scalars, written with our own TFRecord framing (tensorflow takes seconds to import).

A file is a TFRecord of protobuf messages Event{1: double wall_time, 2: int64 step, 3: string file_version or
5: Summary{1: Value{1: string tag, 2: float simple_value}}} (tensorflow/core/util/event.proto).
"""

import struct
import time

from dump2bert.tfrecord import field, varint, write_records

DOUBLE, VARINT, FLOAT = 1, 0, 5    # protobuf wire types


def event(step, scalars=None, wall_time=None):
    """The bytes of one Event: {tag: number} at a step; without scalars the head of a file."""
    data = key(1, DOUBLE) + struct.pack("<d", time.time() if wall_time is None else wall_time)
    if scalars is None:
        return data + field(3, b"brain.Event:2")
    values = [field(1, field(1, tag.encode()) + key(2, FLOAT) + struct.pack("<f", value))
              for tag, value in scalars.items()]
    return data + key(2, VARINT) + varint(step) + field(5, b"".join(values))


def key(number, wire_type):
    return varint(number << 3 | wire_type)


def write_events(path, lines, mode="wb"):
    """Write {tag: number} lines, which hold their `step`, to the event file `path`: a new one, or with mode ab its
    end."""
    head = [event(0)] if mode == "wb" else []
    with open(path, mode) as file:
        write_records(file, head + [event(line["step"], {tag: value for tag, value in line.items() if tag != "step"})
                                    for line in lines])
