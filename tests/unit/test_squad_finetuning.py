"""finetune, predict and evaluate for span answering through the command line, on a task that a tiny network learns in
seconds: a context has a letter of each of three kinds, and a question asks for one of a kind."""

import errno
import io
import itertools
import json
import os
import random
import string
import sys

import numpy as np
import pytest
from mindspore import Tensor, nn

from dump2bert import cli
from dump2bert.tasks.squad import predict as predict_module
from dump2bert.tasks.squad.model import SpanLoss, training_inputs
from dump2bert.tasks.squad.windows import window_starts
from dump2bert.tfrecord import decode_example, encode_example, read_records, write_records
from dump2bert.training import checkpoints

KINDS = {"1": "BCDEFGH", "2": "IJKLMNOP", "3": "QRSTUVWX"}
NETWORK = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64,
           "max_position_embeddings": 64, "use_relative_positions": True, "initializer_range": 0.2,
           "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def squad(paragraphs):
    return {"version": "1.1", "data": [{"title": "t", "paragraphs": paragraphs}]}


def paragraph(choose, number, questions=2):
    letters = {kind: choose.choice(letters) for kind, letters in KINDS.items()}
    context = " . ".join(choose.sample(list(letters.values()), 3))
    return {"context": context, "qas": [
        {"id": f"{number}-{kind}", "question": f"{kind} ?",
         "answers": [{"text": letter, "answer_start": context.index(letter)}]}
        for kind, letter in choose.sample(list(letters.items()), questions)]}


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("squad")
    choose = random.Random(1)
    write(folder / "train.json", squad([paragraph(choose, number, questions=3) for number in range(120)]))
    write(folder / "dev.json", squad([paragraph(choose, number) for number in range(18)] + [paragraph(choose, 99, 1)]))
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *string.ascii_lowercase, *"123.?"]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    write(folder / "network.json", NETWORK)
    assert task_data(folder, folder) == 0
    return folder


def run(*words, **flags):
    flags = [(f"--{name}", str(value)) for name, value in flags.items() if value is not None]
    return cli.main([*words, *itertools.chain(*flags)])


def task_data(data, folder, **flags):
    return run("task_data", **{"task": "squad", "kind": "squad", "train": data / "train.json", "dev": data / "dev.json",
                               "vocab_file": data / "vocab.txt", "output_dir": folder, "max_seq_length": 24, "doc_stride": 8, **flags})


def finetune(data, folder, **flags):
    return run("finetune", "squad", device_target="CPU", **{
        "network": data / "network.json", "vocab_file_path": data / "vocab.txt", "epoch_num": 4, "num_class": 2,
        "train_data_file_path": data / "train.tfrecord", "eval_data_file_path": data / "dev.tfrecord",
        "eval_json_path": data / "dev.json", "schema_file_path": data / "schema_train.json", "max_seq_length": 24, "doc_stride": 8,
        "train_batch_size": 16, "task": "squad", "AdamWeightDecay": '{"learning_rate": 5e-3}', "dropout_prob": 0.0,
        "save_finetune_checkpoint_path": folder, **flags})


def evaluate_again(data, **flags):
    return finetune(data, data, **{"do_train": "false", "schema_file_path": data / "schema_eval.json",
                                   "load_finetune_checkpoint_path": data / "run" / "model.ckpt", **flags})


@pytest.fixture(scope="module")
def finetuned(data):
    assert finetune(data, data / "run") == 0
    return data


def predict(data, **flags):
    folder = data / "run"
    return run("predict", device_target="CPU", **{
        "checkpoint": folder / "model.ckpt", "vocab_file": data / "vocab.txt", "input": data / "dev.json",
        "output": folder / "predictions.json", "label_ids": folder / "predictions.npz",
        "nbest_predictions": folder / "predictions.nbest.json", **flags})


def evaluate(data, **flags):
    folder = data / "run"
    return run("evaluate", **{"task": "squad", "gold": data / "dev.json",
                              "predictions": folder / "predictions.json", "label_ids": folder / "predictions.npz",
                              "output": folder / "metrics.json", **flags})


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_what_finetuning_keeps_is_what_the_network_answers(finetuned):
    assert predict(finetuned) == 0
    kept = {"output": finetuned / "kept.json", "nbest_predictions": finetuned / "kept.nbest.json"}
    assert predict(finetuned, answers=finetuned / "run" / "answers.npz", **kept) == 0
    for found, expected in zip(kept.values(), ("predictions.json", "predictions.nbest.json")):
        assert found.read_bytes() == (finetuned / "run" / expected).read_bytes()


def complaint(capfd):
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    return errors[0]


def test_a_tiny_network_learns_predicts_and_is_scored_on_every_question(finetuned):
    folder = finetuned / "run"
    assert predict(finetuned) == 0 and evaluate(finetuned) == 0
    metrics, task = read(folder / "metrics.json"), read(folder / "network.json")["task"]
    assert metrics["records"] == 37 and metrics["seconds"] > 0 and metrics["ms_per_step"] > 0
    standard = metrics["metrics"]["standard"]
    assert standard["exact_match"] > 80 and standard["exact_match"] <= standard["f1"] <= 100
    assert standard["per_question_word"]["other"]["support"] == 37
    # Answers are the text as it stands, in capitals, which the tokens do not have.
    assert all(text.isupper() for text in read(folder / "predictions.json").values())
    # What finetune said of its best epoch is what predict and evaluate find.
    assert task["epochs"][task["best_epoch"] - 1]["dev_f1"] == pytest.approx(standard["f1"])


def test_n_best_answers_are_distinct_and_begin_with_the_prediction(finetuned):
    assert predict(finetuned) == 0
    best = read(finetuned / "run" / "predictions.nbest.json")
    predicted = read(finetuned / "run" / "predictions.json")
    assert best.keys() == predicted.keys()
    for name, answers in best.items():
        scores = [answer["start_logit"] + answer["end_logit"] for answer in answers]
        assert answers[0]["text"] == predicted[name] and scores == sorted(scores, reverse=True)
        assert len({answer["text"] for answer in answers}) == len(answers) <= 20
        assert sum(answer["probability"] for answer in answers) == pytest.approx(1)


class FixedScores(nn.Cell):
    """In place of a SpanReader."""

    def __init__(self, scores):
        super().__init__()
        self.scores = Tensor(scores)

    def construct(self, *inputs):
        return self.scores


def test_the_loss_is_that_of_its_definition():
    random_numbers = np.random.default_rng(3)
    scores = random_numbers.standard_normal((3, 6, 2)).astype(np.float32)
    mask, segments = np.array([[1] * 6, [1] * 5 + [0], [1] * 6]), np.array([[0, 0, 1, 1, 1, 1], [0, 0, 0, 1, 1, 0], [0] * 2 + [1] * 4])
    rows = {"input_ids": mask, "input_mask": mask, "segment_ids": segments, "start_positions": np.array([2, 0, 3]),
            "end_positions": np.array([4, 0, 3])}
    weights = np.array([1, 1, 0], np.float32)
    wanted = 0
    for row in (0, 1):
        possible = [0, *np.flatnonzero(segments[row])]
        for side, name in enumerate(("start_positions", "end_positions")):
            chosen = scores[row, possible, side]
            wanted += np.log(np.exp(chosen).sum()) - scores[row, rows[name][row], side]
    found = SpanLoss(FixedScores(scores))(*training_inputs(rows, np.arange(3), 6, weights))
    assert float(found.asnumpy()) == pytest.approx(wanted / 4, rel=1e-5)


def test_two_runs_with_the_same_seed_give_identical_weights(finetuned):
    for name in ("first", "again"):
        assert finetune(finetuned, finetuned / name, epoch_num=1, do_eval="false") == 0
    first, again = (checkpoints.read_weights(finetuned / name / "model.ckpt") for name in ("first", "again"))
    assert {"qa_outputs.weight", "qa_outputs.bias"} <= first.keys() == again.keys()
    assert all((first[name] == again[name]).all() for name in first)


def test_the_last_line_is_the_scores_as_json(finetuned, capfd):
    capfd.readouterr()
    assert evaluate_again(finetuned) == 0
    lines = capfd.readouterr().out.splitlines()
    assert predict(finetuned) == 0 and evaluate(finetuned) == 0
    standard = read(finetuned / "run" / "metrics.json")["metrics"]["standard"]
    assert json.loads(lines[-1]) == {"exact_match": standard["exact_match"], "f1": standard["f1"]}
    assert "ms/step" in lines[-2] and "total time" in lines[-2]


def test_neither_order_nor_batch_size_nor_records_from_json_change_the_result(finetuned, capfd, monkeypatch):
    orders, run_batches = [], predict_module.run_batches
    monkeypatch.setattr(predict_module, "run_batches",
                        lambda *given: (orders.append(list(given[5])), run_batches(*given))[1])
    printed = []
    for flags in ({}, {"eval_data_shuffle": "false"}, {"eval_batch_size": 5}, {"eval_data_file_path": None}):
        capfd.readouterr()
        assert evaluate_again(finetuned, **flags) == 0
        printed.append(capfd.readouterr().out.splitlines()[-1])
    assert len(set(printed)) == 1
    assert orders[0] != orders[1] == sorted(orders[0])


def rewritten(source, path, change):
    with open(path, "wb") as file:
        write_records(file, (encode_example({name: values.tolist() for name, values in example.items()})
                             for example in change([decode_example(data) for data in read_records(source)])))
    return path


def without_ids(examples):
    return [{name: values for name, values in example.items() if name != "unique_ids"} for example in examples]


def test_rows_are_matched_by_unique_ids_and_without_them_by_order_undrawn(finetuned, capfd, monkeypatch):
    orders, run_batches = [], predict_module.run_batches
    monkeypatch.setattr(predict_module, "run_batches",
                        lambda *given: (orders.append(list(given[5])), run_batches(*given))[1])
    source, printed = finetuned / "dev.tfrecord", []
    for name, change in (("same", list), ("turned", lambda examples: examples[::-1]), ("without", without_ids)):
        capfd.readouterr()
        path = rewritten(source, finetuned / f"{name}.tfrecord", change)
        assert evaluate_again(finetuned, eval_data_file_path=path) == 0
        printed.append(capfd.readouterr().out.splitlines()[-1])
    assert len(set(printed)) == 1
    assert orders[0] == orders[1] != orders[2] == sorted(orders[0])
    path = rewritten(source, finetuned / "mixed.tfrecord", lambda examples: without_ids(examples)[::-1])
    capfd.readouterr()
    assert evaluate_again(finetuned, eval_data_file_path=path) == 1
    assert "record 1 is not what" in complaint(capfd)
    path = rewritten(source, finetuned / "fewer.tfrecord", lambda examples: examples[:-1])
    assert evaluate_again(finetuned, eval_data_file_path=path) == 1
    assert "36 records, but the 37 questions" in complaint(capfd)


def test_a_long_context_is_read_in_whole(finetuned, capfd):
    """The letter that answers lies behind 2,000 others, some 500 rows away from the beginning."""
    context = "B . " * 2000 + "Q . " + "B . " * 20
    record = {"id": "far", "question": "3 ?", "context": context}
    write(finetuned / "long.json", record)
    assert predict(finetuned, input=finetuned / "long.json", output=finetuned / "long.answers.json") == 0
    best = read(finetuned / "run" / "predictions.nbest.json")["far"]
    assert best[0]["text"] == "Q" and best[0]["answer_start"] == 4 * 2000
    assert f"1 questions in {len(window_starts(2 * 2021, 24 - 5, 8))} rows" in capfd.readouterr().err


@pytest.mark.parametrize("given, answers", [
    ('{"question": "3 ?", "context": "B . Q"}\r\n\r\n{"question": "3 ?", "context": ""}\r\n', {"0": "Q", "1": ""}),
    ("3 ?\tB . Q", {"0": "Q"}),
    ('{\n "id": "x",\n "question": "3 ?",\n "context": "B . Q"\n}\n', {"x": "Q"}),
    (json.dumps(squad([{"context": "B . Q", "qas": [{"id": "y", "question": "3 ?"}]}])), {"y": "Q"}),
])
def test_questions_come_from_standard_input_in_several_forms(finetuned, capfd, monkeypatch, given, answers):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode())))
    assert predict(finetuned, input="-", output="-", label_ids=None, nbest_predictions=None) == 0
    assert json.loads(capfd.readouterr().out) == answers


def test_a_question_can_be_an_argument(finetuned, capfd):
    assert predict(finetuned, input=None, question="3 ?", context="B . Q . K", output="-", label_ids=None) == 0
    assert json.loads(capfd.readouterr().out)["0"] == "Q"


@pytest.mark.parametrize("flags", [{"input": None}, {"question": "3 ?"}, {"input": None, "question": "3 ?"},
                                   {"question": "3 ?", "context": "B . Q"}])
def test_input_is_a_file_or_a_question_with_its_context(finetuned, capfd, flags):
    assert predict(finetuned, **flags) == 1
    assert "or of squad one --question with its --context" in complaint(capfd)


@pytest.mark.parametrize("flags, said", [
    ({"do_train": "false", "do_eval": "false"}, "nothing to do"),
    ({"do_train": "false"}, "--load_finetune_checkpoint_path"),
    ({"eval_json_path": None}, "--eval_json_path"),
    ({"vocab_file_path": None}, "--vocab_file_path"),
    ({"train_data_file_path": None}, "--train_data_file_path"),
    ({"assessment_method": "f1"}, "--assessment_method is not for squad"),
    ({"use_crf": "true"}, "--use_crf is not for squad"),
    ({"num_class": 3}, "--num_class 3"),
    ({"max_seq_length": 8}, "--max_seq_length is 8"),
    ({"train_data_file_path": "dev"}, "records without start_positions"),
    ({"schema_file_path": "eval"}, "columns of start_positions 1"),
])
def test_what_cannot_be_done_is_said_in_one_sentence(finetuned, capfd, flags, said):
    files = {"dev": finetuned / "dev.tfrecord", "eval": finetuned / "schema_eval.json"}
    assert finetune(finetuned, finetuned / "none", **{name: files.get(value, value) for name, value in flags.items()}) == 1
    assert said in complaint(capfd)


def test_fewer_training_questions_leave_the_development_questions_whole(data, tmp_path):
    assert task_data(data, tmp_path, train_records=9) == 0
    found = read(tmp_path / "statistics.json")["splits"]
    assert [found[split]["records"] for split in ("train", "dev")] == [9, 37]
    # Only paragraphs that are asked about are tokenized.
    assert found["train"]["contexts"] <= 9 and found["train"]["not_fitting"] == []


def test_questions_of_ones_own_may_have_any_name(finetuned, tmp_path):
    assert predict(finetuned) == 0
    assert task_data(finetuned, tmp_path, task="quiz") == 0
    assert evaluate(finetuned, task="quiz", kind="squad", output=tmp_path / "m.json") == 0
    assert read(tmp_path / "m.json")["task"] == "quiz"
    assert (tmp_path / "dev.tfrecord").read_bytes() == (finetuned / "dev.tfrecord").read_bytes()


def test_fields_are_not_for_squad(finetuned, capfd):
    fields = '{"text": "question"}'
    for command in (task_data(finetuned, finetuned / "none", fields=fields), predict(finetuned, fields=fields),
                    evaluate(finetuned, kind="squad", fields=fields)):
        assert command == 1
    assert capfd.readouterr().err.count("error: --fields is for other kinds of task") == 3
    assert not (finetuned / "none").exists()


@pytest.mark.parametrize("stage", ["task_data", "predict", "evaluate"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(finetuned, tmp_path, capfd, monkeypatch, stage):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert predict(finetuned) == 0
    monkeypatch.setattr(os, "fsync", full)
    if stage == "task_data":
        code = task_data(finetuned, tmp_path)
    elif stage == "predict":
        code = predict(finetuned, output=tmp_path / "p.json", label_ids=tmp_path / "p.npz", nbest_predictions=tmp_path / "n.json")
    else:
        code = evaluate(finetuned, output=tmp_path / "m.json")
    assert code == 1 and "No space left on device" in complaint(capfd)
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_another_task_is_refused(finetuned, capfd):
    (finetuned / "other").mkdir(exist_ok=True)
    write(finetuned / "other" / "network.json", {"network": {}, "task": {"kind": "ner"}})
    assert evaluate_again(finetuned, load_finetune_checkpoint_path=finetuned / "other" / "model.ckpt") == 1
    assert "of the kind ner, not a checkpoint of `dump2bert finetune squad`" in complaint(capfd)


def test_answers_of_other_questions_and_missing_ones_are_told_apart(finetuned, capfd):
    assert predict(finetuned) == 0 and evaluate(finetuned) == 0
    scores = read(finetuned / "run" / "metrics.json")["metrics"]["standard"]
    found = read(finetuned / "run" / "predictions.json")
    right = {name: text for name, text in found.items()
             if text == next(q["answers"][0]["text"] for p in read(finetuned / "dev.json")["data"][0]["paragraphs"]
                             for q in p["qas"] if q["id"] == name)}
    dropped = dict(list(found.items() - right.items()) + list(right.items())[1:])
    write(finetuned / "fewer.json", dropped)
    capfd.readouterr()
    assert evaluate(finetuned, predictions=finetuned / "fewer.json", output=finetuned / "fewer.metrics.json") == 0
    assert "lacks an answer to 1 of 37 questions" in capfd.readouterr().err
    fewer = read(finetuned / "fewer.metrics.json")["metrics"]["standard"]
    assert fewer["exact_match"] == pytest.approx(scores["exact_match"] - 100 / 37)
    write(finetuned / "others.json", {"nobody": "K"})
    assert evaluate(finetuned, predictions=finetuned / "others.json") == 1
    assert "answers none of the 37 questions" in complaint(capfd)


def test_a_dev_set_of_one_question_and_one_whose_contexts_are_empty_are_evaluated(finetuned, capfd):
    one = paragraph(random.Random(7), 1, questions=1)
    for name, given, rows in (("one", one, 1), ("bare", {**one, "context": " "}, 0)):
        write(finetuned / f"{name}.json", squad([given]))
        capfd.readouterr()
        assert evaluate_again(finetuned, eval_json_path=finetuned / f"{name}.json", eval_data_file_path=None) == 0
        scores = json.loads(capfd.readouterr().out.splitlines()[-1])
        assert scores.keys() == {"exact_match", "f1"} and (rows or scores["exact_match"] == 0)
