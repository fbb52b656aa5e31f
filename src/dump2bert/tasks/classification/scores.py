"""Scores of predicted labels or scores: the standard metrics, and the model zoo's own where it counts otherwise.

Matthews and binary F1 are those of the second of two labels ("1")."""

from dump2bert.metrics.standard import accuracy, binary_scores, class_scores, macro_f1, matthews, pearson, spearman
from dump2bert.metrics.zoo import positive_matthews, spearman_by_order, token_scores

SCORE_OF = {"accuracy": "accuracy", "f1": "f1", "mcc": "matthews", "spearman_correlation": "spearman"}
"""Assessment method -> the metric that it means."""


def scores(gold, predicted, labels):
    """The standard metrics. gold, predicted (n,): label ids, or scores; labels: their names in the order of the ids, None:
    a regression. F1 of more than two labels is the macro average; per_label holds each label's own."""
    if labels is None:
        return {"pearson": pearson(gold, predicted), "spearman": spearman(gold, predicted)}
    found = {"accuracy": accuracy(gold, predicted), "macro_f1": macro_f1(gold, predicted)}
    if len(labels) == 2:
        found |= {**binary_scores(gold, predicted), "matthews": matthews(gold, predicted)}
    else:
        found |= {"f1": found["macro_f1"], "matthews": matthews(gold, predicted)}
    per_label = {labels[int(number)]: values for number, values in class_scores(gold, predicted).items()}
    return {**found, "per_label": per_label}


def zoo_scores(gold, predicted, labels):
    """The same as the model zoo's run_classifier.py counts: see metrics/zoo.py."""
    if labels is None:
        return {"spearman": spearman_by_order(gold, predicted)}
    return {"accuracy": accuracy(gold, predicted), **token_scores(gold, predicted),
            "matthews": positive_matthews(gold, predicted)}
