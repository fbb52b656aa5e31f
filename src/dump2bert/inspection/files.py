"""Which kind of file a path is, and what reads it."""

from pathlib import Path

from dump2bert.errors import BadInput
from dump2bert.files import read_json
from dump2bert.inspection.records import count_records, inspect_records, is_records
from dump2bert.inspection.terminal import table
from dump2bert.inspection.vocabularies import inspect_vocabulary
from dump2bert.tokenization import load_vocabulary

READABLE = "a TFRecord file or a folder of them, a schema.json, a checkpoint (.ckpt) or a vocabulary can be looked into"


def inspect(path, vocab_file, records):
    """Yield lines about what is inside `path`. vocab_file: to decode ids, or None; records: instances to show."""
    if not path.exists():
        raise BadInput(f"{path} is not there")
    if path.is_dir():
        paths = shards_of(path)
    elif path.stat().st_size == 0:
        raise BadInput(f"{path} is empty: {READABLE}")
    elif path.suffix == ".ckpt":
        from dump2bert.inspection.checkpoints import inspect_checkpoint     # MindSpore takes seconds to import
        return inspect_checkpoint(path)
    elif path.suffix == ".json":
        return inspect_schema(path)
    elif is_records(path):
        paths = [path]
    elif ".tfrecord" in path.name:
        raise BadInput(f"{path} does not begin as a TFRecord file does: it is damaged or something else")
    elif is_text(path):
        return inspect_vocabulary(path)
    else:
        raise BadInput(f"{path} is nothing that can be read here: {READABLE}")
    return inspect_records(paths, load_vocabulary(vocab_file) if vocab_file else None, records)


def shards_of(folder):
    found = sorted(path for path in folder.glob("*tfrecord*") if path.is_file() and not path.name.startswith("."))
    if not found:
        inside = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        raise BadInput(f"{folder} is a folder without TFRecord files (it holds {inside}): {READABLE}")
    return found


def is_text(path):
    with open(path, "rb") as file:
        start = file.read(1 << 16)
    try:
        start[:start.rfind(b"\n") + 1 or None].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in start


def inspect_schema(path):
    """Yield lines about a schema.json, and whether the TFRecord files beside it have as many records."""
    schema = read_json(path)
    if not isinstance(schema, dict) or not isinstance(schema.get("columns"), dict) \
            or not all(isinstance(column, dict) for column in schema["columns"].values()):
        raise BadInput(f"{path} is JSON, but no schema (an object whose `columns` are objects): {READABLE}")
    yield f"{path}: a schema of type {schema.get('datasetType')}, {schema.get('numRows', 'unknown')} rows"
    rows = [(name, str(column.get("type")), str(column.get("shape"))) for name, column in schema["columns"].items()]
    yield from table([("column", "type", "shape"), *rows])
    if isinstance(schema.get("masking"), dict):
        yield "masked when they are read:"
        yield from table((name, str(value)) for name, value in schema["masking"].items())
    beside = sorted(one for one in Path(path).parent.glob("*tfrecord*") if one.is_file() and is_records(one))
    if beside:
        counts = {one.name: count_records(one) for one in beside}
        total = sum(counts.values())
        yield from table(((name, f"{count:,} records") for name, count in counts.items()))
        # One schema for several data sets (train, dev) names the rows of the largest.
        same = schema.get("numRows") in (total, max(counts.values()))
        yield f"beside it stand {total:,} records" + ("" if same else ": NOT as many as the schema says")
