"""From entities in characters to spans of tokens and back.

Not every entity can be said in tokens: its edge may fall inside one ("dot" in "dota"), and of two that overlap only one
can be labelled. Those are returned with the reason, never dropped in silence.
"""

from typing import NamedTuple

from dump2bert.tasks.ner.windows import make_rows, merge
from dump2bert.tasks.windows import window_starts

INSIDE_TOKEN, OVERLAPS, TRUNCATED = "edge inside a token", "overlaps a longer entity", "truncated at a window's edge"


class Misfit(NamedTuple):
    """An entity (start, end, type) of a record, given by its number, that its labels do not say, and why."""

    record: int
    entity: tuple
    reason: str


class Aligned(NamedTuple):
    """rows: of the network; offsets: for each record the (start, end) of its tokens; unknown: tokens that are [UNK]."""

    rows: object
    offsets: list
    misfits: list
    unknown: int


def align(records, tokenizer, labels, max_seq_length):
    """Tokenize records and label their tokens -> Aligned. Records without entities get the label O throughout."""
    vocabulary = tokenizer.vocabulary
    token_ids, offsets, windows, misfits, unknown = [], [], [], [], 0
    for number, record in enumerate(records):
        tokens = tokenizer.tokenize_with_offsets(record.text)
        token_ids.append([vocabulary[piece] for piece, _, _ in tokens])
        offsets.append([(start, end) for _, start, end in tokens])
        unknown += sum(piece == "[UNK]" for piece, _, _ in tokens)
        spans, left_out = token_spans(record.entities or (), offsets[-1])
        misfits += [Misfit(number, entity, reason) for entity, reason in left_out]
        windows.append(window_labels(spans, len(tokens), max_seq_length - 2, labels))
    rows = make_rows(token_ids, windows, vocabulary, max_seq_length)
    return Aligned(rows, offsets, misfits + truncated(records, rows, offsets, misfits, labels), unknown)


def token_spans(entities, offsets):
    """Entities -> (spans of tokens, [(entity, reason)] of those that cannot be said in tokens)."""
    first_at, last_at = {}, {}
    for token, (start, end) in enumerate(offsets):
        first_at.setdefault(start, token)
        last_at[end] = token
    spans, left_out, taken = [], [], set()
    for start, end, kind in sorted(entities, key=lambda entity: (entity[0] - entity[1], entity)):
        span = range(first_at.get(start, 0), last_at.get(end, -1) + 1)
        if start not in first_at or end not in last_at:
            left_out.append(((start, end, kind), INSIDE_TOKEN))
        elif taken.intersection(span):
            left_out.append(((start, end, kind), OVERLAPS))
        else:
            taken.update(span)
            spans.append((span.start, span.stop, kind))
    return spans, left_out


def window_labels(spans, length, size, labels):
    """{first token: label ids} of each window of a record; an entity that an edge cuts is O in that window."""
    windows = {}
    for first in window_starts(length, size):
        end = min(first + size, length)
        inside = [(a - first, b - first, kind) for a, b, kind in spans if first <= a and b <= end]
        windows[first] = labels.encode(inside, end - first)
    return windows


def truncated(records, rows, offsets, misfits, labels):
    """Misfits of entities that no window decides on as a whole: what the merged labels do not give back."""
    known = {(misfit.record, misfit.entity) for misfit in misfits}
    found = character_spans(merge(rows, rows.label_ids), offsets, labels)
    return [Misfit(number, entity, TRUNCATED) for number, record in enumerate(records)
            for entity in sorted((record.entities or set()) - found[number]) if (number, entity) not in known]


def character_spans(label_ids, offsets, labels):
    """For each record the label ids of its tokens -> the set of its entities in characters."""
    return [{(places[start][0], places[end - 1][1], kind) for start, end, kind in labels.decode(ids)}
            for ids, places in zip(label_ids, offsets, strict=True)]
