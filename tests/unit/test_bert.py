"""The networks against numpy: outputs, loss, and gradients by central differences, for each kind of positions."""

import numpy as np
import pytest
from mindspore import Tensor

from dump2bert.nets.bert import BertModel, initialize, truncated_normal
from dump2bert.nets.heads import BertForPretraining, PretrainingLoss
from dump2bert.training.dropout import DropoutSource
from dump2bert.training.pretraining_batches import micro_batches
from dump2bert.nets.bert import namespace
from tests.unit import numpy_bert
from tests.unit.small_networks import LossAndGradients, small_batch, small_network

KINDS = [("none", "gelu"), ("none", "gelu_new"), ("none", "relu"), ("nezha", "gelu"), ("zoo", "gelu")]


def built(network):
    model = BertForPretraining(network)
    initialize(model, 3, network["initializer_range"])
    random = np.random.default_rng(5)
    for item in model.get_parameters():     # biases of 0 and weights of 1 would hide mistakes
        item.set_data(Tensor((item.asnumpy() + 0.1 * random.standard_normal(item.shape)).astype(np.float32)))
    return model


def weights_of(model):
    return {item.name: item.asnumpy().astype(np.float64) for item in model.get_parameters()}


def inputs(network, batch):
    return micro_batches(batch, 1, DropoutSource(namespace(network), 0), 0)[0]


@pytest.mark.parametrize("kind, act", KINDS)
def test_loss_and_gradients_equal_numpy(kind, act):
    network = small_network(relative_positions=kind, hidden_act=act)
    model, batch = built(network), small_batch(6)
    losses, gradients = LossAndGradients(PretrainingLoss(model))(*inputs(network, batch))
    weights = weights_of(model)
    np.testing.assert_allclose([value.asnumpy() for value in losses],
                               numpy_bert.pretraining_loss(weights, network, batch), rtol=1e-5)
    random = np.random.default_rng(1)
    for item, gradient in zip(model.trainable_params(), gradients):
        before = weights[item.name]
        direction = random.standard_normal(before.shape)
        expected = 0.0
        for step in (1e-5, -1e-5):
            weights[item.name] = before + step * direction
            expected += numpy_bert.pretraining_loss(weights, network, batch)[0] / (2 * step)
        weights[item.name] = before
        scale = np.abs(gradient.asnumpy() * direction).sum()
        assert abs((gradient.asnumpy() * direction).sum() - expected) <= 2e-5 * scale + 1e-7, item.name


@pytest.mark.parametrize("kind", ["none", "nezha", "zoo"])
def test_encoder_equals_numpy_at_lengths_beyond_the_clipping_distance(kind):
    network = small_network(relative_positions=kind, max_position_embeddings=90, num_hidden_layers=1)
    model = built(network)
    random = np.random.default_rng(2)
    ids = random.integers(0, network["vocab_size"], (2, 80)).astype(np.int32)
    types, mask = np.zeros_like(ids), np.ones_like(ids)
    mask[1, 70:] = 0
    found = model.bert(Tensor(ids), Tensor(types), Tensor(mask))
    expected = numpy_bert.encode(weights_of(model), network, ids, types, mask)
    for ours, theirs in zip(found, expected):
        assert np.abs(ours.asnumpy() - theirs).max() <= 1e-5 * np.abs(theirs).max()


def test_padding_does_not_change_the_outputs_of_real_tokens():
    network = small_network()
    model, batch = built(network), small_batch(3)
    ids, types, mask = (batch[name] for name in ("input_ids", "segment_ids", "input_mask"))
    other = np.where(mask == 1, ids, 7).astype(np.int32)
    first, second = (model.bert(Tensor(x), Tensor(types), Tensor(mask))[0].asnumpy() for x in (ids, other))
    np.testing.assert_allclose(first[mask == 1], second[mask == 1], atol=1e-5)


def test_parameters_bear_hugging_face_names():
    names = [item.name for item in BertForPretraining(small_network()).get_parameters()]
    for name in ("bert.embeddings.position_embeddings.weight", "bert.embeddings.LayerNorm.bias",
                 "bert.encoder.layer.1.attention.self.query.weight", "bert.encoder.layer.0.attention.output.dense.bias",
                 "bert.encoder.layer.0.intermediate.dense.weight", "bert.encoder.layer.0.output.LayerNorm.weight",
                 "bert.pooler.dense.weight", "cls.predictions.bias", "cls.predictions.transform.LayerNorm.weight",
                 "cls.seq_relationship.weight"):
        assert name in names


def test_relative_networks_have_no_absolute_positions():
    for kind in ("nezha", "zoo"):
        names = [item.name for item in BertModel(small_network(relative_positions=kind)).get_parameters()]
        assert not any("position_embeddings" in name for name in names)
        assert any("embeddings_table" in name for name in names) == (kind == "zoo")


def test_initial_weights_are_a_function_of_seed_and_name():
    weights = truncated_normal((200, 50), 1, "a")
    assert np.abs(weights).max() <= 2 and abs(weights.mean()) < 0.03 and 0.85 < weights.std() < 0.91
    assert (weights == truncated_normal((200, 50), 1, "a")).all()
    assert (weights != truncated_normal((200, 50), 1, "b")).any()
    assert (weights != truncated_normal((200, 50), 2, "a")).any()


def attended(model, network, length):
    """How much the tokens of a text of one word repeated attend, on average, to those at each distance, in the first layer."""
    weights = weights_of(model)
    word, kind, positions = (weights[f"bert.embeddings.{name}_embeddings.weight"]
                             for name in ("word", "token_type", "position"))
    hidden = numpy_bert.layer_norm(weights, "bert.embeddings.LayerNorm", word[7] + kind[0] + positions[:length],
                                   network["layer_norm_eps"])
    query, key = (hidden @ weights[f"bert.encoder.layer.0.attention.self.{name}.weight"].T for name in ("query", "key"))
    size = network["hidden_size"] // network["num_attention_heads"]
    found = []
    for head in range(network["num_attention_heads"]):
        part = slice(head * size, (head + 1) * size)
        scores = np.exp(query[:, part] @ key[:, part].T / size ** 0.5)
        shares = scores / scores.sum(1, keepdims=True)
        found.append([np.diagonal(shares, distance).mean() for distance in range(length - 1)])
    return np.array(found)


@pytest.mark.parametrize("size, heads, spread", [(128, 2, 0.05), (64, 4, 0.02), (256, 4, 0.02)])
def test_local_initial_attention_is_to_neighbours_at_any_size(size, heads, spread):
    network = small_network(hidden_size=size, num_attention_heads=heads, max_position_embeddings=64)
    model = BertForPretraining(network)
    initialize(model, 1, spread)
    drawn = weights_of(model)
    assert np.ptp(attended(model, network, 64)[:, :20]) < 0.002     # to all alike
    initialize(model, 1, spread, "local")
    for shares in attended(model, network, 64):
        assert 0.05 < shares[0] < 0.2
        assert shares[0] > shares[1] > 3 * shares[4] > 3 * shares[16]
    changed = {name for name, value in weights_of(model).items() if (value != drawn[name]).any()}
    assert changed == {"bert.embeddings.position_embeddings.weight",
                       *(f"bert.encoder.layer.{layer}.attention.self.key.weight" for layer in range(2))}


def test_float16_is_close_to_float32():
    batch = small_batch(6)
    losses = []
    for kind in ("float32", "float16"):
        network = small_network(compute_type=kind, relative_positions="zoo")
        losses.append([value.asnumpy().item() for value in PretrainingLoss(built(network))(*inputs(network, batch))][:3])
    np.testing.assert_allclose(*losses, rtol=5e-3)
    assert losses[0] != losses[1]
