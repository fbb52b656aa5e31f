"""From a finetuned network and texts to entities. finetune's evaluation and the stage predict both come here."""

import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mindspore import Tensor

from dump2bert.digest import load
from dump2bert.files import atomic_write, name_of
from dump2bert.progress import say
from dump2bert.tasks.batches import encoder_size
from dump2bert.tasks.datasets import dataset_of
from dump2bert.tasks.finetuning import describe_finetuned, kept_answers, open_finetuned, run_batches, tokenizer_for
from dump2bert.tasks.ner.alignment import align, character_spans
from dump2bert.tasks.ner.labels import Labels
from dump2bert.tasks.ner.model import TokenLabeller
from dump2bert.tasks.ner.reading import texts
from dump2bert.tasks.ner.records import write_predictions
from dump2bert.tasks.ner.windows import merge
from dump2bert.tasks.tables import warn_of_same_ids
from dump2bert.training import checkpoints
from dump2bert.training.arrays import write_arrays


class Timed(NamedTuple):
    """label_ids (rows, max_seq_length) int32; seconds and steps (batches) that the network took, compiling excluded."""

    label_ids: np.ndarray
    seconds: float
    steps: int


def predict_labels(model, rows, batch_size, what=None, order=None):
    """The best label ids of all rows -> Timed. Where no token is scored ([CLS], [SEP], padding) the label is O.

    what: what the progress lines call it; None for silence. order: see finetuning.run_batches; the result is
    in the order of the rows in any case.
    """
    model.set_train(False)
    lengths = rows.lengths
    tables = [table.asnumpy() for table in model.crf.scores()] if model.use_crf else None
    found = np.zeros_like(rows.input_ids)

    def handle(scores, numbers, width, weights):
        labels = best_labels(scores, lengths[numbers], tables)
        found[numbers[weights > 0], 1:width] = labels[weights > 0]

    seconds, steps = run_batches(lambda numbers, width: scores_of(model, rows, numbers, width), handle, lengths + 2,
                                 batch_size, what, order, encoder_size(model))
    return Timed(found, seconds, steps)


def scores_of(model, rows, numbers, width):
    """(B, width - 1, labels) of the rows with these numbers."""
    return model(*(Tensor(np.ascontiguousarray(values[numbers, :width])) for values in rows[:3])).asnumpy()


def best_labels(scores, lengths, tables):
    """The best label of each token or, with the CRF's tables, the best sequence of each row."""
    if tables:
        return load("nets.crf").viterbi(scores, np.minimum(lengths, scores.shape[1]), *tables)
    return np.where(np.arange(scores.shape[1]) < lengths[:, None], scores.argmax(-1), 0)


def entities_of(aligned, label_ids, labels):
    """For each record its predicted entities."""
    return character_spans(merge(aligned.rows, label_ids), aligned.offsets, labels)


def load_finetuned(checkpoint, device_target, device_id=0):
    """-> (TokenLabeller with its weights, the `task` of network.json, Labels)."""
    network, task = open_finetuned(checkpoint, "ner", device_target, device_id)
    labels = Labels(task["labels"])
    model = TokenLabeller(network, labels, task["use_crf"], task["forbid_illegal_labels"])
    checkpoints.load_weights(checkpoint, model)
    return model, task, labels


def predict(checkpoint, vocab_file, input, output, label_ids, batch_size, device_target, answers=None, **own):
    """Write the submission for the records in `input` (see reading.texts) to `output` (- is standard output). label_ids:
    an .npz, or None, for the label ids of all tokens and the time taken. answers: see finetuning.kept_answers; None: the
    network is run. own: what datasets.dataset_of takes."""
    _, task = describe_finetuned(checkpoint, "ner")
    labels = Labels(task["labels"])
    dataset = dataset_of(task["name"], "ner", **own)
    records, columns = texts(input, dataset, own.get("format"))
    warn_of_same_ids(records, name_of(input))
    unknown = sorted({kind for record in records for _, _, kind in record.entities or ()} - {*labels.types})
    if unknown:
        say(f"{name_of(input)} has entities of types that the network does not know ({', '.join(unknown)}): its labels are "
            "left out")
        records = [record._replace(entities=None) for record in records]
    tokenizer = tokenizer_for(task, vocab_file)
    aligned = align(records, tokenizer, labels, task["max_seq_length"])
    if answers:
        timed = Timed(*kept_answers(answers, checkpoint, aligned.rows.input_ids))
    else:
        timed = predict_labels(load_finetuned(checkpoint, device_target)[0], aligned.rows, batch_size, "predicted")
    found = entities_of(aligned, timed.label_ids, labels)
    if str(output) == "-":
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        write_predictions(sys.stdout, records, found, columns)
        sys.stdout.flush()
    else:
        with atomic_write(output) as file:
            write_predictions(file, records, found, columns)
    if label_ids:
        write_label_ids(label_ids, records, aligned.rows, timed)
    say(f"{len(records)} records, {sum(map(len, found))} entities, {timed.seconds:.1f} s")


def write_label_ids(path, records, rows, timed):
    """`predicted` and, if every record is labelled, `gold` (rows, max_seq_length); seconds and steps of the network."""
    arrays = {"predicted": timed.label_ids, "seconds": np.float64(timed.seconds), "steps": np.int64(timed.steps)}
    if all(record.entities is not None for record in records):
        arrays["gold"] = rows.label_ids
    with atomic_write(Path(path), "wb") as file:
        write_arrays(file, arrays, zipfile.ZIP_DEFLATED)
