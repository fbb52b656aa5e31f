"""Google's TensorFlow checkpoints of BERT (bert_model.ckpt.index and .data, bert_config.json, vocab.txt); Huawei's of NEZHA
have the same form."""

import os

from dump2bert.errors import BadInput
from dump2bert.files import read_json
from dump2bert.interop.huggingface import network_of, read_words

OPTIMIZER = ("adam_m", "adam_v", "lamb_m", "lamb_v", "AdamWeightDecayOptimizer", "LAMBOptimizer")


def prefix_of(source):
    """The common part of a checkpoint's file names, from one of them, from itself or from its folder; None: no checkpoint."""
    if source.is_dir():
        found = sorted(path.with_suffix("") for path in source.glob("*.index"))
        if len(found) > 1:
            raise BadInput(f"{source} holds {len(found)} checkpoints ({found[0].name}, {found[1].name}, ...): name one of them")
        return found[0] if found else None
    prefix = source.with_suffix("") if source.suffix == ".index" or ".data-" in source.name else source
    return prefix if prefix.with_name(f"{prefix.name}.index").is_file() else None


def files_of(prefix):
    folder = prefix.parent
    return [path for path in (folder / "bert_config.json", *sorted(folder.glob(f"{prefix.name}.*")), folder / "vocab.txt")
            if path.is_file()]


def read_checkpoint(prefix):
    """-> weights by our names, the network's keys, what else is known, words or None."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf    # here, because it takes seconds and only this form needs it

    config = prefix.with_name("bert_config.json")
    if not config.is_file():
        raise BadInput(f"{prefix} has no bert_config.json beside it, which describes the network")
    network = network_of(read_json(config), config)
    # What Google's modeling.py computes for "gelu" is the tanh form.
    network["hidden_act"] = {"gelu": "gelu_new"}.get(network["hidden_act"], network["hidden_act"])
    weights = {}
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        for name in reader.get_variable_to_shape_map():
            ours = our_name(name)
            if ours:
                value = reader.get_tensor(name)
                weights[ours] = value.T if name.endswith("/kernel") else value
    except (tf.errors.OpError, ValueError, UnicodeDecodeError) as error:
        raise BadInput(f"{prefix} is no TensorFlow checkpoint, or it is cut off or damaged: "
                       f"{str(error).splitlines()[0]}") from error
    return weights, network, {}, read_words(prefix.parent)


def our_name(name):
    """Our name of a TensorFlow variable; None for what is no part of the network."""
    parts = name.split("/")
    if parts[0] not in ("bert", "cls") or any(part in OPTIMIZER or part.startswith("adam") for part in parts):
        return None
    if parts[-1].endswith("_embeddings"):
        parts.append("weight")
    endings = {"kernel": "weight", "gamma": "weight", "beta": "bias", "output_bias": "bias", "output_weights": "weight"}
    parts = [endings.get(part, part) for part in parts]
    return ".".join(part.replace("layer_", "layer.") if part.removeprefix("layer_").isdigit() else part for part in parts)
