"""Tells what a path holds and reads it: our own checkpoint, the model zoo's, a Hugging Face folder, Google's checkpoint."""

from typing import NamedTuple

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import read_json, read_lines
from dump2bert.interop import google, huggingface
from dump2bert.interop.parameters import described, encoder_shapes, fitting
from dump2bert.interop.zoo import from_zoo, is_zoo, read_ckpt
from dump2bert.nets.bert import truncated_normal


class Imported(NamedTuple):
    """form: whose it is; weights: by our names, float32; drawn: names of what was missing and is random now; left_out:
    names of what was there and is no part of a pretrained network; network: the keys of network.json; known: what else
    is known (do_lower_case); words: of the vocabulary, or None; files: that were read."""

    form: str
    weights: dict
    drawn: list
    left_out: list
    network: dict
    known: dict
    words: list | None
    files: list


def read(source, keys, compute_type):
    """Read the checkpoint at `source` (a path) -> Imported.

    keys: {key: value} that the user says of the network; compute_type: as in config.py's Network, or None: what the
    checkpoint says, else float16. BadInput where it is none of them or does not fit together.
    """
    form, weights, network, known, words, files = of_form(source)
    network = described(network, {**({"compute_type": compute_type} if compute_type else {}), **keys}, source)
    found, without_pooler, left_out = fitting(weights, network, source)
    for name in without_pooler:
        shape = encoder_shapes(network)[name]
        found[name] = (np.zeros(shape, np.float32) if name.endswith("bias") else
                       truncated_normal(shape, 1, name) * np.float32(network["initializer_range"]))
    return Imported(form, found, without_pooler, left_out, network, known, words, files)


def read_own(source):
    """-> weights, the content of network.json, words or None, the path of the .ckpt: of a checkpoint of this project, from
    its path or its folder's."""
    path = source / "model.ckpt" if source.is_dir() else source
    if not path.is_file():
        raise BadInput(f"{path} is not there: give a model.ckpt, or its folder")
    weights = read_ckpt(path)
    if is_zoo(weights):
        raise BadInput(f"{path} is a checkpoint of the model zoo: `dump2bert import` it first")
    description = describe(path)
    network = described(description["network"], {}, path.with_name("network.json"))
    return {**weights, **fitting(weights, network, path)[0]}, {**description, "network": network}, words_beside(path), path


def of_form(source):
    if not source.is_dir():
        prefix = google.prefix_of(source)
        if prefix is not None:
            return "Google", *google.read_checkpoint(prefix), google.files_of(prefix)
        if not source.is_file():
            raise BadInput(f"{source} is not there: give a folder of Hugging Face, a checkpoint of Google (its path without "
                           ".index) or a .ckpt file")
        return ckpt(source)
    if (source / "model.ckpt").is_file() and (source / "network.json").is_file():
        return ckpt(source / "model.ckpt")
    if huggingface.weight_files(source):
        return "Hugging Face", *huggingface.read_folder(source), huggingface.files_of(source)
    prefix = google.prefix_of(source)
    if prefix is not None:
        return "Google", *google.read_checkpoint(prefix), google.files_of(prefix)
    raise BadInput(f"{source} holds no weights that are known here: {', '.join(huggingface.WEIGHT_FILES)}, a checkpoint of "
                   "Google (.index), or a model.ckpt with its network.json")


def ckpt(path):
    """A file of MindSpore: ours with network.json beside it, or the zoo's."""
    weights = read_ckpt(path)
    if is_zoo(weights):
        return "model zoo", *from_zoo(weights), {}, words_beside(path), [path]
    description = describe(path)
    return "dump2bert", weights, description["network"], {}, words_beside(path), [path, path.with_name("network.json")]


def describe(path):
    """The content of network.json beside our checkpoint, which must say all of the network."""
    beside = path.with_name("network.json")
    description = read_json(beside)
    network = description.get("network") if isinstance(description, dict) else None
    if not isinstance(network, dict):
        raise BadInput(f"{beside} does not describe a network: it should be the file that was written with the checkpoint")
    missing = [key for key in KEYS if key not in network]
    if missing:
        raise BadInput(f"{beside} does not say {missing[0]}, so it does not describe the network of {path.name}")
    return description


KEYS = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
        "hidden_dropout_prob", "attention_probs_dropout_prob", "max_position_embeddings", "type_vocab_size",
        "initializer_range", "layer_norm_eps", "use_relative_positions", "relative_position_kind")


def words_beside(path):
    beside = path.with_name("vocab.txt")
    return [word for _, word in read_lines(beside)] if beside.is_file() else None
