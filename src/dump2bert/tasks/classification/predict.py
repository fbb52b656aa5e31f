"""From a finetuned network and texts to labels or scores. finetune's evaluation and the stage predict both come here."""

import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mindspore import Tensor

from dump2bert.files import atomic_write, name_of
from dump2bert.progress import say
from dump2bert.tasks.batches import encoder_size
from dump2bert.tasks.classification.model import SequenceClassifier
from dump2bert.tasks.classification.records import read_texts
from dump2bert.tasks.classification.rows import encode, merge
from dump2bert.tasks.classification.submissions import write_predictions
from dump2bert.tasks.datasets import DATASETS, Dataset, dataset_of
from dump2bert.tasks.finetuning import describe_finetuned, kept_answers, open_finetuned, run_batches, tokenizer_for
from dump2bert.tasks.tables import Fields, warn_of_same_ids
from dump2bert.training import checkpoints
from dump2bert.training.arrays import write_arrays


class Timed(NamedTuple):
    """values (records,): int32 label ids or float32 scores; seconds and steps of the network, compiling excluded."""

    values: np.ndarray
    seconds: float
    steps: int


def predict_rows(model, rows, batch_size, what=None, order=None):
    """The best label, or the score, of every record -> Timed (see finetuning.run_batches)."""
    model.set_train(False)
    scores = np.zeros((len(rows.input_ids), model.outputs), np.float32)

    def outputs_of(numbers, width):
        return model(*(Tensor(np.ascontiguousarray(values[numbers, :width])) for values in rows[:3])).asnumpy()

    def handle(found, numbers, width, weights):
        scores[numbers[weights > 0]] = found[weights > 0]

    seconds, steps = run_batches(outputs_of, handle, rows.lengths, batch_size, what, order,
                                 encoder_size(model))
    merged = merge(rows, scores)
    return Timed(merged[:, 0].astype(np.float32) if model.regression else merged.argmax(-1).astype(np.int32), seconds, steps)


def load_finetuned(checkpoint, device_target, device_id=0):
    """-> (SequenceClassifier with its weights, the `task` of network.json)."""
    network, task = open_finetuned(checkpoint, "classifier", device_target, device_id)
    model = SequenceClassifier(network, task["labels"] and len(task["labels"]))
    checkpoints.load_weights(checkpoint, model)
    return model, task


def predict(checkpoint, vocab_file, input, output, label_ids, batch_size, device_target, answers=None, **own):
    """Write the submission for the records in `input` (see records.read_texts) to `output` (- is standard output): GLUE's
    form for .tsv, else CLUE's. label_ids: an .npz, or None, for the numbers and the time taken. answers:
    see finetuning.kept_answers; None: the network is run. own: what datasets.dataset_of takes."""
    _, task = describe_finetuned(checkpoint, "classifier")
    dataset = dataset_of(task["name"], task["kind"], **own) if own or task["name"] in DATASETS else plain(task)
    records = read_texts(input, dataset, own.get("format"))
    warn_of_same_ids(records, name_of(input))
    encoded = encode(records, tokenizer_for(task, vocab_file), task["max_seq_length"], labels_or_scores(task))
    if answers:
        timed = Timed(*kept_answers(answers, checkpoint, encoded.rows.input_ids))
    else:
        timed = predict_rows(load_finetuned(checkpoint, device_target)[0], encoded.rows, batch_size, "predicted")
    found = [task["labels"][value] if task["labels"] else float(str(value)) for value in timed.values]
    form = dataset.labels or {}, str(output).endswith(".tsv")
    if str(output) == "-":
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        write_predictions(sys.stdout, records, found, *form)
        sys.stdout.flush()
    else:
        with atomic_write(output) as file:
            write_predictions(file, records, found, *form)
    if label_ids:
        with atomic_write(Path(label_ids), "wb") as file:
            write_arrays(file, {"predicted": timed.values, "seconds": np.float64(timed.seconds),
                                "steps": np.int64(timed.steps)}, zipfile.ZIP_DEFLATED)
    say(f"{len(records)} records, {timed.seconds:.1f} s")


def plain(task):
    """The Dataset of records to predict of which nothing is said: the keys are those of Fields."""
    return Dataset(task["kind"], forms=(Fields("text", "text_pair" if task["pair"] else None, None, "id"),))


def labels_or_scores(task):
    """What encode needs; records to predict have no labels."""
    return None if task["labels"] is None else {label: number for number, label in enumerate(task["labels"])}
