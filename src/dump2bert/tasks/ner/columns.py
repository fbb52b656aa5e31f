"""Entities of token labels, as CoNLL files have them: a token and its label a line, in BIO, BMES or BIOES.

Tokens become a text: a space stands between two of them, but not beside characters of scripts that are written without
spaces. The schemes need not be named, for the letters say what they are: B begins an entity, I or M goes on, E ends it,
S is one by itself. What goes on without a beginning begins, as in conlleval (and in IOB1); such labels are counted.
"""

import unicodedata
from typing import NamedTuple

from dump2bert.errors import BadInput
from dump2bert.files import name_of
from dump2bert.tasks.ner.records import Record
from dump2bert.tasks.tables import column_blocks, named, value_at

SEPARATORS = "-_"


class Columns(NamedTuple):
    """records; repaired: labels that went on or ended without a beginning."""

    records: list
    repaired: int


def read_columns(path, fields, types=None, labelled=True):
    """The Columns of a CoNLL file. fields: tables.Fields, numbers of columns; types: those that may occur (None: any)."""
    name, records, repaired = name_of(path), [], 0
    for block in column_blocks(path):
        tokens, labels = [], []
        for line, cells in block:
            where = f"{name} line {line}"
            token = value_at(cells, fields.text)
            if token is None:
                raise BadInput(f"{where} has no {named(fields.text)}")
            tokens.append(token)
            if len(cells) > 1:
                labels.append(label_parts(value_at(cells, fields.label), where, types))
            elif labelled:
                raise BadInput(f"{where} has no label")
        text, places = joined(tokens)
        entities = None
        if len(labels) == len(tokens):
            spans, mended = spans_of(labels)
            repaired += mended
            entities = {(places[start][0], places[end - 1][1], kind) for start, end, kind in spans}
        records.append(Record(len(records), text, entities, block[0][0]))
    if not records:
        raise BadInput(f"{name} holds no record")
    return Columns(records, repaired)


def record_of_tags(tokens, tags, number, where, line, types):
    """The Record of a list of tokens and one of labels; tags: None where there are none."""
    text, places = joined(tokens)
    if tags is None:
        return Record(number, text, None, line)
    if len(tags) != len(tokens):
        raise BadInput(f"{where} has {len(tokens)} tokens and {len(tags)} labels")
    spans, _ = spans_of([label_parts(tag, where, types) for tag in tags])
    return Record(number, text, {(places[start][0], places[end - 1][1], kind) for start, end, kind in spans}, line)


def label_parts(label, where, types):
    """"B-PER" -> ("B", "PER"), "O" -> ("O", None)."""
    if label == "O":
        return "O", None
    if not is_label(label):
        raise BadInput(f"{where} has the label {label!r}; O, B-TYPE, I-TYPE, M-TYPE, E-TYPE or S-TYPE is wanted")
    if types is not None and label[2:] not in types:
        raise BadInput(f"{where} has the unknown entity type {label[2:]!r}; known are {', '.join(types)}")
    return label[0], label[2:]


def is_label(text):
    """Whether it is O or like B-TYPE."""
    return isinstance(text, str) and (text == "O" or len(text) > 2 and text[0] in "BIMES" and text[1] in SEPARATORS)


def spans_of(labels):
    """(letter, type) of each token -> {(first token, token behind the last, type)}, labels that had to be mended."""
    spans, start, open_type, mended = set(), None, None, 0
    for position, (letter, kind) in enumerate([*labels, ("O", None)]):
        goes_on = letter in "IME" and kind == open_type
        if open_type is not None and not goes_on:
            spans.add((start, position, open_type))
            open_type = None
        if letter != "O" and open_type is None:
            start, open_type = position, kind
            mended += letter in "IME"
        if letter in "ES":
            spans.add((start, position + 1, kind))
            open_type = None
    return spans, mended


def joined(tokens):
    """Tokens -> (text, (start, end) of each)."""
    text, places = "", []
    for token in tokens:
        if text and token and not (unspaced(text[-1]) or unspaced(token[0])):
            text += " "
        places.append((len(text), len(text) + len(token)))
        text += token
    return text, places


def unspaced(character):
    """Whether a character is of a script that is written without spaces, or East Asian punctuation. Hangul is as wide,
    but Korean has spaces."""
    return unicodedata.east_asian_width(character) in "WF" and "HANGUL" not in unicodedata.name(character, "")
