"""From answers in characters to spans of tokens and back.

An answer whose answer_start does not point at it is looked for: the nearest occurrence is taken, if need be one that
differs in case or white space. A paragraph's tokens keep the characters that they stand for, so a span of tokens leads
back to the paragraph's own text, case, accents and all.
"""

import re
from typing import NamedTuple

import numpy as np

MOVED, RESPELT = "answer_start pointed elsewhere", "spelt otherwise in the context"
ABSENT, EMPTY, INSIDE_TOKEN = "not in the context", "no text in it", "edge inside a token"


class Tokens(NamedTuple):
    """A paragraph's tokens: ids int32, and the characters [start, end) that each stands for."""

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def characters(self, first, last):
        """[start, end) of the characters of the tokens first .. last."""
        return int(self.starts[first]), int(self.ends[last])

    def span(self, start, end):
        """(first, last) of the tokens that stand for the characters [start, end), or None where none does."""
        first = int(np.searchsorted(self.ends, start, side="right"))
        last = int(np.searchsorted(self.starts, end, side="left")) - 1
        return (first, last) if first <= last else None


def tokenize(contexts, tokenizer):
    """The Tokens of each paragraph."""
    vocabulary, found = tokenizer.vocabulary, []
    for context in contexts:
        pieces = tokenizer.tokenize_with_offsets(context)
        found.append(Tokens(np.array([vocabulary[piece] for piece, _, _ in pieces], np.int32),
                            np.array([start for _, start, _ in pieces], np.int32),
                            np.array([end for _, _, end in pieces], np.int32)))
    return found


def locate(text, answer_start, context):
    """Where an answer stands in its paragraph -> ((start, end), None or what had to be repaired), or (None, why not).

    White space around the answer is no part of it.
    """
    wanted = text.strip()
    if not wanted:
        return None, EMPTY
    given = answer_start if isinstance(answer_start, int) and not isinstance(answer_start, bool) else -1
    start = given + text.index(wanted)
    if given >= 0 and context.startswith(wanted, start):
        return (start, start + len(wanted)), None
    spaced = r"\s+".join(map(re.escape, wanted.split()))
    for pattern, flags, repair in ((re.escape(wanted), 0, MOVED), (spaced, re.IGNORECASE, RESPELT)):
        places = [match.span() for match in re.finditer(pattern, context, flags)]
        if places:
            return min(places, key=lambda place: abs(place[0] - start)), repair
    return None, ABSENT


class Problem(NamedTuple):
    """An answer of a question, both given by their numbers, that is not as it should be, and why; kept: whether it is
    used nevertheless."""

    question: int
    answer: int
    reason: str
    kept: bool


def align(asked, paragraphs):
    """The answers of all questions among the tokens of their paragraphs -> (for each question its first usable answer's
    (first, last) token or None, Problems).

    paragraphs: the Tokens of each context.
    """
    spans, problems = [], []
    for number, question in enumerate(asked.questions):
        tokens, usable = paragraphs[question.context], None
        for answer, (text, answer_start) in enumerate(question.answers):
            place, reason = locate(text, answer_start, asked.contexts[question.context])
            span = place and tokens.span(*place)
            if span and reason is None and tokens.characters(*span) != place:
                reason = INSIDE_TOKEN
            if reason or not span:
                problems.append(Problem(number, answer, reason or EMPTY, bool(span)))
            usable = usable or span
        spans.append(usable)
    return spans, problems
