"""What finetuning and predicting have in common in all kinds of task: the network to start from, what is written at the
end, the loading of a finetuned network's vocabulary, and batches of rows in, numbers out."""

import hashlib
import json
import time
import zipfile
from pathlib import Path

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import atomic_write, make_folder, read_lines, sha256_of
from dump2bert.progress import Progress, say
from dump2bert.tasks.batches import batches_of, suitable_widths
from dump2bert.tasks.heads import starting_network
from dump2bert.tokenization import Tokenizer, load_vocabulary
from dump2bert.training import checkpoints, context
from dump2bert.training.arrays import write_arrays


def labels_of_files(read, given, data):
    """What `read` finds in the label file `given`, else in labels.json beside the records `data` (None: such that have none)
    -> (that, the file); (None, None) where there is neither. BadInput where both are there and differ: the records were
    made with the one beside them."""
    beside = data and data.with_name("labels.json")
    files = [file for file in (given, beside) if file and (file == given or file.is_file())]
    found = [read(file) for file in files]
    if found[1:] and found[0] != found[1]:
        raise BadInput(f"{given} has other labels, or another order of them, than {beside}, with which {data} was made")
    return (found[0], files[0]) if files else (None, None)


def check_count(options, labels, file):
    """BadInput where --num_class is not the number of labels, which are those of `file`."""
    if options.num_class not in (None, labels):
        raise BadInput(f"--num_class {options.num_class} does not fit {file}, which has {labels} labels")


def open_network(options):
    """Set the device up -> the options of the network to finetune (see heads.starting_network)."""
    context.set_up(options.device_target, options.device_id)
    words = sum(1 for _ in read_lines(options.vocab_file_path)) if options.vocab_file_path else None
    return starting_network(options.network, options.load_pretrain_checkpoint_path, words, options.max_seq_length,
                            lambda asked: context.usable_compute_type(asked, options.device_target))


def dropped(network, options):
    """The network with the dropout that the options ask for while it is finetuned."""
    return {**network, **{name: getattr(options, name) for name in ("hidden_dropout_prob",
                                                                    "attention_probs_dropout_prob")
                          if getattr(options, name) is not None}}


def check_longest(longest, options):
    if longest > options.max_seq_length:
        raise BadInput(f"{options.train_data_file_path} has rows of {longest} tokens, but --max_seq_length is "
                       f"{options.max_seq_length}")


def common_description(options):
    """What network.json says of every finetuned network under `task`."""
    return {"name": options.task, "max_seq_length": options.max_seq_length, "do_lower_case": options.do_lower_case,
            "vocabulary_sha256": sha256_of(options.vocab_file_path) if options.vocab_file_path else None}


def prepared_folder(options):
    """The folder that finetuning writes to, made if it is not there. BadInput where that cannot be."""
    folder = options.save_finetune_checkpoint_path or Path(".")
    make_folder(folder)
    return folder


def keep(options, model, network, task, trained, started_from):
    """Write model.ckpt, network.json and metrics.jsonl -> the `task` of network.json."""
    task |= {"seed": options.seed, "epoch_num": options.epoch_num, "best_epoch": trained.best_epoch,
             "epochs": trained.epochs}
    folder = prepared_folder(options)
    checkpoints.save(folder, model, network, {
        "initial_weights": started_from, "steps": trained.steps,
        "train_data": {"path": str(options.train_data_file_path), "sha256": sha256_of(options.train_data_file_path)}},
        {"task": task})
    with atomic_write(folder / "metrics.jsonl") as file:
        file.writelines(json.dumps(line) + "\n" for line in trained.lines)
    say(f"the weights of epoch {trained.best_epoch} are kept: {folder / 'model.ckpt'}")
    return task


KINDS = {"ner": ("ner",), "classifier": ("classification", "regression"), "squad": ("squad",)}
"""Command `dump2bert finetune ...`: the kinds of task that it trains."""


def describe_finetuned(checkpoint, command):
    """-> (the options of the network, the `task` of network.json). BadInput where `command` has not trained it."""
    description = checkpoints.read_description(checkpoint)
    task = description.get("task")
    if not task or task["kind"] not in KINDS[command]:
        found = f"of the kind {task['kind']}" if task else "pretrained and not finetuned"
        raise BadInput(f"{checkpoint} is {found}, not a checkpoint of `dump2bert finetune {command}`")
    return description["network"], task


def open_finetuned(checkpoint, command, device_target, device_id):
    """Set the device up -> what describe_finetuned says, with the compute type that this device has."""
    context.set_up(device_target, device_id)
    network, task = describe_finetuned(checkpoint, command)
    return {**network, "compute_type": context.usable_compute_type(network["compute_type"], device_target)}, task


def tokenizer_for(task, vocab_file):
    """The tokenizer that a finetuned network wants. BadInput where the vocabulary is another one."""
    if task["vocabulary_sha256"] not in (None, sha256_of(vocab_file)):
        raise BadInput(f"{vocab_file} is not the vocabulary that the network was finetuned with")
    return Tokenizer(load_vocabulary(vocab_file), task["do_lower_case"])


def run_batches(outputs_of, handle, lengths, batch_size, what=None, order=None, size=0):
    """All rows, in batches of like length, through a network -> seconds (compiling excluded), batches.

    outputs_of(numbers, width) -> the outputs of these rows; handle(outputs, numbers, width, weights) takes them;
    lengths: tokens of each row; what: what the progress lines call it, None for silence; order: of rows, None or drawn, by
    which batches go through the network: the rows of a batch are the same in any case, since its place in a batch can
    change the last digit of an output; size: of the encoder, see batches.suitable_widths.
    """
    batch_size = min(batch_size, max(len(lengths), 1))
    widths = suitable_widths(lengths, int(lengths.max(initial=2)), 1, size, False)
    for width in widths:   # compile
        outputs_of(np.zeros(batch_size, np.int64), width)
    batches = list(batches_of(np.arange(len(lengths)), lengths, widths, batch_size))
    if order is not None:
        place = np.argsort(order)
        batches.sort(key=lambda batch: place[batch[0][0]])
    progress = Progress(len(batches), "batch", what) if what else None
    started = time.monotonic()
    for numbers, width, weights in batches:
        handle(outputs_of(numbers, width), numbers, width, weights)
        if progress:
            progress.update()
    return time.monotonic() - started, len(batches)


ANSWERS = "answers.npz"


def keep_answers(options, input_ids, timed):
    """Write what the network has said of the development rows beside its checkpoint, for the stage `predict`: what is
    compiled to evaluate need not be compiled again to predict. timed: a kind's Timed (values, seconds, steps)."""
    folder = prepared_folder(options)
    values, seconds, steps = timed
    with atomic_write(folder / ANSWERS, "wb") as file:
        write_arrays(file, {"model": np.array(sha256_of(folder / "model.ckpt")), "rows": np.array(digest_of(input_ids)),
                            "values": values, "seconds": np.float64(seconds), "steps": np.int64(steps)},
                     zipfile.ZIP_DEFLATED)


def kept_answers(path, checkpoint, input_ids):
    """-> values, seconds, steps, as keep_answers wrote them to `path`. BadInput where they are another network's, or
    about other rows."""
    try:
        with np.load(path) as arrays:
            model, rows, values, seconds, steps = (arrays[name] for name in ("model", "rows", "values", "seconds", "steps"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path} is not the {ANSWERS} that `dump2bert finetune` writes: leave --answers out") from error
    for what, found, wanted in (("of another network than", str(model), sha256_of(checkpoint)),
                                ("about other records than --input, predicted with", str(rows), digest_of(input_ids))):
        if found != wanted:
            raise BadInput(f"{path} holds answers {what} {checkpoint}: leave --answers out, and the network is run")
    return values, float(seconds), int(steps)


def digest_of(input_ids):
    return hashlib.sha256(np.ascontiguousarray(input_ids, np.int32).tobytes()).hexdigest()
