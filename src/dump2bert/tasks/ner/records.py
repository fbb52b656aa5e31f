"""Records in the form of CLUENER (Xu et al. 2020): JSON lines with a text and its entities.

    {"text": "温格的球队", "label": {"name": {"温格": [[0, 1]]}}}

`label` holds for each type each entity's text with its places, first and last character. The submission form is the
same with an `id` instead of the text. Inside the project an entity is (start, end, type), `end` being behind its last
character.
"""

import json
from typing import NamedTuple

from dump2bert.errors import BadInput
from dump2bert.files import input_lines, name_of, parsed, read_json_lines
from dump2bert.tasks.tables import check_ids


class Record(NamedTuple):
    """id: the record's own, else its number from 0. entities: a set of (start, end, type), None if the file has no
    labels."""

    id: object
    text: str
    entities: set | None
    line: int


def read_records(path, types=None, labelled=True):
    """The records of a file of JSON lines. BadInput names file and line of the first that is wrong.

    types: the types that may occur (None: any); labelled: whether every record must have a `label`.
    """
    records = [record_of(value, number, f"{path} line {line}", line, types, labelled)
               for number, (line, value) in enumerate(read_json_lines(path))]
    if not records:
        raise BadInput(f"{path} holds no record")
    return records


def read_texts(path):
    """Records to predict: JSON lines as above (`label` may be absent), or plain text, where each line is a record.

    path: also - (standard input) and a Given text. BadInput where there is no record."""
    name, lines = name_of(path), list(input_lines(path))
    if not lines:
        raise BadInput(f"{name} holds no record")
    first = next((line for _, line in lines if line.strip()), "")
    if not is_json_record(first):
        return [Record(number, line, None, at) for number, (at, line) in enumerate(lines)]
    records = []
    for at, line in lines:
        if line.strip():
            where = f"{name} line {at}"
            records.append(record_of(parsed(line, where), len(records), where, at, types=None, labelled=False))
    return records


def is_json_record(line):
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return line.lstrip().startswith('{"')    # half a record is no plain text


def record_of(value, number, where, line, types, labelled):
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise BadInput(f'{where} is no record: an object with a "text" is wanted')
    label = value.get("label")
    if label is None and labelled:
        raise BadInput(f'{where} has no "label"')
    if not isinstance(value.get("id", 0), (int, str)):
        raise BadInput(f"{where} has the id {value['id']!r}; a number or a text is wanted")
    entities = None if label is None else entities_of(label, where, types, value["text"])
    return Record(value.get("id", number), value["text"], entities, line)


def entities_of(label, where, types=None, text=None):
    """The set of (start, end, type) that a `label` holds, checked against the text if there is one."""
    entities = set()
    for kind, named in checked(label, dict, where, "its label").items():
        if types is not None and kind not in types:
            raise BadInput(f"{where} has entities of the unknown type {kind!r}; known are {', '.join(types)}")
        for name, places in checked(named, dict, where, f"label {kind!r}").items():
            for place in checked(places, list, where, f"entity {name!r}"):
                if not (isinstance(place, list) and len(place) == 2 and all(type(number) is int for number in place)):
                    raise BadInput(f"{where}: {kind} {name!r} has the place {place!r}; [first, last] is wanted")
                first, last = place
                if not 0 <= first <= last or (text is not None and last >= len(text)):
                    raise BadInput(f"{where}: {kind} {name!r} at {place} lies outside the text"
                                   + (f" of {len(text)} characters" if text is not None else ""))
                if text is not None and text[first:last + 1] != name:
                    raise BadInput(f"{where}: {kind} {name!r} at {place} is {text[first:last + 1]!r} in the text")
                entities.add((first, last + 1, kind))
    return entities


def checked(value, kind, where, what):
    if not isinstance(value, kind):
        form = {dict: "an object", list: "a list of places"}[kind]
        raise BadInput(f"{where}: {what} should be {form}, but is {value!r}")
    return value


def label_of(entities, text):
    """Entities -> the `label` of a record or submission, types and places in order."""
    label = {}
    for start, end, kind in sorted(entities, key=lambda entity: (entity[2], *entity[:2])):
        label.setdefault(kind, {}).setdefault(text[start:end], []).append([start, end - 1])
    return label


def write_predictions(file, records, entities, with_text=False):
    """Write the submission of `records` with the predicted `entities` of each to an open text file. with_text: also the
    text, in which the places of the entities count: columns have it not as such."""
    for record, found in zip(records, entities, strict=True):
        text = {"text": record.text} if with_text else {}
        file.write(json.dumps({"id": record.id, **text, "label": label_of(found, record.text)}, ensure_ascii=False) + "\n")


def read_predictions(path, records, types=None):
    """The predicted `label` of each record, in their order. They are matched by id where the file has ids, else by
    place.

    BadInput where a record is missing, doubly there or unknown, and where a label is no label.
    """
    check_ids(records, "the gold data")
    known = {str(record.id): number for number, record in enumerate(records)}    # 7 and "7" are one id
    labels = [None] * len(records)
    for number, (line, value) in enumerate(read_json_lines(path)):
        where = f"{path} line {line}"
        if not isinstance(value, dict) or "label" not in value:
            raise BadInput(f'{where} is no prediction: an object with a "label" is wanted')
        place = known.get(str(value["id"])) if isinstance(value.get("id"), (int, str)) else number
        if place is None or place >= len(records):
            raise BadInput(f"{where} predicts a record that is not among the {len(records)} of the gold data")
        if labels[place] is not None:
            raise BadInput(f"{where} predicts the record {value.get('id', place)} a second time")
        entities_of(value["label"], where, types)
        labels[place] = value["label"]
    if None in labels:
        missing = records[labels.index(None)].id
        raise BadInput(f"{path} lacks a prediction for {labels.count(None)} of {len(records)} records, first for "
                       f"the record with id {missing}")
    return labels
