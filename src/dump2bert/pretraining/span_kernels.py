"""Drawing pairs of spans, compiled: the functions of instances.py, one for one, over a corpus in flat arrays.

Sentences are numbered through the whole corpus; sentence s has the tokens sentences[s] to sentences[s + 1] - 1, and document
d the sentences documents[d] to documents[d + 1] - 1. So a span is two numbers: where it starts, how long it is.
"""

from typing import NamedTuple

import numpy as np

from dump2bert.pretraining.compiled import inlined
from dump2bert.pretraining.mersenne import below, fraction, from_to


class Corpus(NamedTuple):
    """A tokenized text in flat arrays."""

    tokens: np.ndarray       # ids: uint16, or int32 where the vocabulary is larger
    sentences: np.ndarray    # int64 [sentences + 1]: where each starts in tokens
    documents: np.ndarray    # int64 [documents + 1]: where each starts in sentences
    continues: np.ndarray    # uint8: 1 where a token goes on with a word; empty if words do not matter


@inlined
def draw_target_length(rng, max_tokens, short_seq_prob):
    """Mostly as long as possible, sometimes short, so that pretraining knows short input as well."""
    if fraction(rng) < short_seq_prob:
        return from_to(rng, 2, max_tokens)
    return max_tokens


@inlined
def end_of_chunk(corpus, start, document_end, target_length):
    """The first sentence that a chunk does not need to have target_length tokens, or the document's end."""
    end = start + 1
    while end < document_end and corpus.sentences[end] - corpus.sentences[start] < target_length:
        end += 1
    return end


@inlined
def draw_split(rng, start, end):
    """Where the first part of a chunk of sentences ends: at least one sentence is in it."""
    if end - start > 1:
        return start + from_to(rng, 1, end - start - 1)
    return start + 1


@inlined
def document_at(order, index):
    """Which document comes at a place of an order; an empty order is that of the text."""
    return order[index] if len(order) else index


@inlined
def draw_random_next(rng, corpus, order, index, target_length):
    """(start, length) of at least target_length tokens (if there are so many) of another document."""
    other = index
    for _ in range(10):
        other = below(rng, len(corpus.documents) - 1)
        if other != index:
            break
    document = document_at(order, other)
    first, document_end = corpus.documents[document], corpus.documents[document + 1]
    sentence = first + below(rng, document_end - first)
    start = corpus.sentences[sentence]
    end = end_of_chunk(corpus, sentence, document_end, target_length)
    return start, corpus.sentences[end] - start


@inlined
def truncate_pair(rng, first, first_length, second, second_length, max_tokens):
    """Take tokens off the longer span, at either end by chance, until both together fit."""
    while first_length + second_length > max_tokens:
        at_front = np.int64(fraction(rng) < 0.5)
        if first_length > second_length:
            first += at_front
            first_length -= 1
        else:
            second += at_front
            second_length -= 1
    return first, first_length, second, second_length
