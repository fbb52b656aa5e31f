"""SQuAD v1.1's two scores, exact match and F1 over words, by its official normalisation (Rajpurkar et al. 2016)."""

import re
import string
from collections import Counter

PUNCTUATION = str.maketrans("", "", string.punctuation)


def squad_scores(gold, predicted):
    """Percentages over all questions: {"exact_match", "f1"}.

    gold: {question id: [answer texts]}; predicted: {question id: answer text}. A question without a prediction scores
    0.
    """
    exact = f1 = 0.0
    for question, answers in gold.items():
        if question in predicted:
            exact += max(normalised(predicted[question]) == normalised(answer) for answer in answers)
            f1 += max(words_f1(predicted[question], answer) for answer in answers)
    return {"exact_match": 100 * exact / max(len(gold), 1), "f1": 100 * f1 / max(len(gold), 1)}


def normalised(text):
    """Lower-cased, without ASCII punctuation and English articles, single spaces."""
    text = text.lower().translate(PUNCTUATION)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def words_f1(predicted, gold):
    predicted, gold = normalised(predicted).split(), normalised(gold).split()
    common = (Counter(predicted) & Counter(gold)).total()
    return 2 * common / (len(predicted) + len(gold)) if common else 0.0
