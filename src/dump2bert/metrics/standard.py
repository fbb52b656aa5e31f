"""Accuracy, precision, recall, F1, the Matthews coefficient, and the two correlations.

Where a fraction's denominator is zero (nothing predicted, only one class ...), the score is 0.
"""

import math

import numpy as np
from scipy import stats


def ratio(part, whole):
    return float(part / whole) if whole else 0.0


def precision_recall_f1(true_positives, predicted, relevant):
    """The three scores from counts: right ones, all that were predicted, all that should have been."""
    return {"precision": ratio(true_positives, predicted), "recall": ratio(true_positives, relevant),
            "f1": ratio(2 * true_positives, predicted + relevant)}


def accuracy(gold, predicted):
    """Share of equal labels."""
    gold, predicted = same_length(gold, predicted)
    return ratio(int((gold == predicted).sum()), len(gold))


def binary_scores(gold, predicted, positive=1):
    """Precision, recall and F1 of the class `positive`."""
    gold, predicted = same_length(gold, predicted)
    gold, predicted = gold == positive, predicted == positive
    return precision_recall_f1(int((gold & predicted).sum()), int(predicted.sum()), int(gold.sum()))


def class_scores(gold, predicted):
    """{class: {precision, recall, f1, support}} of every class that occurs in either."""
    gold, predicted = same_length(gold, predicted)
    return {str(label): {**binary_scores(gold, predicted, label), "support": int((gold == label).sum())}
            for label in np.unique(np.concatenate([gold, predicted]))}


def macro_f1(gold, predicted):
    """Mean of the F1 of the classes that occur."""
    scores = class_scores(gold, predicted)
    return ratio(sum(score["f1"] for score in scores.values()), len(scores))


def matthews(gold, predicted):
    """Matthews correlation coefficient (Gorodkin 2004 for more than two classes); 0 where it is undefined."""
    gold, predicted = same_length(gold, predicted)
    classes = np.unique(np.concatenate([gold, predicted]))
    gold_counts = [int((gold == label).sum()) for label in classes]
    predicted_counts = [int((predicted == label).sum()) for label in classes]
    total, right = len(gold), int((gold == predicted).sum())
    covariance = right * total - sum(g * p for g, p in zip(gold_counts, predicted_counts))
    spread = (total * total - sum(g * g for g in gold_counts)) * (total * total - sum(p * p for p in predicted_counts))
    return ratio(covariance, math.sqrt(spread))


def pearson(gold, predicted):
    """Pearson's correlation; 0 where one side is constant or there are fewer than two values."""
    return correlation(stats.pearsonr, gold, predicted)


def spearman(gold, predicted):
    """Spearman's rank correlation, ties at their mean rank; 0 where one side is constant."""
    return correlation(stats.spearmanr, gold, predicted)


def correlation(function, gold, predicted):
    gold, predicted = same_length(np.asarray(gold, np.float64), np.asarray(predicted, np.float64))
    if len(gold) < 2 or len(set(gold.tolist())) == 1 or len(set(predicted.tolist())) == 1:
        return 0.0
    return float(function(gold, predicted)[0])


def same_length(gold, predicted):
    gold, predicted = np.asarray(gold), np.asarray(predicted)
    if gold.shape != predicted.shape:
        raise ValueError(f"{len(gold)} gold values, but {len(predicted)} predicted ones")
    return gold, predicted
