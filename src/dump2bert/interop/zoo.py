"""The model zoo's checkpoints (.ckpt of MindSpore), of all its generations since 2020, told by the names of their parameters.

No released one was at hand: names and shapes are those of the zoo's code. Such a file does not say what network it is of; the
sizes follow from the shapes, the rest is what the zoo's code has, and --network_keys can say otherwise.
"""

import re

import mindspore as ms

from dump2bert.errors import BadInput

WORDS = "bert_embedding_lookup.embedding_table"
# The zoo's names below its BertModel -> ours; then below its pretraining network.
ENCODER = [
    (r"bert_embedding_lookup\.embedding_table", "bert.embeddings.word_embeddings.weight"),
    (r"bert_embedding_postprocessor\.(token_type_embedding\.)?embedding_table", "bert.embeddings.token_type_embeddings.weight"),
    (r"bert_embedding_postprocessor\.full_position_embedding(s|\.embedding_table)", "bert.embeddings.position_embeddings.weight"),
    (r"bert_embedding_postprocessor\.layernorm", "bert.embeddings.LayerNorm"),
    (r"bert_encoder\.layers\.(\d+)\.attention\.attention\.(query|key|value)_layer", r"bert.encoder.layer.\1.attention.self.\2"),
    (r"bert_encoder\.layers\.(\d+)\.attention\.attention\._generate_relative_positions_embeddings\.embeddings_table",
     r"bert.encoder.layer.\1.attention.self.relative_positions.embeddings_table"),
    (r"bert_encoder\.layers\.(\d+)\.attention\.output\.dense", r"bert.encoder.layer.\1.attention.output.dense"),
    (r"bert_encoder\.layers\.(\d+)\.attention\.output\.layernorm", r"bert.encoder.layer.\1.attention.output.LayerNorm"),
    (r"bert_encoder\.layers\.(\d+)\.intermediate", r"bert.encoder.layer.\1.intermediate.dense"),
    (r"bert_encoder\.layers\.(\d+)\.output\.dense", r"bert.encoder.layer.\1.output.dense"),
    (r"bert_encoder\.layers\.(\d+)\.output\.layernorm", r"bert.encoder.layer.\1.output.LayerNorm"),
    (r"dense", "bert.pooler.dense"),
]
HEADS = [
    (r"cls1\.dense", "cls.predictions.transform.dense"),
    (r"cls1\.layernorm", "cls.predictions.transform.LayerNorm"),
    (r"cls1\.output_bias", "cls.predictions.bias"),
    (r"cls2\.dense", "cls.seq_relationship"),
]
ENDINGS = {"gamma": "weight", "beta": "bias"}
TABLE = "bert.encoder.layer.0.attention.self.relative_positions.embeddings_table"


def read_ckpt(path):
    """name -> numpy array of a .ckpt file."""
    try:
        return {name: value.asnumpy() for name, value in ms.load_checkpoint(str(path)).items()}
    except (ValueError, RuntimeError, TypeError) as error:
        raise BadInput(f"{path} is no checkpoint that MindSpore can read: it is damaged or something else") from error


def is_zoo(weights):
    return any(name.endswith(WORDS) for name in weights)


def from_zoo(weights):
    """The zoo's weights -> weights by our names, the network's keys as far as they can be told."""
    # The optimizer's moments bear the same names behind one more prefix: the shortest is the network's own.
    prefix = min((name.removesuffix(WORDS) for name in weights if name.endswith(WORDS)), key=len)
    found = {}
    for name, value in weights.items():
        ours = translated(name.removeprefix(prefix), ENCODER) if name.startswith(prefix) else None
        outer = prefix.removesuffix("bert.")
        ours = ours or (translated(name.removeprefix(outer), HEADS) if name.startswith(outer) else None)
        if ours:
            found[ours] = value
    network = network_of(found)
    if network["use_relative_positions"]:
        found.pop("bert.embeddings.position_embeddings.weight", None)    # the zoo creates it and does not use it
    return found, network


def translated(name, table):
    """Our name, or None where the table has none."""
    for theirs, ours in table:
        match = re.fullmatch(f"{theirs}(?:\\.(weight|bias|gamma|beta))?", name)
        if match:
            ending = match.groups()[-1]
            return match.expand(ours) + (f".{ENDINGS.get(ending, ending)}" if ending else "")
    return None


def network_of(weights):
    """The network's keys, from the shapes of its weights (by our names) and the zoo's code."""
    def rows(name):
        return int(weights[name].shape[0]) if name in weights and weights[name].ndim else 1

    words = weights["bert.embeddings.word_embeddings.weight"]
    if words.ndim != 2:
        raise BadInput("the word embedding is no table, so this is no checkpoint of BERT")
    size = int(words.shape[1])
    layers = {int(name.split(".")[3]) for name in weights if name.startswith("bert.encoder.layer.")}
    relative = TABLE in weights
    # Every BERT of the zoo has heads of 64; with relative positions the table says how large they are.
    head_size = int(weights[TABLE].shape[1]) if relative and weights[TABLE].ndim == 2 else 64
    return {"vocab_size": int(words.shape[0]), "hidden_size": size, "num_hidden_layers": max(layers, default=0) + 1,
            "num_attention_heads": max(1, size // head_size),
            "intermediate_size": rows("bert.encoder.layer.0.intermediate.dense.weight"), "hidden_act": "gelu_new",
            "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
            "max_position_embeddings": rows("bert.embeddings.position_embeddings.weight"),
            "type_vocab_size": rows("bert.embeddings.token_type_embeddings.weight"),
            "initializer_range": 0.02, "layer_norm_eps": 1e-7,
            "use_relative_positions": relative, "relative_position_kind": "zoo"}
