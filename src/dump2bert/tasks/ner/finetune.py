"""Finetuning for NER: BERT with a head for labels is trained on TFRecord rows, the epoch with the best strict micro F1
of the development data is kept, and its scores end with the model zoo's lines."""

from typing import NamedTuple

from mindspore import Tensor

from dump2bert.errors import BadInput
from dump2bert.files import read_json
from dump2bert.metrics.spans import span_scores
from dump2bert.metrics.zoo import clue_benchmark
from dump2bert.nets.bert import initialize, namespace
from dump2bert.progress import duration, say
from dump2bert.tasks import training
from dump2bert.tasks.batches import order_of
from dump2bert.tasks.finetuning import (check_count, check_longest, common_description, dropped, keep, keep_answers,
                                        labels_of_files, open_network, prepared_folder, tokenizer_for)
from dump2bert.tasks.heads import start_from
from dump2bert.tasks.ner.alignment import align
from dump2bert.tasks.ner.evaluate import label_id_scores
from dump2bert.tasks.ner.labels import Labels, read_labels
from dump2bert.tasks.ner.model import LabelLoss, TokenLabeller, training_inputs
from dump2bert.tasks.ner.predict import entities_of, load_finetuned, predict_labels
from dump2bert.tasks.ner.records import label_of, read_records
from dump2bert.tasks.ner.tfrecords import form_of, read_rows
from dump2bert.tasks.ner.windows import merge

ASSESSMENT_METHODS = ("f1", "clue_benchmark")


class Development(NamedTuple):
    """Data to evaluate on: rows, the gold entities of each record (in tokens where the data is TFRecord), a function
    from label ids to predicted entities, the records where the data is JSON, and the order to evaluate in."""

    rows: object
    gold: list
    entities: object
    records: list | None
    order: object


def finetune(options):
    """options: a namespace of the command's files, Finetune and FinetuneRun."""
    method = options.assessment_method or "f1"
    if method not in ASSESSMENT_METHODS:
        raise BadInput(f"--assessment_method {method} is not one of ner: {', '.join(ASSESSMENT_METHODS)}")
    if options.do_eval and not options.eval_data_file_path:
        raise BadInput("--do_eval true needs --eval_data_file_path")
    if options.do_eval and method == "clue_benchmark" and not options.vocab_file_path:
        raise BadInput("--assessment_method clue_benchmark evaluates texts, so it needs --vocab_file_path")
    model, task, labels, development = train(options, method) if options.do_train else restore(options, method)
    if options.do_eval:
        timed = report(model, development, labels, options.eval_batch_size, method)
        if options.do_train:
            keep_answers(options, development.rows.input_ids, timed)


def restore(options, method):
    """The finetuned network of an earlier run, to evaluate it."""
    if not options.load_finetune_checkpoint_path:
        raise BadInput("--do_train false needs --load_finetune_checkpoint_path, a network to evaluate")
    checkpoint = options.load_finetune_checkpoint_path
    model, task, labels = load_finetuned(checkpoint, options.device_target, options.device_id)
    names, file = label_names(options, options.eval_data_file_path if method == "f1" else None)
    if file and names != labels.names:
        raise BadInput(f"{file} has other labels, or another order of them, than the checkpoint {checkpoint}")
    check_count(options, len(labels), checkpoint)
    if options.use_crf and not task["use_crf"]:
        raise BadInput(f"{checkpoint} was finetuned without a CRF: leave --use_crf out")
    if task["use_crf"] and not options.use_crf:
        say(f"{checkpoint} was finetuned with a CRF, which decodes: --use_crf false changes nothing")
    return model, task, labels, read_development(options, method, labels, task, model.vocab_size)


def label_names(options, data):
    """The labels in the order of their ids and the file that says so (see finetuning.labels_of_files)."""
    def names_of(file):
        labels = read_labels(file)
        labels.check_whole(file)
        return labels.names

    return labels_of_files(names_of, options.label2id_file_path, data)


def train(options, method):
    """Train, write the checkpoint -> (model with its best weights, the `task` of network.json, labels, development
    data)."""
    if not options.train_data_file_path:
        raise BadInput("--do_train true needs --train_data_file_path")
    names, file = label_names(options, options.train_data_file_path)
    if file is None:
        raise BadInput(f"there is no labels.json beside {options.train_data_file_path}: give --label2id_file_path")
    labels = Labels(names)
    check_count(options, len(labels), file)
    network = open_network(options)
    rows = read_rows(options.train_data_file_path, options.schema_file_path, len(labels), network["vocab_size"])
    check_longest(int(rows.lengths.max()) + 2, options)
    if options.use_crf and options.forbid_illegal_labels:
        check_legal(rows, labels, options.train_data_file_path)
    task = {"kind": "ner", "labels": labels.names, "label_scheme": "BMES",
            "use_crf": options.use_crf, "forbid_illegal_labels": options.forbid_illegal_labels,
            **common_description(options)}
    development = read_development(options, method, labels, task, network["vocab_size"]) if options.do_eval else None
    trained_network = namespace(dropped(network, options))
    model = TokenLabeller(trained_network, labels, options.use_crf, options.forbid_illegal_labels, options.dropout_prob)
    initialize_head(model, options.seed, trained_network)
    started_from = start_from(options.load_pretrain_checkpoint_path, model)
    prepared_folder(options)    # rather than find out after the training that it cannot be

    trained = training.train(training.Task(
        model=model, loss=LabelLoss(model), lengths=rows.lengths + 2,
        inputs=lambda numbers, width, weights: training_inputs(rows, numbers, width, weights),
        head_shape=lambda width: (options.train_batch_size * (width - 1), trained_network.hidden_size),
        score=development and (lambda: strict_f1(model, development, options.eval_batch_size)), score_name="dev_f1",
    ), trained_network, options)

    return model, keep(options, model, network, task, trained, started_from), labels, development


def initialize_head(model, seed, network):
    """Draw all weights; the CRF's tables start at 0 (every legal step as likely as another)."""
    tables = {item.name: item.asnumpy() * 0 for item in model.get_parameters() if item.name.startswith("crf.")}
    initialize(model, seed, network.initializer_range, network.initial_attention)
    for item in model.get_parameters():
        if item.name in tables:
            item.set_data(Tensor(tables[item.name]))


def check_legal(rows, labels, path):
    """BadInput where the training labels contain what the CRF is told to forbid: their loss would be without bound."""
    transitions, start, end = labels.legal()
    for row, (ids, length) in enumerate(zip(rows.label_ids, rows.lengths), 1):
        ids = ids[1:length + 1]
        if length and not (start[ids[0]] and end[ids[-1]] and transitions[ids[:-1], ids[1:]].all()):
            raise BadInput(f"{path} record {row} has label steps that the scheme BMES does not know: give "
                           "--forbid_illegal_labels false, or mend the labels")


def read_development(options, method, labels, task, vocab_size):
    path = options.eval_data_file_path
    check_form(path, *(("TFRecord", "clue_benchmark") if method == "f1" else ("JSON", "f1")), method)

    def order(rows):
        return order_of(len(rows.lengths), options.seed, 0, options.eval_data_shuffle)

    if method == "f1":
        rows = read_rows(path, options.schema_file_path, len(labels), vocab_size)
        missed = not_fitting(path, len(rows.lengths))
        return Development(rows, [*token_entities(rows, rows.label_ids, labels), missed],
                           lambda label_ids: [*token_entities(rows, label_ids, labels), set()], None, order(rows))
    records = read_records(path, labels.types)
    aligned = align(records, tokenizer_for(task, options.vocab_file_path), labels, task["max_seq_length"])
    return Development(aligned.rows, [record.entities for record in records],
                       lambda label_ids: entities_of(aligned, label_ids, labels), records, order(aligned.rows))


def not_fitting(path, rows):
    """The entities that the labels of the TFRecord `path` do not say, for tokens cannot, as a record of their own, in which
    none of them will be found: they count as missed, as in `evaluate`. From the statistics.json beside it, if there is one."""
    beside = path.with_name("statistics.json")
    splits = read_json(beside).get("splits", {}) if beside.is_file() else {}
    found = splits.get(path.stem, {})
    if not found.get("not_fitting") or found.get("rows") != rows:
        return set()
    say(f"{path}: {len(found['not_fitting'])} entities do not fit its tokens and count as missed ({beside} names them)")
    return {(-1 - number, -number, one["type"]) for number, one in enumerate(found["not_fitting"])}


def check_form(path, wanted, other_method, method):
    """BadInput where the records of `path` are in the form that the other assessment method evaluates."""
    found = form_of(path)
    if found not in (None, wanted):
        raise BadInput(f"--assessment_method {method} evaluates {wanted} records, but {path} holds {found} records: give "
                       f"the others, or --assessment_method {other_method}")


def token_entities(rows, label_ids, labels):
    return [labels.decode(ids) for ids in merge(rows, label_ids)]


def strict_f1(model, development, batch_size):
    timed = predict_labels(model, development.rows, batch_size, order=development.order)
    return span_scores(development.gold, development.entities(timed.label_ids))["f1"]


def report(model, development, labels, batch_size, method):
    """Evaluate; print the zoo's lines on standard output, the scores of whole entities last -> Timed."""
    timed = predict_labels(model, development.rows, batch_size, "evaluated", development.order)
    found = development.entities(timed.label_ids)
    tokens = label_id_scores(development.rows.label_ids, timed.label_ids)
    print(f"records {development.rows.record_numbers.max(initial=-1) + 1}, {1000 * timed.seconds / timed.steps:.3f} ms/step, "
          f"total time {timed.seconds:.3f} s ({duration(timed.seconds)})")
    print("zoo's scores of tokens: " + ", ".join(f"{name} {value:.6f}" for name, value in tokens.items()))
    if method == "clue_benchmark":
        texts = [record.text for record in development.records]
        average, types = clue_benchmark([label_of(*pair) for pair in zip(development.gold, texts)],
                                        [label_of(*pair) for pair in zip(found, texts)], labels.types)
        for name, value in types.items():
            print(f"label: {name}, F1: {value:.6f}")
        print(f"avg F1: {average:.6f}")
    scores = span_scores(development.gold, found, labels.types)
    for name in ("precision", "recall", "f1"):
        print(f"{name.capitalize()} {scores[name]:.6f}", flush=True)
    return timed
