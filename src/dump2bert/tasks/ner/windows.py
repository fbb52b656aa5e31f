"""Texts as rows of the network: [CLS] tokens [SEP], padded. A text that is too long becomes several overlapping rows.

Neighbouring windows overlap by half, and each token's label is then taken from the window in which it stands farthest
from an edge, so every text is covered in whole, and an entity of up to a quarter of a window is always seen whole by
the window that decides on it.
"""

from typing import NamedTuple

import numpy as np

from dump2bert.tasks.windows import window_starts


class Rows(NamedTuple):
    """Arrays (rows, max_seq_length) int32, and for each row its record's number and the first of the record's tokens in
    it."""

    input_ids: np.ndarray
    input_mask: np.ndarray
    segment_ids: np.ndarray
    label_ids: np.ndarray
    record_numbers: np.ndarray
    window_starts: np.ndarray

    @property
    def lengths(self):
        """Tokens of each row without [CLS] and [SEP]."""
        return np.maximum(self.input_mask.sum(1) - 2, 0)


def make_rows(token_ids, label_ids, vocabulary, max_seq_length):
    """token_ids: for each record its tokens' ids; label_ids: for each record and window the window's labels -> Rows."""
    cls, sep = vocabulary["[CLS]"], vocabulary["[SEP]"]
    size = max_seq_length - 2
    places = [(record, start) for record, tokens in enumerate(token_ids) for start in window_starts(len(tokens), size)]
    rows = Rows(*(np.zeros((len(places), max_seq_length), np.int32) for _ in range(4)),
                *(np.array(part, np.int32) for part in zip(*places)))
    for row, (record, start) in enumerate(places):
        tokens = token_ids[record][start:start + size]
        rows.input_ids[row, :len(tokens) + 2] = [cls, *tokens, sep]
        rows.input_mask[row, :len(tokens) + 2] = 1
        rows.label_ids[row, 1:len(tokens) + 1] = label_ids[record][start]
    return rows


def merge(rows, label_ids):
    """Label ids (rows, max_seq_length) -> for each record the label ids of all its tokens, each from its best
    window."""
    lengths = rows.lengths
    record_lengths = np.zeros(int(rows.record_numbers.max(initial=-1)) + 1, np.int64)
    np.maximum.at(record_lengths, rows.record_numbers, rows.window_starts + lengths)
    merged = [np.zeros(length, np.int32) for length in record_lengths]
    margins = [np.full(length, -1, np.int64) for length in record_lengths]
    for row, (record, start) in enumerate(zip(rows.record_numbers, rows.window_starts)):
        length = lengths[row]
        positions = np.arange(length)
        # The ends of the text are no edges: there is nothing behind them that the window does not show.
        before = positions if start else np.full(length, length)
        after = length - 1 - positions if start + length < record_lengths[record] else np.full(length, length)
        margin = np.minimum(before, after)
        here = slice(start, start + length)
        better = margin > margins[record][here]
        margins[record][here][better] = margin[better]
        merged[record][here][better] = label_ids[row, 1:length + 1][better]
    return merged
