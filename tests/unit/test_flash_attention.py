"""Ascend's attention in one kernel, without an Ascend: a twin that takes the kernel's arguments as MindSpore documents
them stands in its place, and must give what the plain form gives."""


import inspect

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from dump2bert.nets import bert, operators
from dump2bert.nets.bert import BertModel, initialize
from tests.unit.small_networks import small_batch, small_network

RATE, BATCH, HEADS, LENGTH, SIZE = 0.25, 2, 3, 16, 16


def twin(query, key, value, head_num, real_shift=None, drop_mask=None, padding_mask=None, attn_mask=None, keep_prob=1.0,
         scalar_value=1.0, input_layout="BSH"):
    """ops.flash_attention_score: Dropout(Softmax(Mask(scale * query @ key.T)), keep_prob) @ value, BNSD; attn_mask
    (B, 1, S, S) bool, true is hidden; drop_mask (B, N, S, S // 8) uint8, a bit is a weight that is kept."""
    batch, heads, length, _ = query.shape
    assert input_layout == "BNSD" and head_num == heads
    assert attn_mask.dtype == ms.bool_ and attn_mask.shape == (batch, 1, length, length)
    scores = ops.BatchMatMul(transpose_b=True)(query, key) * scalar_value
    weights = ops.softmax(ops.masked_fill(scores, attn_mask, -1e30), -1)
    assert (drop_mask is None) == (keep_prob == 1.0)
    if drop_mask is not None:
        assert drop_mask.dtype == ms.uint8 and drop_mask.shape == (batch, heads, length, length // 8)
        bits = drop_mask.astype(ms.int32).reshape(batch, heads, length, length // 8, 1)
        kept = ops.floor_divide(bits, Tensor([1, 2, 4, 8, 16, 32, 64, 128], ms.int32)) % 2
        weights = weights * kept.reshape(weights.shape).astype(ms.float32) / keep_prob
    return ops.BatchMatMul()(weights, value)


class Bits(nn.Cell):
    """ops.DropoutGenMask: so many drawn bits, in bytes."""

    drawn = np.random.default_rng(5).integers(0, 256, BATCH * HEADS * LENGTH * LENGTH // 8).astype(np.uint8)

    def __init__(self):
        super().__init__()
        self.bytes = Tensor(self.drawn)

    def construct(self, shape, keep_prob):
        return self.bytes


@pytest.fixture
def on_ascend(monkeypatch):
    """As far as the attention is concerned."""
    monkeypatch.setattr(bert, "has_flash_attention", lambda compute_type, head_size: True)
    monkeypatch.setattr(operators, "flash_attention_score", twin)
    monkeypatch.setattr(ops, "DropoutGenMask", Bits)


def outputs(batch, **changes):
    model = BertModel(small_network(hidden_size=32, max_position_embeddings=20, **changes))
    initialize(model, 1, 0.3)
    uses = model.encoder.layer[0].attention.self.flash is not None
    return uses, [out.asnumpy() for out in model(*batch)]


def padded(columns, length):
    return tuple(Tensor(np.pad(columns[name], ((0, 0), (0, length - columns[name].shape[1]))))
                 for name in ("input_ids", "segment_ids", "input_mask"))


@pytest.mark.parametrize("length", [16, 14])    # the kernel takes multiples of 16 alone
def test_a_network_is_the_same_with_it(request, length):
    batch = padded(small_batch(4), length)
    plain_uses, plain = outputs(batch)
    request.getfixturevalue("on_ascend")
    uses, flash = outputs(batch)
    assert uses and not plain_uses
    for first, second in zip(plain, flash):
        np.testing.assert_allclose(first, second, atol=1e-5)


@pytest.mark.parametrize("positions", ["nezha", "zoo"])
def test_relative_positions_are_left_to_the_plain_form(on_ascend, positions):
    assert not outputs(padded(small_batch(4), 16), relative_positions=positions)[0]


def test_dropout_happens_inside_with_the_asked_probability(on_ascend):
    random = np.random.default_rng(1)
    query, key, value = random.standard_normal((3, BATCH, HEADS, LENGTH, SIZE), np.float32)
    mask = np.zeros((BATCH, HEADS, LENGTH, LENGTH), np.float32)
    mask[1, :, :, 11:] = -10000.0
    keys = Tensor(np.zeros((BATCH, 1, 2), np.int32))
    cell = operators.FlashAttention(RATE)
    found = cell(*map(Tensor, (query, key, value, mask)), keys).asnumpy()
    scores = query @ key.swapaxes(-1, -2) + mask
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    kept = np.unpackbits(Bits.drawn, bitorder="little").reshape(weights.shape)
    np.testing.assert_allclose(found, weights * kept / (1 - RATE) @ value, atol=1e-5)
    whole = cell(*map(Tensor, (query, key, value, mask)), None).asnumpy()
    np.testing.assert_allclose(whole, weights @ value, atol=1e-5)


@pytest.mark.parametrize("device, kind, size, has", [
    ("CPU", ms.float16, 64, False), ("GPU", ms.float16, 64, False), ("Ascend", ms.float32, 64, False),
    ("Ascend", ms.float16, 24, False), ("Ascend", ms.float16, 64, True), ("Ascend", ms.bfloat16, 64, True)])
def test_who_has_it(monkeypatch, device, kind, size, has):
    from mindspore import _c_expression

    class Newer:
        get_instance = classmethod(lambda cls: cls)
        get_ascend_soc_version = classmethod(lambda cls: "ascend910b")

    monkeypatch.setattr(operators.ms, "get_context", {"device_target": device}.__getitem__)
    monkeypatch.setattr(_c_expression, "MSContext", Newer)
    assert operators.has_flash_attention(kind, size) is has
    Newer.get_ascend_soc_version = classmethod(lambda cls: "ascend910")
    assert not operators.has_flash_attention(kind, size)


def test_the_operator_takes_these_arguments():
    known = inspect.signature(ops.flash_attention_score).parameters
    ours = inspect.signature(twin).parameters
    assert all(known[name].default == ours[name].default for name in ours)
    assert list(known)[:4] == list(ours)[:4]
