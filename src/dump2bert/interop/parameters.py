"""What a network's parameters are called and how large they are, and whether weights from elsewhere are of that network.

Our names are Hugging Face's BertForPreTraining's. Weights are a dict of names and numpy arrays; the readers of this
package translate other people's names into ours and leave out what is no part of the network (an optimizer's moments).
"""

import numpy as np

from dump2bert.errors import BadInput

ACTIVATIONS = ("gelu", "gelu_new", "relu")
# What networks from elsewhere leave unsaid and what follows from how this project feeds its networks.
NEUTRAL = {"bert_network": None, "seq_length": None, "pad_vocab_size_to": 1, "input_mask_from_dataset": True,
           "token_type_ids_from_dataset": True, "dtype": "float32", "initial_attention": "random",
           "compute_type": "float16"}


def encoder_shapes(network):
    """name -> shape of the encoder's and the pooler's parameters. network: a dict, as in network.json."""
    size, inner = network["hidden_size"], network["intermediate_size"]
    shapes = {"embeddings.word_embeddings.weight": (network["vocab_size"], size),
              "embeddings.token_type_embeddings.weight": (network["type_vocab_size"], size)}
    if network["relative_positions"] == "none":
        shapes["embeddings.position_embeddings.weight"] = (network["max_position_embeddings"], size)
    shapes |= norm("embeddings.LayerNorm", size)
    for number in range(network["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        for part in ("query", "key", "value"):
            shapes |= dense(f"{layer}.attention.self.{part}", size, size)
        if network["relative_positions"] == "zoo":
            shapes[f"{layer}.attention.self.relative_positions.embeddings_table"] = (
                33, size // network["num_attention_heads"])
        shapes |= dense(f"{layer}.attention.output.dense", size, size) | norm(f"{layer}.attention.output.LayerNorm", size)
        shapes |= dense(f"{layer}.intermediate.dense", size, inner)
        shapes |= dense(f"{layer}.output.dense", inner, size) | norm(f"{layer}.output.LayerNorm", size)
    shapes |= dense("pooler.dense", size, size)
    return {f"bert.{name}": shape for name, shape in shapes.items()}


def head_shapes(network):
    """name -> shape of the two pretraining heads' parameters; the decoder is the word embedding."""
    size = network["hidden_size"]
    return {"cls.predictions.bias": (network["vocab_size"],),
            **dense("cls.predictions.transform.dense", size, size), **norm("cls.predictions.transform.LayerNorm", size),
            **dense("cls.seq_relationship", size, 2)}


def dense(name, inputs, outputs):
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm(name, size):
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def described(network, keys, source):
    """A network's description made whole: `keys` (what the user says of it) laid over it, and checked."""
    network = {**NEUTRAL, **network}
    for key, value in keys.items():
        if key not in network:
            raise BadInput(f"--network_keys names {key}, which is no key of a network; they are {', '.join(network)}")
        if network[key] is not None and not isinstance(value, (int, float) if isinstance(network[key], float) else
                                                       type(network[key])):
            raise BadInput(f"--network_keys gives {key} as {value!r}, but it should be like {network[key]!r}")
    network |= keys
    network["relative_positions"] = relative_positions(network)
    if network["hidden_act"] not in ACTIVATIONS:
        raise BadInput(f"{source}: the activation {network['hidden_act']!r} is not known here; known are "
                       f"{', '.join(ACTIVATIONS)}")
    sizes = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
             "type_vocab_size", "max_position_embeddings")
    for key in sizes:
        if type(network[key]) is not int or network[key] < 1:
            raise BadInput(f"{source}: {key} is {network[key]!r}, but should be a whole number above 0")
    for key in ("hidden_dropout_prob", "attention_probs_dropout_prob", "layer_norm_eps", "initializer_range"):
        if type(network[key]) not in (int, float) or not 0 <= network[key] < 1:
            raise BadInput(f"{source}: {key} is {network[key]!r}, but should be a number from 0 to 1")
    if network["hidden_size"] % network["num_attention_heads"]:
        raise BadInput(f"{source}: hidden_size {network['hidden_size']} is not divisible by num_attention_heads "
                       f"{network['num_attention_heads']}")
    return network


def relative_positions(network):
    """none, nezha or zoo."""
    return network["relative_position_kind"] if network["use_relative_positions"] else "none"


def fitting(weights, network, source):
    """The weights that are the network's, as float32: the whole encoder, and the pretraining heads if they are whole.

    -> weights, names of the pooler's parameters that are missing (some checkpoints have no pooler), names left out.
    BadInput where the encoder lacks a parameter, or a shape is another one.
    """
    found, without_pooler = {}, []
    for name, shape in encoder_shapes(network).items():
        if name in weights:
            found[name] = checked(weights[name], shape, name, source)
        elif name.startswith("bert.pooler."):
            without_pooler.append(name)
        else:
            raise BadInput(f"{source} has no {name}: it is not of the network that is described beside it")
    heads = head_shapes(network)
    if all(name in weights for name in heads) and has_tied_decoder(weights):
        found |= {name: checked(weights[name], shape, name, source) for name, shape in heads.items()}
    return found, without_pooler, sorted(set(weights) - set(found) - DECODER)


DECODER = {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}


def has_tied_decoder(weights):
    """Whether the MLM head's decoder, where one is stored, is the word embedding (and its bias the head's)."""
    tied = {"cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
            "cls.predictions.decoder.bias": "cls.predictions.bias"}
    return all(np.array_equal(weights.get(name, weights[other]), weights[other]) for name, other in tied.items())


def checked(value, shape, name, source):
    if tuple(value.shape) != tuple(shape):
        raise BadInput(f"{source} is of another network than the one described beside it: {name} has the shape "
                       f"{shown(value.shape)}, where {shown(shape)} is expected")
    value = np.ascontiguousarray(value, np.float32)
    if not np.isfinite(value).all():
        raise BadInput(f"{source} has values in {name} that are not finite: it is damaged, or its training diverged")
    return value


def shown(shape):
    return "x".join(map(str, shape)) or "()"
