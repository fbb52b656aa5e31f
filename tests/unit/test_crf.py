"""The CRF against brute force over all label sequences, and its gradients against finite differences."""

import itertools

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from dump2bert.nets import crf as crf_module
from dump2bert.nets.crf import FORBIDDEN, ConditionalRandomField, viterbi
from tests.unit.small_networks import FORMS

LABELS = 3
LEGAL = (np.array([[1, 1, 0], [0, 0, 1], [1, 0, 1]], bool), np.array([1, 0, 1], bool), np.array([1, 0, 1], bool))


@pytest.fixture(scope="module", autouse=True)
def on_cpu():
    ms.set_device("CPU")
    ms.set_context(mode=ms.GRAPH_MODE)


def random_crf(random, legal=None):
    crf = ConditionalRandomField(LABELS, legal)
    for parameter in crf.get_parameters():
        parameter.set_data(Tensor(random.normal(size=parameter.shape).astype(np.float32)))
    return crf


def random_batch(random, lengths, width):
    emissions = random.normal(size=(len(lengths), width, LABELS)).astype(np.float32) * 2
    labels = random.integers(0, LABELS, (len(lengths), width)).astype(np.int32)
    mask = (np.arange(width) < np.array(lengths)[:, None]).astype(np.int32)
    return emissions, labels, mask


def score(emissions, labels, tables):
    transitions, start, end = tables
    return (start[labels[0]] + end[labels[-1]] + sum(emissions[i, label] for i, label in enumerate(labels))
            + sum(transitions[a, b] for a, b in itertools.pairwise(labels)))


def brute_force(emissions, labels, lengths, tables):
    """Loss per token, and the best sequence of each row, by going through all sequences."""
    losses, best = [], []
    for row, length in enumerate(lengths):
        paths = list(itertools.product(range(LABELS), repeat=length))
        scores = np.array([score(emissions[row].astype(np.float64), path, tables) for path in paths])
        losses.append(np.logaddexp.reduce(scores) - score(emissions[row], labels[row, :length], tables))
        best.append(paths[scores.argmax()])
    return sum(losses) / sum(lengths), best


def tables_of(crf):
    return [table.asnumpy() for table in crf.scores()]


def loss_of(crf, emissions, labels, mask):
    weights = Tensor(np.ones(len(labels), np.float32))
    return crf(Tensor(emissions), Tensor(labels), Tensor(mask), weights)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("lengths, width", [([1, 4, 6], 6), ([2, 3], 11), ([1, 1], 1)])
def test_loss_equals_brute_force_over_all_label_sequences(monkeypatch, lengths, width, form):
    monkeypatch.setattr(crf_module, "has_compiled_operators", lambda: form == "compiled")
    random = np.random.default_rng(1)
    crf = random_crf(random)
    emissions, labels, mask = random_batch(random, lengths, width)
    expected, _ = brute_force(emissions, labels, lengths, tables_of(crf))
    assert float(loss_of(crf, emissions, labels, mask).asnumpy()) == pytest.approx(expected, rel=1e-5)


def test_decoding_equals_brute_force_over_all_label_sequences():
    random = np.random.default_rng(2)
    crf = random_crf(random)
    for lengths in ([1, 2, 3, 4, 5, 6, 6], [7]):
        emissions, labels, _ = random_batch(random, lengths, 7)
        _, best = brute_force(emissions, labels, lengths, tables_of(crf))
        decoded = viterbi(emissions, lengths, *tables_of(crf))
        for row, length in enumerate(lengths):
            assert tuple(decoded[row, :length]) == best[row]
            assert not decoded[row, length:].any()


@pytest.mark.parametrize("form", FORMS)
def test_padding_changes_nothing(monkeypatch, form):
    monkeypatch.setattr(crf_module, "has_compiled_operators", lambda: form == "compiled")
    random = np.random.default_rng(3)
    crf = random_crf(random)
    emissions, labels, mask = random_batch(random, [3, 5], 5)
    loss = float(loss_of(crf, emissions, labels, mask).asnumpy())
    wider = [np.pad(array, [(0, 0), (0, 9), (0, 0)][:array.ndim], constant_values=value)
             for array, value in ((emissions, 5.0), (labels, 1), (mask, 0))]
    assert float(loss_of(crf, *wider).asnumpy()) == pytest.approx(loss, rel=1e-6)
    assert (viterbi(wider[0], [3, 5], *tables_of(crf))[:, :5] == viterbi(emissions, [3, 5], *tables_of(crf))).all()


@pytest.mark.parametrize("form", FORMS)
def test_rows_of_weight_zero_and_rows_without_tokens_do_not_count(monkeypatch, form):
    monkeypatch.setattr(crf_module, "has_compiled_operators", lambda: form == "compiled")
    random = np.random.default_rng(4)
    crf = random_crf(random)
    emissions, labels, mask = random_batch(random, [4, 3, 0], 4)
    both = crf(Tensor(emissions), Tensor(labels), Tensor(mask), Tensor(np.array([1, 0, 0], np.float32)))
    alone = loss_of(crf, emissions[:1], labels[:1], mask[:1])
    assert float(both.asnumpy()) == pytest.approx(float(alone.asnumpy()), rel=1e-6)
    empty = loss_of(crf, emissions[2:], labels[2:], mask[2:])
    assert float(empty.asnumpy()) == 0.0


class Differentiated(nn.Cell):
    """The loss and its gradients by the emissions and the parameters, in one graph, as in training."""

    def __init__(self, crf):
        super().__init__(auto_prefix=False)
        self.differentiate = ms.value_and_grad(crf, 0, list(crf.get_parameters()))

    def construct(self, *batch):
        return self.differentiate(*batch)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("legal, scale, precision", [(None, 1, 2e-6), (LEGAL, 60, 2e-4)])
def test_gradients_equal_finite_differences_at_every_call(monkeypatch, legal, scale, precision, form):
    monkeypatch.setattr(crf_module, "has_compiled_operators", lambda: form == "compiled")
    # Large emissions: what is far from likely, and yet the only way to a label, must not be lost.
    random = np.random.default_rng(5)
    crf = random_crf(random, legal)
    lengths = [4, 2, 19, 1]
    parameters = list(crf.get_parameters())
    differentiated = Differentiated(crf)

    def loss(emissions, labels, tables):
        # The forward algorithm again, in float64, so that differences are exact enough.
        transitions, start, end = tables = [np.where(one, table, FORBIDDEN) for one, table in zip(legal, tables)] \
            if legal else tables
        total = 0.0
        for row, length in enumerate(lengths):
            forward = start + emissions[row, 0]
            for step in range(1, length):
                forward = np.logaddexp.reduce(forward[:, None] + transitions, 0) + emissions[row, step]
            total += np.logaddexp.reduce(forward + end) - score(emissions[row], labels[row, :length], tables)
        return total / sum(lengths)

    for _ in range(3):
        emissions, labels, mask = random_batch(random, lengths, 20)
        labels = viterbi(emissions, lengths, *tables_of(crf))
        emissions *= scale
        value, (by_emissions, by_parameters) = differentiated(
            Tensor(emissions), Tensor(labels), Tensor(mask), Tensor(np.ones(len(lengths), np.float32)))
        assert not by_emissions.asnumpy()[mask == 0].any()
        values = [emissions.astype(np.float64), *(parameter.asnumpy().astype(np.float64) for parameter in parameters)]
        assert float(value.asnumpy()) == pytest.approx(loss(values[0], labels, values[1:]), rel=1e-5)
        for place, found in enumerate([by_emissions, *by_parameters]):
            expected = np.zeros(values[place].shape)
            for index in np.ndindex(expected.shape):
                moved = [value.copy() for value in values]
                for sign in (1, -1):
                    moved[place][index] = values[place][index] + sign * 1e-5
                    expected[index] += sign * loss(moved[0], labels, moved[1:]) / 2e-5
            np.testing.assert_allclose(found.asnumpy(), expected, atol=precision)


def test_transitions_beyond_the_reach_of_float32s_exponential():
    random = np.random.default_rng(7)
    crf = random_crf(random)
    crf.transitions.set_data(Tensor(np.array([[0, 100, 0], [0, 0, -100], [100, 0, 0]], np.float32)))
    lengths = [6, 5, 1]
    emissions, labels, mask = random_batch(random, lengths, 6)
    expected, _ = brute_force(emissions, labels, lengths, tables_of(crf))
    value, (by_emissions, by_parameters) = Differentiated(crf)(
        Tensor(emissions), Tensor(labels), Tensor(mask), Tensor(np.ones(3, np.float32)))
    assert float(value.asnumpy()) == pytest.approx(expected, rel=1e-5)
    assert all(np.isfinite(gradient.asnumpy()).all() for gradient in (by_emissions, *by_parameters))


def test_forbidden_steps_are_never_decoded_and_take_no_part_in_the_loss():
    random = np.random.default_rng(6)
    crf = random_crf(random, LEGAL)
    emissions, _, mask = random_batch(random, [6] * 20, 6)
    tables = tables_of(crf)
    for path in viterbi(emissions, [6] * 20, *tables):
        assert LEGAL[1][path[0]] and LEGAL[2][path[-1]]
        assert all(LEGAL[0][a, b] for a, b in itertools.pairwise(path))
    labels = np.tile(np.array([0, 1, 2, 2, 0, 0], np.int32), (20, 1))
    loss = float(loss_of(crf, emissions, labels, mask).asnumpy())
    assert loss == pytest.approx(brute_force(emissions, labels, [6] * 20, tables)[0], rel=1e-5)
    assert tables[0][0, 2] == FORBIDDEN
    gradients = ms.grad(crf, None, [crf.transitions])(
        Tensor(emissions), Tensor(labels), Tensor(mask), Tensor(np.ones(20, np.float32)))
    assert not gradients[0].asnumpy()[~LEGAL[0]].any()
