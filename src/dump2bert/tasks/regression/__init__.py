"""Regression: a score for one sentence or two (STS-B). All of it is in tasks/classification; these modules say that the
labels are scores."""
