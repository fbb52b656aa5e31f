"""The BERT encoder (Devlin et al. 2019), with absolute positions or with NEZHA's or the zoo's relative ones.

Reads beside the paper: embeddings, then layers of self-attention and a feed-forward network, each followed by a
residual connection and LayerNorm, then a pooler over the first token. Parameters bear Hugging Face's names. Between the
layers the hidden states are a matrix (B * S, H): B instances of S tokens, H = hidden_size, A heads of D = H / A.

`network` has: vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size hidden_act
hidden_dropout_prob attention_probs_dropout_prob max_position_embeddings type_vocab_size initializer_range
layer_norm_eps relative_positions (none, nezha, zoo) compute_type (float32, float16, bfloat16).
"""

import math
import zlib
from types import SimpleNamespace

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from dump2bert.nets.operators import (
    ATTENTION, HIDDEN, Dropout, FlashAttention, LayerNorm, Linear, activation, activation_type, attention_forms,
    batched_products, has_flash_attention, join_heads, lookup_form, matmul, parameter, split_heads, tanh_form)
from dump2bert.nets.relative_positions import relative_positions, sinusoids

# Where initial attention is local (attend_nearby), tried on small networks.
LONGEST = 100.0            # wavelength of the positions' sinusoids, in 2 pi; 10000 is too long to be local
AMPLITUDE = 4.0            # of the sinusoids, in standard deviations of the words' embeddings
SCORE_WITH_ITSELF = 4.0    # a token's attention score with itself, before the softmax


def compute_type(network):
    return {"float32": ms.float32, "float16": ms.float16, "bfloat16": ms.bfloat16}[network.compute_type]


def dropout_sites(network):
    """Places of dropout: one in the embeddings, three in each layer, and the last one for a head."""
    return 1 + 3 * network.num_hidden_layers + 1


class Embeddings(nn.Cell):
    """Word, token type and (unless relative) position embeddings, LayerNorm, dropout -> (B * S, H)."""

    def __init__(self, network):
        super().__init__()
        self.absolute = network.relative_positions == "none"
        self.types = network.type_vocab_size
        self.look_up = lookup_form()
        self.word_embeddings = Table(network.vocab_size, network.hidden_size)
        self.token_type_embeddings = Table(network.type_vocab_size, network.hidden_size)
        if self.absolute:
            self.position_embeddings = Table(network.max_position_embeddings, network.hidden_size)
        self.LayerNorm = LayerNorm(network.hidden_size, network.layer_norm_eps)
        self.dropout = Dropout(network.hidden_dropout_prob, 0, HIDDEN)
        self.type = activation_type(compute_type(network))

    def construct(self, input_ids, token_type_ids, keys, masks):
        batch, length = input_ids.shape
        hidden = self.look_up(self.word_embeddings.weight, input_ids.reshape(-1))
        one_hot = ops.one_hot(token_type_ids.reshape(-1), self.types, Tensor(1.0, ms.float32), Tensor(0.0, ms.float32))
        hidden = hidden + matmul(one_hot, self.token_type_embeddings.weight)
        if self.absolute:
            positions = self.position_embeddings.weight[:length]
            hidden = (hidden.reshape(batch, length, -1) + positions).reshape(batch * length, -1)
        return self.dropout(self.LayerNorm(hidden).astype(self.type), keys, masks)


class Table(nn.Cell):
    """Holds an embedding table under the name that Hugging Face gives it."""

    def __init__(self, rows, size):
        super().__init__()
        self.weight = parameter(rows, size)


class SelfAttention(nn.Cell):
    """Scaled dot-product attention of A heads; with relative positions, on keys and on values."""

    def __init__(self, network, site):
        super().__init__()
        size = network.hidden_size
        self.head_size = size // network.num_attention_heads
        self.query = Linear(size, size, compute_type(network))
        self.key = Linear(size, size, compute_type(network))
        self.value = Linear(size, size, compute_type(network))
        self.dropout = Dropout(network.attention_probs_dropout_prob, site, ATTENTION)
        self.learned = network.relative_positions == "zoo"
        if self.learned:
            self.relative_positions = relative_positions("zoo", self.head_size)
        self.scores, self.context = attention_forms(compute_type(network))
        self.product, self.product_nt = batched_products(compute_type(network))    # with relative positions
        self.flash = None
        if network.relative_positions == "none" and has_flash_attention(compute_type(network), self.head_size):
            self.flash = FlashAttention(network.attention_probs_dropout_prob)

    def construct(self, hidden, mask, positions, keys, masks):
        """hidden (B * S, H), mask (B, A, S, S) added to scores, positions (S, S, D) or None -> context (B * S, H)."""
        batch, heads, length, _ = mask.shape
        query = self.query(hidden) * (1.0 / math.sqrt(self.head_size))
        key, value = self.key(hidden), self.value(hidden)
        if self.flash is not None and length % FlashAttention.LENGTHS == 0:
            return join_heads(self.flash(split_heads(query, batch, heads), split_heads(key, batch, heads),
                                         split_heads(value, batch, heads), mask, keys))
        if self.learned:
            positions = self.relative_positions(length)
        scores = self.scores(query, key, mask)
        if positions is not None:
            positions = positions.astype(query.dtype)
            # For each query position, the products of all instances' and heads' queries with its S embeddings.
            by_position = split_heads(query, batch, heads).reshape(batch * heads, length, self.head_size)
            relative = self.product_nt(by_position.transpose(1, 0, 2), positions).transpose(1, 0, 2)
            scores = scores + relative.reshape(scores.shape)
        weights = ops.softmax(scores.astype(ms.float32), -1).astype(value.dtype)
        weights = self.dropout(weights, keys, masks)
        context = self.context(weights, value)
        if positions is not None:
            by_position = weights.reshape(batch * heads, length, length).transpose(1, 0, 2)
            relative = self.product(by_position, positions).transpose(1, 0, 2)
            context = context + join_heads(relative.reshape(batch, heads, length, self.head_size))
        return context


class Output(nn.Cell):
    """Dense, dropout, residual connection, LayerNorm: what ends self-attention and the feed-forward network."""

    def __init__(self, network, inputs, site):
        super().__init__()
        self.dense = Linear(inputs, network.hidden_size, compute_type(network))
        self.LayerNorm = LayerNorm(network.hidden_size, network.layer_norm_eps)
        self.dropout = Dropout(network.hidden_dropout_prob, site, HIDDEN)

    def construct(self, x, residual, keys, masks):
        return self.LayerNorm(self.dropout(self.dense(x), keys, masks) + residual)


class Attention(nn.Cell):
    def __init__(self, network, site):
        super().__init__()
        self.self = SelfAttention(network, site)
        self.output = Output(network, network.hidden_size, site + 1)

    def construct(self, hidden, mask, positions, keys, masks):
        return self.output(self.self(hidden, mask, positions, keys, masks), hidden, keys, masks)


class Intermediate(nn.Cell):
    def __init__(self, network):
        super().__init__()
        self.dense = Linear(network.hidden_size, network.intermediate_size, compute_type(network))
        self.activation = activation(network.hidden_act)

    def construct(self, hidden):
        return self.activation(self.dense(hidden))


class Layer(nn.Cell):
    """One encoder layer: (B * S, H) -> (B * S, H)."""

    def __init__(self, network, number):
        super().__init__()
        site = 1 + 3 * number
        self.attention = Attention(network, site)
        self.intermediate = Intermediate(network)
        self.output = Output(network, network.intermediate_size, site + 2)

    def construct(self, hidden, mask, positions, keys, masks):
        hidden = self.attention(hidden, mask, positions, keys, masks)
        return self.output(self.intermediate(hidden), hidden, keys, masks)


class Encoder(nn.Cell):
    def __init__(self, network):
        super().__init__()
        self.heads = network.num_attention_heads
        self.fixed = network.relative_positions == "nezha"
        if self.fixed:
            self.relative_positions = relative_positions("nezha", network.hidden_size // self.heads)
        self.layer = nn.CellList([Layer(network, number) for number in range(network.num_hidden_layers)])

    def construct(self, hidden, input_mask, keys, masks):
        batch, length = input_mask.shape
        # -10000 hides padding from the softmax and fits into float16.
        mask = ((1.0 - input_mask.astype(hidden.dtype)) * -10000.0).reshape(batch, 1, 1, length)
        mask = ops.broadcast_to(mask, (batch, self.heads, length, length))
        positions = self.relative_positions(length) if self.fixed else None
        for layer in self.layer:
            hidden = layer(hidden, mask, positions, keys, masks)
        return hidden


class Pooler(nn.Cell):
    def __init__(self, network):
        super().__init__()
        self.dense = Linear(network.hidden_size, network.hidden_size, compute_type(network))
        self.tanh = tanh_form()

    def construct(self, first):
        return self.tanh(self.dense(first))


class BertModel(nn.Cell):
    """The encoder and its pooler. `network`: a dict or a namespace (see above). Needs `initialize` or a checkpoint."""

    def __init__(self, network):
        super().__init__()
        network = namespace(network)
        self.embeddings = Embeddings(network)
        self.encoder = Encoder(network)
        self.pooler = Pooler(network)

    def construct(self, input_ids, token_type_ids, input_mask, dropout_keys=None, dropout_masks=None):
        """
        input_ids, token_type_ids, input_mask (B, S) int32; dropout_keys and dropout_masks from training.dropout, or
        None for no dropout -> sequence_output (B, S, H), pooled_output (B, H), both float32.
        """
        batch, length = input_ids.shape
        hidden = self.embeddings(input_ids, token_type_ids, dropout_keys, dropout_masks)
        hidden = self.encoder(hidden, input_mask, dropout_keys, dropout_masks).reshape(batch, length, -1)
        pooled = self.pooler(hidden[:, 0])
        return hidden.astype(ms.float32), pooled.astype(ms.float32)


def namespace(network):
    return SimpleNamespace(**network) if isinstance(network, dict) else network


def initialize(cell, seed, initializer_range=0.02, initial_attention="random"):
    """Draw all weights of `cell`: normal, cut at two standard deviations; biases 0, LayerNorm weights 1.

    Each tensor is a function of (seed, its name) alone, so a new head leaves the others as they were.
    initial_attention: random, or local (see attend_nearby).
    """
    for item in cell.get_parameters():
        if item.name.endswith("LayerNorm.weight"):
            value = np.ones(item.shape, np.float32)
        elif item.name.endswith("bias"):
            value = np.zeros(item.shape, np.float32)
        else:
            value = truncated_normal(item.shape, seed, item.name) * np.float32(initializer_range)
        item.set_data(Tensor(value))
    if initial_attention == "local":
        attend_nearby(cell, initializer_range)


def attend_nearby(cell, initializer_range):
    """Let tokens attend to their neighbours from the beginning, in an encoder with absolute positions.

    Positions start as sinusoids (Vaswani et al. 2017, 3.5), which are the more alike the nearer they are, and keys as a
    multiple of the queries' weights, which makes products of like tokens large (mimetic initialization, Trockman and
    Kolter 2023). A network drawn at random has to find that out; until it has, it guesses words by their frequency.
    """
    for _, part in cell.cells_and_names():
        if isinstance(part, Embeddings) and part.absolute:
            table = part.position_embeddings.weight
            table.set_data(Tensor(sinusoids(*table.shape, LONGEST) * np.float32(AMPLITUDE * initializer_range)))
        elif isinstance(part, SelfAttention):
            query = part.query.weight.asnumpy()
            # LayerNorm gives tokens a square of H, so equal weights give them this score with themselves.
            score = query.var() * len(query) * math.sqrt(part.head_size)
            part.key.weight.set_data(Tensor(query * np.float32(SCORE_WITH_ITSELF / score)))


def truncated_normal(shape, seed, name):
    random = np.random.Generator(np.random.Philox(key=[seed, zlib.crc32(name.encode())]))
    value = random.standard_normal(shape, np.float32)
    while (outside := np.flatnonzero(np.abs(value) > 2)).size:
        value.flat[outside] = random.standard_normal(outside.size, np.float32)
    return value
