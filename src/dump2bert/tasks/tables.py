"""Records of files in the common formats: JSON (lines, or one list), tsv, csv, CoNLL columns, and TNEWS 1.0's first form.

A reader yields (line, Fields, values) for each record. Which fields hold what is said by a `Fields`: names of JSON keys
(`a.b` for a key inside an object) or of the columns of a header, or numbers of columns, from 0, where a file has none
(-1 is the last). tsv is split at tabs alone, as GLUE's files want (their quotes are text); csv follows the usual rules
of quoting.
"""

import csv
import json
import math
import re
from typing import NamedTuple

from dump2bert.errors import BadInput
from dump2bert.files import input_lines, json_lines, name_of, parsed
from dump2bert.progress import say

FORMATS = ("json", "tsv", "csv", "conll", "toutiao")
SUFFIXES = {".json": "json", ".jsonl": "json", ".tsv": "tsv", ".csv": "csv", ".conll": "conll", ".bio": "conll",
            ".bmes": "conll", ".bioes": "conll", ".iob": "conll"}
TOUTIAO = "_!_"


class Fields(NamedTuple):
    """Names (str) or numbers (int) of fields, or lists of them, whose texts are joined by a space. text_pair, label and
    id may be None: there is none."""

    text: object
    text_pair: object = None
    label: object = None
    id: object = None


def format_of(path, form=None, of_text=None):
    """The format of a file: `form` if it is given, else what its name says; of_text: what .txt means, or None."""
    name = str(path).removesuffix(".gz")
    found = form or next((kind for suffix, kind in SUFFIXES.items() if name.endswith(suffix)), None)
    if found is None and name.endswith(".txt"):
        found = of_text
    if found is None:
        raise BadInput(f"{path}: its name does not tell its format: give `format`, one of {', '.join(FORMATS)}")
    return found


def has_known_suffix(path):
    return str(path).removesuffix(".gz").endswith(tuple(SUFFIXES))


def rows_of(path, form, forms):
    """Yield (line, Fields, values) of each record of a file in the format `form` (one of FORMATS but conll).

    forms: the Fields to try, those with names of a header first. values: a dict, or a list where there is no header.
    """
    if form == "json":
        for line, value in json_values(path):
            if not isinstance(value, dict):
                raise BadInput(f"{name_of(path)} line {line} is no record: an object is wanted, but it is {value!r}")
            yield line, forms[0], value
        return
    cells = {"csv": csv_cells, "tsv": tsv_cells, "toutiao": toutiao_cells}[form](path)
    line, first = next(cells, (1, []))
    fields = next((one for one in forms if names_in(one.text) and names_in(one.text) <= set(first)), None)
    if fields is None:
        fields = next((one for one in forms if not names_in(one.text)), None)
        if fields is None:
            raise BadInput(f"{path} has the columns {', '.join(first)}, and not {forms[0].text}")
        yield from ((line, fields, row) for line, row in [(line, first), *cells] if row)
        return
    twice = next((name for field in fields for name in names_in(field) if first.count(name) > 1), None)
    if twice:
        raise BadInput(f"{name_of(path)} has several columns of the name {twice}: which is meant? Rename one, or give the "
                       "numbers of columns as `fields`, without the header")
    for line, row in cells:
        if len(row) != len(first):
            raise BadInput(f"{path} line {line} has {len(row)} columns, but the header has {len(first)}")
        yield line, fields, dict(zip(first, row))


def names_in(field):
    """The names among a field or a list of fields."""
    return {one for one in (field if isinstance(field, (list, tuple)) else [field]) if isinstance(one, str)}


def json_values(path):
    """Yield (line, value): of JSON lines, or of the records of one JSON list."""
    lines = list(input_lines(path))
    first = next((line for _, line in lines if line.strip()), "")
    if first.lstrip().startswith("["):
        yield from list_values("\n".join(line for _, line in lines), name_of(path))
    else:
        yield from json_lines(lines, name_of(path))


def list_values(text, name):
    """Yield (where it begins, value) of the values of a JSON list; all of it may stand on one line: "1, record 7"."""
    place, line, space = text.index("[") + 1, 1 + text.count("\n", 0, text.index("[")), re.compile(r"[\s,]*")
    for number, value in enumerate(parsed(text, name), 1):
        start = space.match(text, place).end()
        line += text.count("\n", place, start)
        yield f"{line}, record {number}", value
        place = json.JSONDecoder().raw_decode(text, start)[1]
        line += text.count("\n", start, place)


def tsv_cells(path):
    for number, line in input_lines(path):
        if line.strip():
            yield number, line.split("\t")


def toutiao_cells(path):
    """Lines of id _!_ label _!_ its description _!_ title _!_ keywords."""
    for number, line in input_lines(path):
        if line.strip():
            cells = line.split(TOUTIAO)
            if len(cells) < 4:
                raise BadInput(f"{path} line {number} has {len(cells)} fields; id, label, description and title, apart by "
                               f"{TOUTIAO}, are wanted")
            yield number, cells


def csv_cells(path):
    csv.field_size_limit(2**31 - 1)    # a text may be longer than its 131,072
    reader = csv.reader((line + "\n" for _, line in input_lines(path)), strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise BadInput(f"{path} line {reader.line_num} is not valid csv: {error}") from error


def column_blocks(path):
    """Yield [(line, columns), ...] of each sentence of a CoNLL file: a token a line, a blank line between sentences.

    Columns are apart by tabs, or by spaces where a line has no tab; other white space may be a token. -DOCSTART- lines
    are no tokens.
    """
    block = []
    for number, line in input_lines(path):
        if line.strip(" \t") and not line.startswith("-DOCSTART-"):
            block.append((number, line.split("\t") if "\t" in line else spaced_cells(line, block)))
        elif block:
            yield block
            block = []
    if block:
        yield block


def spaced_cells(line, block):
    """The columns of a line without a tab. Where it begins with a space and has a column less than the line before it
    in its sentence, the space is a token."""
    cells = re.split(" +", line.strip(" "))
    columns = len(block[-1][1]) if block else 2
    return [" ", *cells] if line.startswith(" ") and len(cells) == columns - 1 else cells


def value_at(values, field):
    """What stands in a field; None where there is none."""
    if field is None:
        return None
    if isinstance(field, (list, tuple)):
        parts = [value_at(values, one) for one in field]
        return None if None in parts else " ".join(map(str, parts))
    if isinstance(values, dict):
        if field in values or not isinstance(field, str):
            return values.get(field)
        head, dot, rest = field.partition(".")
        return value_at(values[head], rest) if dot and isinstance(values.get(head), dict) else None
    return values[field] if -len(values) <= field < len(values) else None


def text_at(values, field, where):
    """The text in a field; a list of texts is joined by spaces."""
    text = value_at(values, field)
    if isinstance(text, list) and all(isinstance(part, str) for part in text):
        text = " ".join(text)
    if not isinstance(text, str):
        raise BadInput(f"{where} has no {named(field)}" if text is None else
                       f"{where}: {named(field)} is {text!r}, but should be a text")
    return text


def named(field):
    """How a message calls a field."""
    if isinstance(field, (list, tuple)):
        return " and ".join(map(named, field))
    return f"column {field + 1}" if isinstance(field, int) else f'"{field}"' if field else "label"


def label_value(value, where):
    if not isinstance(value, (str, int)):
        raise BadInput(f"{where} has the label {value!r}; a text or a whole number is wanted")
    return str(value).lower() if isinstance(value, bool) else str(value)


def score_value(value, where, header=False):
    """header: whether it may be that of a column, which was given by its number."""
    try:
        score = float(value)
    except (TypeError, ValueError):
        score = math.nan
    if not math.isfinite(score):
        raise BadInput(f"{where} has the score {value!r}; a number is wanted"
                       + (" (of a file with a header, give the columns' names as `fields`)" if header else ""))
    return score


def check_ids(records, name):
    """BadInput where two records have the same id, by which predictions are matched."""
    same = same_ids(records)
    if same:
        raise BadInput(f"{name} has two records with the id {same[1].id}, in lines {same[0].line} and {same[1].line}: ids must "
                       "differ")


def warn_of_same_ids(records, name):
    same = same_ids(records)
    if same:
        say(f"{name} has several records with one id, first {same[1].id} in lines {same[0].line} and {same[1].line}: so have the "
            "predictions")


def same_ids(records):
    """The first two records with one id, or None."""
    known = {}
    return next(((known[str(record.id)], record) for record in records
                 if known.setdefault(str(record.id), record) is not record), None)
