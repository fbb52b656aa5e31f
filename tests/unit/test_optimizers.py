"""The optimizers over 20 steps against numpy, written from the papers; the schedules at the steps that matter."""

import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn

from dump2bert.training import optimizers
from dump2bert.training.optimizers import decays, make_optimizer, squared_norms_form
from dump2bert.training.schedules import make_schedule
from tests.unit.small_networks import FORMS

SHAPES = {"a.dense.weight": (5, 4), "a.dense.bias": (5,), "a.LayerNorm.weight": (4,), "zero.weight": (3, 2),
          "a.embeddings.weight": (150, 221)}    # more than one block of the compiled operators, and a part of one
OPTIONS = {"learning_rate": 0.05, "end_learning_rate": 0.001, "power": 2.0, "warmup_steps": 5, "decay_steps": None,
           "weight_decay": 0.1, "eps": 1e-6, "bias_correction": False}
STEPS = 20


def rate_at(step):
    if step < 5:
        return 0.05 * step / 5
    return (0.05 - 0.001) * (1 - (step - 5) / (STEPS - 5)) ** 2 + 0.001


def adam_numpy(weight, gradients, decay):
    m = v = 0.0
    for step, g in enumerate(gradients):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        weight = weight - rate_at(step) * (m / (np.sqrt(v) + 1e-6) + decay * weight)
    return weight


def corrected_adam_numpy(weight, gradients, decay):
    m = v = 0.0
    for step, g in enumerate(gradients):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        update = m / (1 - 0.9 ** (step + 1)) / (np.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-6)
        weight = weight - rate_at(step) * (update + decay * weight)
    return weight


def lamb_numpy(weight, gradients, decay):
    m = v = 0.0
    for step, g in enumerate(gradients):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        update = m / (1 - 0.9 ** (step + 1)) / (np.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-6) + decay * weight
        norms = np.linalg.norm(weight), np.linalg.norm(update)
        weight = weight - rate_at(step) * (norms[0] / norms[1] if all(norms) else 1.0) * update
    return weight


def momentum_numpy(weight, gradients, _):
    velocity = 0.0
    for g in gradients:
        velocity = 0.9 * velocity + g
        weight = weight - 0.05 * velocity
    return weight


class Applied(nn.Cell):
    """Calls an optimizer with gradients that are twice as large as they should be."""

    def __init__(self, optimizer):
        super().__init__(auto_prefix=False)
        self.optimizer = optimizer

    def construct(self, *gradients):
        return self.optimizer(gradients, Tensor(np.full(len(gradients), 0.5, np.float32)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name, options, reference", [
    ("AdamWeightDecay", OPTIONS, adam_numpy), ("AdamWeightDecayDynamicLR", OPTIONS, adam_numpy),
    ("AdamWeightDecay", {**OPTIONS, "bias_correction": True}, corrected_adam_numpy),
    ("Lamb", OPTIONS, lamb_numpy), ("Momentum", {"learning_rate": 0.05, "momentum": 0.9}, momentum_numpy)])
def test_twenty_steps_equal_numpy(monkeypatch, name, options, reference, form):
    monkeypatch.setattr(optimizers, "has_compiled_operators", lambda: form == "compiled")
    random = np.random.default_rng(0)
    values = {key: random.standard_normal(shape) * (key != "zero.weight") for key, shape in SHAPES.items()}
    gradients = {key: random.standard_normal((STEPS, *shape)) for key, shape in SHAPES.items()}
    weights = [Parameter(Tensor(value.astype(np.float32)), name=key) for key, value in values.items()]
    optimizer = make_optimizer(name, options, weights, STEPS)
    apply = Applied(optimizer)
    for step in range(STEPS):
        apply(*(Tensor((gradients[key][step] * 2).astype(np.float32)) for key in SHAPES))
    assert optimizer.updates.asnumpy() == STEPS
    for weight in weights:
        decay = 0.1 if decays(weight.name) else 0.0
        expected = reference(values[weight.name], gradients[weight.name], decay)
        np.testing.assert_allclose(weight.asnumpy(), expected, rtol=2e-5, atol=2e-6, err_msg=weight.name)


@pytest.mark.parametrize("form", FORMS)
def test_squared_norms_equal_numpy(monkeypatch, form):
    monkeypatch.setattr(optimizers, "has_compiled_operators", lambda: form == "compiled")
    random = np.random.default_rng(0)
    arrays = [random.standard_normal(shape).astype(np.float32) for shape in SHAPES.values()]
    found = squared_norms_form()(*map(Tensor, arrays)).asnumpy()
    np.testing.assert_allclose(found, [(array.astype(np.float64) ** 2).sum() for array in arrays], rtol=1e-6)


def test_no_decay_for_biases_and_layernorm():
    assert decays("bert.encoder.layer.0.output.dense.weight") and decays("bert.embeddings.word_embeddings.weight")
    assert not decays("bert.encoder.layer.0.output.dense.bias") and not decays("cls.predictions.bias")
    assert not decays("bert.embeddings.LayerNorm.weight") and not decays("encoder.layernorm.gamma")


def rates(kind, steps, total=100, **changes):
    schedule = make_schedule({**OPTIONS, "power": 1.0, "warmup_steps": 10, **changes}, total, kind)
    return [schedule(Tensor(np.float32(step))).asnumpy().item() for step in steps]


def test_continuous_schedule_decays_from_the_end_of_the_warmup():
    np.testing.assert_allclose(rates("continuous", [0, 5, 10, 55, 100, 200]),
                               [0, 0.025, 0.05, 0.0255, 0.001, 0.001], rtol=1e-5)


def test_zoo_schedule_jumps_where_the_warmup_ends():
    np.testing.assert_allclose(rates("zoo", [0, 5, 9, 10, 55, 100]),
                               [0, 0.025, 0.045, 0.001 + 0.049 * 0.9, 0.001 + 0.049 * 0.45, 0.001], rtol=1e-5)


def test_schedule_without_numbers_warms_up_for_a_tenth_and_decays_over_all_steps():
    np.testing.assert_allclose(rates("continuous", [4, 8, 44, 80], total=80, warmup_steps=None),
                               [0.025, 0.05, 0.0255, 0.001], rtol=1e-5)
    np.testing.assert_allclose(rates("continuous", [5000, 10000], total=10 ** 6, warmup_steps=None), [0.025, 0.05],
                               rtol=1e-5)


def test_decay_steps_end_the_decay_before_the_run_does():
    np.testing.assert_allclose(rates("continuous", [0, 20, 40, 90], warmup_steps=0, decay_steps=40),
                               [0.05, 0.0255, 0.001, 0.001], rtol=1e-5)


def test_momentum_has_a_constant_rate():
    schedule = make_schedule({"learning_rate": 0.05, "momentum": 0.9}, 100)
    assert isinstance(schedule, nn.Cell)
    assert schedule(Tensor(np.float32(70))).asnumpy().item() == pytest.approx(0.05)
