"""SQuAD v1.1's development set: every question in rows, every answer back in the paragraph's own characters."""

import json

import numpy as np
import pytest

from dump2bert import cli
from dump2bert.metrics.squad import squad_scores
from dump2bert.tasks.squad.alignment import INSIDE_TOKEN, align, tokenize
from dump2bert.tasks.squad.answers import best_answers, predictions
from dump2bert.tasks.squad.records import gold_of, read_questions
from dump2bert.tasks.squad.windows import make_windows
from dump2bert.tokenization import Tokenizer, load_vocabulary

MAX_SEQ_LENGTH, DOC_STRIDE, MAX_QUERY_LENGTH = 384, 128, 64


@pytest.fixture(scope="module")
def dev(shared_data):
    """Questions, tokens of the paragraphs, rows, first answers in tokens, answers that do not fit."""
    asked = read_questions(shared_data / "squad" / "dev-v1.1.json.gz")
    tokenizer = Tokenizer(load_vocabulary(shared_data / "vocab" / "bert-base-uncased-vocab.txt"), do_lower_case=True)
    paragraphs = tokenize(asked.contexts, tokenizer)
    windowed = make_windows(asked, paragraphs, tokenizer, MAX_SEQ_LENGTH, DOC_STRIDE, MAX_QUERY_LENGTH)
    return asked, paragraphs, windowed, *align(asked, paragraphs)


def test_every_question_has_rows_that_hold_every_token_of_its_context(dev):
    asked, paragraphs, windowed, _, _ = dev
    rows = windowed.rows
    assert len(asked.questions) == 10570 and windowed.cut == 0
    assert (np.unique(rows.question_numbers) == np.arange(10570)).all()
    counts, offsets = rows.lengths - 1 - rows.offsets, rows.offsets
    reached = np.zeros(10570, np.int64)
    for row, (number, start) in enumerate(zip(rows.question_numbers, rows.window_starts)):
        ids = paragraphs[asked.questions[number].context].ids[start:start + counts[row]]
        assert start <= reached[number] and (rows.input_ids[row, offsets[row]:offsets[row] + counts[row]] == ids).all()
        reached[number] = start + counts[row]
    assert (reached == [len(paragraphs[question.context].ids) for question in asked.questions]).all()


def test_all_but_218_of_34726_answers_lead_back_to_their_exact_characters(dev):
    """Those begin or end within a token: the year in "1990s", for one."""
    asked, _, _, spans, problems = dev
    assert sum(len(question.answers) for question in asked.questions) == 34726
    assert None not in spans
    assert len(problems) == 218 and {(problem.reason, problem.kept) for problem in problems} == {(INSIDE_TOKEN, True)}


def test_scores_that_point_at_the_first_answers_give_these_answers(dev):
    asked, paragraphs, windowed, spans, problems = dev
    rows = windowed.rows
    logits = np.zeros((*rows.input_ids.shape, 2), np.float32)
    starts, ends = np.array(spans)[rows.question_numbers].T - rows.window_starts + rows.offsets
    for row in np.flatnonzero((starts >= rows.offsets) & (ends < rows.lengths - 1)):
        logits[row, starts[row], 0] = logits[row, ends[row], 1] = 10
    found = predictions(asked, best_answers(asked, paragraphs, rows, logits, 1, max_answer_length=60))
    exact = sum(found[question.id] == question.answers[0][0].strip() for question in asked.questions)
    assert exact == 10570 - len({problem.question for problem in problems if problem.answer == 0})
    scores = squad_scores(gold_of(asked), found)
    assert scores["exact_match"] > 99.4 and scores["f1"] > 99.5


@pytest.mark.parametrize("system, exact_match, f1", [("berten", 86.2062, 92.1956), ("logistic", 40.1419, 50.9815)])
def test_the_command_scores_as_the_official_scorer(shared_data, tmp_path, system, exact_match, f1):
    folder = shared_data / "squad"
    assert cli.main(["evaluate", "--task", "squad", "--gold", str(folder / "dev-v1.1.json.gz"),
                     "--predictions", str(folder / f"predictions-{system}.json.gz"),
                     "--output", str(tmp_path / "metrics.json")]) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    standard = metrics["metrics"]["standard"]
    assert metrics["records"] == 10570
    assert (standard["exact_match"], standard["f1"]) == (pytest.approx(exact_match, abs=5e-5), pytest.approx(f1, abs=5e-5))
    assert 100 * (1 - len(metrics["wrong_answers"]) / 10570) == pytest.approx(exact_match, abs=5e-5)
    words = standard["per_question_word"]
    assert sum(word["support"] for word in words.values()) == 10570
    assert sum(word["f1"] * word["support"] for word in words.values()) / 10570 == pytest.approx(f1, abs=5e-5)
