"""Scores against values worked out by hand and against scikit-learn and seqeval where those say the same."""

import subprocess
import sys

import numpy as np
import pytest
import seqeval.metrics
import seqeval.scheme
import sklearn.metrics

from dump2bert.metrics.spans import span_scores
from dump2bert.metrics.squad import squad_scores
from dump2bert.metrics.standard import accuracy, binary_scores, class_scores, macro_f1, matthews, pearson, spearman
from dump2bert.metrics.zoo import (clue_benchmark, position_accuracy, positive_matthews, spearman_by_order,
                                   token_scores)
from tests.unit.scores_together import printed, together


@pytest.mark.parametrize("classes", [2, 4])
def test_classification_scores_equal_scikit_learn(classes):
    random = np.random.default_rng(classes)
    gold, predicted = random.integers(0, classes, 200), random.integers(0, classes, 200)
    assert accuracy(gold, predicted) == pytest.approx(sklearn.metrics.accuracy_score(gold, predicted))
    assert matthews(gold, predicted) == pytest.approx(sklearn.metrics.matthews_corrcoef(gold, predicted))
    assert macro_f1(gold, predicted) == pytest.approx(sklearn.metrics.f1_score(gold, predicted, average="macro"))
    scores = sklearn.metrics.precision_recall_fscore_support(gold, predicted)
    for label in range(classes):
        ours = list(class_scores(gold, predicted)[str(label)].values())
        assert ours == pytest.approx([part[label] for part in scores])


def test_matthews_is_zero_where_only_one_class_is_predicted():
    assert matthews([0, 1, 0, 1], [1, 1, 1, 1]) == 0.0
    assert matthews([1, 1], [1, 1]) == 0.0


def test_f1_is_zero_where_nothing_is_predicted_and_nothing_was_to_be_found():
    assert binary_scores([0, 0], [0, 0]) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}


def test_spearman_averages_the_ranks_of_ties():
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5, variances 4.5 and 5.
    assert spearman([0, 1, 1, 2], [10, 20, 30, 40]) == pytest.approx(4.5 / np.sqrt(4.5 * 5))


def test_correlations_with_a_constant_are_zero():
    assert pearson([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]) == 0.0
    assert spearman([1.0], [2.0]) == 0.0


def test_pearson_equals_numpy():
    random = np.random.default_rng(1)
    gold, predicted = random.random(50), random.random(50)
    assert pearson(gold, predicted) == pytest.approx(np.corrcoef(gold, predicted)[0, 1])


def test_scores_of_unequal_lengths_are_refused():
    with pytest.raises(ValueError):
        accuracy([0, 1], [0])


def labels_and_spans(random, records, length):
    """Random BIOES labels that are well-formed, and their spans."""
    labels, spans = [], []
    for _ in range(records):
        row, found, position = [], set(), 0
        while position < length:
            size = min(int(random.integers(1, 4)), length - position)
            name = "AB"[random.integers(2)]
            if random.random() < 0.5:
                row += ["O"] * size
            else:
                row += [f"S-{name}"] if size == 1 else [f"B-{name}", *[f"I-{name}"] * (size - 2), f"E-{name}"]
                found.add((position, position + size, name))
            position += size
        labels.append(row)
        spans.append(found)
    return labels, spans


def test_span_scores_equal_seqeval_in_strict_mode():
    random = np.random.default_rng(3)
    gold_labels, gold = labels_and_spans(random, 60, 12)
    predicted_labels, predicted = labels_and_spans(random, 60, 12)
    options = {"mode": "strict", "scheme": seqeval.scheme.IOBES}
    scores = span_scores(gold, predicted)
    for name in ("precision", "recall", "f1"):
        function = getattr(seqeval.metrics, f"{name}_score")
        assert scores[name] == pytest.approx(function(gold_labels, predicted_labels, **options))
    report = seqeval.metrics.classification_report(gold_labels, predicted_labels, output_dict=True, **options)
    assert scores["per_type"]["A"] == pytest.approx(
        {"precision": report["A"]["precision"], "recall": report["A"]["recall"], "f1": report["A"]["f1-score"],
         "support": report["A"]["support"]})
    assert scores["macro_f1"] == pytest.approx(report["macro avg"]["f1-score"])


def test_span_scores_want_span_and_type_exactly():
    gold = [{(0, 2, "name"), (4, 6, "game")}]
    assert span_scores(gold, [{(0, 2, "game"), (4, 5, "game")}])["f1"] == 0.0
    assert span_scores(gold, [{(0, 2, "name")}])["f1"] == pytest.approx(2 / 3)


def test_a_type_that_never_occurs_scores_zero():
    scores = span_scores([{(0, 1, "name")}], [{(0, 1, "name")}], types=["name", "book"])
    assert scores["per_type"]["book"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert scores["macro_f1"] == 0.5
    assert clue_benchmark([{"name": ["x"]}], [{"name": ["x"]}], ["name", "book"])[0] == 0.5


def test_clue_benchmark_ignores_positions_and_repetitions():
    gold = [{"name": {"叶老桂": [[9, 11], [32, 34]]}}]
    assert clue_benchmark(gold, [{"name": {"叶老桂": [[0, 2]]}}], ["name"])[0] == 1.0


def test_token_scores_of_the_zoo_ignore_the_type():
    # Two positive tokens in the gold, three predicted, two in common, one of them of another type.
    assert token_scores([[0, 3, 5, 0]], [[0, 4, 5, 7]]) == pytest.approx({"precision": 2 / 3, "recall": 1.0, "f1": 0.8})
    assert position_accuracy([[0, 3, 5, 0]], [[0, 4, 5, 7]]) == 0.5


def test_spearman_of_the_zoo_is_its_formula_with_ties_as_sorted():
    random = np.random.default_rng(1)
    gold, predicted = random.integers(0, 5, 40), random.normal(size=40)
    order_gold, order_predicted = np.argsort(gold, kind="stable")[::-1], np.argsort(predicted)[::-1]
    differences = [np.where(order_gold == n)[0][0] - np.where(order_predicted == n)[0][0] for n in range(40)]
    assert spearman_by_order(gold, predicted) == pytest.approx(1 - 6 * sum(d * d for d in differences) / 40 / (40 ** 2 - 1))
    assert spearman_by_order(predicted, predicted) == 1.0 and spearman_by_order([1], [2]) == 0.0
    assert spearman_by_order(gold, gold + predicted) != pytest.approx(spearman(gold, gold + predicted), abs=1e-6)


def test_matthews_of_the_zoo_takes_all_labels_but_the_first_for_one():
    gold, predicted = [0, 1, 2, 0, 2], [0, 2, 1, 1, 2]
    assert positive_matthews(gold, predicted) == pytest.approx(matthews([0, 1, 1, 0, 1], [0, 1, 1, 1, 1]))


def test_precision_recall_and_f1_are_true_together_and_impossible_ones_are_found():
    random = np.random.default_rng(2)
    for _ in range(200):
        gold, predicted = random.integers(0, 3, (2, 12))
        for scores in (token_scores(gold, predicted), binary_scores(gold, predicted), *class_scores(gold, predicted).values()):
            assert together(*(round(scores[name], 6) for name in ("precision", "recall", "f1")))
    assert not together(0.920507, 0.948683, 0.920507)   # as the seed's README prints them
    assert printed("x\nPrecision 0.5\nRecall 0.25\nF1 0.333333\n") == [(0.5, 0.25, 0.333333)] and together(0.5, 0.25, 0.333333)


def test_squad_scores_normalise_and_take_the_best_answer():
    gold = {"1": ["The Denver Broncos!", "Broncos"], "2": ["in 1973"], "3": ["never"]}
    scores = squad_scores(gold, {"1": "denver  broncos", "2": "October 1973"})
    assert scores == pytest.approx({"exact_match": 100 / 3, "f1": (100 + 50) / 3})


def test_metrics_import_neither_mindspore_nor_tensorflow():
    code = ("import sys, dump2bert.metrics.standard, dump2bert.metrics.spans, dump2bert.metrics.squad, "
            "dump2bert.metrics.zoo; print(sorted({'mindspore', 'tensorflow'} & set(sys.modules)))")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
