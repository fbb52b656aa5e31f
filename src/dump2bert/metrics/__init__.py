"""Scores, as plain functions of plain values: neither mindspore nor tensorflow is needed to compute them.

standard.py, spans.py and squad.py hold the scores as the field defines them; zoo.py those of the MindSpore model zoo
that differ, so that its published numbers can be compared. Fractions run from 0 to 1, SQuAD's two scores from 0 to 100.
"""
