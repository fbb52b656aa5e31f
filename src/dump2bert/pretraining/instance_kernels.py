"""Documents to instances, compiled: instances.py as one kernel that fills a block of instances and can be called again.

An instance is two rows of numbers, whatever its tokens: SPANS says where they are, MASKS what of them is hidden. Tokens are put
together when the record is written (example_kernels.py).
"""

from typing import NamedTuple

import numpy as np

from dump2bert.pretraining.compiled import kernel
from dump2bert.pretraining.mask_kernels import collect_masks, draw_masks
from dump2bert.pretraining.mersenne import below, fraction
from dump2bert.pretraining.span_kernels import (document_at, draw_random_next, draw_split, draw_target_length,
                                                end_of_chunk, truncate_pair)

# Columns of spans, int64 [instances, 6].
FIRST, FIRST_LENGTH, SECOND, SECOND_LENGTH, IS_RANDOM_NEXT, PREDICTIONS = range(6)
SPANS = 6
# Rows of masks [instances, 2, max_predictions_per_seq], of the tokens' type if positions fit into it.
POSITIONS, SHOWN = range(2)
# Where the kernel goes on: index of the document in the order, its next sentence (from its start), its target length.
DOCUMENT, SENTENCE, TARGET_LENGTH = range(3)


class Masking(NamedTuple):
    """What drawing instances needs to know of options and vocabulary."""

    max_tokens: int           # of both spans: without [CLS], [SEP], [SEP]
    short_seq_prob: float
    whole_words: bool
    shuffled: bool            # masking.shuffled, not masking.drawn_one_by_one
    mask: int                 # id of [MASK]
    vocab_size: int
    predictions: np.ndarray   # int64 [max_seq_length + 1]: how many for an instance of that length; zeros: no masks


@kernel
def draw_instances(rng, corpus, order, last_document, options, cursor, spans, masks):
    """Fill spans and masks from cursor on, until they are full or the documents before last_document are done.

    Returns how many were drawn. rng: a twister. order: which document comes when (span_kernels.document_at); random next
    spans come from all of them. The draws are those of instances.instances_of_document, in its order.
    """
    units = np.empty(options.max_tokens + 1, np.int64)
    turns = np.empty(options.max_tokens + 1, np.int32)
    shown = np.full(options.max_tokens + 3, -1, np.int32)
    count = 0
    while count < len(spans) and cursor[DOCUMENT] < last_document:
        index = cursor[DOCUMENT]
        document = document_at(order, index)
        document_start, document_end = corpus.documents[document], corpus.documents[document + 1]
        start = document_start + cursor[SENTENCE]
        if start == document_start:
            cursor[TARGET_LENGTH] = draw_target_length(rng, options.max_tokens, options.short_seq_prob)
        target_length = cursor[TARGET_LENGTH]

        end = end_of_chunk(corpus, start, document_end, target_length)
        split = draw_split(rng, start, end)
        first = corpus.sentences[start]
        first_length = corpus.sentences[split] - first
        is_random_next = end - start == 1 or fraction(rng) < 0.5
        if is_random_next:
            second, second_length = draw_random_next(rng, corpus, order, index, target_length - first_length)
            end = split    # the sentences after the split were not used: the next chunk begins with them
        else:
            second = corpus.sentences[split]
            second_length = corpus.sentences[end] - second
        first, first_length, second, second_length = truncate_pair(rng, first, first_length, second, second_length,
                                                                   options.max_tokens)
        wanted = options.predictions[first_length + second_length + 3]
        predictions = 0
        if wanted:
            predictions = draw_masks(rng, corpus, first, first_length, second, second_length, wanted, options, units,
                                     turns, shown)
            collect_masks(shown, predictions, masks[count, POSITIONS], masks[count, SHOWN])

        spans[count, FIRST], spans[count, FIRST_LENGTH] = first, first_length
        spans[count, SECOND], spans[count, SECOND_LENGTH] = second, second_length
        spans[count, IS_RANDOM_NEXT], spans[count, PREDICTIONS] = is_random_next, predictions
        count += 1
        cursor[SENTENCE] = end - document_start
        if end == document_end:
            cursor[DOCUMENT] += 1
            cursor[SENTENCE] = 0
    return count


@kernel
def draw_buckets(rng, buckets, drawn):
    """Fill drawn with numbers below buckets: where each instance goes in a shuffle of all."""
    for place in range(len(drawn)):
        drawn[place] = below(rng, buckets)
