"""Scores as the MindSpore model zoo's BERT computes them, for comparison with its published numbers.

They differ from what their names promise: see each function, and standard.py and spans.py for the usual ones.
"""

import numpy as np

from dump2bert.metrics.standard import accuracy, matthews, precision_recall_f1, ratio


def token_scores(gold, predicted):
    """Precision, recall and F1 over tokens: every label id above 0 is "positive", whatever its type, so a company taken
    for a book is right. gold, predicted: label ids (records, positions), padding included."""
    gold, predicted = np.asarray(gold) > 0, np.asarray(predicted) > 0
    return precision_recall_f1(int((gold & predicted).sum()), int(predicted.sum()), int(gold.sum()))


def position_accuracy(gold, predicted):
    """Share of equal label ids over all positions, the many of the padding included."""
    return accuracy(np.ravel(gold), np.ravel(predicted))


def positive_matthews(gold, predicted):
    """Matthews coefficient of "any label but the first" (the same as the usual one where there are two labels)."""
    return matthews(np.asarray(gold) > 0, np.asarray(predicted) > 0)


def spearman_by_order(gold, predicted):
    """Spearman's formula for ranks without ties, equal values being ranked in the order in which sorting leaves them:
    with many ties (STS-B's scores) it differs from the correlation of ranks. 0 below two values."""
    gold, predicted = (np.argsort(np.argsort(np.asarray(values), kind="stable")[::-1]).astype(np.float64)
                       for values in (gold, predicted))
    count = len(gold)
    return float(1 - 6 * ((gold - predicted) ** 2).sum() / (count * (count ** 2 - 1))) if count > 1 else 0.0


def clue_benchmark(gold, predicted, types):
    """Macro F1 as CLUENER's official scorer counts: for each type and record the sets of entity *texts* are compared,
    so positions do not matter and an entity that a record repeats counts once.

    gold, predicted: for each record {type: texts}; types: all types, each with the same weight. A type that never
    occurs divides by zero in the official script; here its F1 is 0. -> (macro F1, {type: F1})
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold records, but {len(predicted)} predicted ones")
    scores = {}
    for name in types:
        right = found = relevant = 0
        for gold_entities, predicted_entities in zip(gold, predicted):
            gold_texts, predicted_texts = set(gold_entities.get(name, ())), set(predicted_entities.get(name, ()))
            right += len(gold_texts & predicted_texts)
            found += len(predicted_texts)
            relevant += len(gold_texts)
        scores[name] = precision_recall_f1(right, found, relevant)["f1"]
    return ratio(sum(scores.values()), len(scores)), scores
