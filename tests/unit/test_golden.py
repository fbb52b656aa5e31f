"""The networks against Hugging Face's BertForPreTraining and Huawei's NEZHA-PyTorch, by golden files that
tests/golden/make_bert.py and make_nezha.py have made: small networks whole, those of true size by samples."""

import numpy as np
import pytest
from mindspore import Tensor, nn

from dump2bert.nets.heads import BertForPretraining, PretrainingLoss
from dump2bert.training.pretraining_batches import COLUMNS
from tests.conftest import PROJECT
from tests.golden import material
from tests.unit.small_networks import LossAndGradients, small_network

GOLDEN = PROJECT / "tests" / "golden"


class Outputs(nn.Cell):
    def __init__(self, model):
        super().__init__(auto_prefix=False)
        self.model = model

    def construct(self, ids, types, mask, positions):
        sequence, pooled = self.model.bert(ids, types, mask)
        return sequence, pooled, *self.model.cls(sequence, pooled, positions,
                                                 self.model.bert.embeddings.word_embeddings.weight)


def computed(model, columns):
    """-> loss; sequence output (B, S, H), pooled output (B, H), log probabilities of the masked words (B * P, V) and of the
    next sentence (B, 2); gradients by name: all numpy."""
    weights = np.ones_like(columns["masked_lm_ids"], np.float32)
    inputs = [Tensor(columns[name]) for name in COLUMNS if name != "masked_lm_weights"]
    losses, gradients = LossAndGradients(PretrainingLoss(model))(
        *inputs, Tensor(weights), Tensor(np.float32(weights.size)))
    outputs = Outputs(model)(*(Tensor(columns[name]) for name in (
        "input_ids", "segment_ids", "input_mask", "masked_lm_positions")))
    return losses[0].asnumpy(), [output.asnumpy() for output in outputs], {
        item.name: gradient.asnumpy() for item, gradient in zip(model.trainable_params(), gradients)}


def log_softmax(scores):
    return scores - np.log(np.exp(scores).sum(-1, keepdims=True))


def assert_forward_equal(found, expected, largest=None):
    assert np.abs(found - expected).max() <= 1e-5 * (largest or np.abs(expected).max())


@pytest.mark.parametrize("name, changes", [
    ("bert_gelu", {"max_position_embeddings": 24}),
    ("bert_gelu_new", {"max_position_embeddings": 24, "hidden_act": "gelu_new"}),
    ("nezha", {"relative_positions": "nezha"}),
])
def test_outputs_and_gradients_equal_the_reference(name, changes):
    golden = np.load(GOLDEN / f"{name}.npz")
    model = BertForPretraining(small_network(vocab_size=71, hidden_size=32, num_attention_heads=4, intermediate_size=48,
                                             **changes))
    for item in model.get_parameters():
        item.set_data(Tensor(golden[f"weight/{item.name}"]))
    assert {f"weight/{item.name}" for item in model.get_parameters()} == {n for n in golden if n.startswith("weight/")}
    columns = {key.removeprefix("input/"): golden[key] for key in golden if key.startswith("input/")}
    loss, (sequence, pooled, words, next_sentence), gradients = computed(model, columns)
    assert loss == pytest.approx(float(golden["loss"]), rel=1e-5)
    real = columns["input_mask"] == 1
    assert_forward_equal(sequence[real], golden["sequence_output"][real])
    assert_forward_equal(pooled, golden["pooled_output"])
    assert_forward_equal(words, log_softmax(golden["prediction_scores"]).reshape(words.shape))
    assert_forward_equal(next_sentence, log_softmax(golden["next_sentence_scores"]))
    global_norm = np.sqrt(sum((golden[f"gradient/{name}"].astype(np.float64) ** 2).sum() for name in gradients))
    for name, gradient in gradients.items():
        expected = golden[f"gradient/{name}"]
        tolerance = 1e-4 * np.abs(expected).max() + 1e-7 * global_norm
        assert np.abs(gradient - expected).max() <= tolerance, name


@pytest.mark.slow
@pytest.mark.parametrize("name, kind", [("bert", "none"), ("nezha", "nezha")])
def test_samples_of_a_network_of_true_size_equal_the_reference(name, kind):
    golden = np.load(GOLDEN / f"{name}_true_size.npz")
    model = BertForPretraining(small_network(**material.TRUE_SIZE, relative_positions=kind))
    for item in model.get_parameters():
        item.set_data(Tensor(material.weight(item.name, item.shape)))
    columns = material.batch(**material.TRUE_SIZE_BATCH)
    loss, (sequence, _, _, next_sentence), gradients = computed(model, columns)
    found = material.samples(columns, loss, sequence, next_sentence, gradients)
    assert set(found) == set(golden)
    assert loss == pytest.approx(float(golden["loss"]), rel=1e-5)
    assert len(found["sequence_output"]) == material.SAMPLES
    assert_forward_equal(found["sequence_output"], golden["sequence_output"], golden["sequence_output_max"])
    assert_forward_equal(next_sentence, log_softmax(golden["next_sentence_scores"]))
    for key in (f"gradient/{name}" for name in gradients):
        tolerance = 1e-4 * golden[key.replace("gradient/", "gradient_max/")] + 1e-7 * golden["global_norm"]
        assert np.abs(found[key] - golden[key]).max() <= tolerance, key
