"""The page of a SQuAD run: scores in percent, by question word, wrong answers where they stand in their context."""

import json

import pytest

from dump2bert import cli
from dump2bert.reporting.answers import AROUND, read_answers

CONTEXT = "x" * 200 + " the café of Smith was <open> in 1973 " + "y" * 200
QUESTIONS = [("a", "When was it <open>?", "1973"), ("b", "Whose café?", "Smith"), ("c", "what ?", "café of Smith")]


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture
def results(tmp_path):
    """A run that answers "a" rightly, "b" wrongly and "c" with nothing."""
    gold = write(tmp_path / "dev-v1.1.json", {"data": [{"paragraphs": [{"context": CONTEXT, "qas": [
        {"id": name, "question": question, "answers": [{"text": answer, "answer_start": CONTEXT.index(answer)}]}
        for name, question, answer in QUESTIONS]}]}]})
    run = tmp_path / "results/networks/tiny/tasks/squad/seed-1"
    write(run / "predictions.json", {"a": "1973", "b": "café", "c": ""})
    write(run / "predictions.nbest.json", {"a": [{"text": "1973", "answer_start": CONTEXT.index("1973")}],
                                           "b": [{"text": "café", "answer_start": CONTEXT.index("café")}], "c": []})
    write(tmp_path / "results/tasks/squad/statistics.json", {"kind": "squad", "max_seq_length": 24, "splits": {"dev": {
        "records": 3, "not_fitting": [{"question": "b", "answer": "Smi", "answer_start": 7, "reason": "edge inside a token",
                                       "used": True}], "not_fitting_reasons": {"edge inside a token": 1}}}})
    assert cli.main(["evaluate", "--task", "squad", "--kind", "squad", "--gold", str(gold), "--predictions",
                     str(run / "predictions.json"), "--output", str(run / "metrics.json"), "--split", "dev", "--seed", "1",
                     "--network", "tiny", "--variant", "squad"]) == 0
    return tmp_path / "results"


def test_answers_are_marked_where_they_stand(results):
    run = results / "networks/tiny/tasks/squad/seed-1"
    right, wrong, missed = read_answers(run, json.loads((run / "metrics.json").read_text()))
    for example in (right, wrong, missed):
        assert example["text"].startswith("… ") and example["text"].endswith(" …")
        assert len(example["text"]) <= 2 * AROUND + len("… café of Smith …")
    assert [(right["text"][start:end], verdict) for start, end, _, verdict in right["spans"]] == [("1973", "right")]
    assert [(wrong["text"][start:end], verdict) for start, end, _, verdict in wrong["spans"]] == [
        ("café", "wrong"), ("Smith", "missed")]
    assert [(missed["text"][start:end], verdict) for start, end, _, verdict in missed["spans"]] == [
        ("café of Smith", "missed")]


def test_the_ids_of_questions_may_be_numbers(results):
    run = results / "networks/tiny/tasks/squad/seed-1"
    metrics = json.loads((run / "metrics.json").read_text())
    before = read_answers(run, metrics)
    numbers = {"a": 7, "b": 8, "c": 9}
    gold = results.parent / "dev-v1.1.json"
    text = gold.read_text(encoding="utf-8")
    for name, number in numbers.items():
        text = text.replace(f'"id": "{name}"', f'"id": {number}')
    gold.write_text(text, encoding="utf-8")
    for file in ("predictions.json", "predictions.nbest.json"):
        write(run / file, {str(numbers[name]): value for name, value in json.loads((run / file).read_text()).items()})
    metrics["wrong_answers"] = [str(numbers[name]) for name in metrics["wrong_answers"]]
    assert read_answers(run, metrics) == before and any(spans["spans"] for spans in before)


def test_a_run_whose_files_are_gone_has_no_examples(results):
    run = results / "networks/tiny/tasks/squad/seed-1"
    metrics = json.loads((run / "metrics.json").read_text())
    (run / "predictions.nbest.json").unlink()
    assert read_answers(run, metrics) is None


@pytest.mark.parametrize("config", [None, {"networks": {"tiny": {}}, "tasks": {"squad": {"kind": "squad"}}}])
def test_the_page_shows_percent_question_words_and_wrong_answers(results, tmp_path, config):
    page = tmp_path / "page.html"
    flags = ["--config", json.dumps(config)] if config else []
    assert cli.main(["report", "--results_dir", str(results), "--output", str(page), "--task", "squad", *flags]) == 0
    text = page.read_text(encoding="utf-8")
    for said in ("exact match", "33.3333", "By question word", "Whose café?", "Answers that do not fit the rows (1 listed)",
                 "edge inside a token", "Percent, split dev, 3 records", "1 right, 1 wrong, 2 missed in 3 records"):
        assert said in text, said
    assert "When was it" not in text and "<open>" not in text
