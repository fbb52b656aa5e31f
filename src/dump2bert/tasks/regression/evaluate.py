"""Scores of a regression."""

from functools import partial

from dump2bert.tasks.classification import evaluate as classification

evaluate = partial(classification.evaluate, kind="regression")
