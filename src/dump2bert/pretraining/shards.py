"""From text files to TFRecord shards: tokenize, draw instances, shuffle all of them, deal them to the shards in turn.

A few threads share the work (kernels run without the interpreter's lock); this one reads, writes and keeps the order.
"""

import contextlib
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dump2bert.digest import load
from dump2bert.errors import BadInput
from dump2bert.files import atomic_write
from dump2bert.pretraining.drawing import fast_instances, google_instances, room_for_masks
from dump2bert.pretraining.example_kernels import LARGEST_VOCABULARY, encode_masked, encode_unmasked, largest_record
from dump2bert.pretraining.side_by_side import in_order
from dump2bert.pretraining.statistics import Statistics
from dump2bert.pretraining.tokenized_corpus import tokenize_corpus
from dump2bert.pretraining.working_folder import naming, working_folder
from dump2bert.progress import Progress, say
from dump2bert.tokenization import load_vocabulary

SLICE = 1 << 10    # records that are encoded at a time


def make_shards(inputs, outputs, vocab_file, do_lower_case, options, random_seed, workers, manifest,
                own):
    """Write `outputs`; returns (Statistics, [what write_shards says of each]). manifest: see write_shards. own: numbers of
    the outputs to write, where others are written elsewhere; the statistics are of all."""
    vocabulary = load_vocabulary(vocab_file)
    if len(vocabulary) > LARGEST_VOCABULARY:
        raise BadInput(f"{vocab_file} has {len(vocabulary)} pieces: {LARGEST_VOCABULARY} at most are possible")
    statistics = Statistics()
    with working_folder(outputs[own[0]]) as folder, ThreadPoolExecutor(workers) as pool:
        corpus = tokenize_corpus(inputs, folder, vocabulary, do_lower_case, options.do_whole_word_mask,
                                 options.mode == "google", pool, workers, segmenter(options.word_segmenter))
        check_documents(len(corpus.arrays.documents) - 1, inputs)
        statistics.add_corpus(corpus)
        if options.mode == "google":
            batches = google_instances(corpus, options, vocabulary, random_seed, statistics)
        else:
            batches = fast_instances(corpus, options, vocabulary, random_seed, statistics, folder, pool, workers)
        encoded = encoded_slices(corpus, options, vocabulary, slices(batches, len(outputs), own),
                                 rows_of_a_slice(own) * len(own), pool, workers)
        return statistics, write_shards(outputs, own, encoded, statistics, manifest)


def segmenter(name):
    """What tokenize_corpus calls to find the words of Chinese; None where ## alone makes words."""
    return load("pretraining.word_segmentation").characters_within_words if name == "jieba" else None


def slices(batches, shards, own):
    """Cut batches into (spans, masks, [rows of each own shard]); the records of all are dealt to all shards in turn."""
    done, size = 0, rows_of_a_slice(own) * shards
    for spans, masks, order in batches:
        for start in range(0, len(order), size):
            part = order[start:start + size]
            yield spans, masks, [part[(shard - done) % shards::shards] for shard in own]
            done += len(part)


def rows_of_a_slice(own):
    """Of one shard, at the most."""
    return max(SLICE // len(own), 1)


def encoded_slices(corpus, options, vocabulary, slices, most, pool, workers):
    """Yield the records of each slice, which are `most` at the most: for each shard (how many, their bytes), good until the
    next slice is taken."""
    cls, sep, length = vocabulary["[CLS]"], vocabulary["[SEP]"], options.max_seq_length
    size = largest_record(length, room_for_masks(options))
    tokens, continues = corpus.arrays.tokens, corpus.arrays.continues
    free = []    # buffers whose records have been written: memory new to a process costs time

    def encode(task):
        spans, masks, rows_of_shards = task
        try:
            buffer = free.pop()
        except IndexError:
            buffer = np.empty(most * size, np.uint8)
        encoded, end = [], len(buffer)
        for rows in rows_of_shards:
            # Taken out of everywhere first, they come faster than one by one when they are encoded. Each record then
            # touches two places of the tokens; the system maps 64 kB around a place, which count as ours until `release`.
            own_spans, own_masks = spans.take(rows, axis=0), masks.take(rows, axis=0)
            if options.masking == "static":
                start = encode_masked(tokens, cls, sep, length, own_spans, own_masks, buffer[:end])
            else:
                start = encode_unmasked(tokens, continues, cls, sep, length, own_spans, buffer[:end])
            encoded.append((len(rows), buffer[start:end]))
            end = start
            corpus.release()
        return buffer, encoded

    for buffer, encoded in in_order(pool, encode, slices, 2 * workers):
        yield encoded
        free.append(buffer)


def write_shards(outputs, own, encoded, statistics, manifest):
    """Write what encoded_slices() gave to our own of the outputs, all or none; what the manifest says of each.

    manifest: a file that must not vouch for these shards where it is of an earlier run; that run's shards keep it until
    the first of them is replaced."""
    paths = [outputs[shard] for shard in own]
    counts, sizes, digests = [0] * len(paths), [0] * len(paths), [hashlib.sha256() for _ in paths]
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(atomic_write(path, "wb")) for path in paths]
        progress = None
        for records in encoded:
            progress = progress or Progress(sum(len(range(shard, statistics["instances"], len(outputs))) for shard in own),
                                            "record", "written")
            for shard, (count, data) in enumerate(records):
                with naming(paths[shard]):
                    files[shard].write(data)
                digests[shard].update(data)
                counts[shard] += count
                sizes[shard] += len(data)
            progress.update(sum(count for count, _ in records))
        check_instances(statistics["instances"], len(outputs))
        for path, file in zip(paths, files):    # all of them are safe before the first gets its name
            with naming(path):
                file.flush()
                os.fsync(file.fileno())
        manifest.unlink(missing_ok=True)
    return [{"path": path, "instances": count, "bytes": size, "sha256": digest.hexdigest()}
            for path, count, size, digest in zip(paths, counts, sizes, digests)]


def check_documents(documents, inputs):
    """There must be text, and there should be other documents to draw a random next span from."""
    where = inputs[0] if len(inputs) == 1 else f"{inputs[0]} and {len(inputs) - 1} more"
    if not documents:
        raise BadInput(f"no text in {where}: expected one sentence a line, a blank line between documents")
    if documents == 1:
        say(f"only one document in {where}: random next spans come from that same document, so scores of next sentence "
            "prediction will mean little (documents are separated by blank lines)")


def check_instances(instances, outputs):
    if instances < outputs:
        raise BadInput(f"the text gives {instances} instances, too few for {outputs} output files: ask for {instances} files "
                       "at most")
