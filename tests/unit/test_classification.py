"""Classification and regression through the command line, on tasks that a tiny network learns in seconds."""

import io
import itertools
import json
import random
import re
import sys

import numpy as np
import pytest
from scipy import stats

from dump2bert import cli
from dump2bert.errors import BadInput
from dump2bert.tasks.classification.records import Record, read_records
from dump2bert.tasks.classification.rows import encode, merge, windows
from dump2bert.tasks.classification.submissions import read_predictions
from dump2bert.tasks.datasets import dataset_of
from dump2bert.tokenization import Tokenizer
from dump2bert.training import checkpoints
from tests.unit.scores_together import printed, together

NETWORK = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64,
           "max_position_embeddings": 64, "initializer_range": 0.1, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
WORDS = [f"w{number}" for number in range(20)]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]


def words(choose, count=5):
    return " ".join(choose.choices(WORDS[2:], k=count))


def tnews(choose):
    label, word = choose.choice([("100", "w0"), ("116", "w1")])
    return json.dumps({"label": label, "label_desc": "", "sentence": f"{words(choose)} {word}", "keywords": ""})


def cola(choose):
    good = choose.random() < 0.6
    return f"x\t{int(good)}\t{'' if good else '*'}\t{words(choose, 7)} {'w0' if good else 'w1'}"


def stsb(choose):
    score = choose.randrange(6)
    return f"g\tf\t2012\t1\t{score:.3f}\t{words(choose, 2)}\t{words(choose, 1)}" + " w0" * score


def own_pairs(choose):
    same = choose.random() < 0.5
    return f'"{words(choose)}, w2",{"yes" if same else "no"},{"w0" if same else "w1"} {words(choose, 2)}'


TASKS = {"tnews": ("classification", "json", tnews, None, None), "cola": ("classification", "tsv", cola, None, None),
         "stsb": ("regression", "tsv", stsb, None, None),
         "mine": ("classification", "csv", own_pairs, "one,answer,two",
                  {"text": "one", "text_pair": "two", "label": "answer"})}


def run(*flags, **options):
    options = [(f"--{name}", json.dumps(value) if isinstance(value, dict) else str(value))
               for name, value in options.items() if value is not None]
    return cli.main([*flags, *itertools.chain(*options)])


@pytest.fixture(scope="module", params=TASKS)
def finetuned(request, tmp_path_factory):
    """(task, its folder) with task data, a finetuned network, predictions and metrics."""
    task = request.param
    kind, suffix, make, header, fields = TASKS[task]
    folder, choose = tmp_path_factory.mktemp(task), random.Random(1)
    for split, count in (("train", 200), ("dev", 37)):
        lines = [*([header] if header else []), *(make(choose) for _ in range(count))]
        (folder / f"{split}.{suffix}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "vocab.txt").write_text("\n".join([*PIECES, ","]) + "\n")
    (folder / "network.json").write_text(json.dumps(NETWORK))
    dev, name = folder / f"dev.{suffix}", "predictions.json" if suffix == "json" else "predictions.tsv"
    assert run("task_data", task=task, kind=kind, train=folder / f"train.{suffix}", dev=dev, output_dir=folder,
               vocab_file=folder / "vocab.txt", max_seq_length=24, fields=fields) == 0
    assert finetune(task, folder, folder / "run") == 0
    assert run("predict", device_target="CPU", checkpoint=folder / "run" / "model.ckpt", fields=fields, input=dev,
               vocab_file=folder / "vocab.txt", output=folder / name, label_ids=folder / "predictions.npz") == 0
    assert run("evaluate", task=task, kind=kind, fields=fields, gold=dev, predictions=folder / name,
               label_ids=folder / "predictions.npz", output=folder / "metrics.json") == 0
    return task, folder


def test_what_finetuning_keeps_is_what_the_network_answers(finetuned):
    task, folder = finetuned
    kind, suffix, _, _, fields = TASKS[task]
    name = "predictions.json" if suffix == "json" else "predictions.tsv"
    assert run("predict", device_target="CPU", checkpoint=folder / "run" / "model.ckpt", fields=fields,
               input=folder / f"dev.{suffix}", vocab_file=folder / "vocab.txt", output=folder / name.replace("predictions", "kept"),
               answers=folder / "run" / "answers.npz") == 0
    assert (folder / name.replace("predictions", "kept")).read_bytes() == (folder / name).read_bytes()


def of(task):
    """A test that needs the fixture `finetuned` of one task only."""
    return pytest.mark.parametrize("finetuned", [task], indirect=True)


def finetune(task, folder, output, **flags):
    method = "spearman_correlation" if TASKS[task][0] == "regression" else None
    return run("finetune", "classifier", **{
        "device_target": "CPU", "network": folder / "network.json", "vocab_file_path": folder / "vocab.txt",
        "epoch_num": 8, "train_data_file_path": folder / "train.tfrecord", "assessment_method": method,
        "eval_data_file_path": folder / "dev.tfrecord", "label2id_file_path": folder / "labels.json",
        "schema_file_path": folder / "schema.json", "max_seq_length": 24, "train_batch_size": 8, "task": task,
        "AdamWeightDecay": {"learning_rate": 3e-3}, "save_finetune_checkpoint_path": output, **flags})


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_tiny_network_learns_predicts_and_is_scored_on_every_record(finetuned):
    task, folder = finetuned
    metrics, about = read(folder / "metrics.json"), read(folder / "run" / "network.json")["task"]
    metric = {"tnews": "accuracy", "cola": "matthews", "stsb": "spearman", "mine": "accuracy"}[task]
    assert metrics["records"] == 37 and metrics["ms_per_step"] > 0
    assert metrics["metrics"]["standard"][metric] > 0.8
    # What finetune said of its best epoch is what predict and evaluate find.
    assert about["epochs"][about["best_epoch"] - 1][f"dev_{metric}"] == pytest.approx(
        metrics["metrics"]["standard"][metric], abs=1e-4)


def test_submissions_have_the_form_of_the_benchmark(finetuned):
    task, folder = finetuned
    if task == "tnews":
        lines = [json.loads(line) for line in (folder / "predictions.json").read_text().splitlines()]
        assert [line["id"] for line in lines] == list(range(37))
        assert {(line["label"], line["label_desc"]) for line in lines} == {("100", "news_story"), ("116", "news_game")}
        return
    head, *lines = (line.split("\t") for line in (folder / "predictions.tsv").read_text().splitlines())
    assert head == ["index", "prediction"] and [line[0] for line in lines] == [str(n) for n in range(37)]
    allowed = {"cola": {"0", "1"}, "mine": {"yes", "no"}}.get(task)
    assert allowed is None or {line[1] for line in lines} == allowed


def test_evaluation_alone_ends_with_the_model_zoos_line(finetuned, capfd):
    task, folder = finetuned
    capfd.readouterr()
    assert finetune(task, folder, folder, do_train="false",
                    load_finetune_checkpoint_path=folder / "run" / "model.ckpt") == 0
    last, metrics = capfd.readouterr().out.splitlines()[-1], read(folder / "metrics.json")["metrics"]["standard"]
    if task == "stsb":
        assert last == f"Spearman Correlation is {metrics['spearman']:.6f}"
    else:
        assert last == f"acc_num {round(37 * metrics['accuracy'])}, total_num 37, accuracy {metrics['accuracy']:.6f}"


@of("cola")
def test_f1_ends_with_three_lines_that_can_be_true_together_and_mcc_has_its_own(finetuned, capfd):
    task, folder = finetuned
    for method in ("f1", "mcc"):
        capfd.readouterr()
        assert finetune(task, folder, folder, do_train="false", assessment_method=method, eval_data_shuffle="false",
                        load_finetune_checkpoint_path=folder / "run" / "model.ckpt") == 0
        out = capfd.readouterr().out
        if method == "f1":
            assert len(printed(out)) == 1 and together(*printed(out)[0]) and out.splitlines()[-1].startswith("F1 ")
        assert re.search(r"^records 37, [0-9.]+ ms/step, total time [0-9.]+ s", out, flags=re.M)
    assert re.search(r"^MCC [0-9.]+\nacc_num \d+, total_num 37, accuracy [01]\.\d{6}$", out, flags=re.M)


@of("cola")
def test_two_runs_with_the_same_seed_give_identical_weights(finetuned):
    task, folder = finetuned
    assert finetune(task, folder, folder / "again") == 0
    first, again = (checkpoints.read_weights(folder / name / "model.ckpt") for name in ("run", "again"))
    assert "bert.pooler.dense.weight" in first and all((first[name] == again[name]).all() for name in first)


@pytest.mark.parametrize("flags, complaint", [
    ({"assessment_method": "clue_benchmark"}, "accuracy, f1, mcc, spearman_correlation"),
    ({"do_train": "false", "load_finetune_checkpoint_path": "RUN", "label2id_file_path": "SWAPPED"}, "another order of them"),
    ({"do_train": "false", "load_finetune_checkpoint_path": "RUN", "assessment_method": "spearman_correlation"}, "does not fit it"),
    ({"num_class": 7}, "--num_class 7"), ({"label2id_file_path": "SWAPPED"}, "with which"),
    ({"do_train": "false", "load_finetune_checkpoint_path": "RUN", "num_class": 3}, "--num_class 3"), ({"use_crf": "true"}, "for ner"), ({"max_seq_length": 8}, "--max_seq_length is 8"),
    ({"assessment_method": "mcc", "do_train": "false"}, "--load_finetune_checkpoint_path")])
@of("cola")
def test_what_cannot_be_done_is_said_in_one_sentence(finetuned, capfd, flags, complaint):
    task, folder = finetuned
    (folder / "swapped.json").write_text('{"1": 0, "0": 1}')
    places = {"RUN": folder / "run" / "model.ckpt", "SWAPPED": folder / "swapped.json"}
    assert finetune(task, folder, folder / "none", **{name: places.get(value, value) for name, value in flags.items()}) == 1
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and complaint in errors[0]


class TestRecords:
    def read(self, folder, name, content, dataset, **options):
        (folder / name).write_text(content, encoding="utf-8")
        return read_records(folder / name, dataset, **options)

    def test_official_forms_with_and_without_a_header(self, tmp_path):
        cola, stsb = dataset_of("cola", None), dataset_of("stsb", None)
        plain = self.read(tmp_path, "a.tsv", 'gj\t0\t*\tHe "said so.\r\n', cola)
        headed = self.read(tmp_path, "b.tsv", "index\tsentence\n7\tHe went.\n", cola, labelled=False)
        assert plain == [Record(0, 'He "said so.', None, "0", 1)] and headed == [Record("7", "He went.", None, None, 2)]
        pair = self.read(tmp_path, "c.tsv", "g\tf\ty\t1\t2.5\tA b.\tC d.\textra\textra\n", stsb)
        assert pair == [Record(0, "A b.", "C d.", 2.5, 1)]

    def test_tnews_in_its_first_form_and_in_that_of_1_1(self, tmp_path):
        tnews = dataset_of("tnews", None)
        first = self.read(tmp_path, "a.txt", "6551_!_101_!_news_culture_!_京城最值得你来场_!_a,b\n", tnews)
        later = self.read(tmp_path, "a.json", '{"id": 6, "label": "101", "label_desc": "x", "sentence": "京城"}\n', tnews)
        assert first == [Record("6551", "京城最值得你来场", None, "101", 1)] and later == [Record(6, "京城", None, "101", 1)]

    def test_own_fields_in_a_json_list_and_in_json_lines(self, tmp_path):
        own = dataset_of("mine", "classification", fields={"text": ["t", "u.v"], "label": "l"})
        expected = [("a b", "1"), ("b c", "x")]
        one, two = '{"t": "a", "u": {"v": "b"}, "l": 1}', '{"t": "b", "u": {"v": "c"}, "l": "x"}'
        for content in (f"[{one}, {two}]", f"{one}\r\n\n{two}\n"):
            found = self.read(tmp_path, "a.json", content, own)
            assert [(record.text, record.label) for record in found] == expected

    def test_labels_that_the_data_set_leaves_out_are_counted(self, tmp_path):
        content = '{"sentence1": "a", "sentence2": "b", "label": "-"}\n{"sentence1": "a", "sentence2": "b", "label": "neutral"}\n'
        for labelled in (True, False):    # to predict they are left out as well: predictions have the gold data's ids
            found = self.read(tmp_path, "a.json", content, dataset_of("ocnli", None), labelled=labelled)
            assert [record.id for record in found] == [1] and found.skipped == 1

    @pytest.mark.parametrize("name, content, complaint", [
        ("a.json", '{"sentence": "a", "label": "100"}\n{"sentence": "b", "label": "999"}\n', "line 2 has the unknown label '999'"),
        ("a.json", '{"sentence": "a", "label": "100"}\n{"sentence": \n', "line 2 is not valid JSON"),
        ("a.json", '{"label": "100"}\n', 'line 1 has no "sentence"'), ("a.json", '{"sentence": "a"}\n', 'no "label"'),
        ("a.json", "", "holds no record"), ("a.json", "3\n", "line 1 is no record")])
    def test_what_is_wrong_is_named_with_file_and_line(self, tmp_path, name, content, complaint):
        with pytest.raises(BadInput, match=complaint):
            self.read(tmp_path, name, content, dataset_of("tnews", None), labels={"100": None})

    def test_a_score_must_be_a_number(self, tmp_path):
        with pytest.raises(BadInput, match="line 1 has the score 'nan'"):
            self.read(tmp_path, "a.tsv", "g\tf\ty\t1\tnan\ta\tb\n", dataset_of("stsb", None))

    @pytest.mark.parametrize("row, what", [('a,"x\ty",1', "label 'x\\\\ty'"), ('a,x,"1\n2"', "id '1\\\\n2'")])
    def test_labels_and_ids_that_predictions_in_a_table_could_not_hold_are_refused(self, tmp_path, row, what):
        own = dataset_of("mine", "classification", fields={"text": "text", "label": "label", "id": "id"})
        with pytest.raises(BadInput, match=f"has the {what}: tabs and line breaks"):
            self.read(tmp_path, "a.csv", f"text,label,id\n{row}\n", own)

    def test_a_header_over_numbered_columns_is_suspected(self, tmp_path, caplog):
        caplog.set_level("INFO", "dump2bert")
        own = dataset_of("mine", "classification", fields={"text": 0, "label": 1})
        assert len(self.read(tmp_path, "a.tsv", "text\tlabel\na\tx\nb\tx\n", own)) == 3
        assert "line 1: no other record has the label 'label'. If the line is a header" in caplog.text
        caplog.clear()
        self.read(tmp_path, "b.tsv", "a\tx\nb\tx\n", own)
        assert not caplog.text
        own = dataset_of("mine", "regression", fields={"text": 0, "label": 1})
        with pytest.raises(BadInput, match="line 1 has the score 'label'; a number is wanted .of a file with a header"):
            self.read(tmp_path, "a.tsv", "text\tlabel\na\t1\n", own)

    @pytest.mark.parametrize("content, complaint", [
        ("index\tprediction\n0\t1\n0\t1\n", "line 3 predicts the record 0 a second time"),
        ("index\tprediction\n0\t1\n", "lacks a prediction for 1 of 2"), ("index\tprediction\n5\t1\n", "not among the 2"),
        ("index\tprediction\n0\t9\n", "unknown label '9'")])
    def test_predictions_that_do_not_fit_the_records(self, tmp_path, content, complaint):
        (tmp_path / "p.tsv").write_text(content)
        with pytest.raises(BadInput, match=complaint):
            read_predictions(tmp_path / "p.tsv", [Record(n, "", None, "0", n + 1) for n in range(2)], False, ["0", "1"])


class TestRows:
    def test_pairs_are_told_apart_by_segment_and_long_ones_become_several_rows(self):
        tokenizer = Tokenizer({piece: number for number, piece in enumerate(PIECES)}, True)
        records = [Record(0, "w0 w1 w2 w3 w4", "w6 w7", "a", 1), Record(1, "", None, "b", 2)]
        rows = encode(records, tokenizer, 8, {"a": 1, "b": 0}).rows
        assert rows.input_ids.tolist() == [[2, 5, 6, 7, 3, 11, 12, 3], [2, 6, 7, 8, 3, 11, 12, 3], [2, 7, 8, 9, 3, 11, 12, 3],
                                           [2, 3, 0, 0, 0, 0, 0, 0]]
        assert rows.segment_ids[0].tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
        assert rows.label_ids.tolist() == [1, 1, 1, 0] and rows.record_labels.tolist() == [1, 0]
        assert rows.weights.tolist() == pytest.approx([1 / 3] * 3 + [1]) and rows.record_numbers.tolist() == [0, 0, 0, 1]
        assert merge(rows, np.array([[1.0], [2.0], [6.0], [5.0]])).tolist() == [[3.0], [5.0]]

    def test_the_windows_of_a_text_or_a_pair_show_every_token_and_fit(self):
        for first, second, room in itertools.product(range(12), [None, *range(12)], range(5, 9)):
            parts = [list(range(first)), *([] if second is None else [list(range(100, 100 + second))])]
            found = windows(parts, room)
            assert {token for window in found for part in window for token in part} == {*itertools.chain(*parts)}
            assert all(len(window) == len(parts) and sum(map(len, window)) <= room for window in found)

    def test_a_text_of_100000_characters_is_read_in_whole(self):
        tokenizer = Tokenizer({piece: number for number, piece in enumerate(PIECES)}, True)
        encoded = encode([Record(0, "w0 w1 " * 17000, None, "a", 1)], tokenizer, 128, {"a": 0})
        assert encoded.tokens.tolist() == [34000] and len(encoded.rows.input_ids) == 539


@of("stsb")
def test_scores_of_a_regression_are_scipys(finetuned):
    task, folder = finetuned
    gold = [float(line.split("\t")[4]) for line in (folder / "dev.tsv").read_text().splitlines()]
    found = np.load(folder / "predictions.npz")["predicted"]
    assert read(folder / "metrics.json")["metrics"]["standard"]["pearson"] == pytest.approx(
        stats.pearsonr(gold, found)[0], abs=1e-5)


@of("cola")
def test_fewer_training_records_leave_the_development_records_whole(finetuned, tmp_path):
    task, folder = finetuned
    assert run("task_data", task=task, train=folder / "train.tsv", dev=folder / "dev.tsv", output_dir=tmp_path,
               vocab_file=folder / "vocab.txt", max_seq_length=24, train_records=50) == 0
    assert {split: about["records"] for split, about in read(tmp_path / "statistics.json")["splits"].items()} == {
        "train": 50, "dev": 37}
    assert (tmp_path / "dev.tfrecord").read_bytes() == (folder / "dev.tfrecord").read_bytes()


DATA = {"same.csv": ("one,answer,two\na,yes,b\na,yes,c\n", "has only the label 'yes'"),
        "unseen.csv": ("one,answer,two\na,yes,b\na,maybe,c\n", "line 3 has the unknown label 'maybe'"),
        "short.csv": ("one,answer,two\na,yes,b\na,yes\n", "line 3 has 2 columns, but the header has 3"),
        "quote.csv": ('one,answer,two\n"a,yes,b\n', "is not valid csv"), "none.csv": ("one,answer,two\n", "holds no record"),
        "other.csv": ("uno,answer,two\na,yes,b\n", "has the columns uno, answer, two, and not one"),
        "twice.csv": ("one,answer,two,n\na,yes,b,7\na,no,c,7\n", "two records with the id 7, in lines 2 and 3")}


@pytest.mark.parametrize("name", DATA)
def test_records_that_cannot_be_learnt_from_are_named_with_file_and_line(tmp_path, capfd, name):
    content, said = DATA[name]
    (tmp_path / "sound.csv").write_text("one,answer,two,n\na,yes,b,1\na,no,c,2\n")
    (tmp_path / name).write_text(content)
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    train, dev = (name, "sound.csv") if name == "same.csv" else ("sound.csv", name)
    fields = {**TASKS["mine"][4], **({"id": "n"} if name == "twice.csv" else {})}
    assert run("task_data", task="mine", kind="classification", fields=fields, train=tmp_path / train, dev=tmp_path / dev,
               vocab_file=tmp_path / "vocab.txt", output_dir=tmp_path / "out") == 1
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ") and said in last and name in last


@of("tnews")
def test_a_development_set_of_one_record_and_an_empty_text_are_scored(finetuned, tmp_path):
    task, folder = finetuned
    (tmp_path / "one.json").write_text('{"label": "100", "sentence": ""}\n')
    assert run("predict", device_target="CPU", checkpoint=folder / "run" / "model.ckpt", input=tmp_path / "one.json",
               vocab_file=folder / "vocab.txt", output=tmp_path / "found.json") == 0
    assert run("evaluate", task=task, kind="classification", gold=tmp_path / "one.json",
               predictions=tmp_path / "found.json", output=tmp_path / "metrics.json") == 0
    assert read(tmp_path / "metrics.json")["records"] == 1


@of("mine")
def test_a_table_may_come_from_standard_input_and_ids_that_come_twice_are_said(finetuned, capfd, monkeypatch):
    _, folder = finetuned
    fields = {"text": "one", "text_pair": "two", "id": "id"}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one,two,id\nw1,w0,7\n\"w2, w3\",w1,7\n")))
    capfd.readouterr()
    assert run("predict", device_target="CPU", checkpoint=folder / "run" / "model.ckpt", fields=fields, input="-",
               vocab_file=folder / "vocab.txt", format="csv") == 0
    printed = capfd.readouterr()
    assert [json.loads(line)["id"] for line in printed.out.splitlines()] == ["7", "7"]
    assert "standard input has several records with one id, first 7 in lines 2 and 3" in printed.err


@of("tnews")
def test_a_text_far_longer_than_a_row_is_answered_by_all_its_windows(finetuned, tmp_path, capfd):
    task, folder = finetuned
    capfd.readouterr()
    assert run("predict", device_target="CPU", checkpoint=folder / "run" / "model.ckpt", vocab_file=folder / "vocab.txt",
               text="w1 " * 400) == 0
    assert json.loads(capfd.readouterr().out)["label_desc"] == "news_game"
