"""From a finetuned network and questions to answers. finetune's evaluation and the stage predict both come here."""

import json
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dump2bert.files import atomic_write, write_json
from dump2bert.progress import say
from dump2bert.tasks.batches import encoder_size
from dump2bert.tasks.finetuning import describe_finetuned, kept_answers, open_finetuned, run_batches, tokenizer_for
from dump2bert.tasks.squad.alignment import tokenize
from dump2bert.tasks.squad.answers import best_answers, n_best, predictions
from dump2bert.tasks.squad.model import SpanReader, network_inputs
from dump2bert.tasks.squad.records import one_question, read_asked
from dump2bert.tasks.squad.windows import make_windows
from dump2bert.training import checkpoints
from dump2bert.training.arrays import write_arrays


class Timed(NamedTuple):
    """logits (rows, max_seq_length, 2) float32, -inf in the padding; seconds and steps (batches) of the network,
    compiling excluded."""

    logits: np.ndarray
    seconds: float
    steps: int


def predict_logits(model, rows, batch_size, what=None, order=None):
    """The scores of all rows -> Timed (see finetuning.run_batches)."""
    model.set_train(False)
    columns = rows._asdict()
    found = np.full((*rows.input_ids.shape, 2), -np.inf, np.float32)
    if not len(found):
        return Timed(found, 0.0, 0)

    def outputs_of(numbers, width):
        return model(*network_inputs(columns, numbers, width)).asnumpy()

    def handle(scores, numbers, width, weights):
        found[numbers[weights > 0], :width] = scores[weights > 0]

    return Timed(found, *run_batches(outputs_of, handle, rows.lengths, batch_size, what, order,
                                     encoder_size(model)))


def windows_of(asked, task, tokenizer):
    """-> the Tokens of each paragraph and the Rows of all questions."""
    paragraphs = tokenize(asked.contexts, tokenizer)
    return paragraphs, make_windows(asked, paragraphs, tokenizer, task["max_seq_length"], task["doc_stride"],
                                    task["max_query_length"]).rows


def load_finetuned(checkpoint, device_target, device_id=0):
    """-> (SpanReader with its weights, the `task` of network.json)."""
    network, task = open_finetuned(checkpoint, "squad", device_target, device_id)
    model = SpanReader(network)
    checkpoints.load_weights(checkpoint, model)
    return model, task


def predict(checkpoint, vocab_file, input, output, label_ids, batch_size, device_target, answers=None, question=None,
            nbest=None):
    """Write {id: answer} for the questions in `input` (see records.read_asked), or for the one `question`, a pair of it
    and its context, to `output` (- is standard output). nbest: a file, or None, for the n best answers of each;
    label_ids: an .npz, or None, for the time taken. answers: see finetuning.kept_answers; None: the network is run."""
    asked = one_question(*question) if question else read_asked(input)
    _, task = describe_finetuned(checkpoint, "squad")
    paragraphs, rows = windows_of(asked, task, tokenizer_for(task, vocab_file))
    if answers:
        timed = Timed(*kept_answers(answers, checkpoint, rows.input_ids))
    else:
        timed = predict_logits(load_finetuned(checkpoint, device_target)[0], rows, batch_size, "predicted")
    found = best_answers(asked, paragraphs, rows, timed.logits, task["n_best_size"], task["max_answer_length"])
    if nbest:
        write_json(nbest, n_best(asked, found))
    if str(output) == "-":
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        print(json.dumps(predictions(asked, found), ensure_ascii=False, indent=1), flush=True)
    else:
        write_json(output, predictions(asked, found))
    if label_ids:
        with atomic_write(Path(label_ids), "wb") as file:
            write_arrays(file, {"seconds": np.float64(timed.seconds), "steps": np.int64(timed.steps)},
                         zipfile.ZIP_DEFLATED)
    say(f"{len(asked.questions)} questions in {len(rows.input_ids)} rows, {timed.seconds:.1f} s")
