"""Finetuning of classification and regression: the epoch with the best development score is kept, and evaluation ends
with the model zoo's lines. --assessment_method spearman_correlation means a regression."""

import numpy as np
from mindspore import Tensor

from dump2bert.errors import BadInput
from dump2bert.files import read_json
from dump2bert.nets.bert import initialize, namespace
from dump2bert.progress import duration
from dump2bert.tasks import training
from dump2bert.tasks.batches import order_of
from dump2bert.tasks.classification.model import ClassifierLoss, SequenceClassifier, training_inputs
from dump2bert.tasks.classification.predict import load_finetuned, predict_rows
from dump2bert.tasks.classification.rows import read_rows
from dump2bert.tasks.classification.scores import SCORE_OF, scores
from dump2bert.tasks.datasets import DATASETS
from dump2bert.tasks.finetuning import (check_count, check_longest, common_description, dropped, keep, keep_answers,
                                        labels_of_files, open_network, prepared_folder)
from dump2bert.tasks.heads import start_from


def finetune(options):
    """options: a namespace of the command's files, Finetune and FinetuneRun."""
    known = DATASETS.get(options.task)
    method = options.assessment_method or (known.assessment_method if known else "accuracy")
    if method not in SCORE_OF:
        raise BadInput(f"--assessment_method {method} is not one of classifier: {', '.join(SCORE_OF)}")
    if options.use_crf:
        raise BadInput("--use_crf is for ner: a classifier has no sequence of labels")
    if options.do_eval and not options.eval_data_file_path:
        raise BadInput("--do_eval true needs --eval_data_file_path")
    model, task, development = train(options, method) if options.do_train else restore(options, method)
    if options.do_eval:
        timed = report(model, development, task, options, method)
        if options.do_train:
            keep_answers(options, development.input_ids, timed)


def restore(options, method):
    """The finetuned network of an earlier run, to evaluate it."""
    checkpoint = options.load_finetune_checkpoint_path
    if not checkpoint:
        raise BadInput("--do_train false needs --load_finetune_checkpoint_path, a network to evaluate")
    model, task = load_finetuned(checkpoint, options.device_target, options.device_id)
    if model.regression != (method == "spearman_correlation"):
        raise BadInput(f"{checkpoint} is a {task['kind']}: --assessment_method {method} does not fit it")
    labels, file = labels_of_files(read_labels, options.label2id_file_path, options.eval_data_file_path)
    if file and (labels or None) != task["labels"]:
        raise BadInput(f"{file} has other labels, or another order of them, than the checkpoint {checkpoint}")
    check_method(method, task["labels"])
    check_count(options, model.outputs, checkpoint)
    rows = read_rows(options.eval_data_file_path, options.schema_file_path, task["labels"] and len(task["labels"]),
                     model.vocab_size)
    return model, task, rows


def train(options, method):
    """Train, write the checkpoint -> (model with its best weights, the `task` of network.json, development rows)."""
    if not options.train_data_file_path:
        raise BadInput("--do_train true needs --train_data_file_path")
    labels = None if method == "spearman_correlation" else labels_of(options)
    check_method(method, labels)
    network = open_network(options)
    count = labels and len(labels)
    rows = read_rows(options.train_data_file_path, options.schema_file_path, count, network["vocab_size"])
    check_longest(int(rows.lengths.max()), options)
    development = options.do_eval and read_rows(options.eval_data_file_path, options.schema_file_path, count,
                                                network["vocab_size"])
    task = {"kind": "classification" if labels else "regression", "labels": labels, "pair": bool(rows.segment_ids.any()),
            **common_description(options)}
    trained_network = namespace(dropped(network, options))
    model = SequenceClassifier(trained_network, count, options.dropout_prob)
    initialize(model, options.seed, trained_network.initializer_range, trained_network.initial_attention)
    if model.regression:   # or the first epochs learn nothing but the mean
        model.classifier.bias.set_data(Tensor(np.array([rows.record_labels.mean()], np.float32)))
    started_from = start_from(options.load_pretrain_checkpoint_path, model)
    prepared_folder(options)    # rather than find out after the training that it cannot be
    metric = SCORE_OF[method]

    def score():
        found = evaluated(model, development, options).values
        return scores(development.record_labels, found, labels)[metric]

    trained = training.train(training.Task(
        model=model, loss=ClassifierLoss(model), lengths=rows.lengths,
        inputs=lambda numbers, width, weights: training_inputs(rows, numbers, width, weights),
        head_shape=lambda width: (options.train_batch_size, trained_network.hidden_size),
        score=score if options.do_eval else None, score_name=f"dev_{metric}", uses_pooler=True,
    ), trained_network, options)
    return model, keep(options, model, network, task, trained, started_from), development


def labels_of(options):
    """The labels in the order of their ids: of labels.json (beside the training data), or 0 .. num_class - 1."""
    labels, file = labels_of_files(read_labels, options.label2id_file_path, options.train_data_file_path)
    if file is None:
        return [str(number) for number in range(options.num_class or 2)]
    check_count(options, len(labels), file)
    return labels


def read_labels(path):
    ids = read_json(path)
    if not isinstance(ids, dict) or sorted(ids.values(), key=str) != sorted(range(len(ids)), key=str):
        raise BadInput(f"{path} should number its labels 0, 1, 2 ...")
    return sorted(ids, key=ids.get)


def check_method(method, labels):
    if labels is not None and len(labels) < 2:
        raise BadInput("there are fewer than two labels: a regression wants --assessment_method spearman_correlation")


def evaluated(model, rows, options, what=None):
    """predict_rows of the development rows, in a drawn order by choice (which does not change the result)."""
    order = order_of(len(rows.lengths), options.seed, 0, options.eval_data_shuffle)
    return predict_rows(model, rows, options.eval_batch_size, what, order)


def report(model, rows, task, options, method):
    """Evaluate; print the zoo's lines on standard output -> Timed."""
    timed = evaluated(model, rows, options, "evaluated")
    gold = rows.record_labels
    print(f"records {len(gold)}, {1000 * timed.seconds / timed.steps:.3f} ms/step, "
          f"total time {timed.seconds:.3f} s ({duration(timed.seconds)})")
    found = scores(gold, timed.values, task["labels"])
    if method == "spearman_correlation":
        print(f"Pearson Correlation is {found['pearson']:.6f}")
        print(f"Spearman Correlation is {found['spearman']:.6f}", flush=True)
        return timed
    for label, values in found["per_label"].items():
        print(f"label: {label}, F1: {values['f1']:.6f}")
    lines = [f"acc_num {int((gold == timed.values).sum())}, total_num {len(gold)}, accuracy {found['accuracy']:.6f}"]
    if method == "mcc":
        lines.insert(0, f"MCC {found['matthews']:.6f}")
    if method == "f1":   # of several labels the mean, which has no precision and recall to it
        lines += [f"{name.capitalize()} {found[name]:.6f}" for name in ("precision", "recall", "f1") if name in found]
    print("\n".join(lines), flush=True)
    return timed
