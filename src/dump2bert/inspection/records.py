"""What is inside TFRecord files: how many records, which columns, and instances decoded to text with their masks."""

import struct
from collections import Counter
from pathlib import Path

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import opened
from dump2bert.inspection.terminal import binned, histogram, size, table
from dump2bert.tfrecord import decode_example, masked_crc, read_records

LOOKED_AT = 2000    # records, evenly spread over the files, that the numbers come from
INSTANCE = {"input_ids", "input_mask", "masked_lm_positions", "masked_lm_ids", "masked_lm_weights"}
UNMASKED = {"input_ids", "segment_lengths", "next_sentence_labels"}
VALUES_SHOWN = 12


def is_records(path):
    """Whether a file begins as a TFRecord file does: a length and its checksum."""
    with opened(path, "rb", compressed=False) as file:
        head = file.read(12)
    return len(head) == 12 and masked_crc(head[:8]) == struct.unpack("<I", head[8:])[0]


def inspect_records(paths, vocabulary, shown):
    """Yield lines about TFRecord files of one kind. vocabulary: {piece: id} or None; shown: records to print."""
    counts = [count_records(path) for path in paths]
    total = sum(counts)
    for path, count in zip(paths, counts):
        yield f"{path}: {count:,} records, {size(Path(path).stat().st_size)}"
    if not total:
        raise BadInput(f"{paths[0]} has no records")
    if len(paths) > 1:
        yield f"together {total:,} records"
    every = max(1, total // LOOKED_AT)
    sampled = list(sample(paths, every))
    records = [record for _, record in sampled]
    yield f"columns (of {len(records):,} records{', evenly spread' if every > 1 else ''}):"
    yield from columns_table(records)
    pieces = vocabulary and sorted(vocabulary, key=vocabulary.get)
    if any(map(kind_of, records)):
        check_alike(sampled)
        yield from instance_numbers(records, vocabulary)
    elif "input_ids" in records[0]:
        yield from histogram("tokens of a record", binned(list(map(length_of, records))))
    for number, record in enumerate(records[:shown], 1):
        yield ""
        yield from shown_record(f"record {1 + (number - 1) * every}", record, pieces)
    if "input_ids" in records[0] and pieces is None:
        yield "ids are not decoded: give --vocab_file to read the text"


def count_records(path):
    """The number of records, by their lengths alone. BadInput where the file ends within one."""
    count, end = 0, Path(path).stat().st_size
    with opened(path, "rb", compressed=False) as file:
        place = 0
        while place < end:
            head = file.read(12)
            if len(head) < 12 or masked_crc(head[:8]) != struct.unpack("<I", head[8:])[0]:
                raise BadInput(f"{path} record {count + 1} has a damaged length: make the file again")
            place += 12 + struct.unpack("<Q", head[:8])[0] + 4
            if place > end:
                raise BadInput(f"{path} ends within record {count + 1}: make the file again")
            file.seek(place)
            count += 1
    return count


def sample(paths, every):
    """Yield (path, record) of each every-th record of all files, decoded."""
    number = 0
    for path in paths:
        for data in read_records(path):
            if number % every == 0:
                try:
                    yield path, decode_example(data)
                except (ValueError, IndexError) as error:
                    raise BadInput(f"{path} has a record that is no tf.train.Example") from error
            number += 1


def kind_of(record):
    """Which kind of pretraining instance a record is; None where it is something else."""
    if INSTANCE <= record.keys():
        return "masked instances"
    return "unmasked instances" if UNMASKED <= record.keys() else None


def check_alike(sampled):
    """BadInput where (path, record) are not all of one kind of instance."""
    (first, record), kind = sampled[0], kind_of(sampled[0][1])
    for path, record in sampled:
        if kind_of(record) != kind:
            raise BadInput(f"{first} has {kind or 'other records'}, but {path} has {kind_of(record) or 'other records'}: "
                           "they are of different runs, so look into them one at a time")


def columns_table(records):
    """Name, type, length, smallest and largest value of each column."""
    rows = []
    for name in sorted({name for record in records for name in record}):
        values = [record[name] for record in records if name in record]
        lengths = sorted({len(value) for value in values})
        length = f"[{lengths[0]}]" if len(lengths) == 1 else f"[{lengths[0]} to {lengths[-1]}]"
        if isinstance(values[0], list):
            rows.append((name, "bytes", length, ""))
            continue
        filled = [value for value in values if len(value)]
        low, high = (min(value.min() for value in filled), max(value.max() for value in filled)) if filled else (0, 0)
        rows.append((name, values[0].dtype.name, length, f"{low:g} to {high:g}"))
    return table(rows)


def instance_numbers(records, vocabulary):
    """Lengths, balance and masks of pretraining instances."""
    lengths = [length_of(record) for record in records]
    tokens, positions = max(sum(lengths), 1), sum(len(record["input_ids"]) for record in records)
    masked = kind_of(records[0]) == "masked instances"
    predictions = [int((record["masked_lm_weights"] > 0).sum()) for record in records] if masked else []
    yield ""
    to_predict = f"tokens to predict: {sum(predictions) / tokens:.1%} of all" if masked else "masked when they are read"
    yield f"{to_predict}; padding: {1 - sum(lengths) / positions:.1%}"
    if "next_sentence_labels" in records[0]:
        random_next = np.mean([record["next_sentence_labels"][0] for record in records])
        yield f"second part: {random_next:.1%} random (label 1), {1 - random_next:.1%} the next one (label 0)"
    if vocabulary:
        unknown = sum(int((record["input_ids"] == vocabulary["[UNK]"]).sum()) for record in records)
        yield f"unknown tokens ([UNK]): {unknown / tokens:.2%}"
    if vocabulary and masked:
        kinds = Counter(kind for record in records for *_, kind in masks(record, vocabulary["[MASK]"]))
        told = ", ".join(f"{kinds[kind] / max(sum(kinds.values()), 1):.1%} {kind}" for kind in
                         ("as [MASK]", "as they are", "as another token"))
        yield f"tokens to predict are shown: {told}"
    yield from histogram("tokens of an instance", binned(lengths))
    if masked:
        yield from histogram("predictions of an instance", binned(predictions))


def masks(record, mask):
    """Yield (position, id to predict, how it is shown) of an instance."""
    columns = (record[name] for name in ("masked_lm_positions", "masked_lm_ids", "masked_lm_weights"))
    for position, label, weight in zip(*columns):
        if weight > 0 and position < len(record["input_ids"]):
            token = record["input_ids"][position]
            kind = "as [MASK]" if token == mask else "as they are" if token == label else "as another token"
            yield int(position), int(label), kind


def shown_record(title, record, pieces):
    """Lines of one record: text where there are ids and a vocabulary, the values of all other columns."""
    decoded = "input_ids" in record and pieces is not None
    hidden = {"input_ids", "input_mask", "segment_ids", *INSTANCE} if decoded else set()
    yield f"{title}:"
    if decoded:
        yield f"  {text_of(record, pieces)}"
    for name in sorted(record):
        if name not in hidden:
            yield f"  {name}: {shown_values(record[name])}"


def text_of(record, pieces):
    """The tokens of a record as text. A token to predict stands in brackets: [MASK=cat] is shown as [MASK] and is `cat`,
    {dog=cat} is shown as another token, {cat} as it is."""
    ids = record["input_ids"]
    length = length_of(record)
    tokens = [piece(pieces, number) for number in ids[:length]]
    if INSTANCE <= record.keys():
        for position, label, kind in masks(record, pieces.index("[MASK]")):
            if position < length:
                answer = piece(pieces, label)
                tokens[position] = {"as [MASK]": f"[MASK={answer}]", "as they are": f"{{{answer}}}",
                                    "as another token": f"{{{tokens[position]}={answer}}}"}[kind]
    return " ".join(tokens).replace(" ##", "")


def length_of(record):
    """Tokens of a record without its padding."""
    if "input_mask" in record:
        return int(record["input_mask"].sum())
    return int(record["segment_lengths"].sum()) if "segment_lengths" in record else len(record["input_ids"])


def piece(pieces, number):
    """The piece of an id; one that the vocabulary does not have is shown as a number."""
    return pieces[number] if 0 <= number < len(pieces) else f"<{number}>"


def shown_values(values):
    if isinstance(values, list):
        return ", ".join(value.decode("utf-8", "replace") for value in values[:VALUES_SHOWN])
    first = " ".join(f"{value:g}" for value in values[:VALUES_SHOWN])
    return f"{first} ..." if len(values) > VALUES_SHOWN else first
