"""Data sets known by name and of one's own: what is read of which file, and a NER set in columns from task_data to evaluate."""

import io
import itertools
import json
import random
import re
import sys

import pytest

from dump2bert import cli
from dump2bert.config import load_config
from dump2bert.errors import BadInput
from dump2bert.tasks.datasets import DATASETS, dataset_of
from dump2bert.tasks.ner.columns import joined, spans_of
from dump2bert.tasks.ner.reading import read, texts
from dump2bert.tasks.tables import Fields, rows_of, value_at

CORPUS = {"corpus": {"sources": {"own": {"text": "a.txt"}}}, "networks": {"base": {}}}
NETWORK = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64,
           "max_position_embeddings": 64, "initializer_range": 0.1, "hidden_dropout_prob": 0.0,
           "attention_probs_dropout_prob": 0.0}
SCHEMES = {"bio": "BII", "bmes": "BME", "bioes": "BIE"}
TAIL = {"bio": "I", "bmes": "E", "bioes": "E"}


def tags(count, scheme):
    """The letters of an entity of so many tokens."""
    if count == 1:
        return ["B" if scheme == "bio" else "S"]
    begin, inside, end = SCHEMES[scheme]
    return [begin, *[inside] * (count - 2), end]


class TestDatasets:
    def test_every_data_set_of_clue_and_glue_that_the_project_names_says_what_it_is(self):
        assert {"tnews", "cluener", "squad", "cola", "stsb", "afqmc", "ocnli", "iflytek", "mrpc", "mnli", "msra_ner"} <= set(DATASETS)
        tested = {name for name, dataset in DATASETS.items() if dataset.tested}
        assert tested == {"tnews", "cluener", "squad", "cola", "stsb"}
        for name, dataset in DATASETS.items():
            assert dataset.source and dataset.licence and len(dataset.files) >= 2, name

    def test_a_task_of_a_known_name_needs_only_its_files(self):
        tasks = load_config({**CORPUS, "tasks": {
            "mrpc": {"train": "a.tsv", "dev": "b.tsv"}, "stsb": {"train": "a.tsv", "dev": "b.tsv"},
            "mine": {"spec": "resume_ner", "train": "a", "dev": "b"}, "people": {"train": "a.json", "dev": "b.json"},
            "own": {"kind": "classification", "fields": {"text": 0, "label": 1}, "labels": ["no", 1], "train": "a.csv",
                    "dev": "b.csv", "assessment_method": "mcc"},
            "quiz": {"kind": "squad", "train": "a.json", "dev": "b.json"},
            "tnews": {"fields": {"text": "title", "label": "class"}, "train": "a.json", "dev": "b.json"}}}).tasks
        found = {name: (task.kind, task.assessment_method) for name, task in tasks.items()}
        assert found == {"mrpc": ("classification", "f1"), "stsb": ("regression", None), "mine": ("ner", None),
                         "people": ("ner", None), "own": ("classification", "mcc"), "quiz": ("squad", None),
                         "tnews": ("classification", "accuracy")}

    @pytest.mark.parametrize("task, said", [
        ({"fields": {"text": "t"}}, "mine is no known data set: say its kind, one of classification, regression, ner"),
        ({"spec": "mrcp", "fields": {"text": "t"}}, "spec mrcp is no known data set (did you mean mrpc?)"),
        ({"spec": "mrcp"}, "spec mrcp is no known data set (did you mean mrpc?)"),
        ({"kind": "classification"}, "name the fields of its records"),
        ({"spec": "cola", "kind": "ner"}, "cola is a data set of the kind classification, not ner"),
        ({"kind": "classification", "fields": {"label": "l"}}, "fields should name text"),
        ({"kind": "classification", "fields": {"text": "t"}, "labels": [True, False]}, "put quotes around the words yes, no"),
        ({"spec": "squad", "format": "json"}, "of the kind squad")])
    def test_what_does_not_fit_is_one_sentence(self, task, said):
        with pytest.raises(BadInput) as error:
            load_config({**CORPUS, "tasks": {"mine": {"train": "a.json", "dev": "b.json", **task}}})
        assert said in str(error.value)


class TestTables:
    def test_fields_are_keys_paths_numbers_or_several(self):
        values = {"a": "x", "b": {"c": "y"}, "d.e": "z"}
        assert [value_at(values, field) for field in ("a", "b.c", "d.e", "n", ["a", "b.c"])] == ["x", "y", "z", None, "x y"]
        assert [value_at(["x", "y"], field) for field in (1, -1, 2, -3)] == ["y", "y", None, None]

    def test_old_and_mixed_line_ends_all_end_a_line(self, tmp_path):
        (tmp_path / "a.tsv").write_bytes(b"text\tlabel\ra\t1\r\nb\t2\nc\t3\rd\t4")
        found = [[line, *values.values()] for line, _, values in rows_of(tmp_path / "a.tsv", "tsv", (Fields("text", None, "label"),))]
        assert found == [[2, "a", "1"], [3, "b", "2"], [4, "c", "3"], [5, "d", "4"]]
        (tmp_path / "a.bio").write_bytes(b"Ann B-PER\rsings O\r\rBob B-PER\r")
        own = dataset_of("people", "ner", fields={"text": 0, "label": 1})
        assert [record.text for record in read(tmp_path / "a.bio", own).records] == ["Ann sings", "Bob"]
        (tmp_path / "a.bio").write_bytes(b"Ann B-PER\r\r\nsings O\r\r\n")    # Windows' line ends, given twice
        assert [record.text for record in read(tmp_path / "a.bio", own).records] == ["Ann sings"]

    def test_the_records_of_a_json_list_have_the_lines_on_which_they_begin_and_their_number(self, tmp_path, monkeypatch):
        (tmp_path / "a.json").write_text('\ufeff\n[\n {"text": "[,]",\n  "label": 1}, {"text": "b"},\n\n[7]\n]\n', encoding="utf-8")
        with pytest.raises(BadInput, match=r"line 6, record 3 is no record: an object is wanted, but it is \[7\]"):
            list(rows_of(tmp_path / "a.json", "json", (Fields("text"),)))
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'[{"text": "a"}, {"text": "b"},\n{"text": "c"}]')))
        assert [line for line, *_ in rows_of("-", "json", (Fields("text"),))] == ["1, record 1", "1, record 2", "2, record 3"]

    def test_half_a_character_is_refused_where_it_stands_and_a_pair_is_well(self, tmp_path):
        for content, place in (('{"text": "a"}\n{"text": "x \\ud83d"}\n', " line 2"), ('[{"text": "x \\uDE00"}]', ""),
                               ('[{"text": "\\ud83d\\ude00"},\n {"text": "\\\\ud83d\\ude00"}]', " line 2")):
            (tmp_path / "a.json").write_text(content)
            with pytest.raises(BadInput, match=f"a.json{place} holds half a character"):
                list(rows_of(tmp_path / "a.json", "json", (Fields("text"),)))
        (tmp_path / "a.json").write_text('{"text": "\\ud83d\\ude00"}')
        assert [values["text"] for *_, values in rows_of(tmp_path / "a.json", "json", (Fields("text"),))] == ["\U0001f600"]

    def test_a_text_of_csv_may_be_long_and_a_header_has_each_name_once(self, tmp_path):
        (tmp_path / "a.csv").write_text("text,label\n" + "a" * 200_000 + ",1\n")
        assert len(list(rows_of(tmp_path / "a.csv", "csv", (Fields("text", None, "label"),)))[0][2]["text"]) == 200_000
        (tmp_path / "a.csv").write_text("text,label,label\na,1,2\n")
        with pytest.raises(BadInput, match="several columns of the name label"):
            list(rows_of(tmp_path / "a.csv", "csv", (Fields("text", None, "label"),)))

    def test_csv_with_quotes_line_breaks_and_mixed_line_ends(self, tmp_path):
        (tmp_path / "a.csv").write_bytes('text,label\r\n"a, ""b""\nc",1\nd,2\r\n'.encode())
        found = [values for _, _, values in rows_of(tmp_path / "a.csv", "csv", (Fields("text", None, "label"),))]
        assert found == [{"text": 'a, "b"\nc', "label": "1"}, {"text": "d", "label": "2"}]


class TestColumns:
    @pytest.mark.parametrize("labels, spans, mended", [
        ("B-a I-a O B-b", {(0, 2, "a"), (3, 4, "b")}, 0), ("B-a B-a I-a", {(0, 1, "a"), (1, 3, "a")}, 0),
        ("B-a M-a E-a S-b", {(0, 3, "a"), (3, 4, "b")}, 0), ("B_a E_a B_a E_a", {(0, 2, "a"), (2, 4, "a")}, 0),
        ("I-a I-a O", {(0, 2, "a")}, 1), ("B-a I-b", {(0, 1, "a"), (1, 2, "b")}, 1), ("E-a O S-a", {(0, 1, "a"), (2, 3, "a")}, 1)])
    def test_entities_of_bio_bmes_and_bioes(self, labels, spans, mended):
        parts = [(label[0], label[2:] or None) for label in labels.split()]
        assert spans_of(parts) == (spans, mended)

    def test_bio_equals_conlleval_as_seqeval_counts(self):
        from seqeval.metrics.sequence_labeling import get_entities

        choose = random.Random(1)
        for _ in range(300):
            labels = [choose.choice(["O", "B-a", "I-a", "B-b", "I-b"]) for _ in range(choose.randrange(1, 9))]
            wanted = {(start, end + 1, kind) for kind, start, end in get_entities(labels)}
            assert spans_of([(label[0], label[2:] or None) for label in labels])[0] == wanted

    def test_every_scheme_gives_back_what_it_says(self):
        for scheme, lengths in itertools.product(SCHEMES, itertools.product(range(1, 4), repeat=3)):
            labels, spans, place = [], set(), 0
            for number, length in enumerate(lengths):
                labels += [(letter, "x") for letter in tags(length, scheme)]
                spans.add((place, place + length, "x"))
                place += length
            assert spans_of(labels) == (spans, 0)

    def test_tokens_are_joined_with_spaces_where_the_script_has_them(self):
        assert joined(["He", "saw", "北", "京", "2", "0"]) == ("He saw北京2 0", [(0, 2), (3, 6), (6, 7), (7, 8), (8, 9), (10, 11)])

    def test_korean_tokens_are_joined_with_spaces(self):
        assert joined(["서울", "에서", "GPT", "漢字"])[0] == "서울 에서 GPT漢字"

    @pytest.mark.parametrize("line, token", [("\u3000 O", "\u3000"), ("  O", " "), (" O", " "), ("\u3000\tO", "\u3000"),
                                             ("\u00a0 O", "\u00a0"), (" x O ", "x")])
    def test_a_token_of_white_space_keeps_its_label(self, tmp_path, line, token):
        (tmp_path / "a.bio").write_text(f"北 B-loc\n{line}\n京   B-loc\n\n{line}\n", encoding="utf-8")
        own = dataset_of("mine", "ner", fields={"text": 0, "label": -1})
        first, second = read(tmp_path / "a.bio", own).records
        places = joined(["北", token, "京"])[1]
        assert first.entities == {(*places[0], "loc"), (*places[2], "loc")}
        assert (second.text, second.entities) == (token, set())

    def test_the_same_entities_from_columns_lists_of_tokens_tables_and_places(self, tmp_path):
        files = {"a.bmes": "北 B-loc\n京 E-loc\n的 O\n\n-DOCSTART- O\n\n人\tO\n", "b.json": '{"t": ["北", "京", "的"], "l": ["B-loc", "I-loc", "O"]}\n{"t": ["人"], "l": ["O"]}\n',
                 "c.tsv": "t\tl\n北 京 的\tB-loc E-loc O\n人\tO\n", "d.json": '{"t": "北京的", "l": [[0, 2, "loc"]]}\n{"t": "人", "l": []}\n',
                 "e.json": '{"t": "北京的", "l": [{"start": 0, "end": 2, "type": "loc"}]}\n{"t": "人", "l": {}}\n'}
        for name, content in files.items():
            (tmp_path / name).write_text(content, encoding="utf-8")
            fields = None if name == "a.bmes" else {"text": "t", "label": "l"}
            found = read(tmp_path / name, dataset_of("mine", "ner", fields=fields))
            assert [(record.text, record.entities) for record in found.records] == [("北京的", {(0, 2, "loc")}), ("人", set())], name

    @pytest.mark.parametrize("name, content, said", [
        ("a.bio", "北 B-loc\n京 X-loc\n", "line 2 has the label 'X-loc'"), ("a.bio", "北 B-loc\n京\n", "line 2 has no label"),
        ("a.bio", "\n\n", "holds no record"), ("a.tsv", "t\tl\n北 京\tO\n", "line 2 has 2 tokens and 1 labels"),
        ("a.json", '{"t": "北京", "l": [[1, 5, "loc"]]}\n', "line 1: loc '京' at"), ("a.json", '{"t": "北京", "l": [[1, 2]]}\n', "line 1 has the entity"),
        ("a.data", "", "its name does not tell its format")])
    def test_what_is_wrong_is_named_with_file_and_line(self, tmp_path, name, content, said):
        (tmp_path / name).write_text(content, encoding="utf-8")
        fields = None if name.endswith("bio") else {"text": "t", "label": "l"}
        with pytest.raises(BadInput, match=re.escape(said)):
            read(tmp_path / name, dataset_of("mine", "ner", fields=fields))


# ------------------------------------------------------------------------------------------------- from end to end

WORDS = [f"w{number}" for number in range(12)]


def sentence(choose):
    """Lines of a sentence in BIOES: p0 begins a person of one to three tokens."""
    entity = ["p0", *["p1"] * choose.randrange(3)]
    before, after = choose.choices(WORDS, k=choose.randrange(4)), choose.choices(WORDS, k=2)
    labels = [f"{letter}-PER" for letter in tags(len(entity), "bioes")]
    return [*(f"{word} x O" for word in before), *(f"{word} x {label}" for word, label in zip(entity, labels)),
            *(f"{word} x O" for word in after)]


def run(*words, **options):
    flags = [(f"--{name}", json.dumps(value) if isinstance(value, dict) else str(value)) for name, value in options.items()]
    return cli.main([*words, *itertools.chain(*flags)])


def finetune(folder, output, **options):
    return run("finetune", "ner", device_target="CPU", network=json.dumps(NETWORK), vocab_file_path=folder / "vocab.txt",
               train_batch_size=8, max_seq_length=24, task="people", label2id_file_path=folder / "labels.json",
               train_data_file_path=folder / "train.tfrecord", eval_data_file_path=folder / "dev.tfrecord",
               save_finetune_checkpoint_path=output, **options)


@pytest.fixture(scope="module")
def columns(tmp_path_factory):
    """A folder with a NER set in columns, a network finetuned on it, predictions and scores."""
    folder, choose = tmp_path_factory.mktemp("columns"), random.Random(1)
    for split, count in (("train", 150), ("dev", 31)):
        (folder / f"{split}.bioes").write_text("\n\n".join("\n".join(sentence(choose)) for _ in range(count)) + "\n")
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "p0", "p1"]) + "\n")
    data = {"task": "people", "kind": "ner", "fields": {"text": 0, "label": -1}}
    assert run("task_data", train=folder / "train.bioes", dev=folder / "dev.bioes", output_dir=folder, max_seq_length=24,
               vocab_file=folder / "vocab.txt", **data) == 0
    # A seed that learns it in five epochs, so that no CPU's rounding keeps it from being learnt in ten.
    assert finetune(folder, folder / "run", epoch_num=10, seed=3, AdamWeightDecay={"learning_rate": 3e-3}) == 0
    assert run("predict", device_target="CPU", checkpoint=folder / "run" / "model.ckpt", input=folder / "dev.bioes",
               vocab_file=folder / "vocab.txt", output=folder / "predictions.json", label_ids=folder / "predictions.npz",
               fields=data["fields"], format="conll") == 0
    assert run("evaluate", gold=folder / "dev.bioes", predictions=folder / "predictions.json",
               label_ids=folder / "predictions.npz", output=folder / "metrics.json", **data) == 0
    return folder


def test_a_ner_set_in_columns_of_ones_own_is_learnt_predicted_and_scored(columns):
    metrics = json.loads((columns / "metrics.json").read_text())
    assert metrics["records"] == 31 and metrics["metrics"]["standard"]["f1"] > 0.9
    assert set(metrics["metrics"]["standard"]["per_type"]) == {"PER"}


def test_predictions_for_columns_hold_the_text_that_places_count_in_and_columns_may_come_from_standard_input(
        columns, monkeypatch, capfd):
    told = [json.loads(line) for line in (columns / "predictions.json").read_text().splitlines()]
    assert [one["text"] for one in told] == [record.text for record in texts(columns / "dev.bioes", dataset_of(
        "people", "ner", fields={"text": 0, "label": -1}))[0]]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((columns / "dev.bioes").read_bytes())))
    capfd.readouterr()
    assert run("predict", device_target="CPU", checkpoint=columns / "run" / "model.ckpt", input="-", output="-",
               vocab_file=columns / "vocab.txt", fields={"text": 0, "label": -1}, format="conll") == 0
    assert capfd.readouterr().out == (columns / "predictions.json").read_text()


def test_a_txt_holds_columns_where_it_begins_with_a_token_and_its_label_and_else_plain_text(tmp_path):
    own = dataset_of("people", "ner", fields={"text": 0, "label": 1})
    (tmp_path / "a.txt").write_text("\nAnn\tB-PER\nsings\tO\n")
    (tmp_path / "b.txt").write_text("Ann sings\nO my\n")
    for name, text in (("c.txt", "I like vitamin B-12\n"), ("d.txt", "It is type O\nand so on\n")):
        (tmp_path / name).write_text(text)
        assert [record.text for record in texts(tmp_path / name, own)[0]] == text.splitlines()
    assert [(record.text, record.entities) for record in texts(tmp_path / "a.txt", own)[0]] == [("Ann sings", {(0, 3, "PER")})]
    assert [record.text for record in texts(tmp_path / "b.txt", own)[0]] == ["Ann sings", "O my"]


@pytest.mark.parametrize("name, content", [
    ("a.json", '{"text": "Ann sings", "label": [[0, 3, "PER"]], "id": 7}\n'),
    ("a.json", '[{"text": "Ann sings", "label": {"PER": {"Ann": [[0, 2]]}}, "id": 7}]'),
    ("a.json", '{"text": ["Ann", "sings"], "label": ["B-PER", "O"], "id": 7}'),
    ("a.jsonl", '{"text": "Ann sings", "label": [{"start": 0, "end": 3, "type": "PER"}], "id": 7}\n'),
    ("a.tsv", "text\tlabel\tid\nAnn sings\tB-PER O\t7\n")])
def test_what_is_predicted_are_the_records_that_were_learnt(tmp_path, name, content):
    own = dataset_of("people", "ner", fields={"text": "text", "label": "label"})
    (tmp_path / name).write_text(content)
    learnt = read(tmp_path / name, own).records
    assert texts(tmp_path / name, own) == (learnt, False) and learnt[0].entities == {(0, 3, "PER")}


def test_an_empty_text_in_a_table_has_no_entities(tmp_path):
    (tmp_path / "a.tsv").write_text("text\tlabel\tid\n\t\t7\nAnn\t\t8\n")
    own = dataset_of("people", "ner", fields={"text": "text", "label": "label"})
    with pytest.raises(BadInput, match="line 3 has 1 tokens and no labels"):
        read(tmp_path / "a.tsv", own)
    (tmp_path / "a.tsv").write_text("text\tlabel\tid\n\t\t7\n")
    assert [(record.text, record.entities) for record in read(tmp_path / "a.tsv", own).records] == [("", set())]


def test_training_stops_early_where_the_development_score_gets_no_better(columns):
    assert finetune(columns, columns / "early", epoch_num=5, early_stopping=1, AdamWeightDecay={"learning_rate": 1e-9}) == 0
    task = json.loads((columns / "early" / "network.json").read_text())["task"]
    assert [epoch["epoch"] for epoch in task["epochs"]] == [1, 2] and task["best_epoch"] == 2


@pytest.mark.parametrize("way", ["argument", "file", "standard input"])
def test_a_text_is_answered_from_an_argument_a_file_or_standard_input(columns, tmp_path, capfd, monkeypatch, way):
    text = "w3 w1 p0 p1 p1 w2 w4"
    (tmp_path / "a.txt").write_text(text + "\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode() + b"\n")))
    source = {"argument": {"text": text}, "file": {"input": tmp_path / "a.txt"}, "standard input": {"input": "-"}}[way]
    capfd.readouterr()
    assert run("predict", device_target="CPU", checkpoint=columns / "run" / "model.ckpt", vocab_file=columns / "vocab.txt",
               **source) == 0
    answer = {"id": 0, "label": {"PER": {"p0 p1 p1": [[6, 13]]}}}
    assert [json.loads(line) for line in capfd.readouterr().out.splitlines()] == [answer]
