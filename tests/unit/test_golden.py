"""The network against Hugging Face's BertForPreTraining, by golden files that tests/golden/make_bert.py has made."""

import numpy as np
import pytest
from mindspore import Tensor

from dump2bert.nets.heads import BertForPretraining, PretrainingLoss
from dump2bert.training.pretraining_batches import COLUMNS
from tests.conftest import PROJECT
from tests.unit.small_networks import LossAndGradients, small_network


@pytest.mark.parametrize("act", ["gelu", "gelu_new"])
def test_outputs_and_gradients_equal_hugging_face(act):
    golden = np.load(PROJECT / "tests" / "golden" / f"bert_{act}.npz")
    model = BertForPretraining(small_network(
        vocab_size=71, hidden_size=32, num_attention_heads=4, intermediate_size=48, max_position_embeddings=24,
        hidden_act=act))
    for item in model.get_parameters():
        item.set_data(Tensor(golden[f"weight/{item.name}"]))
    assert {f"weight/{item.name}" for item in model.get_parameters()} == {n for n in golden if n.startswith("weight/")}

    inputs = {name: golden[f"input/{name}"] for name in COLUMNS if name != "masked_lm_weights"}
    weights = np.ones_like(inputs["masked_lm_ids"], np.float32)
    columns = [Tensor(value) for value in (*inputs.values(), weights)]
    losses, gradients = LossAndGradients(PretrainingLoss(model))(*columns, Tensor(np.float32(weights.size)))
    assert losses[0].asnumpy() == pytest.approx(float(golden["loss"]), rel=1e-5)

    sequence, _ = model.bert(*(Tensor(inputs[name]) for name in ("input_ids", "segment_ids", "input_mask")))
    real, expected = inputs["input_mask"] == 1, golden["sequence_output"]
    assert np.abs(sequence.asnumpy() - expected)[real].max() <= 1e-5 * np.abs(expected[real]).max()

    names = [item.name for item in model.trainable_params()]
    global_norm = np.sqrt(sum((golden[f"gradient/{name}"].astype(np.float64) ** 2).sum() for name in names))
    for name, gradient in zip(names, gradients):
        expected = golden[f"gradient/{name}"]
        tolerance = 1e-4 * np.abs(expected).max() + 1e-7 * global_norm
        assert np.abs(gradient.asnumpy() - expected).max() <= tolerance, name
