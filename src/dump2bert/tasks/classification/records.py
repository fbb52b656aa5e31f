"""Records of one sentence or two with a label or a score. tables.py reads the files, datasets.py says what they hold."""

from typing import NamedTuple

from dump2bert.errors import BadInput
from dump2bert.files import Given, input_lines, json_lines, name_of
from dump2bert.progress import say
from dump2bert.tasks.tables import (TOUTIAO, format_of, has_known_suffix, label_value, named, rows_of, score_value,
                                    text_at, value_at)


class Record(NamedTuple):
    """id: the record's own, else its number from 0; label: a text, a float (regression) or None where there is none."""

    id: object
    text: str
    text_pair: str | None
    label: object
    line: int


class Records(list):
    """The records of a file; `skipped`: how many it has beside, which have a label that the data set leaves out."""

    skipped = 0


def read_records(path, dataset, labels=None, labelled=True):
    """The Records of a file. BadInput names file and line of the first that is wrong.

    labels: those that may occur (None: any); labelled: whether every record must have one (else none is looked at).
    """
    found = records_of(rows_of(path, format_of(path, dataset.format, dataset.text_format), dataset.forms), name_of(path),
                       dataset, labels, labelled)
    if not found:
        raise BadInput(f"{name_of(path)} holds no record")
    return found


def records_of(rows, name, dataset, labels, labelled):
    records, regression = Records(), dataset.kind == "regression"
    for number, (line, fields, values) in enumerate(rows):
        where = f"{name} line {line}"
        text = text_at(values, fields.text, where)
        pair = None if fields.text_pair is None else text_at(values, fields.text_pair, where)
        own = value_at(values, fields.id)
        if own is not None and (isinstance(own, bool) or not isinstance(own, (int, str))):
            raise BadInput(f"{where} has the id {own!r}; a number or a text is wanted")
        check_cell(own, where, "id")
        label = value_at(values, fields.label)
        if label in dataset.skipped:    # where labels are not looked at, too: what is predicted is what is scored
            records.skipped += 1
            continue
        if not labelled:
            label = None
        else:
            if label in (None, ""):
                raise BadInput(f"{where} has no {named(fields.label)}")
            check_cell(label, where, "label")
            header = number == 0 and isinstance(fields.label, int)
            label = score_value(label, where, header) if regression else label_value(label, where)
            if labels is not None and label not in labels:
                raise BadInput(f"{where} has the unknown label {label!r}; known are {', '.join(labels)}")
        records.append(Record(number if own is None else own, text, pair, label, line))
    if len(records) > 1 and labels is None and isinstance(fields.label, int) and \
            [record.label for record in records].count(records[0].label) == 1 and not regression and labelled:
        say(f"{name} line {records[0].line}: no other record has the label {records[0].label!r}. If the line is a header, give "
            "the columns' names as `fields`, not their numbers")
    return records


def check_cell(value, where, what):
    if isinstance(value, str) and {"\t", "\n", "\r"} & set(value):
        raise BadInput(f"{where} has the {what} {value!r}: tabs and line breaks would spoil the tables of predictions")


def read_texts(path, dataset, form=None):
    """Records to predict: a file as above, whose labels are not looked at, or plain text with a sentence a line (of a
    pair: two, apart by a tab). Standard input and a Given text may be JSON lines, too, or in the format `form`."""
    if form or is_table(path, dataset):
        return read_records(path, dataset, labelled=False)
    lines = list(input_lines(path))
    if next((line for _, line in lines if line.strip()), "").lstrip().startswith('{"'):
        rows = ((line, dataset.forms[0], value) for line, value in json_lines(lines, name_of(path)))
        return records_of(rows, name_of(path), dataset, None, False)
    records = Records()
    for number, (line, text) in enumerate(lines):
        pair = None
        if dataset.forms[0].text_pair is not None:
            text, tab, pair = text.partition("\t")
            if not tab:
                raise BadInput(f"{name_of(path)} line {line} has one sentence; two, apart by a tab, are wanted")
        records.append(Record(number, text, pair, None, line))
    if not records:
        raise BadInput(f"{name_of(path)} holds no record")
    return records


def is_table(path, dataset):
    """Whether a file to predict has records in a format, and is no plain text."""
    if isinstance(path, Given) or str(path) == "-":
        return False
    if dataset.format or has_known_suffix(path):
        return True
    return dataset.text_format == "toutiao" and TOUTIAO in next(input_lines(path), (1, ""))[1]
