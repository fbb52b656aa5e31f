"""From records with entities to rows of label ids and back, without loss that is not named."""

import json

import mindspore.dataset as ds
import numpy as np
import pytest

from dump2bert.errors import BadInput
from dump2bert.stages import task_data
from dump2bert.tasks.ner.alignment import INSIDE_TOKEN, OVERLAPS, TRUNCATED, align, character_spans
from dump2bert.tasks.ner.labels import Labels, read_labels
from dump2bert.tasks.datasets import CLUENER_TYPES
from dump2bert.tasks.ner.records import (
    Record, label_of, read_predictions, read_records, read_texts, write_predictions)
from dump2bert.tasks.ner.task_data import make_task_data
from dump2bert.tasks.ner.tfrecords import read_rows
from dump2bert.tasks.ner.windows import merge
from dump2bert.tasks.windows import window_starts
from dump2bert.tokenization import Tokenizer

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"温格的球队战胜曼联了在北京大学",
          "ri", "##dd", "##ick", "dota", "new", "york", ",", "。"]
LABELS = Labels.of_types(["name", "place"])
TOKENIZER = Tokenizer({piece: number for number, piece in enumerate(PIECES)}, do_lower_case=True)


def record(text, *entities):
    return Record(0, text, {(text.index(name), text.index(name) + len(name), kind) for name, kind in entities}, 1)


def round_trip(records, max_seq_length=32):
    aligned = align(records, TOKENIZER, LABELS, max_seq_length)
    return aligned, character_spans(merge(aligned.rows, aligned.rows.label_ids), aligned.offsets, LABELS)


# --------------------------------------------------------------------------------------------------------------- labels


def test_labels_have_the_order_of_the_model_zoo():
    first = ["O", "S_address", "B_address", "M_address", "E_address", "S_book"]
    assert Labels.of_types(CLUENER_TYPES).names[:6] == first
    assert len(Labels.of_types(CLUENER_TYPES)) == 41


def test_only_complete_entities_are_decoded():
    def decode(text):
        return LABELS.decode([LABELS.ids[name] for name in text.split()])

    assert decode("B_name M_name E_name O S_place") == {(0, 3, "name"), (4, 5, "place")}
    assert decode("B_name E_name B_name E_name") == {(0, 2, "name"), (2, 4, "name")}
    assert decode("B_name E_place") == decode("M_name E_name") == decode("B_name M_name") == set()
    assert decode("B_name O E_name") == decode("B_name M_place E_name") == set()
    assert decode("B_name S_name E_name") == {(1, 2, "name")}


def test_every_encoded_sequence_is_legal_and_what_decoding_ignores_is_not():
    transitions, start, end = LABELS.legal()
    ids = LABELS.encode([(0, 1, "name"), (1, 4, "place"), (5, 7, "name")], 7)
    assert start[ids[0]] and end[ids[-1]] and all(transitions[a, b] for a, b in zip(ids, ids[1:]))
    number = LABELS.ids
    for before, after in (("B_name", "M_place"), ("B_name", "O"), ("O", "E_name"), ("E_name", "M_name"),
                          ("S_name", "E_name")):
        assert not transitions[number[before], number[after]]
    assert not start[number["M_name"]] and not end[number["B_name"]]


def test_label_files_of_both_kinds_are_read(tmp_path):
    (tmp_path / "labels.json").write_text(json.dumps(LABELS.ids))
    (tmp_path / "types.txt").write_text("name\nplace\n")
    assert read_labels(tmp_path / "labels.json").names == read_labels(tmp_path / "types.txt").names == LABELS.names


def test_types_may_have_hyphens_and_labels_either_separator(tmp_path):
    (tmp_path / "labels.json").write_text('{"O": 0, "S_person-real": 1, "B-person-real": 2}')
    assert read_labels(tmp_path / "labels.json").names == ["O", "S_person-real", "B_person-real"]


@pytest.mark.parametrize("content", ['{"O": 0, "S_name": 2}', '{"S_name": 0, "O": 1}', '{"O": 0, "X_name": 1}', "{}",
                                     "", '["O", "S_name"]', '{"O": "0", "S_name": [1]}'])
def test_a_wrong_label_file_is_named(tmp_path, content):
    (tmp_path / "labels.json").write_text(content)
    with pytest.raises(BadInput, match="labels.json"):
        read_labels(tmp_path / "labels.json")


# ------------------------------------------------------------------------------------------------------------ alignment


def test_entities_survive_white_space_case_and_word_pieces():
    texts = [record("温格 在 北京大学", ("温格", "name"), ("北京大学", "place")), record("RIDDick在New York,", ("RIDDick", "name"),
             ("New York", "place")), record("曼联", ("联", "place"))]
    aligned, found = round_trip(texts)
    assert found == [text.entities for text in texts] and not aligned.misfits
    assert aligned.rows.input_ids[1, 0] == 2 and aligned.rows.input_ids[1, aligned.rows.lengths[1] + 1] == 3


def test_an_entity_that_repeats_is_labelled_each_time():
    text = Record(0, "曼联战胜曼联", {(0, 2, "name"), (4, 6, "name")}, 1)
    assert round_trip([text])[1] == [text.entities]


def test_what_cannot_be_labelled_is_named_with_its_reason():
    inside = record("在dota了", ("dot", "name"), ("了", "place"))
    nested = record("北京大学", ("北京", "place"), ("北京大学", "name"))
    space = record("温格 在", ("温格 ", "name"))
    aligned, found = round_trip([inside, nested, space])
    assert [(misfit.record, misfit.reason) for misfit in aligned.misfits] == [
        (0, INSIDE_TOKEN), (1, OVERLAPS), (2, INSIDE_TOKEN)]
    assert found == [{(5, 6, "place")}, {(0, 4, "name")}, set()]


def test_long_texts_are_windowed_and_merged_so_that_nothing_is_cut():
    text = "温格的球队战胜曼联了," * 9
    entities = {(start, start + 2, "name") for start in range(0, len(text), 11)}
    entities |= {(start + 7, start + 9, "place") for start in range(0, len(text), 11)}
    for max_seq_length in (18, 32, 64, 200):
        aligned, found = round_trip([Record(0, "了", set(), 1), Record(1, text, entities, 2)], max_seq_length)
        assert found == [set(), entities] and not aligned.misfits
        assert aligned.rows.lengths.max() <= max_seq_length - 2


def test_a_text_of_100000_characters_is_labelled_to_its_end():
    text = "温格在北京," * 16_667
    entities = {(start, start + 2, "name") for start in range(0, len(text), 6)}
    aligned, found = round_trip([Record(0, text, entities, 1)], max_seq_length=128)
    assert len(text) > 100_000 and found == [entities] and not aligned.misfits


def test_an_entity_longer_than_a_window_is_named():
    aligned, found = round_trip([Record(0, "北京" * 10, {(0, 20, "place")}, 1)], max_seq_length=12)
    assert [misfit.reason for misfit in aligned.misfits] == [TRUNCATED] and found == [set()]


@pytest.mark.parametrize("length, size", [(1, 4), (4, 4), (5, 4), (9, 4), (100, 30), (0, 8)])
def test_windows_cover_every_token(length, size):
    covered = {token for start in window_starts(length, size) for token in range(start, min(start + size, length))}
    assert covered == set(range(length))


# -------------------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("line, complaint", [
    ('{"text": "温格", "label": {"name": {"温格": [[0, 1]]', "is not valid JSON"),
    ('{"label": {}}', "text"),
    ('{"text": "温格"}', "label"),
    ('{"text": "温格", "label": {"name": {"格": [[1, 2]]}}}', "outside the text"),
    ('{"text": "温格", "label": {"name": {"格": [[1, 0]]}}}', "outside the text"),
    ('{"text": "温格", "label": {"nmae": {"温格": [[0, 1]]}}}', "unknown type 'nmae'"),
    ('{"text": "温格", "label": {"name": {"温": [[1, 1]]}}}', "is '格' in the text"),
    ('{"text": "温格", "label": {"name": ["温"]}}', "should be an object"),
    ('{"text": "温格", "label": {"name": {"温": [0, 0]}}}', "place"),
])
def test_bad_records_are_named_by_file_and_line(tmp_path, line, complaint):
    (tmp_path / "train.json").write_text('{"text": "了", "label": {}}\r\n\n' + line + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match="train.json line 3") as error:
        read_records(tmp_path / "train.json", CLUENER_TYPES)
    assert complaint in str(error.value)


def test_texts_are_read_as_json_lines_or_as_plain_text(tmp_path):
    (tmp_path / "a.json").write_text('{"id": 7, "text": "温格"}\n{"text": "了"}\n', encoding="utf-8")
    (tmp_path / "b.txt").write_text("温格\n\n了\n", encoding="utf-8")
    (tmp_path / "c.json").write_text('{"text": "温格"}\n{"text": "了\n', encoding="utf-8")
    assert [(item.id, item.text) for item in read_texts(tmp_path / "a.json")] == [(7, "温格"), (1, "了")]
    assert [(item.id, item.text) for item in read_texts(tmp_path / "b.txt")] == [(0, "温格"), (1, ""), (2, "了")]
    with pytest.raises(BadInput, match="c.json line 2"):
        read_texts(tmp_path / "c.json")


def test_predictions_are_written_in_the_official_form_and_read_back(tmp_path):
    text = Record(0, "曼联战胜曼联", {(0, 2, "name"), (4, 6, "name")}, 1)
    with open(tmp_path / "p.json", "w", encoding="utf-8") as file:
        write_predictions(file, [text], [text.entities])
    assert (tmp_path / "p.json").read_text(encoding="utf-8") == (
        '{"id": 0, "label": {"name": {"曼联": [[0, 1], [4, 5]]}}}\n')
    assert read_predictions(tmp_path / "p.json", [text]) == [label_of(text.entities, text.text)]


@pytest.mark.parametrize("lines, complaint", [
    (['{"id": 0, "label": {}}'], "lacks a prediction for 1 of 2"),
    (['{"id": 0, "label": {}}', '{"id": 0, "label": {}}'], "second time"),
    (['{"id": 0, "label": {}}', '{"id": 5, "label": {}}'], "not among"),
    (['{"label": {}}', '{"label": {}}', '{"label": {}}'], "not among"),
    (['{"label": {}}', '{"lable": {}}'], "line 2"),
])
def test_predictions_that_do_not_match_the_gold_data_are_refused(tmp_path, lines, complaint):
    (tmp_path / "p.json").write_text("\n".join(lines))
    with pytest.raises(BadInput, match=complaint):
        read_predictions(tmp_path / "p.json", [Record(0, "了", set(), 1), Record(1, "了", set(), 2)])


def test_predictions_with_ids_may_come_in_any_order(tmp_path):
    lines = '{"id": 1, "label": {}}\n{"id": 0, "label": {"name": {"了": [[0, 0]]}}}\n'
    (tmp_path / "p.json").write_text(lines, encoding="utf-8")
    records = [Record(0, "了", set(), 1), Record(1, "了", set(), 2)]
    assert read_predictions(tmp_path / "p.json", records) == [{"name": {"了": [[0, 0]]}}, {}]


def test_an_id_is_the_same_as_a_number_and_as_a_text(tmp_path):
    lines = '{"id": 8, "label": {}}\n{"id": "7", "label": {"name": {"了": [[0, 0]]}}}\n'
    (tmp_path / "p.json").write_text(lines, encoding="utf-8")
    records = [Record(7, "了", set(), 1), Record("8", "了", set(), 2)]
    assert read_predictions(tmp_path / "p.json", records) == [{"name": {"了": [[0, 0]]}}, {}]


# ---------------------------------------------------------------------------------------------------------------- stage


@pytest.fixture
def made(tmp_path):
    train = ['{"text": "温格的球队战胜曼联了", "label": {"name": {"温格": [[0, 1]]}, "organization": {"曼联": [[7, 8]]}}}',
             '{"text": "在DotA了", "label": {"game": {"Dot": [[1, 3]]}}}', '{"text": "了", "label": {}}']
    (tmp_path / "train.json").write_text("\n".join(train), encoding="utf-8")
    (tmp_path / "dev.json").write_text(train[0] + "\n", encoding="utf-8")
    (tmp_path / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    task_data.run(task="cluener", kind="ner", train=tmp_path / "train.json", dev=tmp_path / "dev.json",
                  vocab_file=tmp_path / "vocab.txt", output_dir=tmp_path / "out", do_lower_case=True, max_seq_length=16,
                  spec=None, format=None, fields=None, labels=None, doc_stride=128, max_query_length=64,
                  train_records=None)
    return tmp_path / "out"


@pytest.mark.parametrize("dev, said", [
    ('{"text": "了", "label": {}, "id": 7}\n' * 2, "two records with the id 7, in lines 1 and 2"),
    ('{"text": "了", "label": {}}\r\n{"text": "了", "label": {"other": {"了": [[0, 0]]}}}', "line 2 has entities of the type 'other'"),
])
def test_records_that_cannot_be_told_apart_or_learnt_are_named(made, dev, said):
    files = {"train": made.parent / "train.json", "dev": made.parent / "bad.json"}
    files["dev"].write_text(dev, encoding="utf-8")
    with pytest.raises(BadInput, match=f"bad.json.*{said}"):
        make_task_data("mine", files, made.parent / "vocab.txt", made.parent / "none", True, 16)
    assert not (made.parent / "none").exists()


def test_task_data_writes_what_mindspore_reads_by_the_schema(made):
    for split, count in (("train", 3), ("dev", 1)):
        data = ds.TFRecordDataset([str(made / f"{split}.tfrecord")], str(made / "schema.json"), shuffle=False)
        rows = list(data.create_dict_iterator(num_epochs=1, output_numpy=True))
        ours = read_rows(made / f"{split}.tfrecord", made / "schema.json", 41, len(PIECES))
        assert len(rows) == count == len(ours.input_ids)
        for name in ("input_ids", "input_mask", "segment_ids", "label_ids"):
            assert (np.stack([row[name] for row in rows]) == getattr(ours, name)).all()


def test_task_data_counts_and_names_what_does_not_fit(made):
    statistics = json.loads((made / "statistics.json").read_text(encoding="utf-8"))["splits"]["train"]
    assert [statistics[name] for name in ("records", "records_not_fitting", "records_without_entities")] == [3, 1, 1]
    assert statistics["not_fitting"] == [
        {"line": 2, "type": "game", "entity": "Dot", "start": 1, "end": 4, "reason": INSIDE_TOKEN}]
    assert statistics["entities"] == {"game": 1, "name": 1, "organization": 1}


def test_rows_of_another_vocabulary_label_file_or_schema_are_refused(made):
    with pytest.raises(BadInput, match="another vocabulary"):
        read_rows(made / "train.tfrecord", None, 41, 6)
    with pytest.raises(BadInput, match="another label file"):
        read_rows(made / "train.tfrecord", None, 9, len(PIECES))
    (made / "schema.json").write_text((made / "schema.json").read_text().replace("16", "32"))
    with pytest.raises(BadInput, match="should have the same"):
        read_rows(made / "train.tfrecord", made / "schema.json", 41, len(PIECES))
