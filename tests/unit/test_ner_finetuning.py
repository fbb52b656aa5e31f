"""finetune, predict and evaluate for NER through the command line, on a task that a tiny network learns in seconds."""

import io
import itertools
import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest

from dump2bert import cli, config
from dump2bert.nets.bert import initialize
from dump2bert.nets.heads import BertForPretraining
from dump2bert.tasks.ner import predict as predict_module
from dump2bert.tasks.ner.records import entities_of, read_records
from dump2bert.training import checkpoints

PEOPLE, PLACES, VERBS = ["温格", "曼联", "彭小军"], ["北京", "台湾省", "银"], ["去了", "在", "离开"]
CHARACTERS = sorted(set("".join(PEOPLE + PLACES + VERBS) + "，的人"))
NETWORK = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64,
           "max_position_embeddings": 64}


def sentence(choose):
    person, place, verb = choose.choice(PEOPLE), choose.choice(PLACES), choose.choice(VERBS)
    text = person + verb + place + choose.choice(["", "，", "的人"])
    start = len(person) + len(verb)
    return {"text": text, "label": {"name": {person: [[0, len(person) - 1]]},
                                    "address": {place: [[start, start + len(place) - 1]]}}}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ner")
    choose = random.Random(1)
    for split, count in (("train", 150), ("dev", 37)):
        lines = [json.dumps(sentence(choose), ensure_ascii=False) for _ in range(count)]
        (folder / f"{split}.json").write_text("\n".join(lines) + "\n", encoding="utf-8")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    (folder / "network.json").write_text(json.dumps(NETWORK))
    assert run("task_data", task="cluener", train=folder / "train.json", dev=folder / "dev.json", output_dir=folder,
               vocab_file=folder / "vocab.txt", max_seq_length=16) == 0
    return folder


def run(*words, **flags):
    flags = [(f"--{name}", str(value)) for name, value in flags.items() if value is not None]
    return cli.main([*words, *itertools.chain(*flags)])


def finetune(data, folder, **flags):
    return run("finetune", "ner", device_target="CPU", **{
        "network": data / "network.json", "vocab_file_path": data / "vocab.txt", "epoch_num": 4,
        "train_data_file_path": data / "train.tfrecord", "eval_data_file_path": data / "dev.tfrecord",
        "label2id_file_path": data / "labels.json",
        "schema_file_path": data / "schema.json", "max_seq_length": 16, "train_batch_size": 8, "task": "cluener",
        "AdamWeightDecay": '{"learning_rate": 5e-3}', "save_finetune_checkpoint_path": folder, **flags})


@pytest.fixture(scope="module")
def finetuned(data):
    """Folders of a network without and one with CRF."""
    for name, use_crf in (("softmax", "false"), ("crf", "true")):
        assert finetune(data, data / name, use_crf=use_crf) == 0
    return data


def predict(data, variant, **flags):
    return run("predict", device_target="CPU", **{
        "checkpoint": data / variant / "model.ckpt", "vocab_file": data / "vocab.txt", "input": data / "dev.json",
        "output": data / variant / "predictions.json", "label_ids": data / variant / "predictions.npz", **flags})


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("variant", ["softmax", "crf"])
def test_a_tiny_network_learns_predicts_and_is_scored_on_every_record(finetuned, variant):
    folder = finetuned / variant
    assert predict(finetuned, variant) == 0
    assert run("evaluate", task="cluener", gold=finetuned / "dev.json", predictions=folder / "predictions.json",
               label_ids=folder / "predictions.npz", output=folder / "metrics.json", network="tiny",
               variant=variant) == 0
    metrics, task = read(folder / "metrics.json"), read(folder / "network.json")["task"]
    assert metrics["records"] == 37 and metrics["seconds"] > 0 and metrics["ms_per_step"] > 0
    assert metrics["metrics"]["standard"]["f1"] > 0.9
    assert metrics["metrics"]["zoo"]["f1"] > 0.9 and metrics["metrics"]["zoo"]["accuracy"] > 0.9
    assert set(metrics) == {"task", "network", "variant", "seed", "split", "records", "seconds", "samples_per_second",
                            "ms_per_step", "inputs", "metrics"}
    # What finetune said of its best epoch is what predict and evaluate find.
    assert task["epochs"][task["best_epoch"] - 1]["dev_f1"] == pytest.approx(metrics["metrics"]["standard"]["f1"])
    assert task["best_epoch"] == max(task["epochs"], key=lambda epoch: (epoch["dev_f1"], epoch["epoch"]))["epoch"]


def test_two_runs_with_the_same_seed_give_identical_weights(finetuned):
    assert finetune(finetuned, finetuned / "again", use_crf="true") == 0
    first, again = (checkpoints.read_weights(finetuned / folder / "model.ckpt") for folder in ("crf", "again"))
    assert "crf.transitions" in first and first.keys() == again.keys()
    assert all((first[name] == again[name]).all() for name in first)


def test_finetuning_starts_from_a_pretrained_checkpoint_whose_network_json_says_what_it_is(data, capfd):
    values = {**NETWORK, "vocab_size": len(CHARACTERS) + 5, "use_relative_positions": True}
    network = config.validated(config.Network, values)
    network = {**config.plain(network), "relative_positions": network.relative_positions}
    pretrained = BertForPretraining(network)
    initialize(pretrained, 9)
    checkpoints.save(data / "pretrained", pretrained, network, {})
    # At next to no rate the encoder stays what it was.
    assert finetune(data, data / "started", load_pretrain_checkpoint_path=data / "pretrained" / "model.ckpt", epoch_num=1,
                    network=None, AdamWeightDecay='{"learning_rate": 1e-30, "end_learning_rate": 0.0}') == 0
    start = checkpoints.read_weights(data / "pretrained" / "model.ckpt")
    weights = checkpoints.read_weights(data / "started" / "model.ckpt")
    encoder = [name for name in start if name.startswith("bert.")]
    assert encoder and all(np.abs(weights[name] - start[name]).max() < 1e-20 for name in encoder)
    assert {name for name in weights if not name.startswith("bert.")} == {"classifier.weight", "classifier.bias"}
    assert read(data / "started" / "network.json")["network"]["relative_positions"] == "nezha"
    # Absolute positions make another network.
    capfd.readouterr()
    assert finetune(data, data / "none", load_pretrain_checkpoint_path=data / "pretrained" / "model.ckpt",
                    network='{"use_relative_positions": false}') == 1
    assert "network.json says relative_positions nezha, but none is asked for" in capfd.readouterr().err


@pytest.mark.parametrize("variant", ["softmax", "crf"])
def test_what_finetuning_keeps_is_what_the_network_answers_and_spares_its_compilation(finetuned, variant, monkeypatch):
    assert predict(finetuned, variant) == 0
    expected = (finetuned / variant / "predictions.json").read_bytes()
    monkeypatch.setattr("dump2bert.tasks.ner.predict.load_finetuned", None)
    kept = {"answers": finetuned / variant / "answers.npz", "output": finetuned / "kept.json",
            "label_ids": finetuned / "kept.npz"}
    assert predict(finetuned, variant, **kept) == 0
    assert (finetuned / "kept.json").read_bytes() == expected
    with np.load(finetuned / variant / "predictions.npz") as run_again, np.load(finetuned / "kept.npz") as found:
        assert (run_again["predicted"] == found["predicted"]).all() and found["seconds"] > 0


def test_answers_of_another_network_or_about_other_records_are_refused(finetuned, capfd):
    for flags, words in (({"answers": finetuned / "softmax" / "answers.npz"}, "of another network"),
                         ({"answers": finetuned / "crf" / "answers.npz", "input": finetuned / "train.json"},
                          "about other records"),
                         ({"answers": finetuned / "labels.json"}, "is not the answers.npz")):
        capfd.readouterr()
        assert predict(finetuned, "crf", output=finetuned / "refused.json", **flags) == 1
        assert words in capfd.readouterr().err and not (finetuned / "refused.json").exists()


def test_predictions_do_not_depend_on_the_batch_size(finetuned):
    assert predict(finetuned, "crf") == 0
    expected = (finetuned / "crf" / "predictions.json").read_bytes()
    assert predict(finetuned, "crf", batch_size=5, output=finetuned / "other.json") == 0
    assert (finetuned / "other.json").read_bytes() == expected


def test_long_and_empty_texts_are_predicted_in_whole(finetuned):
    records = read_records(finetuned / "dev.json")
    long = "，".join(record.text for record in records[:12])
    (finetuned / "texts.txt").write_text(f"{long}\n\n温格在北京\n", encoding="utf-8")
    assert predict(finetuned, "crf", input=finetuned / "texts.txt", output=finetuned / "texts.json",
                   label_ids=finetuned / "texts.npz") == 0
    lines = [json.loads(line) for line in (finetuned / "texts.json").read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == [0, 1, 2] and lines[1]["label"] == {}
    # Rows have 14 tokens at the most, the text some 100: entities come from its first, its last and its middle rows.
    thirds = {3 * start // len(long) for start, _, _ in entities_of(lines[0]["label"], "", text=long)}
    assert thirds == {0, 1, 2}
    assert "gold" not in np.load(finetuned / "texts.npz")


def test_the_last_lines_are_those_of_the_model_zoo_and_can_be_true_together(finetuned, capfd):
    capfd.readouterr()
    assert finetune(finetuned, finetuned, do_train="false",
                    load_finetune_checkpoint_path=finetuned / "crf" / "model.ckpt") == 0
    lines = capfd.readouterr().out.splitlines()[-3:]
    precision, recall, f1 = (float(line.split()[1]) for line in lines)
    assert [line.split()[0] for line in lines] == ["Precision", "Recall", "F1"]
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall), abs=2e-6)


@pytest.mark.parametrize("use_crf, variant, said", [("false", "crf", "was finetuned with a CRF, which decodes"),
                                                    ("true", "crf", ""), ("false", "softmax", "")])
def test_a_crf_that_was_not_asked_for_is_said(finetuned, use_crf, variant, said, capfd):
    assert finetune(finetuned, finetuned, do_train="false", use_crf=use_crf,
                    load_finetune_checkpoint_path=finetuned / variant / "model.ckpt") == 0
    printed = capfd.readouterr().err
    assert said in printed and bool(said) == ("use_crf" in printed)


def test_clue_benchmark_evaluates_the_json_file_with_equal_scores(finetuned, capfd):
    assert finetune(finetuned, finetuned, do_train="false",
                    load_finetune_checkpoint_path=finetuned / "crf" / "model.ckpt") == 0
    by_rows = capfd.readouterr().out.splitlines()[-3:]
    assert finetune(finetuned, finetuned, do_train="false", assessment_method="clue_benchmark",
                    eval_data_file_path=finetuned / "dev.json",
                    load_finetune_checkpoint_path=finetuned / "crf" / "model.ckpt") == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[-3:] == by_rows
    assert [line.split(":")[0] for line in lines].count("label") == 10 and "avg F1: " in lines[-4]


def test_entities_that_tokens_cannot_say_count_as_missed_in_rows_and_in_texts(finetuned, tmp_path, capfd):
    lines = (finetuned / "dev.json").read_text(encoding="utf-8").splitlines()
    first = json.loads(lines[0])
    name = next(iter(first["label"]["name"]))
    first["label"]["address"][name[0]] = [[0, 0]]    # inside a name
    (tmp_path / "dev.json").write_text("\n".join([json.dumps(first), *lines[1:]]), encoding="utf-8")
    assert run("task_data", task="cluener", train=finetuned / "train.json", dev=tmp_path / "dev.json", output_dir=tmp_path,
               vocab_file=finetuned / "vocab.txt", max_seq_length=16) == 0
    printed = []
    for path, method in (("dev.tfrecord", "f1"), ("dev.json", "clue_benchmark")):
        capfd.readouterr()
        assert finetune(finetuned, finetuned, do_train="false", assessment_method=method, eval_data_file_path=tmp_path / path,
                        schema_file_path=tmp_path / "schema.json",
                        load_finetune_checkpoint_path=finetuned / "crf" / "model.ckpt") == 0
        printed.append(capfd.readouterr())
    assert "1 entities do not fit its tokens and count as missed" in printed[0].err
    rows, texts = (said.out.splitlines() for said in printed)
    assert rows[-3:] == texts[-3:] and rows[0].startswith("records 37,") and texts[0].startswith("records 37,")
    assert float(rows[-2].split()[1]) < 1


def test_labels_of_types_that_the_network_does_not_know_are_left_out_aloud(finetuned, tmp_path, capfd):
    (tmp_path / "dev.json").write_text('{"text": "温格在北京", "label": {"club": {"温格": [[0, 1]]}}}\n', encoding="utf-8")
    assert predict(finetuned, "crf", input=tmp_path / "dev.json", output=tmp_path / "out.json",
                   label_ids=tmp_path / "out.npz") == 0
    assert "types that the network does not know (club): its labels are left out" in capfd.readouterr().err
    assert "gold" not in np.load(tmp_path / "out.npz")


def test_only_the_encoder_of_a_finetuned_network_is_started_from(finetuned, tmp_path, capfd):
    assert finetune(finetuned, tmp_path, load_pretrain_checkpoint_path=finetuned / "softmax" / "model.ckpt", epoch_num=1,
                    do_eval="false", AdamWeightDecay='{"learning_rate": 1e-9}') == 0
    assert "starts from the encoder of" in capfd.readouterr().err
    before, after = (checkpoints.read_weights(folder / "model.ckpt") for folder in (finetuned / "softmax", tmp_path))
    same = {name for name in before if np.allclose(before[name], after[name], atol=1e-4)}
    assert same >= {name for name in before if name.startswith("bert.")} and "classifier.weight" not in same


def test_the_order_of_evaluation_is_drawn_and_changes_no_result(finetuned, capfd, monkeypatch):
    firsts, scores_of, printed = [], predict_module.scores_of, []
    monkeypatch.setattr(predict_module, "scores_of", lambda model, rows, numbers, width: (
        firsts.append(numbers[0]), scores_of(model, rows, numbers, width))[1])
    for shuffle in ("true", "false"):
        capfd.readouterr()
        assert finetune(finetuned, finetuned, do_train="false", eval_data_shuffle=shuffle, eval_batch_size=4,
                        load_finetune_checkpoint_path=finetuned / "crf" / "model.ckpt") == 0
        printed.append(capfd.readouterr().out.splitlines()[-4:])
    assert printed[0] == printed[1] and printed[0][0].startswith("zoo's scores")
    drawn, plain = firsts[:len(firsts) // 2], firsts[len(firsts) // 2:]
    assert drawn != plain and sorted(drawn) == sorted(plain)


def test_answers_on_standard_output_are_all_that_goes_there_and_what_was_there_stays(finetuned):
    folder, answers = finetuned / "crf", finetuned / "answers.json"
    answers.write_text("before\n")
    assert predict(finetuned, "crf") == 0
    with open(answers, "ab") as file, open(finetuned / "dev.json", "rb") as texts:
        subprocess.run([sys.executable, "-m", "dump2bert.cli", "--log", finetuned / "predict.log", "predict",
                        "--checkpoint", folder / "model.ckpt", "--vocab_file", finetuned / "vocab.txt", "--input", "-",
                        "--output", "-", "--device_target", "CPU"], stdin=texts, stdout=file, check=True,
                       env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert answers.read_bytes() == b"before\n" + (folder / "predictions.json").read_bytes()
    assert "37 records" in (finetuned / "predict.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("given, complaint", [
    (b"", "standard input holds no record"), (b'{"text": "x"}\n{"te', "standard input line 2 is not valid JSON"),
    (b"caf\xe9\n", "standard input line 1 is not UTF-8")])
def test_errors_in_standard_input_name_it(finetuned, capfd, monkeypatch, given, complaint):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
    assert predict(finetuned, "crf", input="-", output=finetuned / "none.json") == 1
    assert f"error: {complaint}" in capfd.readouterr().err


def test_finetuning_whose_parent_is_gone_stops(data, capfd, monkeypatch):
    monkeypatch.setattr(os, "getppid", itertools.count().__next__)
    assert finetune(data, data / "orphan", stop_with_parent="true") == cli.EXIT_INTERRUPTED
    assert "the process that started this one is gone" in capfd.readouterr().err
    assert not (data / "orphan" / "model.ckpt").exists()


def test_labels_in_another_order_than_the_checkpoints_are_refused(finetuned, capfd):
    ids = read(finetuned / "labels.json")
    swapped = {**ids, "S_address": ids["S_book"], "S_book": ids["S_address"]}
    (finetuned / "swapped.json").write_text(json.dumps(swapped))
    assert finetune(finetuned, finetuned / "none", do_train="false", label2id_file_path=finetuned / "swapped.json",
                    load_finetune_checkpoint_path=finetuned / "crf" / "model.ckpt") == 1
    assert "swapped.json has other labels, or another order of them" in capfd.readouterr().err


def test_a_label_file_without_all_four_labels_of_a_type_is_refused(data, capfd):
    names = [name for name in read(data / "labels.json") if name != "E_address"]
    (data / "partial.json").write_text(json.dumps({name: number for number, name in enumerate(names)}))
    assert finetune(data, data / "none", label2id_file_path=data / "partial.json") == 1
    assert "partial.json has no E_address: each type needs S_TYPE, B_TYPE, M_TYPE and E_TYPE" in capfd.readouterr().err


def test_labels_in_another_order_than_the_training_records_are_refused(data, capfd):
    ids = read(data / "labels.json")
    (data / "others.json").write_text(json.dumps({**ids, "S_address": ids["S_book"], "S_book": ids["S_address"]}))
    assert finetune(data, data / "none", label2id_file_path=data / "others.json") == 1
    assert "others.json has other labels, or another order of them, than" in capfd.readouterr().err


def test_evaluation_refuses_another_number_of_labels_than_the_checkpoints(finetuned, capfd):
    assert finetune(finetuned, finetuned / "none", do_train="false", num_class=13,
                    load_finetune_checkpoint_path=finetuned / "crf" / "model.ckpt") == 1
    assert "--num_class 13 does not fit" in capfd.readouterr().err


def test_the_form_of_records_that_a_method_evaluates_is_said(finetuned, capfd):
    for method, name, said in (
            ("f1", "dev.json", "f1 evaluates TFRecord records, but {} holds JSON records"),
            ("clue_benchmark", "dev.tfrecord", "clue_benchmark evaluates JSON records, but {} holds TFRecord records")):
        assert finetune(finetuned, finetuned / "none", assessment_method=method, eval_data_file_path=finetuned / name) == 1
        assert said.format(finetuned / name) in capfd.readouterr().err


def test_a_folder_is_no_checkpoint(finetuned, capfd):
    for flags in ({"do_train": "false", "load_finetune_checkpoint_path": finetuned / "crf"},
                  {"load_pretrain_checkpoint_path": finetuned / "crf"}):
        assert finetune(finetuned, finetuned / "none", **flags) == 1
        assert f"{finetuned / 'crf'} is a folder: a file is wanted" in capfd.readouterr().err


@pytest.mark.parametrize("flags, complaint", [
    ({"do_train": "false", "do_eval": "false"}, "nothing to do"),
    ({"do_train": "false"}, "--load_finetune_checkpoint_path"),
    ({"assessment_method": "mcc"}, "f1, clue_benchmark"),
    ({"num_class": 7}, "41 labels"),
    ({"max_seq_length": 8}, "--max_seq_length is 8"),
    ({"load_pretrain_checkpoint_path": "nowhere.ckpt"}, "nowhere.ckpt"),
])
def test_what_cannot_be_done_is_said_in_one_sentence(finetuned, capfd, flags, complaint):
    assert finetune(finetuned, finetuned / "none", **flags) == 1
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and complaint in errors[0]


def test_a_pretrained_network_or_another_vocabulary_cannot_predict(finetuned, capfd):
    (finetuned / "bare").mkdir()
    (finetuned / "bare" / "network.json").write_text('{"network": {}}')
    assert predict(finetuned, "bare") == 1
    assert "finetune it first" in capfd.readouterr().err
    longer = (finetuned / "vocab.txt").read_text(encoding="utf-8") + "好\n"
    (finetuned / "others.txt").write_text(longer, encoding="utf-8")
    assert predict(finetuned, "crf", vocab_file=finetuned / "others.txt") == 1
    assert "not the vocabulary" in capfd.readouterr().err
