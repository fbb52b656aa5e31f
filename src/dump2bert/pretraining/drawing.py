"""All instances of a corpus, drawn and shuffled, in one of two modes that share every kernel.

`google`: one random stream goes through all documents, all passes and the final shuffle. These are the very instances of
Google's create_pretraining_data.py. Instances are kept in memory, some 130 bytes each.

`fast`: every pass over every run of documents has a random stream of its own, so runs can be worked on side by side and the
result is the same however many workers there are. Instances go through files, so memory does not grow with the corpus.

Both give batches (spans, masks, order): rows of instance_kernels and the order in which to write them.
"""

import numpy as np

from dump2bert.pretraining.instance_kernels import DOCUMENT, SPANS, Masking, draw_buckets, draw_instances
from dump2bert.pretraining.masking import number_of_predictions
from dump2bert.pretraining.mersenne import shuffle, twister
from dump2bert.pretraining.shuffling import BUCKET, Buckets
from dump2bert.pretraining.side_by_side import in_order
from dump2bert.progress import Progress

BLOCK = 1 << 14    # instances that the kernel draws at a time
IN_ORDER_OF_TEXT = np.zeros(0, np.int64)


def masking_of(options, vocabulary):
    """What the kernel needs to know. options: instances.Options; vocabulary: {piece: id}."""
    static = options.masking == "static"
    predictions = [number_of_predictions(length, options) * static for length in range(options.max_seq_length + 1)]
    return Masking(options.max_seq_length - 3, float(options.short_seq_prob), options.do_whole_word_mask,
                   options.mode == "google", vocabulary["[MASK]"], len(vocabulary), np.array(predictions, np.int64))


def passes_of(options):
    """How often the corpus is gone through: unmasked instances are masked anew each time they are read."""
    return options.dupe_factor if options.masking == "static" else 1


def room_for_masks(options):
    return options.max_predictions_per_seq if options.masking == "static" else 0


def type_of_masks(corpus, options):
    """Ids and positions."""
    return corpus.tokens.dtype if options.max_seq_length <= 1 << 16 else np.dtype(np.int32)


def drawn_blocks(rng, corpus, order, first, last, options, vocabulary):
    """Yield (spans, masks) of the documents order[first:last]."""
    masking, room = masking_of(options, vocabulary), room_for_masks(options)
    cursor = np.array([first, 0, 0], np.int64)
    while cursor[DOCUMENT] < last:
        spans = np.empty((BLOCK, SPANS), np.int64)
        masks = np.empty((BLOCK, 2, room), type_of_masks(corpus, options))
        count = draw_instances(rng, corpus, order, last, masking, cursor, spans, masks)
        yield spans[:count], masks[:count]


def google_instances(corpus, options, vocabulary, random_seed, statistics):
    """Yield one batch. corpus: tokenized_corpus.TokenizedCorpus."""
    rng = twister(random_seed)
    documents = len(corpus.arrays.documents) - 1
    order = np.arange(documents)
    shuffle(rng, order, documents)
    passes, blocks = passes_of(options), []
    progress = Progress(passes, "pass", "instances of")
    for _ in range(passes):
        blocks += drawn_blocks(rng, corpus.arrays, order, 0, documents, options, vocabulary)
        progress.update()
    spans, masks = map(np.concatenate, zip(*blocks))
    statistics.add_instances(spans)
    order = np.arange(len(spans))
    shuffle(rng, order, len(order))
    yield spans, masks, order


def fast_instances(corpus, options, vocabulary, random_seed, statistics, folder, pool, workers):
    """Yield batches; everything has been drawn when the first one comes."""
    buckets = Buckets(folder, number_of_buckets(corpus, options), room_for_masks(options),
                      type_of_masks(corpus.arrays, options))
    tasks = [(turn, number) for turn in range(passes_of(options)) for number in range(len(corpus.chunks))]

    def draw(task):
        """The instances of one pass over one run of documents, sorted by their buckets, and how many are in each."""
        turn, number = task
        chunk = corpus.chunks[number]
        rng = twister(f"{random_seed} pass {turn} documents {number}")
        blocks = []
        for spans, masks in drawn_blocks(rng, corpus.arrays, IN_ORDER_OF_TEXT, chunk.first, chunk.last, options,
                                         vocabulary):
            drawn = np.empty(len(spans), np.int64)
            draw_buckets(rng, buckets.count, drawn)
            order = np.argsort(drawn, kind="stable")
            blocks.append((spans[order], masks[order], np.bincount(drawn, minlength=buckets.count)))
        corpus.release()
        return blocks

    progress = Progress(len(tasks), "run", "instances of")
    for blocks in in_order(pool, draw, tasks, 2 * workers):
        for spans, masks, counts in blocks:
            statistics.add_instances(spans)
            buckets.add(spans, masks, counts)
        progress.update()
    return buckets.read(random_seed)


def number_of_buckets(corpus, options):
    """So many that each will hold BUCKET instances or fewer, by a generous guess. It follows from text and options alone."""
    arrays = corpus.arrays
    instances_of_a_pass = len(arrays.documents) + 2 * len(arrays.tokens) // (options.max_seq_length - 3)
    return passes_of(options) * instances_of_a_pass // BUCKET + 1
