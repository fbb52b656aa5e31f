"""Checking shards before anything is trained on them: MindSpore reads TFRecord files without looking at the checksums.

tensorflow, the reference reader, parses every record of every shard; what the numbers mean is checked here.
"""

import os
from collections import Counter
from pathlib import Path

# Before the import, or tensorflow prints lines about the CPU.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np
import tensorflow as tf

from dump2bert.errors import BadInput
from dump2bert.files import read_json, sha256_of
from dump2bert.pretraining.examples import columns, unmasked_columns
from dump2bert.tfrecord import decode_example, find_shards, read_records

BATCH = 1024
BERTS_MASKED_LM_PROB = 0.15    # Devlin et al. 2019, section 3.1; shards do not say what theirs was


def listed_shards(data_dir):
    """The TFRecord files of a folder, sorted. With a statistics.json beside them they must be just those it lists.

    BadInput names a shard that is missing, is of another run, or has changed since.
    """
    manifest = Path(data_dir) / "statistics.json"
    if not manifest.is_file():
        return find_shards(data_dir)
    statistics = read_json(manifest)
    listed = statistics.get("shards") if isinstance(statistics, dict) else None
    if not isinstance(listed, dict):
        raise BadInput(f"{manifest} lists no shards: make the pretraining data again")
    for name, shard in listed.items():
        path = Path(data_dir) / name
        if not path.is_file():
            raise BadInput(f"{path} is missing, but {manifest} lists it: make the pretraining data again")
        if path.stat().st_size != shard["bytes"] or sha256_of(path) != shard["sha256"]:
            raise BadInput(f"{path} is not the file that {manifest} lists (size or SHA-256 differ): "
                           "make the pretraining data again")
    shards = find_shards(data_dir)
    for path in shards:
        if path.name not in listed:
            raise BadInput(f"{path} is not in {manifest}: it is of another run, so move it out of the folder")
    return shards


def columns_of(path):
    """The columns of a shard (examples.columns or, of unmasked instances, examples.unmasked_columns), by its first record."""
    for data in read_records(path):
        try:
            features = decode_example(data)
        except ValueError as error:
            raise BadInput(f"{path} record 1 is no tf.train.Example: make the file again") from error
        if "segment_lengths" in features:
            found = unmasked_columns(0, "word_pieces" in features)
        else:
            found = columns(0, 0)
        missing = found.keys() - features
        if missing:
            raise BadInput(f"{path} record 1 lacks {', '.join(sorted(missing))}")
        return {name: (kind, len(features[name])) for name, (kind, _) in found.items()}
    raise BadInput(f"{path} has no records")


def validate_shard(path, columns, vocabulary):
    """Check every record of a shard. -> Counter for shares_of. BadInput names the file and the record (from 1).

    vocabulary: {piece: id}."""
    spec = {name: tf.io.FixedLenFeature([length], tf.as_dtype(kind)) for name, (kind, length) in columns.items()}
    find_problem = first_problem if "input_mask" in columns else first_problem_of_unmasked
    counted = Counter()
    try:
        for batch in tf.data.TFRecordDataset(str(path)).batch(BATCH):
            features = parse(batch, spec, path, counted["instances"])
            problem = find_problem(features, len(vocabulary))
            if problem:
                record, what = problem
                raise BadInput(f"{path} record {counted['instances'] + record + 1}: {what}")
            counted.update(numbers_of(features, vocabulary["[UNK]"]))
    except (tf.errors.DataLossError, tf.errors.OutOfRangeError) as error:
        for _ in read_records(path):    # says which record it is
            pass
        raise BadInput(f"{path} after record {counted['instances']} cannot be read: {error.message}") from error
    if not counted:
        raise BadInput(f"{path} has no records")
    return counted


def numbers_of(features, unknown):
    """What a batch of sound records holds, in plain counts; of unmasked ones, whose statistics.json must be there, only how many.
    unknown: the id of [UNK]."""
    instances = len(features["input_ids"])
    if "input_mask" not in features:
        return {"instances": instances}
    return {
        "instances": instances,
        "positions": features["input_ids"].size,
        "tokens": int(features["input_mask"].sum()),
        "unknown": int((features["input_ids"] == unknown).sum()),
        "random_next": int(features["next_sentence_labels"].sum()),
        "predictions": int(features["masked_lm_weights"].sum()),
    }


def shares_of(counted, columns):
    """The counts of all shards of masked instances as what the gates look at, under the names of statistics.json."""
    return {
        "instances": counted["instances"],
        "unknown_rate": counted["unknown"] / counted["tokens"],
        "random_next_rate": counted["random_next"] / counted["instances"],
        "padding_rate": 1 - counted["tokens"] / counted["positions"],
        "mask_rate": counted["predictions"] / counted["tokens"],
        "masked_lm_prob": BERTS_MASKED_LM_PROB,
        "max_seq_length": columns["input_ids"][1],
        "max_predictions_per_seq": columns["masked_lm_ids"][1],
    }


def parse(batch, spec, path, count):
    """A batch of serialized examples as {column: array [batch, length]}; `count` records came before it."""
    try:
        return {name: value.numpy() for name, value in tf.io.parse_example(batch, spec).items()}
    except tf.errors.InvalidArgumentError:
        for record, data in enumerate(batch):
            try:
                tf.io.parse_single_example(data, spec)
            except tf.errors.InvalidArgumentError as error:
                shapes = ", ".join(f"{name} {feature.dtype.name}{feature.shape}" for name, feature in spec.items())
                raise BadInput(f"{path} record {count + record + 1} has not the columns of the first record "
                               f"({shapes}): {error.message}") from error
        raise


def first_problem(features, vocab_size):
    """(row, sentence) of the first rule that a batch breaks, or None."""
    length = features["input_mask"].sum(1, keepdims=True)
    predicted = features["masked_lm_weights"] > 0
    in_order = np.arange(features["input_mask"].shape[1]) < length
    rules = {
        f"input_ids must be from 0 to {vocab_size - 1}": outside(features["input_ids"], vocab_size),
        f"masked_lm_ids must be from 0 to {vocab_size - 1}": outside(features["masked_lm_ids"], vocab_size),
        "input_mask must be ones, then zeros": features["input_mask"] != in_order,
        "segment_ids must be 0 or 1": outside(features["segment_ids"], 2),
        "next_sentence_labels must be 0 or 1": outside(features["next_sentence_labels"], 2),
        "masked_lm_weights must be 0.0 or 1.0": predicted != features["masked_lm_weights"],
        "masked_lm_positions must be within the sequence": predicted & outside(features["masked_lm_positions"], length),
    }
    return first_broken(rules)


def first_problem_of_unmasked(features, vocab_size):
    """The same of a batch of unmasked instances."""
    lengths = features["segment_lengths"]
    most = features["input_ids"].shape[1]
    in_order = np.arange(most) < lengths.sum(1, keepdims=True)
    rules = {
        f"input_ids must be from 0 to {vocab_size - 1}": outside(features["input_ids"], vocab_size),
        "segment_lengths must be 3 and 2 at least": lengths < [3, 2],
        f"segment_lengths must be {most} at most together": lengths.sum(1, keepdims=True) > most,
        "input_ids must be 0 behind the segments": ~in_order & (features["input_ids"] != 0),
        "next_sentence_labels must be 0 or 1": outside(features["next_sentence_labels"], 2),
    }
    if "word_pieces" in features:
        rules["word_pieces must be 0 or 1"] = outside(features["word_pieces"], 2)
    return first_broken(rules)


def first_broken(rules):
    """(row, sentence) of the first of {sentence: where it is broken, [rows, any]} that is broken, or None."""
    for sentence, broken in rules.items():
        rows = broken.any(1)
        if rows.any():
            return int(rows.argmax()), sentence
    return None


def outside(values, limit):
    return (values < 0) | (values >= limit)
