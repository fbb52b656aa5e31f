"""Questions about paragraphs: reading them, windows, TFRecord columns, and answers back in the paragraph's characters."""

import itertools
import json
import random

import numpy as np
import pytest

from dump2bert.errors import BadInput
from dump2bert.metrics.squad import question_word, squad_scores
from dump2bert.tasks.squad.alignment import ABSENT, EMPTY, INSIDE_TOKEN, MOVED, RESPELT, align, locate, tokenize
from dump2bert.tasks.squad.answers import best_answers, n_best, predictions
from dump2bert.tasks.squad.records import Asked, Question, read_asked, read_predictions, read_questions
from dump2bert.tasks.squad.task_data import make_task_data
from dump2bert.tasks.squad.tfrecords import read_rows, write_rows
from dump2bert.tasks.squad.windows import best_windows, make_windows, window_starts
from dump2bert.tokenization import SPECIAL_TOKENS, Tokenizer
from dump2bert.training.data import columns_of

WORDS = ["the", "cafe", "of", "strasse", "in", "was", "open", "##ed", "##s", "who", "smith", "'", "s", ",", ".", "?", "(",
         "1", "##9", "##7", "##3", "北", "京", "在", "国", "首", "都", "是", "哪", "里", "中", "resume", "o", "##pen"]
VOCABULARY = {piece: number for number, piece in enumerate([*SPECIAL_TOKENS, *WORDS])}


def tokenizer(lower=True):
    return Tokenizer(VOCABULARY, lower)


def asked_about(context, *questions):
    """questions: (text, [(answer, answer_start), ...])"""
    return Asked([context], [Question(str(number), text, 0, tuple(answers), f"question {number}")
                             for number, (text, answers) in enumerate(questions)])


def squad(context="the cafe", **question):
    return {"data": [{"paragraphs": [{"context": context, "qas": [
        {"id": "a", "question": "who ?", "answers": [{"text": "cafe", "answer_start": 4}], **question}]}]}]}


def write(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


# ------------------------------------------------------------------------------------------------------------ records


def test_questions_are_read_with_their_contexts_and_answers(tmp_path):
    asked = read_questions(write(tmp_path / "squad.json", squad()))
    assert asked.contexts == ["the cafe"]
    assert asked.questions == [Question("a", "who ?", 0, (("cafe", 4),), "data[0].paragraphs[0].qas[0] (question a)")]


@pytest.mark.parametrize("value, complaint", [
    ("{\"data\": [{\"par", "not valid JSON"),
    ([], 'no file in SQuAD\'s form: it has no "data"'),
    ({"data": []}, "holds no question"),
    ({"data": [{"paragraphs": [{"qas": []}]}]}, 'data[0].paragraphs[0] has no "context"'),
    ({"data": [{"paragraphs": [{"context": 7, "qas": []}]}]}, 'data[0].paragraphs[0] has no "context"'),
    ({"data": [{"paragraphs": [{"context": "x", "qas": [{"question": "y"}]}]}]}, 'qas[0] has no "id"'),
    (squad(answers=[]), "(question a) has no answer"),
    (squad(answers=[{"answer_start": 3}]), 'objects with a "text"'),
    (squad(question=None), 'has no "question"'),
])
def test_what_is_no_squad_file_is_said_with_its_place(tmp_path, value, complaint):
    path = write(tmp_path / "squad.json", value)
    with pytest.raises(BadInput, match=".") as error:
        read_questions(path)
    assert str(path) in str(error.value) and complaint in str(error.value)


def test_a_byte_order_mark_is_passed_over_and_what_is_not_utf_8_is_called_so(tmp_path):
    (tmp_path / "squad.json").write_text(json.dumps(squad()), encoding="utf-8-sig")
    assert read_questions(tmp_path / "squad.json").contexts == ["the cafe"]
    (tmp_path / "squad.json").write_text('{"data": "caf\u00e9"}', encoding="latin-1")
    with pytest.raises(BadInput, match=r"squad\.json is not UTF-8 \(byte 14\)"):
        read_questions(tmp_path / "squad.json")


def test_two_questions_of_one_id_are_refused_with_both_places(tmp_path):
    value = squad()
    value["data"].append(squad()["data"][0])
    with pytest.raises(BadInput, match=r"data\[1\].paragraphs\[0\].qas\[0\].*same id as data\[0\].paragraphs\[0\].qas\[0\]"):
        read_questions(write(tmp_path / "squad.json", value))


@pytest.mark.parametrize("text, complaint", [
    ("", "holds no question"), ("who ?", "line 1 is no question with its context"),
    ('{"question": "q", "context": "c"}\n{"question"', "line 2 is not valid JSON"),
    ('{"question": "q"}', 'line 1 has no "context"'),
    ('{"id": 1, "question": "q", "context": "c"}\n{"id": 1, "question": "q", "context": "c"}', "same id"),
])
def test_what_cannot_be_predicted_is_said_with_its_line(tmp_path, text, complaint):
    with pytest.raises(BadInput) as error:
        read_asked(write(tmp_path / "asked.jsonl", text))
    assert complaint in str(error.value)


def test_questions_to_predict_need_no_answers_and_no_ids(tmp_path):
    asked = read_asked(write(tmp_path / "asked.txt", "who ?\tthe cafe\n\nwho\u2028 ?\tin the cafe\r\n"))
    assert [(question.id, question.text) for question in asked.questions] == [("0", "who ?"), ("1", "who\u2028 ?")]
    assert asked.contexts == ["the cafe", "in the cafe"]
    assert read_asked(write(tmp_path / "squad.json", squad(answers=[]))).questions[0].id == "a"


@pytest.mark.parametrize("value, complaint", [([], "no predictions"), ({"a": 3}, "answer 3 to question a"),
                                              ({"b": "x"}, "none of the 1 questions")])
def test_predictions_that_are_none_are_refused(tmp_path, value, complaint):
    with pytest.raises(BadInput, match=complaint):
        read_predictions(write(tmp_path / "p.json", value), asked_about("x", ("q", [])).questions[:0]
                         + [Question("a", "q", 0, (), "")])


# ---------------------------------------------------------------------------------------------------------- alignment


@pytest.mark.parametrize("answer, start, place, reason", [
    ("cafe", 4, (4, 8), None),
    (" cafe ", 3, (4, 8), None),
    ("cafe", 30, (16, 20), MOVED), ("cafe", 6, (4, 8), MOVED), ("cafe", -6, (4, 8), MOVED), ("cafe", None, (4, 8), MOVED),
    ("CAFE  of", 4, (4, 11), RESPELT),
    ("coffee", 4, None, ABSENT), ("", 4, None, EMPTY), (" ", 3, None, EMPTY),
])
def test_an_answer_is_where_it_is_said_or_at_its_nearest_occurrence(answer, start, place, reason):
    assert locate(answer, start, "the cafe of the cafe") == (place, reason)


@pytest.mark.parametrize("context, answer", [
    ("The Café of Straße", "Café"), ("The Cafe\u0301 was open", "Cafe\u0301"), ("SMITH's café", "SMITH"),
    ("中国首都是北京。", "北京"), ("(1973)", "1973"), ("the  cafe\tof\u00a0smith", "cafe\tof\u00a0smith"),
    ("Zürich résumé .", "résumé")])
def test_tokens_lead_back_to_the_original_characters(context, answer):
    asked = asked_about(context, ("who ?", [(answer, context.index(answer))]))
    paragraphs = tokenize(asked.contexts, tokenizer())
    (span,), problems = align(asked, paragraphs)
    start, end = paragraphs[0].characters(*span)
    assert context[start:end] == answer and not problems


def test_every_span_of_tokens_is_found_again_from_its_characters():
    context = "The Café, of Smith's (1973) 中国 opened"
    paragraph, = tokenize([context], tokenizer())
    for first, last in itertools.combinations_with_replacement(range(len(paragraph.ids)), 2):
        assert paragraph.span(*paragraph.characters(first, last)) == (first, last)


def test_answers_that_do_not_fit_are_kept_where_they_can_be_and_named():
    asked = asked_about("opened in the cafe", ("a", [("open", 0)]), ("b", [("op", 0)]), ("c", [("coffee", 0)]),
                        ("d", [("cafe", 0)]), ("e", [("coffee", 0), ("the", 10)]))
    spans, problems = align(asked, tokenize(asked.contexts, tokenizer()))
    assert spans == [(0, 0), (0, 0), None, (4, 4), (3, 3)]
    assert [(problem.question, problem.answer, problem.reason, problem.kept) for problem in problems] == [
        (1, 0, INSIDE_TOKEN, True), (2, 0, ABSENT, False), (3, 0, MOVED, True), (4, 0, ABSENT, False)]


# ------------------------------------------------------------------------------------------------------------ windows


@pytest.mark.parametrize("length, size, stride", list(itertools.product([0, 1, 5, 9, 10, 11, 37], [1, 4, 10],
                                                                             [1, 3, 10, 50])))
def test_windows_cover_every_token_and_no_more_windows_than_needed(length, size, stride):
    starts = window_starts(length, size, stride)
    assert set(itertools.chain(*(range(start, min(start + size, length)) for start in starts))) == set(range(length))
    assert all(b - a == min(size, stride) for a, b in zip(starts, starts[1:]))
    assert len(starts) < 2 or starts[-2] + size < length


@pytest.mark.parametrize("length, size, stride", [(1, 5, 2), (5, 5, 2), (12, 5, 2), (13, 5, 5), (30, 8, 3)])
def test_each_token_counts_in_the_window_with_most_context(length, size, stride):
    starts = window_starts(length, size, stride)
    found = best_windows(starts, size, length)
    for token in range(length):
        def context(number):
            start, end = starts[number], min(starts[number] + size, length)
            return min(token - start, end - 1 - token) + 0.01 * (end - start) if start <= token < end else -1
        assert found[token] == max(range(len(starts)), key=lambda number: (context(number), -number))


def rows_about(context, questions, length=12, stride=3, longest_question=4, answered=True):
    asked = asked_about(context, *questions)
    paragraphs = tokenize(asked.contexts, tokenizer())
    spans = align(asked, paragraphs)[0] if answered else None
    return asked, paragraphs, make_windows(asked, paragraphs, tokenizer(), length, stride, longest_question, spans)


def test_rows_hold_question_and_context_and_point_at_the_answer():
    _, _, windowed = rows_about("the cafe of smith", [("who ?", [("of smith", 9)])])
    rows = windowed.rows
    names = {number: piece for piece, number in VOCABULARY.items()}
    assert [names[number] for number in rows.input_ids[0]] == [
        "[CLS]", "who", "?", "[SEP]", "the", "cafe", "of", "smith", "[SEP]", "[PAD]", "[PAD]", "[PAD]"]
    assert rows.input_mask[0].tolist() == [1] * 9 + [0] * 3 and rows.segment_ids[0].tolist() == [0] * 4 + [1] * 5 + [0] * 3
    assert (rows.start_positions[0], rows.end_positions[0]) == (6, 7)
    assert rows.lengths.tolist() == [9] and rows.offsets.tolist() == [4]


def test_long_contexts_and_questions_become_rows_and_are_cut(caplog):
    caplog.set_level("INFO", "dump2bert")
    context = "the cafe of smith in the strasse was open . who"
    asked, paragraphs, windowed = rows_about(context, [("who was in the cafe ?", [("open", context.index("open"))])])
    rows = windowed.rows
    assert "1 questions have more than 4 tokens and are cut there" in caplog.text
    assert windowed.cut == 1 and len(rows.input_ids) == len(window_starts(11, 12 - 7 + 0, 3))
    offset = rows.offsets[0]
    assert offset == 6
    for row in range(len(rows.input_ids)):
        first, count = rows.window_starts[row], rows.lengths[row] - 1 - offset
        assert (rows.input_ids[row, offset:offset + count] == paragraphs[0].ids[first:first + count]).all()
        answer = 8 - first + offset
        inside = first <= 8 < first + count
        assert (rows.start_positions[row], rows.end_positions[row]) == ((answer, answer) if inside else (0, 0))


def test_questions_without_an_answer_in_their_context_have_rows_only_to_evaluate():
    questions = [("who ?", [("smith", 0)]), ("in ?", [("cafe", 4)])]
    assert rows_about("the cafe", questions)[2].rows.question_numbers.tolist() == [1]
    assert rows_about("the cafe", questions, answered=False)[2].rows.question_numbers.tolist() == [0, 1]
    assert len(rows_about(" ", questions, answered=False)[2].rows.input_ids) == 0


def test_a_question_that_leaves_no_room_is_refused():
    with pytest.raises(BadInput, match="question 0 has 4 tokens.*--max_query_length"):
        rows_about("the cafe", [("who was in the cafe", [("cafe", 4)])], length=7)


# ------------------------------------------------------------------------------------------------------------ answers


def brute_force(context, paragraph, rows, logits, longest):
    """{(first, last): score} of all spans, each from the window that shows most around its first token."""
    scores, lengths, offsets = {}, rows.lengths, rows.offsets
    counts = lengths - 1 - offsets
    for first in range(len(paragraph.ids)):
        around = {row: min(first - start, start + count - 1 - first) + 0.01 * count for row, (start, count) in
                  enumerate(zip(rows.window_starts, counts)) if start <= first < start + count}
        row = max(around, key=lambda row: (around[row], -row))
        for last in range(first, min(first + longest, rows.window_starts[row] + counts[row])):
            place = offsets[row] - rows.window_starts[row]
            scores[first, last] = float(logits[row, first + place, 0] + logits[row, last + place, 1])
    return scores


@pytest.mark.parametrize("seed", range(12))
def test_the_best_answers_are_those_of_brute_force(seed):
    choose, random_numbers = random.Random(seed), np.random.default_rng(seed)
    context = " ".join(choose.choices(["the", "Café", "of", "Smith", "in", "opened", "1973", "北京"], k=choose.randint(1, 25)))
    asked, paragraphs, windowed = rows_about(context, [("who ?", [])], length=choose.choice([8, 12, 40]), answered=False)
    logits = random_numbers.standard_normal((*windowed.rows.input_ids.shape, 2)).astype(np.float32)
    logits[windowed.rows.input_mask == 0] = -np.inf
    longest, count = choose.choice([1, 3, 30]), choose.choice([1, 5, 400])
    answers, = best_answers(asked, paragraphs, windowed.rows, logits, count, longest)
    wanted = {}
    for (first, last), score in sorted(brute_force(context, paragraphs[0], windowed.rows, logits, longest).items(),
                                       key=lambda item: -item[1]):
        start, end = paragraphs[0].characters(first, last)
        wanted.setdefault(context[start:end], score)
    assert [answer.text for answer in answers] == list(wanted)[:count]
    assert [answer.start_logit + answer.end_logit for answer in answers] == pytest.approx(list(wanted.values())[:count])
    assert all(context[answer.start:answer.end] == answer.text for answer in answers)


def test_a_context_without_tokens_has_the_empty_answer():
    asked, paragraphs, windowed = rows_about("", [("who ?", [])], answered=False)
    answers = best_answers(asked, paragraphs, windowed.rows, np.zeros((0, 12, 2), np.float32), 20, 30)
    assert answers == [[]] and predictions(asked, answers) == {"0": ""} and n_best(asked, answers) == {"0": []}


@pytest.mark.parametrize("filler", ["中", "the ", "x"])
def test_a_context_of_100000_characters_is_searched_to_its_end(filler):
    """The last one is a single word, too long to be cut into pieces."""
    context = filler * (100_000 // len(filler)) + " smith"
    asked, paragraphs, windowed = rows_about(context, [("who ?", [])], length=384, stride=128, answered=False)
    rows = windowed.rows
    logits = np.zeros((*rows.input_ids.shape, 2), np.float32)
    logits[rows.input_ids == VOCABULARY["smith"]] = 1
    answers, = best_answers(asked, paragraphs, rows, logits, 3, 30)
    assert (answers[0].text, answers[0].start) == ("smith", len(context) - 5)


# ---------------------------------------------------------------------------------------------- TFRecord and task data


TRAIN = ["start_positions", "end_positions", "input_ids", "input_mask", "segment_ids"]
EVAL = ["input_ids", "input_mask", "segment_ids"]


@pytest.fixture
def made(tmp_path):
    """Task data of a training file with an absent answer and a dev file, its vocabulary beside it."""
    train = squad()
    train["data"] += squad(id="b", answers=[{"text": "tea", "answer_start": 0}])["data"]
    files = {"train": write(tmp_path / "train.json", train), "dev": write(tmp_path / "dev.json", squad())}
    write(tmp_path / "vocab.txt", "\n".join(VOCABULARY) + "\n")
    make_task_data("squad", files, tmp_path / "vocab.txt", tmp_path, True, 12, 3, 4)
    return tmp_path


def test_the_schemas_have_the_seeds_five_columns_and_three(made):
    for split, names in (("train", TRAIN), ("eval", EVAL)):
        columns, rows = columns_of(made / f"schema_{split}.json")
        assert list(columns) == names and rows == 1
        assert all(length == (12 if name in EVAL else 1) for name, length in columns.items())


@pytest.mark.parametrize("split, positions", [("train", True), ("dev", False)])
def test_rows_come_back_from_their_file_with_ids_as_googles(made, split, positions):
    schema = made / f"schema_{'train' if positions else 'eval'}.json"
    columns = read_rows(made / f"{split}.tfrecord", schema, len(VOCABULARY), positions)
    assert columns["unique_ids"].tolist() == [1_000_000_000]
    assert columns["input_ids"].shape == (1, 12)
    assert ("start_positions" in columns) == positions
    if positions:
        assert (columns["start_positions"], columns["end_positions"]) == (5, 5)


def test_mindspore_reads_the_files_by_the_schemas(made):
    import mindspore.dataset
    for split, names in (("train", TRAIN), ("eval", EVAL)):
        path = str(made / ("train.tfrecord" if split == "train" else "dev.tfrecord"))
        row, = mindspore.dataset.TFRecordDataset([path], str(made / f"schema_{split}.json"), columns_list=names,
                                                 shuffle=False).create_dict_iterator(num_epochs=1, output_numpy=True)
        assert list(row) == names and row["input_ids"][:4].tolist() == [VOCABULARY[x] for x in ("[CLS]", "who", "?", "[SEP]")]


def test_statistics_name_what_does_not_fit(made):
    statistics = json.loads((made / "statistics.json").read_text())["splits"]
    train = statistics["train"]
    assert (train["records"], train["rows"], train["questions_left_out"]) == (2, 1, 1)
    assert train["not_fitting"] == [{"question": "b", "answer": "tea", "answer_start": 0, "reason": ABSENT, "used": False}]
    assert statistics["dev"]["not_fitting"] == []


def test_a_dev_question_that_leaves_no_room_is_named_before_anything_is_written(tmp_path):
    files = {"train": write(tmp_path / "train.json", squad()),
             "dev": write(tmp_path / "dev.json", squad(question="who " * 20))}
    write(tmp_path / "vocab.txt", "\n".join(VOCABULARY) + "\n")
    with pytest.raises(BadInput, match=r"data\[0\].paragraphs\[0\].*has 20 tokens, which leaves no room"):
        make_task_data("squad", files, tmp_path / "vocab.txt", tmp_path / "made", True, 12, 3, 20)
    assert not (tmp_path / "made").exists()


def test_training_data_none_of_whose_answers_is_in_its_context_are_refused(tmp_path):
    files = dict.fromkeys(("train", "dev"), write(tmp_path / "x.json", squad(answers=[{"text": "tea", "answer_start": 0}])))
    write(tmp_path / "vocab.txt", "\n".join(VOCABULARY) + "\n")
    with pytest.raises(BadInput, match="the answer of none is in its context"):
        make_task_data("squad", files, tmp_path / "vocab.txt", tmp_path, True, 12, 3, 4)


def test_many_records_are_read_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("dump2bert.tasks.squad.tfrecords.RECORDS_AT_ONCE", 4)
    rows = rows_about(" ".join(["the cafe of smith in"] * 5), [("who ?", [("cafe", 4)])])[2].rows
    write_rows(tmp_path / "rows.tfrecord", rows, True)
    columns = read_rows(tmp_path / "rows.tfrecord", None, len(VOCABULARY), True)
    assert len(rows.input_ids) % 4 and len(rows.input_ids) > 4
    for name in TRAIN:
        assert (columns[name] == getattr(rows, name)).all()


def test_positions_outside_the_context_are_refused(tmp_path):
    rows = rows_about("the cafe", [("who ?", [("cafe", 4)])])[2].rows
    for start, end in ((1, 4), (5, 9), (5, 4)):
        rows.start_positions[:], rows.end_positions[:] = start, end
        write_rows(tmp_path / "rows.tfrecord", rows, True)
        with pytest.raises(BadInput, match=f"record 1 has an answer from {start} to {end}"):
            read_rows(tmp_path / "rows.tfrecord", None, len(VOCABULARY), True)


# ------------------------------------------------------------------------------------------------------------- scores


def test_scores_are_percent_and_missing_answers_count_as_wrong():
    gold = {"a": ["the cafe", "cafe of smith"], "b": ["1973"]}
    assert squad_scores(gold, {"a": "Cafe!", "b": "in 1973"}) == {"exact_match": 50.0, "f1": pytest.approx(100 * (1 + 2 / 3) / 2)}
    assert squad_scores(gold, {"a": "cafe"}) == {"exact_match": 50.0, "f1": 50.0}


@pytest.mark.parametrize("question, word", [("In what year?", "what"), ("Who's there", "who"), ("北京在哪里？", "哪里"),
                                            ("曲河有多长？", "多长"), ("Name it", "other"), ("", "other")])
def test_the_word_that_a_question_asks_with(question, word):
    assert question_word(question) == word
