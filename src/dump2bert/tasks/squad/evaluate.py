"""Scores of predicted answers against the gold ones: exact match and F1 over words, in percent, as SQuAD v1.1's official
scorer and the model zoo alike count them, and for each question word."""

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.metrics.squad import normalised, question_word, squad_scores
from dump2bert.progress import say
from dump2bert.tasks.squad.records import gold_of, read_predictions, read_questions


def evaluate(task, gold, predictions, label_ids):
    """-> what metrics.json says: records, the time that prediction took (where label_ids, the .npz of the stage predict,
    is given), the metrics, and the ids of the questions without an exact match. A question without a prediction scores 0."""
    asked = read_questions(gold)
    found = read_predictions(predictions, asked.questions)
    if len(found) < len(asked.questions):
        say(f"{predictions} lacks an answer to {len(asked.questions) - len(found)} of {len(asked.questions)} questions, "
            "which score 0")
    answers = gold_of(asked)
    scores = squad_scores(answers, found)
    wrong = [name for name, texts in answers.items()
             if name not in found or normalised(found[name]) not in map(normalised, texts)]
    seconds, steps = read_times(label_ids) if label_ids else (None, None)
    return {"records": len(asked.questions), "seconds": seconds,
            "samples_per_second": len(asked.questions) / seconds if seconds else None,
            "ms_per_step": 1000 * seconds / steps if steps else None,
            "metrics": {"standard": {**scores, "per_question_word": by_question_word(asked, answers, found)},
                        "zoo": scores},
            "wrong_answers": wrong}


def by_question_word(asked, answers, found):
    """{question word: {"exact_match", "f1", "support"}}, the most frequent first."""
    groups = {}
    for question in asked.questions:
        groups.setdefault(question_word(question.text), []).append(question.id)
    return {word: {**squad_scores({name: answers[name] for name in names}, found), "support": len(names)}
            for word, names in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))}


def read_times(label_ids):
    """(seconds, steps) of the network."""
    try:
        with np.load(label_ids) as arrays:
            return float(arrays["seconds"]), int(arrays["steps"])
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{label_ids} is not what `dump2bert predict` writes as --label_ids") from error
