"""Finetuning for span answering: the epoch with the best F1 of the development questions is kept, and evaluation ends
with the model zoo's line, {"exact_match": .., "f1": ..} in percent."""

import json
from typing import NamedTuple

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.metrics.squad import squad_scores
from dump2bert.nets.bert import initialize, namespace
from dump2bert.progress import duration
from dump2bert.tasks import training
from dump2bert.tasks.batches import order_of
from dump2bert.tasks.finetuning import (check_longest, common_description, dropped, keep, keep_answers, open_network,
                                        prepared_folder, tokenizer_for)
from dump2bert.tasks.heads import start_from
from dump2bert.tasks.squad.answers import best_answers, predictions
from dump2bert.tasks.squad.model import SpanLoss, SpanReader, training_inputs
from dump2bert.tasks.squad.predict import load_finetuned, predict_logits, windows_of
from dump2bert.tasks.squad.records import gold_of, read_questions
from dump2bert.tasks.squad.tfrecords import UNIQUE_IDS, read_rows

OPTIONS = ("doc_stride", "max_query_length", "n_best_size", "max_answer_length")


class Development(NamedTuple):
    """Questions to evaluate on, their paragraphs' Tokens and Rows, and the order in which to evaluate these."""

    asked: object
    paragraphs: list
    rows: object
    order: np.ndarray


def finetune(options):
    """options: a namespace of the command's files, Finetune and FinetuneRun."""
    for name, wrong in (("assessment_method", options.assessment_method), ("use_crf", options.use_crf),
                        ("label2id_file_path", options.label2id_file_path)):
        if wrong:
            raise BadInput(f"--{name} is not for squad, whose answers have no labels: leave it out")
    if options.num_class not in (None, 2):
        raise BadInput(f"--num_class {options.num_class}: squad has 2, the first and the last token of an answer")
    if options.do_eval and not (options.eval_json_path and options.vocab_file_path):
        raise BadInput("--do_eval true needs --eval_json_path, the questions with their answers, and --vocab_file_path")
    model, task, development = train(options) if options.do_train else restore(options)
    if options.do_eval:
        timed = report(model, development, task, options.eval_batch_size)
        if options.do_train:
            keep_answers(options, development.rows.input_ids, timed)


def restore(options):
    """The finetuned network of an earlier run, to evaluate it."""
    if not options.load_finetune_checkpoint_path:
        raise BadInput("--do_train false needs --load_finetune_checkpoint_path, a network to evaluate")
    model, task = load_finetuned(options.load_finetune_checkpoint_path, options.device_target, options.device_id)
    return model, task, read_development(options, task, model.vocab_size)


def train(options):
    """Train, write the checkpoint -> (model with its best weights, the `task` of network.json, development data)."""
    if not options.train_data_file_path:
        raise BadInput("--do_train true needs --train_data_file_path")
    network = open_network(options)
    rows = read_rows(options.train_data_file_path, options.schema_file_path, network["vocab_size"], positions=True)
    lengths = rows["input_mask"].sum(1, dtype=np.int64)
    check_longest(int(lengths.max()), options)
    task = {"kind": "squad", **common_description(options), **{name: getattr(options, name) for name in OPTIONS}}
    development = read_development(options, task, network["vocab_size"]) if options.do_eval else None
    trained_network = namespace(dropped(network, options))
    model = SpanReader(trained_network, options.dropout_prob)
    initialize(model, options.seed, trained_network.initializer_range, trained_network.initial_attention)
    started_from = start_from(options.load_pretrain_checkpoint_path, model)
    prepared_folder(options)    # rather than find out after the training that it cannot be

    trained = training.train(training.Task(
        model=model, loss=SpanLoss(model), lengths=lengths,
        inputs=lambda numbers, width, weights: training_inputs(rows, numbers, width, weights),
        head_shape=lambda width: (options.train_batch_size * width, trained_network.hidden_size),
        score=development and (lambda: evaluated(model, development, task, options.eval_batch_size)[0]["f1"]),
        score_name="dev_f1",
    ), trained_network, options)
    return model, keep(options, model, network, task, trained, started_from), development


def read_development(options, task, vocab_size):
    asked = read_questions(options.eval_json_path)
    paragraphs, rows = windows_of(asked, task, tokenizer_for(task, options.vocab_file_path))
    drawn = options.eval_data_shuffle
    if options.eval_data_file_path:
        # A schema of five columns belongs to the training records; that of the three others is the same.
        found = read_rows(options.eval_data_file_path, options.schema_file_path, vocab_size, positions=False)
        check_rows(found, rows, asked, options)
        drawn = drawn and UNIQUE_IDS in found
    return Development(asked, paragraphs, rows, order_of(len(rows.input_ids), options.seed, 0, drawn))


def check_rows(found, rows, asked, options):
    """BadInput where the records of --eval_data_file_path are not the rows of the questions in --eval_json_path. Records
    without unique_ids are taken in their order."""
    path, other = options.eval_data_file_path, "other questions, another vocabulary, or other windows"
    count, numbers = len(found["input_ids"]), np.arange(len(found["input_ids"]))
    if count != len(rows.input_ids):
        raise BadInput(f"{path} has {count} records, but the {len(asked.questions)} questions of {options.eval_json_path} "
                       f"have {len(rows.input_ids)} rows: it was made from {other}")
    if UNIQUE_IDS in found:
        if len(np.unique(found[UNIQUE_IDS])) < count:
            raise BadInput(f"{path} has unique_ids that are not unique: rows cannot be told apart")
        numbers[np.argsort(found[UNIQUE_IDS])] = np.arange(count)
    width = min(found["input_ids"].shape[1], rows.input_ids.shape[1])
    same = (found["input_ids"][:, :width] == rows.input_ids[numbers, :width]).all(1)
    same &= found["input_mask"].sum(1, dtype=np.int64) == rows.lengths[numbers]
    if not same.all():
        number = int(np.flatnonzero(~same)[0])
        question = asked.questions[rows.question_numbers[numbers[number]]]
        raise BadInput(f"{path} record {number + 1} is not what {options.eval_json_path} has in its place, a row of "
                       f"question {question.id}: it was made from {other}")


def evaluated(model, development, task, batch_size, what=None):
    """-> {"exact_match", "f1"} in percent and the Timed of the network."""
    asked, paragraphs, rows, order = development
    timed = predict_logits(model, rows, batch_size, what, order)
    answers = best_answers(asked, paragraphs, rows, timed.logits, 1, task["max_answer_length"])
    return squad_scores(gold_of(asked), predictions(asked, answers)), timed


def report(model, development, task, batch_size):
    """Evaluate; print the scores as the model zoo does, last on standard output -> Timed."""
    scores, timed = evaluated(model, development, task, batch_size, "evaluated")
    print(f"records {len(development.asked.questions)}, {1000 * timed.seconds / max(timed.steps, 1):.3f} ms/step, "
          f"total time {timed.seconds:.3f} s ({duration(timed.seconds)})")
    print(json.dumps(scores), flush=True)
    return timed
