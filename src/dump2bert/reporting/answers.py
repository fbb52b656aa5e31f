"""Predicted answers against gold ones: questions of the development set with the part of their context that matters."""

from pathlib import Path

from dump2bert.errors import BadInput
from dump2bert.files import read_json
from dump2bert.reporting.examples import pieces

AROUND = 60
"""Characters that are shown before and behind the answers."""


def read_answers(folder, metrics):
    """All questions of a SQuAD run, in the order of the gold file: {"number", "question", "text", "spans", "pieces"}, as
    examples.read_examples has them. None where a file is not there any more.

    `metrics` names the questions whose answer is wrong. A right answer is one span of the verdict right; else the gold
    answer's is missed and the predicted one's wrong.
    """
    folder = Path(folder)
    gold_file = next((path for path in map(Path, metrics.get("inputs", {})) if path.parent != folder), None)
    try:
        gold, predicted = read_json(gold_file) if gold_file else None, read_json(folder / "predictions.json")
        best = read_json(folder / "predictions.nbest.json")
        paragraphs = [paragraph for article in gold["data"] for paragraph in article["paragraphs"]]
        questions = [(paragraph["context"], question) for paragraph in paragraphs for question in paragraph["qas"]]
        wrong = set(map(str, metrics["wrong_answers"]))
        ids = [str(question["id"]) for _, question in questions]    # as keys are in JSON
        return [compared(number, context, question, predicted.get(name, ""), best.get(name, []), name in wrong)
                for number, (name, (context, question)) in enumerate(zip(ids, questions))]
    except (BadInput, KeyError, TypeError):
        return None


def compared(number, context, question, predicted, best, wrong):
    """best: the n best answers, of which the first says where the prediction stands; wrong: whether it is."""
    answers = [(answer.get("answer_start", -1), answer["text"]) for answer in question["answers"]]
    start = next((answer["answer_start"] for answer in best if answer["text"] == predicted), -1)
    spans = [(start, predicted, "right")]
    if wrong:
        spans = [(start, predicted, "wrong"), (*answers[0], "missed")]
    spans = [(start, start + len(text), "", verdict) for start, text, verdict in spans
             if text and start >= 0 and context.startswith(text, start)]
    first = max(min((span[0] for span in spans), default=0) - AROUND, 0)
    last = max((span[1] for span in spans), default=AROUND) + AROUND
    text = ("… " if first else "") + context[first:last] + (" …" if last < len(context) else "")
    moved = first - 2 * bool(first)
    spans = sorted((start - moved, end - moved, kind, verdict) for start, end, kind, verdict in spans)
    return {"number": number, "question": question["question"], "text": text, "spans": spans, "pieces": pieces(text, spans)}
