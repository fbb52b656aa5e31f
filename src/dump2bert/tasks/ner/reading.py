"""Records with entities from files of any known form: CLUENER's JSON, JSON or tables with fields of one's own, CoNLL
columns.

Entities in JSON are CLUENER's object, or a list of [start, end, type] or of {"start", "end", "type"} (`end` behind the last
character). Where the text is a list of tokens (in a table: where the label is no JSON), labels are one a token.
"""

from dump2bert.errors import BadInput
from dump2bert.files import Given, name_of, parsed
from dump2bert.tasks.ner.columns import Columns, is_label, read_columns, record_of_tags
from dump2bert.tasks.ner.records import read_texts, record_of
from dump2bert.tasks.tables import column_blocks, format_of, has_known_suffix, names_in, rows_of, value_at


def read(path, dataset, types=None, labelled=True):
    """The Columns of a file. dataset: datasets.Dataset; types: those that may occur (None: any); labelled: whether every
    record must have entities."""
    form = format_of(path, dataset.format, dataset.text_format)
    if form == "conll":
        fields = next((fields for fields in dataset.forms if not names_in(fields.text)), None)
        if fields is None:
            raise BadInput(f"{name_of(path)} has columns: give their numbers as `fields`, like "
                           '{"text": 0, "label": -1}')
        found = read_columns(path, fields, types, labelled)
    else:
        records = [record_from(values, fields, number, f"{name_of(path)} line {line}", line, types, labelled)
                   for number, (line, fields, values) in enumerate(rows_of(path, form, dataset.forms))]
        found = Columns(records, 0)
    if not found.records:
        raise BadInput(f"{name_of(path)} holds no record")
    return found


def record_from(values, fields, number, where, line, types, labelled):
    text, label = value_at(values, fields.text), value_at(values, fields.label)
    if isinstance(text, str) and isinstance(label, str):
        if label.lstrip().startswith(("{", "[")):
            label = parsed(label, f"{where}: its label")
        else:
            text, label = text.split(), label.split() or (None if text.strip() else [])
    if isinstance(text, list) and all(isinstance(token, str) for token in text):
        if labelled and not isinstance(label, list):
            raise BadInput(f"{where} has {len(text)} tokens and no labels")
        return record_of_tags(text, label, number, where, line, types)
    if isinstance(label, list):
        label = label_of_list(label, text, where)
    known = {"text": text, "label": label, "id": value_at(values, fields.id)}
    return record_of({key: value for key, value in known.items() if value is not None}, number, where, line, types,
                     labelled)


def label_of_list(entities, text, where):
    """A list of entities -> CLUENER's object."""
    label = {}
    for entity in entities:
        if isinstance(entity, dict):
            entity = [entity.get("start"), entity.get("end"), entity.get("type", entity.get("label"))]
        if not (isinstance(entity, list) and len(entity) == 3 and all(type(number) is int for number in entity[:2])
                and isinstance(entity[2], str)):
            raise BadInput(f"{where} has the entity {entity!r}; [start, end, type] is wanted")
        start, end, kind = entity
        name = text[start:end] if isinstance(text, str) and 0 <= start < end else ""
        label.setdefault(kind, {}).setdefault(name, []).append([start, end - 1])
    return label


def texts(path, dataset, form=None):
    """-> records to predict, and whether they come from columns. They are in `form` where that is given; else a file may be in the
    data set's own form, or plain text, and standard input and a Given text may be JSON lines with a "text", or plain text."""
    file = not isinstance(path, Given) and str(path) != "-"
    columns = file and str(path).removesuffix(".gz").endswith(".txt") and dataset.text_format == "conll"
    if form or file and (dataset.format or has_known_suffix(path)) or columns and holds_columns(path, dataset.forms[-1]):
        return read(path, dataset, labelled=False).records, format_of(path, dataset.format, dataset.text_format) == "conll"
    return read_texts(path), False


def holds_columns(path, fields):
    """Whether a .txt begins with a sentence of columns, all lines alike and with a label, and so is no plain text."""
    rows = [cells for _, cells in next(column_blocks(path), [])]
    return len({len(cells) for cells in rows}) == 1 and len(rows[0]) > 1 and all(
        is_label(value_at(cells, fields.label)) for cells in rows) and (len(rows) > 1 or len(rows[0]) == 2)
