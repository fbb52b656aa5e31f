"""Records of one sentence or two with a label or a score, in JSON lines, a JSON list, tsv or csv.

Which fields hold what is said by a `Fields`: names of JSON keys or of columns of a header, or numbers of columns (from
0) where a file has no header. The official files of known data sets are in DATASETS; for one's own the fields are given.
tsv is split at tabs alone, as GLUE's files want (their quotes are text); csv follows the usual rules of quoting.
"""

import csv
import math
from typing import NamedTuple

from dump2bert.errors import BadInput
from dump2bert.files import read_json, read_json_lines, read_lines


class Fields(NamedTuple):
    """Names (str) or numbers (int) of fields; text_pair, label and id may be None: there is none."""

    text: object
    text_pair: object = None
    label: object = None
    id: object = None


class Dataset(NamedTuple):
    """forms: the official files' fields, the one with a header first; labels: {label: its description};
    assessment_method: what the benchmark counts; source, licence: where it comes from, what may be done with it."""

    forms: tuple
    labels: dict | None
    assessment_method: str
    source: str
    licence: str


class Record(NamedTuple):
    """id: the record's own, else its number from 0; label: a text, a float (regression) or None where there is none."""

    id: object
    text: str
    text_pair: str | None
    label: object
    line: int


TNEWS_LABELS = {
    "100": "news_story", "101": "news_culture", "102": "news_entertainment", "103": "news_sports",
    "104": "news_finance", "106": "news_house", "107": "news_car", "108": "news_edu", "109": "news_tech",
    "110": "news_military", "112": "news_travel", "113": "news_world", "114": "news_stock",
    "115": "news_agriculture", "116": "news_game"}

DATASETS = {
    # 1.0 has no ids, 1.1 has them in its test file; a record without one has its number.
    "tnews": Dataset((Fields("sentence", None, "label", "id"),), TNEWS_LABELS, "accuracy",
                     "TNEWS 1.0 and 1.1 (CLUE, Xu et al. 2020)", "none stated"),
    "cola": Dataset((Fields("sentence", None, "label", "index"), Fields(3, None, 1)), {"0": None, "1": None}, "mcc",
                    "CoLA (Warstadt et al. 2018)", "none stated"),
    "stsb": Dataset((Fields("sentence1", "sentence2", "score", "index"), Fields(5, 6, 4)), None,
                    "spearman_correlation", "STS-B (Cer et al. 2017)", "CC BY-SA 4.0 (scores)"),
}


def forms_of(task, fields):
    """The Fields to try on a file: what is given, or those of the known data set."""
    if fields:
        unknown = set(fields) - set(Fields._fields)
        if unknown or "text" not in fields:
            raise BadInput(f"fields should name text and may name text_pair, label and id, but are {fields}")
        return (Fields(**fields),)
    if task not in DATASETS:
        raise BadInput(f"{task} is no known data set ({', '.join(DATASETS)}): name the fields of its records, "
                       'like {"text": "sentence", "label": "label"}')
    return DATASETS[task].forms


def known_labels(task, fields=None):
    """{label: description} of a known data set, else None: labels are what the training data has."""
    return DATASETS[task].labels if task in DATASETS and not fields else None


def read_records(path, forms, regression=False, labels=None, labelled=True):
    """The records of a file. BadInput names file and line of the first that is wrong.

    labels: those that may occur (None: any); labelled: whether every record must have one.
    """
    rows = list(rows_of(path, forms))
    if not rows:
        raise BadInput(f"{path} holds no record")
    records = []
    for number, (line, fields, values) in enumerate(rows):
        where = f"{path} line {line}"
        text = text_of(values, fields.text, where)
        pair = None if fields.text_pair is None else text_of(values, fields.text_pair, where)
        label = value_at(values, fields.label)
        if label in (None, "") and labelled:
            raise BadInput(f"{where} has no {named(fields.label)}")
        label = None if label in (None, "") else score_of(label, where) if regression else label_of(label, where)
        if labels is not None and label is not None and label not in labels:
            raise BadInput(f"{where} has the unknown label {label!r}; known are {', '.join(labels)}")
        own = value_at(values, fields.id)
        records.append(Record(number if own is None else own, text, pair, label, line))
    return records


def rows_of(path, forms):
    """Yield (line, Fields, values) of each record: values are a dict, or a list where there is no header."""
    name = str(path).removesuffix(".gz")
    if not name.endswith((".tsv", ".csv")):
        for line, value in json_values(path):
            if not isinstance(value, dict):
                raise BadInput(f"{path} line {line} is no record: an object is wanted, but it is {value!r}")
            yield line, forms[0], value
        return
    cells = csv_cells(path) if name.endswith(".csv") else tsv_cells(path)
    line, first = next(cells, (1, []))
    fields = next((form for form in forms if form.text in first), None)
    if fields is None:
        fields = next((form for form in forms if isinstance(form.text, int)), None)
        if fields is None:
            raise BadInput(f"{path} has the columns {', '.join(first)}, and not {forms[0].text}")
        yield from ((line, fields, row) for line, row in [(line, first), *cells] if row)
        return
    for line, row in cells:
        if len(row) != len(first):
            raise BadInput(f"{path} line {line} has {len(row)} columns, but the header has {len(first)}")
        yield line, fields, dict(zip(first, row))


def json_values(path):
    """Yield (line, value): of JSON lines, or of one JSON list, whose records are counted in place of lines."""
    first = next((line for _, line in read_lines(path) if line.strip()), "")
    if first.lstrip().startswith("["):
        yield from enumerate(read_json(path), 1)
    else:
        yield from read_json_lines(path)


def tsv_cells(path):
    for number, line in read_lines(path):
        if line.strip():
            yield number, line.split("\t")


def csv_cells(path):
    reader = csv.reader((line + "\n" for _, line in read_lines(path)), strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise BadInput(f"{path} line {reader.line_num} is not valid csv: {error}") from error


def value_at(values, field):
    if field is None:
        return None
    if isinstance(values, dict):
        return values.get(field)
    return values[field] if field < len(values) else None


def text_of(values, field, where):
    text = value_at(values, field)
    if not isinstance(text, str):
        raise BadInput(f"{where} has no {named(field)}" if text is None else
                       f"{where}: {named(field)} is {text!r}, but should be a text")
    return text


def named(field):
    return f"column {field + 1}" if isinstance(field, int) else f'"{field}"' if field else "label"


def label_of(value, where):
    if not isinstance(value, (str, int)):
        raise BadInput(f"{where} has the label {value!r}; a text or a number is wanted")
    return str(value)


def score_of(value, where):
    try:
        score = float(value)
    except (TypeError, ValueError):
        score = math.nan
    if not math.isfinite(score):
        raise BadInput(f"{where} has the score {value!r}; a number is wanted")
    return score


def read_texts(path, forms):
    """Records to predict: a file as above, whose labels may be missing, or plain text with a sentence a line (of a
    pair: two, apart by a tab)."""
    if str(path).removesuffix(".gz").endswith((".json", ".jsonl", ".tsv", ".csv")):
        records = read_records(path, forms, labelled=False)
        return [record._replace(label=None) for record in records]
    records = []
    for number, (line, text) in enumerate(read_lines(path)):
        pair = None
        if forms[0].text_pair is not None:
            text, tab, pair = text.partition("\t")
            if not tab:
                raise BadInput(f"{path} line {line} has one sentence; two, apart by a tab, are wanted")
        records.append(Record(number, text, pair, None, line))
    return records
