"""Predictions in the form that the benchmarks' servers take: GLUE's tsv (index, prediction), CLUE's JSON lines."""

import json

from dump2bert.errors import BadInput
from dump2bert.files import read_json_lines, read_lines
from dump2bert.tasks.tables import check_ids, score_value


def write_predictions(file, records, predicted, descriptions, glue):
    """predicted: for each record a label or a score; descriptions: {label: its description or None}; glue: tsv."""
    if glue:
        file.write("index\tprediction\n")
    for record, value in zip(records, predicted, strict=True):
        if glue:
            file.write(f"{record.id}\t{value}\n")
        else:
            described = {"label_desc": descriptions[value]} if (descriptions or {}).get(value) else {}
            file.write(json.dumps({"id": record.id, "label": value, **described}, ensure_ascii=False) + "\n")


def read_predictions(path, records, regression, labels):
    """The predicted label or score of each record, in their order, matched by id.

    labels: those that may occur (None: any). BadInput where a record is missing, doubly there or unknown.
    """
    check_ids(records, "the gold data")
    places = {str(record.id): number for number, record in enumerate(records)}
    found = [None] * len(records)
    for line, key, value in read_rows(path):
        where = f"{path} line {line}"
        place = places.get(str(key))
        if place is None:
            raise BadInput(f"{where} predicts a record {key!r} that is not among the {len(records)} of the gold data")
        if found[place] is not None:
            raise BadInput(f"{where} predicts the record {key} a second time")
        value = score_value(value, where) if regression else str(value)
        if labels is not None and value not in labels:
            raise BadInput(f"{where} has the unknown label {value!r}; known are {', '.join(labels)}")
        found[place] = value
    if None in found:
        raise BadInput(f"{path} lacks a prediction for {found.count(None)} of {len(records)} records, first for the "
                       f"record with id {records[found.index(None)].id}")
    return found


def read_rows(path):
    """Yield (line, id, predicted value)."""
    if not str(path).endswith(".tsv"):
        for line, value in read_json_lines(path):
            if not isinstance(value, dict) or "label" not in value or "id" not in value:
                raise BadInput(f'{path} line {line} is no prediction: an object with "id" and "label" is wanted')
            yield line, value["id"], value["label"]
        return
    for line, text in read_lines(path):
        if not text.strip() or (line == 1 and text.split("\t")[0] == "index"):
            continue
        cells = text.split("\t")
        if len(cells) != 2:
            raise BadInput(f"{path} line {line} is no prediction: index, a tab and the prediction are wanted")
        yield line, *cells
