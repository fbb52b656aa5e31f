"""Small checkpoints in the forms that `dump2bert import` reads, for its tests."""

import json

import mindspore as ms
import numpy as np
from mindspore import Tensor

from dump2bert import cli
from dump2bert.interop.parameters import encoder_shapes, head_shapes
from dump2bert.training import checkpoints
from tests.unit.small_networks import small_network

SIZES = {"vocab_size": 30, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12,
         "max_position_embeddings": 10, "type_vocab_size": 2}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{number}" for number in range(20))]


def described(**changes):
    """The network's keys as network.json has them."""
    kind = changes.get("relative_positions", "none")
    return {"bert_network": "base", "seq_length": 8, "pad_vocab_size_to": 1, "dtype": "float32",
            "use_relative_positions": kind != "none", "relative_position_kind": "zoo" if kind == "zoo" else "nezha",
            **small_network(**{**SIZES, **changes})}


def random_weights(network, heads=True):
    """name -> float32, by our names."""
    random = np.random.default_rng(1)
    shapes = {**encoder_shapes(network), **(head_shapes(network) if heads else {})}
    return {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def save_ckpt(path, weights):
    path.parent.mkdir(parents=True, exist_ok=True)
    ms.save_checkpoint([{"name": name, "data": Tensor(value)} for name, value in weights.items()], str(path))


def save_own(folder, network, weights, words=WORDS, **more):
    """A checkpoint of this project, as `pretrain` and `finetune` leave it."""
    checkpoints.save(folder, [{"name": name, "data": Tensor(value)} for name, value in weights.items()], network,
                     {"step": 1}, more)
    if words:
        (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in words))
    return folder


def imported(source, destination, *flags):
    """`dump2bert import` -> its weights and its network.json."""
    assert cli.main(["import", str(source), str(destination), *flags]) == 0
    return checkpoints.read_weights(destination / "model.ckpt"), json.loads((destination / "network.json").read_text())


def assert_same(found, expected):
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].dtype == np.float32 and np.array_equal(found[name], value), name
