"""From the scores of the network to the n best answers of each question, in the paragraph's own characters.

All spans of at most max_answer_length tokens are compared (Google's run_squad.py looks at those whose first and last
token are among the n best ones), each in the window that shows most of what is around its first token. A text that
occurs twice among the best answers is listed once.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from dump2bert.tasks.squad.windows import best_windows


class Answer(NamedTuple):
    """text: the characters [start, end) of the paragraph; the scores (logits) of its first and last token."""

    text: str
    start: int
    end: int
    start_logit: float
    end_logit: float


class Spans(NamedTuple):
    """The spans of one question: arrays (spans,); first and last count the paragraph's tokens."""

    scores: np.ndarray
    firsts: np.ndarray
    lasts: np.ndarray
    start_logits: np.ndarray
    end_logits: np.ndarray


def best_answers(asked, paragraphs, rows, logits, n_best_size, max_answer_length):
    """For each question its best Answers, the best first; none where its paragraph has no token.

    logits (rows, max_seq_length, 2) float32: each position's score as the answer's first and as its last token.
    """
    answers = [[] for _ in asked.questions]
    if not len(rows.question_numbers):
        return answers
    lengths, offsets = rows.lengths, rows.offsets
    cuts = [0, *(np.flatnonzero(np.diff(rows.question_numbers)) + 1), len(rows.question_numbers)]
    for first, end in zip(cuts, cuts[1:]):
        number = rows.question_numbers[first]
        context = asked.questions[number].context
        windows = [(int(rows.window_starts[row]), logits[row, offsets[row]:lengths[row] - 1]) for row in range(first, end)]
        answers[number] = distinct(spans_of(windows, max_answer_length), n_best_size, asked.contexts[context],
                                   paragraphs[context])
    return answers


def spans_of(windows, max_answer_length):
    """The Spans of the paragraph whose windows are (first token, scores (tokens, 2))."""
    counts = [len(scores) for _, scores in windows]
    length = max(start + count for (start, _), count in zip(windows, counts))
    best = best_windows([start for start, _ in windows], max(counts), length)
    parts = []
    for number, (start, scores) in enumerate(windows):
        count = len(scores)
        ends = np.concatenate([scores[:, 1], np.full(max_answer_length - 1, -np.inf, np.float32)])
        sums = scores[:, :1] + sliding_window_view(ends, max_answer_length)
        sums[best[start:start + count] != number] = -np.inf
        firsts, widths = np.nonzero(np.isfinite(sums))
        lasts = firsts + widths
        parts.append(Spans(sums[firsts, widths], firsts + start, lasts + start, scores[firsts, 0], scores[lasts, 1]))
    return Spans(*(np.concatenate(arrays) for arrays in zip(*parts)))


def distinct(spans, n_best_size, context, tokens):
    """The n best Answers of different text."""
    found = {}
    for wanted in (4 * n_best_size, len(spans.scores)):   # nearly always enough, and much faster than sorting all
        for number in best_numbers(spans, min(wanted, len(spans.scores))):
            start, end = tokens.characters(spans.firsts[number], spans.lasts[number])
            text = context[start:end]
            if text not in found:
                found[text] = Answer(text, start, end, float(spans.start_logits[number]), float(spans.end_logits[number]))
            if len(found) == n_best_size:
                return list(found.values())
    return list(found.values())


def best_numbers(spans, count):
    """The numbers of the `count` best spans in order; of equal ones the earlier, then the shorter first."""
    numbers = np.arange(len(spans.scores))
    if count < len(numbers):
        numbers = np.argpartition(-spans.scores, count)[:count]
    return numbers[np.lexsort((spans.lasts[numbers], spans.firsts[numbers], -spans.scores[numbers]))]


def predictions(asked, answers):
    """{id: text of the best answer}, "" where there is none."""
    return {question.id: best[0].text if best else "" for question, best in zip(asked.questions, answers, strict=True)}


def n_best(asked, answers):
    """{id: [{"text", "probability" among these, "start_logit", "end_logit", "answer_start"}]}."""
    listed = {}
    for question, best in zip(asked.questions, answers, strict=True):
        sums = np.array([answer.start_logit + answer.end_logit for answer in best])
        weights = np.exp(sums - sums.max(initial=-np.inf)) if best else sums
        listed[question.id] = [
            {"text": answer.text, "probability": float(probability), "start_logit": answer.start_logit,
             "end_logit": answer.end_logit, "answer_start": answer.start}
            for answer, probability in zip(best, weights / weights.sum() if best else [])]
    return listed
