"""The train step: clipping, loss scale, skipped steps, accumulation."""

import functools

import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn, ops

from dump2bert.nets import operators
from dump2bert.nets.bert import initialize, namespace
from dump2bert.nets.heads import BertForPretraining, PretrainingLoss
from dump2bert.training import optimizers
from dump2bert.training.dropout import DropoutSource
from dump2bert.training.optimizers import make_optimizer
from dump2bert.training.pretraining_batches import micro_batches
from dump2bert.training.step import LossScale, TrainStep
from tests.unit.small_networks import FORMS, small_batch, small_network

ADAM = {"learning_rate": 1e-2, "end_learning_rate": 0.0, "power": 1.0, "warmup_steps": 0, "decay_steps": None,
        "weight_decay": 0.01, "eps": 1e-6, "bias_correction": False}
PLAIN = {"learning_rate": 1.0, "momentum": 0.0}    # w <- w - gradient


class Linear(nn.Cell):
    """Its gradients are the two inputs."""

    def __init__(self):
        super().__init__()
        self.a = Parameter(Tensor(np.zeros(2, np.float32)))
        self.b = Parameter(Tensor(np.zeros(1, np.float32)))

    def construct(self, x, y):
        return (self.a * x).sum() + (self.b * y).sum()


def linear_step(**options):
    net = Linear()
    return net, TrainStep(net, make_optimizer("Momentum", PLAIN, net.trainable_params(), 10), **options)


def batch(x, y):
    return Tensor(np.array(x, np.float32)), Tensor(np.array(y, np.float32))


@pytest.mark.parametrize("clip, a, b", [
    ("none", [3, 0], [4]), ("global_norm", [0.6, 0], [0.8]), ("tensor_norm", [1, 0], [1])])
@pytest.mark.parametrize("scale", [None, 1024.0])
def test_gradients_are_clipped_at_norm_one(clip, a, b, scale):
    net, step = linear_step(clip=clip, loss_scale=scale and LossScale(scale, 2.0, 10))
    outcome = step([batch([3, 0], [4])])
    np.testing.assert_allclose(-net.a.asnumpy(), a, rtol=1e-6)
    np.testing.assert_allclose(-net.b.asnumpy(), b, rtol=1e-6)
    _, overflow, global_norm, learning_rate, loss_scale = outcome.read()
    assert (overflow, learning_rate, loss_scale) == (False, 1.0, scale or 1.0)
    assert global_norm == pytest.approx(5.0)


@pytest.mark.parametrize("clip", ["global_norm", "tensor_norm"])
def test_small_gradients_are_left_alone(clip):
    net, step = linear_step(clip=clip)
    step([batch([0.3, 0], [0.4])])
    np.testing.assert_allclose(-net.a.asnumpy(), [0.3, 0], rtol=1e-6)
    np.testing.assert_allclose(-net.b.asnumpy(), [0.4], rtol=1e-6)


def test_overflow_skips_the_step_and_halves_the_scale_and_the_window_doubles_it():
    net, step = linear_step(loss_scale=LossScale(8.0, 2.0, 3))
    good, bad = batch([0.1, 0], [0]), batch([np.inf, 0], [0])
    scales, overflows = [], []
    for x in (good, bad, good, good, good, good):
        before = net.a.asnumpy().copy()
        _, overflow, _, _, scale = step([x]).read()
        scales.append(scale)
        overflows.append(overflow)
        assert (net.a.asnumpy() == before).all() == overflow
    assert scales == [8, 8, 4, 4, 4, 8]
    assert overflows == [False, True, False, False, False, False]
    assert step.optimizer.updates.asnumpy() == 5


def test_overflow_of_the_scaled_loss_alone_is_an_overflow():
    net, step = linear_step(loss_scale=LossScale(2.0 ** 127, 2.0, 1000))
    assert step([batch([8, 0], [0])]).read()[1] is True
    assert (net.a.asnumpy() == 0).all()


def test_what_the_first_ascend_910_notes_in_its_register_is_an_overflow_once(monkeypatch):
    """A stand-in for the register: there is no such device here."""
    register = Parameter(Tensor(np.zeros(8, np.int32)), name="register", requires_grad=False)

    class Read(nn.Cell):
        def __init__(self):
            super().__init__(auto_prefix=False)
            self.register = register

        def construct(self, status):
            return self.register + status

    class Clear(Read):
        def construct(self, status):
            return ops.assign(self.register, status * 0)

    monkeypatch.setattr(operators, "on_first_ascend_910", lambda: True)
    monkeypatch.setattr(operators, "NPUGetFloatStatusV2", Read)
    monkeypatch.setattr(operators, "NPUClearFloatStatusV2", Clear)
    net, step = linear_step(loss_scale=LossScale(8.0, 2.0, 100))
    found = []
    for noted in (0, 1, None, None):
        if noted is not None:
            ops.assign(register, Tensor(np.full(8, noted, np.int32)))
        before = net.a.asnumpy().copy()
        _, overflow, _, _, scale = step([batch([0.1, 0], [0])]).read()
        found.append((overflow, scale, bool((net.a.asnumpy() == before).all())))
    assert found == [(False, 8, False), (True, 8, True), (False, 4, False), (False, 4, False)]


def test_loss_scale_does_not_fall_below_one():
    _, step = linear_step(loss_scale=LossScale(2.0, 2.0, 3))
    scales = [step([batch([np.nan, 0], [0])]).read()[-1] for _ in range(4)]
    assert scales == [2, 1, 1, 1]


def test_without_loss_scale_it_stays_one_and_bad_steps_are_skipped():
    net, step = linear_step()
    outcomes = [step([batch([x, 0], [0])]).read() for x in (0.5, np.nan, 0.5)]
    assert [outcome[1] for outcome in outcomes] == [False, True, False]
    assert [outcome[-1] for outcome in outcomes] == [1, 1, 1]
    np.testing.assert_allclose(-net.a.asnumpy(), [1, 0])


@pytest.mark.parametrize("scale", [None, 4.0])
def test_accumulation_takes_the_mean_of_the_micro_batches(scale):
    net, step = linear_step(clip="none", loss_scale=scale and LossScale(scale, 2.0, 10), accumulation_steps=2)
    for _ in range(2):     # the sums must start from zero again
        step([batch([1, 0], [2]), batch([3, 0], [4])])
    np.testing.assert_allclose(-net.a.asnumpy(), [4, 0])
    np.testing.assert_allclose(-net.b.asnumpy(), [6])
    step([batch([1, 0], [2]), batch([np.inf, 0], [4])])
    np.testing.assert_allclose(-net.a.asnumpy(), [4, 0])
    step([batch([1, 0], [2]), batch([3, 0], [4])])
    np.testing.assert_allclose(-net.a.asnumpy(), [6, 0])


def trained(rows, parts, scale, steps=3):
    network = namespace(small_network(hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1, num_hidden_layers=1))
    model = BertForPretraining(network)
    initialize(model, 1)
    optimizer = make_optimizer("AdamWeightDecay", ADAM, model.trainable_params(), steps)
    step = TrainStep(PretrainingLoss(model), optimizer, scale and LossScale(scale, 2.0, 100), accumulation_steps=parts)
    dropout = DropoutSource(network, 1)
    losses = [step(micro_batches(small_batch(rows, number), parts, dropout, number)).read()[0]
              for number in range(steps)]
    return {item.name: item.asnumpy() for item in model.get_parameters()}, losses


@functools.cache
def trained_at_once():
    return trained(12, 1, None)


@pytest.mark.parametrize("scale", [None, 65536.0])
def test_accumulated_micro_batches_equal_one_large_batch(scale):
    large, large_losses = trained_at_once()
    small, small_losses = trained(12, 3, scale)
    np.testing.assert_allclose(small_losses, large_losses, rtol=1e-5)
    for name, weight in large.items():
        np.testing.assert_allclose(small[name], weight, rtol=1e-3, atol=2e-5, err_msg=name)


def test_the_zoos_loss_is_the_mean_of_the_means_of_its_micro_batches():
    batch = small_batch(6)
    dropout = DropoutSource(namespace(small_network()), 1)
    own = batch["masked_lm_weights"].reshape(2, -1).sum(1)
    assert own[0] != own[1]
    for mlm_loss, totals in (("zoo", own), ("global", [own.mean()] * 2)):
        parts = micro_batches(batch, 2, dropout, 0, mlm_loss=mlm_loss)
        np.testing.assert_allclose([part[7].asnumpy() for part in parts], totals, atol=2e-5)


@pytest.mark.slow
def test_a_network_of_24_layers_can_be_compiled_and_trained():
    network = namespace(small_network(num_hidden_layers=24, initializer_range=0.02))
    model = BertForPretraining(network)
    initialize(model, 1, 0.02)
    step = TrainStep(PretrainingLoss(model), make_optimizer("AdamWeightDecay", ADAM, model.trainable_params(), 10))
    source = DropoutSource(network, 1)
    losses = [step(micro_batches(small_batch(4), 1, source, number)).read()[0][0] for number in range(3)]
    assert losses[-1] < losses[0]


def test_a_snapshot_holds_nothing_that_the_next_update_writes_anew(monkeypatch):
    monkeypatch.setattr(optimizers, "has_compiled_operators", lambda: False)
    net = Linear()
    step = TrainStep(net, make_optimizer("Lamb", ADAM, net.trainable_params(), 10))
    assert {name.partition(".")[0] for name in step.parameters()} >= {"a", "b", "moment1", "moment2"}
    scratch = {item.name for item in step.optimizer.scratch}
    assert scratch and not scratch & set(step.parameters())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["AdamWeightDecay", "Lamb"])
def test_a_step_says_the_loss_before_its_update_and_skips_what_is_not_finite(monkeypatch, name, form):
    # No gradient of this network depends on its weights, so only their order keeps the loss before the update.
    monkeypatch.setattr(optimizers, "has_compiled_operators", lambda: form == "compiled")
    net = Linear()
    net.a.set_data(Tensor(np.array([1, 2], np.float32)))
    net.b.set_data(Tensor(np.array([3], np.float32)))
    step = TrainStep(net, make_optimizer(name, ADAM, net.trainable_params(), 10))
    for x, skipped in (([3, 1], False), ([np.inf, 0], True), ([2, -5], False)):
        a, b = net.a.asnumpy().copy(), net.b.asnumpy().copy()
        losses, overflow, *_ = step([batch(x, [4])]).read()
        assert overflow == skipped
        if skipped:
            assert (net.a.asnumpy() == a).all() and (net.b.asnumpy() == b).all()
        else:
            assert losses[0] == pytest.approx(float(a @ x + b[0] * 4), rel=1e-6)
            assert (net.a.asnumpy() != a).all() and (net.b.asnumpy() != b).all()
    assert step.optimizer.updates.asnumpy() == 2
