"""Questions and paragraphs as rows of the network: [CLS] question [SEP] paragraph [SEP], padded.

A paragraph that is too long becomes several overlapping rows (Devlin et al. 2018, run_squad.py): each begins doc_stride
tokens after the one before. A token that stands in several counts in the one that shows most of what is around it.
"""

from typing import NamedTuple

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.progress import say

FIRST_UNIQUE_ID = 1_000_000_000    # of a file's first row, as Google's run_squad.py numbers them


class Rows(NamedTuple):
    """Arrays (rows, max_seq_length): input_ids int32, input_mask and segment_ids int8; and for each row, int32: the
    positions in it of the answer's first and last token (0, [CLS], where it has not both), the number of its question,
    and the first of the paragraph's tokens in it. Rows of a question follow each other."""

    input_ids: np.ndarray
    input_mask: np.ndarray
    segment_ids: np.ndarray
    start_positions: np.ndarray
    end_positions: np.ndarray
    question_numbers: np.ndarray
    window_starts: np.ndarray

    @property
    def lengths(self):
        """Tokens of each row, special ones included."""
        return self.input_mask.sum(1, dtype=np.int64)

    @property
    def offsets(self):
        """The position of the paragraph's first token in each row."""
        return (self.input_mask - self.segment_ids).sum(1, dtype=np.int64)


class Windowed(NamedTuple):
    """rows; cut: questions longer than max_query_length; unknown: [UNK]s of the paragraphs' and questions' tokens."""

    rows: Rows
    cut: int
    unknown: int


def window_starts(length, size, stride):
    """The first tokens of the windows of at most `size` tokens that cover `length` tokens."""
    if not length:
        return []
    starts = [0]
    while starts[-1] + size < length:
        starts.append(starts[-1] + min(size, stride))
    return starts


def best_windows(starts, size, length):
    """For each of `length` tokens the number of the window in which it has most context: that of its poorer side, and
    of two alike the longer window, then the first."""
    best, chosen = np.full(length, -1.0), np.zeros(length, np.int64)
    for number, start in enumerate(starts):
        count = min(size, length - start)
        positions = np.arange(count)
        score = np.minimum(positions, positions[::-1]) + 0.01 * count
        better = score > best[start:start + count]
        best[start:start + count][better] = score[better]
        chosen[start:start + count][better] = number
    return chosen


def make_windows(asked, paragraphs, tokenizer, max_seq_length, doc_stride, max_query_length, spans=None):
    """-> Windowed. paragraphs: the Tokens of each context; spans: for each question its answer's (first, last) token or
    None, which leaves the question out; without spans all questions have rows, and no positions."""
    vocabulary = tokenizer.vocabulary
    cls, sep, unk = (vocabulary[name] for name in ("[CLS]", "[SEP]", "[UNK]"))
    places, heads, cut = [], [], 0
    unknown = sum(int((tokens.ids == unk).sum()) for tokens in paragraphs)
    for number, question in enumerate(asked.questions):
        ids = tokenizer.encode(question.text)
        unknown += ids.count(unk)
        cut += len(ids) > max_query_length
        heads.append(np.array([cls, *ids[:max_query_length], sep], np.int32))
        if spans is not None and spans[number] is None:
            continue
        size = max_seq_length - len(heads[-1]) - 1
        if size < 1:
            raise BadInput(f"{question.where} has {len(heads[-1]) - 2} tokens, which leaves no room for its context "
                           f"in rows of {max_seq_length}: lower --max_query_length or raise --max_seq_length")
        places += [(number, start, size) for start in
                   window_starts(len(paragraphs[question.context].ids), size, doc_stride)]
    rows = Rows(np.zeros((len(places), max_seq_length), np.int32),
                *(np.zeros((len(places), max_seq_length), np.int8) for _ in range(2)),
                *(np.zeros(len(places), np.int32) for _ in range(4)))
    for row, (number, start, size) in enumerate(places):
        head, ids = heads[number], paragraphs[asked.questions[number].context].ids[start:start + size]
        offset, end = len(head), len(head) + len(ids)
        rows.input_ids[row, :offset] = head
        rows.input_ids[row, offset:end] = ids
        rows.input_ids[row, end] = sep
        rows.input_mask[row, :end + 1] = 1
        rows.segment_ids[row, offset:end + 1] = 1
        rows.question_numbers[row], rows.window_starts[row] = number, start
        if spans is not None:
            first, last = spans[number]
            if start <= first and last < start + len(ids):
                rows.start_positions[row], rows.end_positions[row] = first - start + offset, last - start + offset
    if cut:
        say(f"{cut} questions have more than {max_query_length} tokens and are cut there (max_query_length)")
    return Windowed(rows, cut, unknown)
