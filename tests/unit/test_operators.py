"""The fast and the compiled operators against their plain twins, forward and gradient, and dropout as a function of its keys."""

import math

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from dump2bert.nets import compiled, operators
from dump2bert.training.dropout import DropoutSource
from dump2bert.nets.bert import namespace
from tests.unit.small_networks import gradients_of, needs_compiler, small_network


class OfOne(nn.Cell):
    """An operator of x, with the weight and bias taken up so that all twins are called alike."""

    def __init__(self, form):
        super().__init__()
        self.form = form

    def construct(self, x, weight, bias):
        return self.form(x * weight + bias)


class OfTwo(OfOne):
    def construct(self, x, weight, bias):
        return self.form(x * weight, bias)


class OfThree(nn.Cell):
    """A linear layer whose weight (24, 24) is made of the one that all twins have."""

    def __init__(self, form):
        super().__init__()
        self.form, self.fixed = form, Tensor(np.random.default_rng(1).standard_normal((24, 24)).astype(np.float32))

    def construct(self, x, weight, bias):
        return self.form(x, self.fixed * weight, bias)


TWINS = {
    "linear, compiled": lambda: (OfThree(compiled.Linear("float32")), OfThree(operators.ComposedLinear())),
    "bias": lambda: (OfTwo(operators.FastBias()), OfTwo(operators.PlainBias())),
    "layer_norm": lambda: (operators.FastLayerNorm(24, 1e-12), operators.PlainLayerNorm(24, 1e-12)),
    "gelu": lambda: (OfOne(operators.FastGelu()), OfOne(operators.PlainGelu("none"))),
    "gelu_new": lambda: (OfOne(operators.FastGeluNew()), OfOne(operators.PlainGelu("tanh"))),
    "layer_norm, compiled": lambda: (compiled.LayerNorm(1e-12), operators.PlainLayerNorm(24, 1e-12)),
    "gelu, compiled": lambda: (OfOne(compiled.Gelu("gelu")), OfOne(operators.PlainGelu("none"))),
    "gelu_new, compiled": lambda: (OfOne(compiled.Gelu("gelu_new")), OfOne(operators.PlainGelu("tanh"))),
}
needs_bfloat16 = pytest.mark.skipif(bool(compiled.why_no_bfloat16()), reason=f"no bfloat16: {compiled.why_no_bfloat16()}")


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=needs_compiler if "compiled" in name else ()) for name in TWINS])
def test_fast_form_equals_plain_form(name):
    random = np.random.default_rng(0)
    inputs = [Tensor(random.standard_normal(shape).astype(np.float32)) for shape in ((40, 24), (24,), (24,), (40, 24))]
    fast, plain = TWINS[name]()
    np.testing.assert_allclose(fast(*inputs[:3]).asnumpy(), plain(*inputs[:3]).asnumpy(), atol=2e-6)
    for ours, theirs in zip(gradients_of(fast, *inputs), gradients_of(plain, *inputs)):
        assert np.abs(ours.asnumpy() - theirs.asnumpy()).max() <= 1e-5 * np.abs(theirs.asnumpy()).max()


@pytest.mark.parametrize("kind, error", [
    pytest.param("float32", 1e-5, marks=needs_compiler), pytest.param("bfloat16", 2e-2, marks=needs_bfloat16)])
@pytest.mark.parametrize("shape", [(3, 2, 5, 4), (2, 12, 48, 32), (1, 1, 1, 8)])
def test_attention_where_the_heads_lie_equals_attention_of_heads_laid_apart(shape, kind, error):
    batch, heads, length, size = shape
    random = np.random.default_rng(0)
    query, key = (Tensor(random.standard_normal((batch * length, heads * size)).astype(np.float32)) for _ in range(2))
    mask, dy = (Tensor(random.standard_normal((batch, heads, length, length)).astype(np.float32)) for _ in range(2))

    def compare(fast, plain, *inputs):
        found, wanted = ([form(*inputs[:-1]), *gradients_of(form, *inputs)] for form in (fast, plain))
        assert len(found) == len(wanted) > 2
        for ours, theirs in zip(found, wanted):
            np.testing.assert_allclose(ours.asnumpy(), theirs.asnumpy(), rtol=0, atol=error * np.abs(theirs.asnumpy()).max())

    compare(compiled.AttentionScores(kind), WithoutGradientOfMask(), query, key, mask, dy)
    compare(compiled.AttentionContext(kind), operators.ComposedContext(), mask, key, query)


class WithoutGradientOfMask(operators.ComposedScores):
    def construct(self, query, key, mask):
        return super().construct(query, key, ops.stop_gradient(mask))


@pytest.mark.parametrize("form", [operators.FastLookup, operators.PlainLookup])
def test_looking_pad_up_does_not_train_it(form):
    class Looked(nn.Cell):
        def __init__(self):
            super().__init__()
            self.form = form()

        def construct(self, table, ids, dy):
            return (self.form(table, ids) * dy).sum()

    random = np.random.default_rng(0)
    table, dy = random.standard_normal((5, 3)).astype(np.float32), random.standard_normal((6, 3)).astype(np.float32)
    ids = np.array([2, 0, 2, 4, 0, 1], np.int32)
    np.testing.assert_array_equal(form()(Tensor(table), Tensor(ids)).asnumpy(), table[ids])
    expected = np.zeros_like(table)
    np.add.at(expected, ids[ids > 0], dy[ids > 0])
    found = ms.grad(Looked())(Tensor(table), Tensor(ids), Tensor(dy)).asnumpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_other_devices_get_no_form_that_is_made_for_a_cpu(monkeypatch):
    """A negative row number, as FastLookup's gradient has it, is an error on Ascend."""
    assert isinstance(operators.lookup_form(), operators.FastLookup)
    assert isinstance(operators.tanh_form(), operators.FastTanh)
    monkeypatch.setattr(operators, "on_cpu", lambda: False)
    assert isinstance(operators.lookup_form(), operators.PlainLookup)
    assert isinstance(operators.tanh_form(), ops.Tanh)


def test_mindspores_own_dropout_gets_only_types_that_it_documents(monkeypatch):
    class Typed:
        def __init__(self, dtype):
            self.dtype, self.astype = dtype, Typed

    given = []
    monkeypatch.setattr(ops, "dropout", lambda x, rate, training: given.append(x.dtype) or x)
    kinds = (ms.float32, ms.float16, ms.bfloat16)
    assert tuple(operators.own_dropout(Typed(kind), 0.5).dtype for kind in kinds) == kinds
    assert given == [ms.float32, ms.float16, ms.float32]


@pytest.mark.parametrize("form, error", [
    (operators.FastGelu, 7e-7),      # oneDNN's depends on the CPU: 8.2e-7 with AVX512
    pytest.param(lambda: compiled.Gelu("gelu"), 1e-6, marks=needs_compiler, id="compiled")])
def test_gelu_is_exact_to_float_precision_everywhere(form, error):
    x = np.concatenate([np.linspace(-12, 12, 20001), [-1e4, -100, 100, 1e4]]).astype(np.float32)
    exact = np.array([v * 0.5 * math.erfc(-v / math.sqrt(2)) for v in x.astype(np.float64)])
    found = form()(Tensor(x[None])).asnumpy()[0]
    assert (np.abs(found - exact) <= error + 1e-7 * np.abs(exact)).all()


def masks_of(keys, masks, shape, site=0, pool=0, rate=0.25):
    """What Dropout multiplies by."""
    return operators.Dropout(rate, site, pool)(Tensor(np.ones(shape, np.float32)), keys, masks).asnumpy()


def source(seed, hidden=0.25, attention=0.5):
    network = small_network(hidden_dropout_prob=hidden, attention_probs_dropout_prob=attention)
    return DropoutSource(namespace(network), seed)


def test_dropout_drops_its_share_and_scales_the_rest():
    keys, masks = source(1).inputs(0, 8)
    for pool, rate in ((operators.HIDDEN, 0.25), (operators.ATTENTION, 0.5)):
        mask = masks_of(keys, masks, (8 * 40, 64), pool=pool, rate=rate)
        assert set(np.unique(mask)) == {0.0, np.float32(1 / (1 - rate))}
        assert abs((mask == 0).mean() - rate) < 0.02


@needs_compiler
@pytest.mark.parametrize("shape", [(8 * 40, 64), (8, 3, 7, 7), (8, 5)])    # whole and cut rows of the pool, and less than one
@pytest.mark.parametrize("site, pool", [(0, operators.HIDDEN), (2, operators.ATTENTION)])
def test_compiled_dropout_is_the_composed_one_to_the_last_bit(shape, site, pool):
    random = np.random.default_rng(0)
    x, dy = (Tensor(random.standard_normal(shape).astype(np.float32)) for _ in range(2))
    keys, masks = source(1).inputs(5, 8)
    plain, fast = operators.ComposedDropout(site, pool), compiled.Dropout(site, pool)
    expected = plain(x, keys, masks).asnumpy()
    assert 0 < (expected == 0).mean() < 1
    assert (fast(x, keys, masks).asnumpy() == expected).all()
    assert (gradients_of(fast, x, keys, masks, dy)[0].asnumpy() == gradients_of(plain, x, keys, masks, dy)[0].asnumpy()).all()


def test_dropout_masks_are_a_function_of_seed_step_site_and_row():
    def mask(seed=1, step=3, site=0, rows=4, first=0):
        keys, masks = source(seed).inputs(step, rows, first)
        return masks_of(keys, masks, (rows * 10, 32), site)

    same = mask()
    assert (same == mask()).all()
    assert (same != mask(seed=2)).any() and (same != mask(step=4)).any() and (same != mask(site=1)).any()
    # The second half of the batch, fed by itself, drops what it dropped as a half.
    assert (same[20:] == mask(rows=2, first=2)).all()
    rows = same.reshape(4, -1)
    assert all((rows[a] != rows[b]).any() for a in range(4) for b in range(a))


def test_new_pool_of_masks_after_a_thousand_steps():
    dropout = source(1)
    first, same, new = (dropout.inputs(step, 1)[1].asnumpy() for step in (0, 999, 1000))
    assert (first == same).all() and (first != new).any()


def test_no_dropout_without_keys_or_rate():
    assert source(1, 0.0, 0.0).inputs(0, 4) == (None, None)
    assert (masks_of(None, None, (4, 32)) == 1).all()
    keys, masks = source(1).inputs(0, 4)
    assert (masks_of(keys, masks, (4, 32), rate=0.0) == 1).all()
