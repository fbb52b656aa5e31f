"""Scores of predicted labels or scores. Matthews and binary F1 are those of the second of two labels ("1")."""

from dump2bert.metrics.standard import accuracy, binary_scores, macro_f1, matthews, pearson, spearman

SCORE_OF = {"accuracy": "accuracy", "f1": "f1", "mcc": "matthews", "spearman_correlation": "spearman"}
"""Assessment method -> the metric that it means."""


def label_scores(gold, predicted, count):
    """Label ids (n,) twice and how many labels there are -> the standard metrics. F1 of more than two labels is the
    macro average."""
    scores = {"accuracy": accuracy(gold, predicted), "macro_f1": macro_f1(gold, predicted)}
    if count == 2:
        return {**scores, **binary_scores(gold, predicted), "matthews": matthews(gold, predicted)}
    return scores


def correlations(gold, predicted):
    return {"pearson": pearson(gold, predicted), "spearman": spearman(gold, predicted)}


def scores(gold, predicted, labels):
    """labels: how many; None: a regression."""
    return correlations(gold, predicted) if labels is None else label_scores(gold, predicted, labels)
