"""The batches of pretraining: the seven columns of Google's create_pretraining_data as tensors, step by step.

Instances that are stored unmasked (their schema.json says how to mask) get masks of their own in every epoch.
"""

import hashlib
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor

from dump2bert.errors import BadInput
from dump2bert.files import read_json
from dump2bert.tfrecord import FLOAT_LIST, find_shards
from dump2bert.training.data import Records, columns_of, features
from dump2bert.training.distribution import World
from dump2bert.training.dynamic_masking import masked, masking_of, unmasked_columns

COLUMNS = ("input_ids", "input_mask", "segment_ids", "next_sentence_labels", "masked_lm_positions", "masked_lm_ids",
           "masked_lm_weights")


def open_records(data_dir, schema_dir):
    """The Records of the shards in `data_dir`; schema_dir: schema.json, its folder, or None for data_dir."""
    shards = find_shards(data_dir)
    schema_file = schema_file_of(data_dir, schema_dir)
    columns, rows = columns_of(schema_file)
    masking = masking_of(schema_file)
    wanted = COLUMNS if masking is None else unmasked_columns(masking)
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise BadInput(f"{schema_file} lacks the column {missing[0]}: pretraining wants Google's seven")
    records = Records(shards, {name: columns[name] for name in wanted})
    records.masking = masking
    if rows is not None and rows != len(records):
        raise BadInput(f"{schema_file} says numRows {rows}, but the shards in {data_dir} hold {len(records)} records: "
                       "make schema.json again with `dump2bert schema`")
    if len(records):
        check_first_record(records, schema_file)
    return records


def check_first_record(records, schema_file):
    """BadInput where the schema has columns that the records have not, or of another type."""
    records.batch(np.zeros(1, np.int64))    # says what is wrong with a record that cannot be read
    found = {name: kind for name, kind, _ in features(records.record(0, records.offsets[0])[0])}
    for name, column in read_json(schema_file)["columns"].items():
        kind, said = found.get(name), column.get("type", "")
        if kind is None or said and said.startswith("float") != (kind == FLOAT_LIST):
            raise BadInput(f"{schema_file} has the column {name}{f' of {said}' if kind else ''}, which the records in "
                           f"{Path(records.shards[0]).parent} have not{' in this type' if kind else ''}: make it again with "
                           "`dump2bert schema`")


def schema_file_of(data_dir, schema_dir):
    path = Path(schema_dir or data_dir)
    return path / "schema.json" if path.is_dir() else path


def manifest(data_dir, schema_dir):
    """A digest of the data: of the shards' checksums where statistics.json beside them has these, else of the schema
    and of the shards' names and sizes; and of how unmasked records are to be masked."""
    shards = find_shards(data_dir)
    statistics = Path(data_dir) / "statistics.json"
    listed = read_json(statistics).get("shards", {}) if statistics.is_file() else {}
    if all(isinstance(listed.get(shard.name), dict) and "sha256" in listed[shard.name] for shard in shards):
        parts = [(shard.name, listed[shard.name]["sha256"]) for shard in shards]
        masking = masking_of(schema_file_of(data_dir, schema_dir))
        parts += [masking] if masking else []
    else:
        parts = [(shard.name, shard.stat().st_size) for shard in shards]
        parts.append(read_json(schema_file_of(data_dir, schema_dir)))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def read_batch(records, numbers, network, seed=0, epoch=0):
    """The columns of some records, numpy, as the network wants them. BadInput for ids beyond its vocabulary.

    seed, epoch: what the masks of unmasked records are drawn from.
    """
    batch = records.batch(numbers)
    if records.masking is not None:
        batch = masked(batch, numbers, records.masking, seed, epoch)
    if not network.input_mask_from_dataset:
        batch["input_mask"] = np.ones_like(batch["input_mask"])
    if not network.token_type_ids_from_dataset:
        batch["segment_ids"] = np.zeros_like(batch["segment_ids"])
    for name, size, what in (("input_ids", network.vocab_size, "vocab_size"),
                             ("masked_lm_ids", network.vocab_size, "vocab_size"),
                             ("segment_ids", network.type_vocab_size, "type_vocab_size")):
        if batch[name].min() < 0 or batch[name].max() >= size:
            raise BadInput(f"{Path(records.shards[0]).parent} has {name} up to {batch[name].max()}, but the network's "
                           f"{what} is {size}: the data was made with another vocabulary")
    return batch


def micro_batches(batch, count, dropout, step, world=World(), mlm_loss="global"):
    """Cut a rank's part of the batch of a step into `count` micro-batches: for each the inputs of
    nets.heads.PretrainingLoss. batch: columns, numpy or tensors on the device; dropout: a DropoutSource; mlm_loss: see
    config.Pretrain.
    """
    rows = len(batch["input_ids"]) // count
    weights = batch["masked_lm_weights"]
    # The mean over micro-batches and ranks of sum(w * ce) / total is sum(w * ce) / (sum(w) + 1e-5) over all of them.
    total = world.mean(as_tensor((weights.sum() + 1e-5 / world.size) / count, ms.float32))
    first_row = world.rank * rows * count
    parts = []
    for first in range(0, rows * count, rows):
        columns = [as_tensor(batch[name][first:first + rows]) for name in COLUMNS]
        own = total if mlm_loss == "global" else as_tensor(weights[first:first + rows].sum() + 1e-5, ms.float32)
        parts.append((*columns, own, *dropout.inputs(step, rows, first_row + first)))
    return parts


def as_tensor(value, dtype=None):
    return value if isinstance(value, Tensor) else Tensor(value, dtype)
