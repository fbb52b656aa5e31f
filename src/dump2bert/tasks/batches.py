"""Batches of rows of like length, so that little is computed on padding.

Each width is a shape of its own that has to be compiled, so there are few. A batch is (numbers of its rows (B,), width,
weights (B,)): always B rows, a last one being filled up with row 0 at weight 0.
"""

import functools
import itertools

import numpy as np

MULTIPLE = 8
# What another width costs and padding takes, on two cores of a CPU: fixed numbers, so that a run is the same everywhere.
SECONDS_TO_COMPILE, OF_WHICH_FORWARD = 4.0, 2.0
OPERATIONS_PER_SECOND = 2e11
ELEMENTWISE = 150    # each bias or weight of a LayerNorm stands for work that takes as long as the products of so many weights
MOST_WIDTHS = 8


def suitable_widths(lengths, longest, passes, size, training):
    """bucket_widths in the number that takes the least time: each is a shape to compile, and saves padding.

    passes: how often all rows go through the encoder, in training (and back, which takes twice as long as forward) or not;
    size: encoder_size.
    """
    seconds_per_token = 2 * size * passes * (3 if training else 1) / OPERATIONS_PER_SECOND
    seconds_to_compile = SECONDS_TO_COMPILE if training else OF_WHICH_FORWARD

    def seconds(widths):
        padded = np.array(widths)[np.searchsorted(widths, lengths)].sum()
        return seconds_to_compile * len(widths) + seconds_per_token * padded

    return min((bucket_widths(lengths, count, max(longest, MULTIPLE)) for count in range(1, MOST_WIDTHS + 1)), key=seconds)


def encoder_size(model):
    """How long a token takes in the encoder, in weights of its matrices: biases and LayerNorms count ELEMENTWISE times, since
    a small network's time is not that of its products alone."""
    return sum(item.size if item.ndim > 1 else item.size * ELEMENTWISE for item in model.bert.encoder.get_parameters())


def bucket_widths(lengths, buckets, longest):
    """The widths, at most `buckets`, that leave the least padding around rows of these lengths: multiples of 8, at most
    `longest`, the last one wide enough for all."""
    rounded = np.minimum(-(-np.asarray(lengths) // MULTIPLE) * MULTIPLE, longest)
    widths, counts = (values.tolist() for values in np.unique(rounded, return_counts=True))
    rows = [0, *itertools.accumulate(counts)]

    @functools.cache
    def best(last, count):
        """The rows of the widths up to number `last` in at most `count` widths -> tokens, these widths."""
        choices = [(widths[last] * rows[last + 1], ())]
        if count > 1:
            choices += [(best(i, count - 1)[0] + widths[last] * (rows[last + 1] - rows[i + 1]), best(i, count - 1)[1])
                        for i in range(last)]
        tokens, lower = min(choices)
        return tokens, (*lower, widths[last])

    return list(best(len(widths) - 1, buckets)[1])


def batches_of(order, lengths, widths, batch_size):
    """The rows `order` in batches, each as soon as a bucket has enough. What is left over in a bucket at the end goes
    up into the next one, so that every row is in exactly one batch and at most one batch is not full."""
    waiting = {width: [] for width in widths}
    buckets = np.array(widths)[np.searchsorted(widths, np.asarray(lengths)[order])]
    for row, width in zip(order, buckets):
        waiting[width].append(row)
        if len(waiting[width]) == batch_size:
            yield batch(waiting[width], width, batch_size)
            waiting[width] = []
    left = []
    for width in widths:
        left += waiting[width]
        while len(left) >= batch_size:
            yield batch(left[:batch_size], width, batch_size)
            left = left[batch_size:]
    if left:
        width = min(width for width in widths if width >= max(lengths[row] for row in left))
        yield batch(left, width, batch_size)


def batch(rows, width, batch_size):
    missing = batch_size - len(rows)
    numbers = np.array([*rows, *[0] * missing])
    return numbers, int(width), np.array([1.0] * len(rows) + [0.0] * missing, np.float32)


def order_of(count, seed, epoch, shuffle):
    """The order of `count` rows in an epoch, a function of (seed, epoch)."""
    if not shuffle:
        return np.arange(count)
    return np.random.Generator(np.random.Philox(key=[seed, 1], counter=[0, 0, 0, epoch])).permutation(count)


def some_of(records, count):
    """`count` of the records (None: all), drawn the same every time, in their order."""
    if count is None or count >= len(records):
        return records
    return [records[number] for number in sorted(order_of(len(records), 1, 0, True)[:count])]
