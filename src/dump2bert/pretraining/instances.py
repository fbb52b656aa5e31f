"""Documents to instances: pairs of text spans, the second of which follows the first or comes from elsewhere.

This is the algorithm of Google's create_pretraining_data.py, which is part of what BERT is (Devlin et al. 2019,
section 3.1 and appendix A.2). Drawn from the same random.Random, it gives the same instances: every function here says
in which order it draws, by being written in that order. Tokens are ids of the vocabulary throughout.

What runs is this algorithm compiled (instance_kernels.py); this is what tests compare it with, and what to read first.
"""

from typing import NamedTuple

from dump2bert.pretraining.masking import mask_tokens


class Options(NamedTuple):
    """How instances are made; the names are those of Google's flags, their meaning stands in config.py."""

    max_seq_length: int
    max_predictions_per_seq: int
    dupe_factor: int
    short_seq_prob: float
    masked_lm_prob: float
    do_whole_word_mask: bool
    masking: str = "static"
    word_segmenter: str = "none"
    mode: str = "google"


class Instance(NamedTuple):
    """[CLS] first [SEP] second [SEP], some of it masked."""

    tokens: list                # at most max_seq_length ids, masked
    first_length: int           # tokens of segment 0: [CLS] first [SEP]
    masked_lm_positions: list   # ascending
    masked_lm_ids: list         # what stood there
    is_random_next: bool        # the second part does not follow the first


def instances_of_document(documents, index, options, vocabulary, rng):
    """Yield the instances of one pass over documents[index].

    documents: lists of sentences, which are lists of ids. vocabulary: masking.MaskVocabulary. Each instance is masked
    before the next pair is drawn (the generators hand over one by one), as the order of the draws wants it.
    """
    for first, second, is_random_next in span_pairs(documents, index, options, rng):
        tokens = [vocabulary.cls, *first, vocabulary.sep, *second, vocabulary.sep]
        masked, positions, labels = mask_tokens(tokens, options, vocabulary, rng)
        yield Instance(masked, len(first) + 2, positions, labels, is_random_next)


def span_pairs(documents, index, options, rng):
    """Yield (first, second, is_random_next): spans of together at most max_seq_length - 3 tokens."""
    document = documents[index]
    max_tokens = options.max_seq_length - 3    # [CLS], [SEP], [SEP]
    # Mostly as long as possible, sometimes short, so that pretraining knows short input as well.
    target_length = max_tokens
    if rng.random() < options.short_seq_prob:
        target_length = rng.randint(2, max_tokens)
    start = 0
    while start < len(document):
        end = end_of_chunk(document, start, target_length)
        split = start + (rng.randint(1, end - start - 1) if end - start > 1 else 1)
        first = join(document, start, split)
        is_random_next = end - start == 1 or rng.random() < 0.5
        if is_random_next:
            second = random_next(documents, index, target_length - len(first), rng)
            end = split    # the sentences after the split were not used: the next chunk begins with them
        else:
            second = join(document, split, end)
        yield *truncate_pair(first, second, max_tokens, rng), is_random_next
        start = end


def end_of_chunk(document, start, target_length):
    """The first sentence that a chunk does not need to have target_length tokens, or the document's end."""
    length = 0
    for end in range(start, len(document)):
        length += len(document[end])
        if length >= target_length:
            return end + 1
    return len(document)


def join(document, start, end):
    """The tokens of sentences start to end - 1."""
    return [token for sentence in range(start, end) for token in document[sentence]]


def random_next(documents, index, target_length, rng):
    """At least target_length tokens (if there are so many) from a random sentence on in a random other document.

    After ten draws of the same document it is taken all the same, as where there is no other.
    """
    for _ in range(10):
        other = rng.randint(0, len(documents) - 1)
        if other != index:
            break
    document = documents[other]
    tokens = []
    for sentence in range(rng.randint(0, len(document) - 1), len(document)):
        tokens += document[sentence]
        if len(tokens) >= target_length:
            break
    return tokens


def truncate_pair(first, second, max_tokens, rng):
    """Take tokens off the longer span, at either end by chance, until both together fit."""
    first_start, first_end, second_start, second_end = 0, len(first), 0, len(second)
    while (first_length := first_end - first_start) + (second_length := second_end - second_start) > max_tokens:
        at_front = rng.random() < 0.5
        if first_length > second_length:
            first_start, first_end = (first_start + 1, first_end) if at_front else (first_start, first_end - 1)
        else:
            second_start, second_end = (second_start + 1, second_end) if at_front else (second_start, second_end - 1)
    return first[first_start:first_end], second[second_start:second_end]
