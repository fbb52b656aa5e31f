"""From text files to TFRecord shards, in one of two modes that share every function of the algorithm.

`google`: one random stream goes through all documents, all passes and the final shuffle; the instances are dealt to the
shards in turn. These are the very instances of Google's create_pretraining_data.py, and everything is in memory.

`fast`: documents are dealt to the shards in turn, and each shard is made by itself, with a random stream of its own. So
shards can be made side by side and are the same however many processes make them.
"""

import multiprocessing
import os
import random
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import islice
from pathlib import Path

from dump2bert.errors import BadInput
from dump2bert.files import atomic_write, documents_of, sha256_of
from dump2bert.pretraining.documents import lines_of, tokenized
from dump2bert.pretraining.examples import encode_instance
from dump2bert.pretraining.instances import instances_of_document
from dump2bert.pretraining.masking import MaskVocabulary
from dump2bert.pretraining.statistics import Statistics
from dump2bert.progress import Progress, say
from dump2bert.tfrecord import write_records
from dump2bert.tokenization import Tokenizer, load_vocabulary


def make_google_shards(inputs, outputs, vocab_file, do_lower_case, options, random_seed):
    """Write all of `outputs`; returns (Statistics, [what written() says of each shard])."""
    tokenizer = Tokenizer(load_vocabulary(vocab_file), do_lower_case)
    statistics = Statistics()
    documents = load_documents(documents_of(lines_of(inputs, joined=True)), tokenizer, statistics)
    check_documents(len(documents), 1, inputs)
    rng = random.Random(random_seed)
    records = make_records(documents, options, tokenizer.vocabulary, rng, statistics)
    return statistics, [written(output, records[number::len(outputs)]) for number, output in enumerate(outputs)]


def make_fast_shards(inputs, outputs, vocab_file, do_lower_case, options, random_seed, workers):
    """Like make_google_shards, by `workers` processes side by side."""
    check_documents(sum(1 for _ in documents_of(lines_of(inputs))), len(outputs), inputs)
    tasks = [(inputs, output, number, len(outputs), vocab_file, do_lower_case, options, random_seed)
             for number, output in enumerate(outputs)]
    if workers == 1 or len(outputs) == 1:
        results = [make_fast_shard(*task) for task in tasks]
    else:
        results = side_by_side(make_fast_shard, tasks, workers)
    total = Statistics()
    for statistics, _ in results:
        total.update(statistics)
    return total, [shard for _, shard in results]


def make_fast_shard(inputs, output, number, shards, vocab_file, do_lower_case, options, random_seed):
    """Write shard `number` of `shards`: instances of every shards-th document. Returns (Statistics, written(...))."""
    tokenizer = Tokenizer(load_vocabulary(vocab_file), do_lower_case)
    statistics = Statistics()
    own = islice(documents_of(lines_of(inputs)), number, None, shards)
    documents = load_documents(own, tokenizer, statistics)
    if not documents:
        raise BadInput(f"all documents for {output} are empty once cleaned: is {inputs[0]} text?")
    rng = random.Random(f"{random_seed} {number}")
    records = make_records(documents, options, tokenizer.vocabulary, rng, statistics)
    return statistics, written(output, records)


def load_documents(texts, tokenizer, statistics):
    """Documents as lists of sentences of ids; those without any token are dropped."""
    documents = [document for document in (tokenized(text, tokenizer) for text in texts) if document]
    for document in documents:
        statistics.add_document(document, tokenizer.vocabulary["[UNK]"])
    return documents


def make_records(documents, options, vocabulary, rng, statistics):
    """All instances of all passes, encoded and shuffled. (An encoded instance takes a fraction of the memory.)"""
    vocabulary = MaskVocabulary.of(vocabulary)
    rng.shuffle(documents)
    progress = Progress(options.dupe_factor * len(documents), "document", "instances of")
    records = []
    for _ in range(options.dupe_factor):
        for index in range(len(documents)):
            for instance in instances_of_document(documents, index, options, vocabulary, rng):
                records.append(encode_instance(instance, options))
                statistics.add_instance(instance)
            progress.update()
    rng.shuffle(records)
    return records


def written(output, records):
    """Write one shard; what the manifest says of it."""
    with atomic_write(output, "wb") as file:
        count = write_records(file, records)
    return {"path": output, "instances": count, "bytes": Path(output).stat().st_size, "sha256": sha256_of(output)}


def check_documents(documents, shards, inputs):
    """There must be other documents to draw a random next span from, in every shard."""
    where = inputs[0] if len(inputs) == 1 else f"{inputs[0]} and {len(inputs) - 1} more"
    if not documents:
        raise BadInput(f"no text in {where}: expected one sentence a line, a blank line between documents")
    if documents == 1 and shards == 1:
        say(f"only one document in {where}: random next spans come from that same document, so scores of next sentence "
            "prediction will mean little (documents are separated by blank lines)")
    elif documents < 2 * shards:
        raise BadInput(f"{documents} documents in {where} are too few for {shards} output files: a file needs two at "
                       f"least, so ask for {max(documents // 2, 1)} files at most (documents are separated by blank "
                       "lines)")


def side_by_side(function, tasks, workers):
    """function(*task) for each task in processes of their own; results in the order of the tasks."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context, initializer=end_with_parent) as pool:
        futures = [pool.submit(function, *task) for task in tasks]
        progress = Progress(len(tasks), "shard")
        try:
            for future in as_completed(futures):
                future.result()
                progress.update()
        except BaseException:
            # Told to stop, or a shard failed: do not let the others run on for hours.
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        return [future.result() for future in futures]


def end_with_parent():
    """In a worker: end at once when the parent is killed, rather than wait for its next task for ever."""
    def watch():
        multiprocessing.parent_process().join()
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()
