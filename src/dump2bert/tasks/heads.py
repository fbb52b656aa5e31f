"""What the heads of all kinds of task share: dropout in front of them, and a network to start from."""

import numpy as np
from mindspore import Tensor, nn, ops

from dump2bert.errors import BadInput
from dump2bert.files import sha256_of
from dump2bert.nets.operators import on_cpu
from dump2bert.progress import say
from dump2bert.training import checkpoints


class HeadDropout(nn.Cell):
    """Dropout with a mask that comes with the batch (see nets.operators.Dropout for why); without one there is none."""

    def __init__(self, rate):
        super().__init__()
        self.rate, self.own = rate, not on_cpu()

    def construct(self, x, mask):
        if mask is None or self.rate == 0.0:
            return x
        return ops.dropout(x, self.rate, True) if self.own else x * mask


def head_mask(shape, rate, seed, step):
    """The mask of a step's head dropout, a function of (seed, step); None where nothing is dropped."""
    if rate == 0.0:
        return None
    random = np.random.Generator(np.random.Philox(key=[seed, 2], counter=[0, 0, 0, step]))
    return Tensor((random.random(shape, np.float32) >= rate) * np.float32(1 / (1 - rate)))


def starting_network(network, checkpoint, vocabulary_size, longest, compute_type):
    """The network's options, from `network` (a dict or None) laid over the network.json beside `checkpoint` (or None).

    longest: tokens of the longest sequence; compute_type: a function asked -> usable.
    """
    beside = checkpoint and checkpoint.with_name("network.json")
    stored = checkpoints.read_description(checkpoint)["network"] if beside and beside.is_file() else {}
    if not network and not stored:
        raise BadInput(f"{beside} is not there, so give the network's options as --network FILE.json" if checkpoint else
                       "give the network's options as --network FILE.json, or a checkpoint with network.json beside it")
    network = {**stored, **{key: value for key, value in (network or {}).items() if value is not None}}
    if stored:
        checkpoints.check_network(checkpoint, network)
    if not network.get("vocab_size"):
        if not vocabulary_size:
            raise BadInput("the network's vocab_size is not given: give it, or --vocab_file_path to count its lines")
        multiple = network["pad_vocab_size_to"]
        network["vocab_size"] = -(-vocabulary_size // multiple) * multiple
    if vocabulary_size and network["vocab_size"] < vocabulary_size:
        raise BadInput(f"the network's vocab_size is {network['vocab_size']}, but the vocabulary has {vocabulary_size} "
                       "lines: it is not the vocabulary of this network")
    if network["relative_positions"] == "none" and longest > network["max_position_embeddings"]:
        raise BadInput(f"the data has sequences of {longest} tokens, but the network's max_position_embeddings is "
                       f"{network['max_position_embeddings']}: give a smaller --max_seq_length")
    return {**network, "seq_length": network.get("seq_length") or longest,
            "compute_type": compute_type(network["compute_type"])}


def start_from(checkpoint, model):
    """Load a pretrained encoder into a model whose head stays as drawn -> what network.json says about the start."""
    if checkpoint is None:
        say("no checkpoint to start from: all weights are random")
        return None
    kept = checkpoints.load_weights(checkpoint, model, needed="bert.", only="bert.")
    say(f"starts from the encoder of {checkpoint}; new: {', '.join(kept)}")
    return {"path": str(checkpoint), "sha256": sha256_of(checkpoint)}
