"""Instances to TFRecord, compiled: the bytes of examples.encode_instance and tfrecord.write_records, record for record.

In protobuf every part is preceded by its length. So a buffer is filled from its end to its start: when a length is to be
written, what it counts stands there already. Instances are gone through backwards for the same reason.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from dump2bert.pretraining.compiled import inlined, kernel
from dump2bert.pretraining.crc_kernels import crc32c, masked
from dump2bert.pretraining.instance_kernels import (FIRST, FIRST_LENGTH, IS_RANDOM_NEXT, POSITIONS, PREDICTIONS, SECOND,
                                                    SECOND_LENGTH, SHOWN)

LARGEST_VOCABULARY = 1 << 21    # ids that fit into three bytes of seven bits
LENGTH_DELIMITED = 2            # protobuf's wire type of all fields here (tfrecord.py)
FLOAT_LIST, INT64_LIST = 2, 3
ONE_AS_FLOAT = (0, 0, 128, 63)

INPUT_IDS = b"input_ids"
INPUT_MASK = b"input_mask"
MASKED_LM_IDS = b"masked_lm_ids"
MASKED_LM_POSITIONS = b"masked_lm_positions"
MASKED_LM_WEIGHTS = b"masked_lm_weights"
NEXT_SENTENCE_LABELS = b"next_sentence_labels"
SEGMENT_IDS = b"segment_ids"
SEGMENT_LENGTHS = b"segment_lengths"
WORD_PIECES = b"word_pieces"


def largest_record(max_seq_length, max_predictions_per_seq):
    """Bytes that a record needs at the most, a generous allowance for names and lengths included."""
    return 6 * max_seq_length + 10 * max_predictions_per_seq + 512


@intrinsic
def store_four(_, data, position, word):
    """Write a uint32 as four bytes, low ones first, into a uint8 array: one store."""
    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        builder.store(arguments[2], builder.bitcast(place, ir.IntType(32).as_pointer()), align=1)
        return context.get_dummy_value()
    return types.void(data, types.int64, types.uint32), generate


@inlined
def prepend_varint(out, start, value):
    """Write a number in front of out[start]; where it starts. Like all prepend_... functions."""
    size = 1
    while value >> (7 * size):
        size += 1
    start -= size
    for byte in range(size):
        out[start + byte] = ((value >> (7 * byte)) & 127) | ((byte < size - 1) << 7)
    return start


@inlined
def prepend_length(out, start, end, field):
    """Make a field of out[start:end]."""
    start = prepend_varint(out, start, end - start)
    return prepend_varint(out, start, field << 3 | LENGTH_DELIMITED)


@inlined
def prepend_name(out, start, end, name, kind):
    """Make an entry of the map of features of packed numbers out[start:end]; kind: FLOAT_LIST or INT64_LIST."""
    start = prepend_length(out, start, end, 1)
    start = prepend_length(out, start, end, kind)
    start = prepend_length(out, start, end, 2)
    name_end = start
    start -= len(name)
    for place in range(len(name)):
        out[start + place] = name[place]
    start = prepend_length(out, start, name_end, 1)
    return prepend_length(out, start, end, 1)


@inlined
def prepend_varints(out, start, values, count):
    """Write values[:count], all below 2**21, as varints.

    Which of the sizes a number has cannot be foreseen, so nothing branches on it: four bytes are written for each, and the
    next one overwrites those that are too many. What stood behind the last one is put back.
    """
    size = count
    for place in range(count):
        size += (values[place] > 127) + (values[place] > 16383)
    behind = out[start], out[start + 1], out[start + 2]
    start -= size
    end = start
    for place in range(count):
        value = values[place]
        two, three = np.int64(value > 127), np.int64(value > 16383)
        store_four(out, end, np.uint32((value & 127) | two << 7 | (value >> 7 & 127) << 8 | three << 15 | value >> 14 << 16))
        end += 1 + two + three
    out[end], out[end + 1], out[end + 2] = behind
    return start


@inlined
def prepend_run(out, start, value, count):
    """The same byte count times."""
    start -= count
    for place in range(count):
        out[start + place] = value
    return start


@inlined
def prepend_frame(out, start, end):
    """Make a TFRecord record of out[start:end], behind which four bytes are free."""
    checksum = masked(crc32c(out, start, end))
    for byte in range(4):
        out[end + byte] = (checksum >> np.uint32(8 * byte)) & np.uint32(255)
    length = end - start
    start -= 12
    for byte in range(8):
        out[start + byte] = (length >> (8 * byte)) & 255
    checksum = masked(crc32c(out, start, start + 8))
    for byte in range(4):
        out[start + 8 + byte] = (checksum >> np.uint32(8 * byte)) & np.uint32(255)
    return start


@inlined
def tokens_of(tokens, cls, sep, span, ids):
    """Write [CLS] first [SEP] second [SEP] to ids; the length."""
    first, first_length = span[FIRST], span[FIRST_LENGTH]
    second, second_length = span[SECOND], span[SECOND_LENGTH]
    length = first_length + second_length + 3
    ids[0] = cls
    for place in range(first_length):
        ids[place + 1] = tokens[first + place]
    ids[first_length + 1] = sep
    for place in range(second_length):
        ids[first_length + 2 + place] = tokens[second + place]
    ids[length - 1] = sep
    return length


@inlined
def prepend_ids(out, start, end, ids, length, max_seq_length):
    """input_ids, padded."""
    start = prepend_run(out, start, 0, max_seq_length - length)
    start = prepend_varints(out, start, ids, length)
    return prepend_name(out, start, end, INPUT_IDS, INT64_LIST)


@kernel
def encode_masked(tokens, cls, sep, max_seq_length, spans, masks, out):
    """Records of the instances at the end of out; where they start there."""
    max_predictions = masks.shape[2]
    ids, hidden = np.empty(max_seq_length, np.int32), np.empty(max_predictions, np.int32)
    start = len(out)
    for row in range(len(spans) - 1, -1, -1):
        span, mask = spans[row], masks[row]
        length = tokens_of(tokens, cls, sep, span, ids)
        first_length, second_length = span[FIRST_LENGTH] + 2, span[SECOND_LENGTH] + 1
        predictions = span[PREDICTIONS]
        padding, no_predictions = max_seq_length - length, max_predictions - predictions
        start -= 4    # the record's checksum
        record_end = end = start

        start = prepend_run(out, start, 0, padding)
        start = prepend_run(out, start, 1, second_length)
        start = prepend_run(out, start, 0, first_length)
        start = prepend_name(out, start, end, SEGMENT_IDS, INT64_LIST)

        end = start
        start = prepend_run(out, start, span[IS_RANDOM_NEXT], 1)
        start = prepend_name(out, start, end, NEXT_SENTENCE_LABELS, INT64_LIST)

        end = start
        start = prepend_run(out, start, 0, 4 * no_predictions) - 4 * predictions
        for prediction in range(predictions):
            for byte in range(4):
                out[start + 4 * prediction + byte] = ONE_AS_FLOAT[byte]
        start = prepend_name(out, start, end, MASKED_LM_WEIGHTS, FLOAT_LIST)

        end = start
        start = prepend_run(out, start, 0, no_predictions)
        start = prepend_varints(out, start, mask[POSITIONS], predictions)
        start = prepend_name(out, start, end, MASKED_LM_POSITIONS, INT64_LIST)

        end = start
        start = prepend_run(out, start, 0, no_predictions)
        for prediction in range(predictions):
            position = mask[POSITIONS, prediction]
            hidden[prediction] = ids[position]
            ids[position] = mask[SHOWN, prediction]
        start = prepend_varints(out, start, hidden, predictions)
        start = prepend_name(out, start, end, MASKED_LM_IDS, INT64_LIST)

        end = start
        start = prepend_run(out, start, 0, padding)
        start = prepend_run(out, start, 1, length)
        start = prepend_name(out, start, end, INPUT_MASK, INT64_LIST)

        start = prepend_ids(out, start, start, ids, length, max_seq_length)
        start = prepend_length(out, start, record_end, 1)
        start = prepend_frame(out, start, record_end)
    return start


@kernel
def encode_unmasked(tokens, continues, cls, sep, max_seq_length, spans, out):
    """Like encode_masked, of instances that will be masked when they are read (examples.unmasked_columns).

    continues: which tokens go on with a word; empty if words do not matter.
    """
    ids, lengths = np.empty(max_seq_length, np.int32), np.empty(2, np.int32)
    start = len(out)
    for row in range(len(spans) - 1, -1, -1):
        span = spans[row]
        length = tokens_of(tokens, cls, sep, span, ids)
        start -= 4
        record_end = end = start

        if len(continues):
            start = prepend_run(out, start, 0, max_seq_length - length + 1)
            for place in range(span[SECOND_LENGTH] - 1, -1, -1):
                start = prepend_run(out, start, continues[span[SECOND] + place], 1)
            start = prepend_run(out, start, 0, 1)
            for place in range(span[FIRST_LENGTH] - 1, -1, -1):
                start = prepend_run(out, start, continues[span[FIRST] + place], 1)
            start = prepend_run(out, start, 0, 1)
            start = prepend_name(out, start, end, WORD_PIECES, INT64_LIST)
            end = start

        lengths[0], lengths[1] = span[FIRST_LENGTH] + 2, span[SECOND_LENGTH] + 1
        start = prepend_varints(out, start, lengths, 2)
        start = prepend_name(out, start, end, SEGMENT_LENGTHS, INT64_LIST)

        end = start
        start = prepend_run(out, start, span[IS_RANDOM_NEXT], 1)
        start = prepend_name(out, start, end, NEXT_SENTENCE_LABELS, INT64_LIST)

        start = prepend_ids(out, start, start, ids, length, max_seq_length)
        start = prepend_length(out, start, record_end, 1)
        start = prepend_frame(out, start, record_end)
    return start
