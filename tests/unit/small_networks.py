"""A small network and small pretraining data for the tests of nets/ and training/."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from dump2bert.nets import compiled
from dump2bert.pretraining.examples import columns, schema
from dump2bert.tfrecord import encode_example, write_records
from dump2bert.files import write_json
from dump2bert.training import context

context.set_up("CPU")

WORDS, LENGTH, PREDICTIONS = 61, 14, 3
needs_compiler = pytest.mark.skipif(bool(compiled.why_not()), reason=f"no compiled operators here: {compiled.why_not()}")
FORMS = ["composed", pytest.param("compiled", marks=needs_compiler)]    # of what asks a module's has_compiled_operators


def small_network(**changes):
    return {"vocab_size": WORDS, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
            "intermediate_size": 24, "hidden_act": "gelu", "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0, "max_position_embeddings": 20, "type_vocab_size": 2,
            "initializer_range": 0.3, "initial_attention": "random", "layer_norm_eps": 1e-12,
            "relative_positions": "none", "compute_type": "float32", "input_mask_from_dataset": True,
            "token_type_ids_from_dataset": True, **changes}


def small_batch(rows, seed=0):
    """The seven columns as the shards have them, with padding and unused predictions."""
    random = np.random.default_rng(seed)
    lengths = random.integers(LENGTH // 2, LENGTH + 1, (rows, 1))
    real = np.arange(LENGTH) < lengths
    weights = np.arange(PREDICTIONS) < random.integers(1, PREDICTIONS + 1, (rows, 1))
    return {
        "input_ids": (random.integers(5, WORDS, (rows, LENGTH)) * real).astype(np.int32),
        "input_mask": real.astype(np.int32),
        "segment_ids": ((np.arange(LENGTH) > lengths // 2) & real).astype(np.int32),
        "next_sentence_labels": random.integers(0, 2, (rows, 1)).astype(np.int32),
        "masked_lm_positions": (random.integers(1, LENGTH // 2, (rows, PREDICTIONS)) * weights).astype(np.int32),
        "masked_lm_ids": (random.integers(5, WORDS, (rows, PREDICTIONS)) * weights).astype(np.int32),
        "masked_lm_weights": weights.astype(np.float32),
    }


def write_shards(folder, rows, shards=2, seed=0):
    """part-*.tfrecord, schema.json and vocab.txt in `folder`; returns the batch of all rows in the reader's order."""
    batch = small_batch(rows, seed)
    examples = [encode_example({name: values[row].tolist() for name, values in batch.items()}) for row in range(rows)]
    cuts = np.linspace(0, rows, shards + 1).astype(int)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(shards):
        with open(folder / f"part-{number:05}.tfrecord", "wb") as file:
            write_records(file, examples[cuts[number]:cuts[number + 1]])
    write_json(folder / "schema.json", schema(rows, columns(LENGTH, PREDICTIONS)))
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    (folder / "vocab.txt").write_text("\n".join(special + [f"w{n}" for n in range(len(special), WORDS)]) + "\n")
    return batch


class Weighted(nn.Cell):
    def __init__(self, form):
        super().__init__()
        self.form = form

    def construct(self, *inputs):
        return (self.form(*inputs[:-1]) * inputs[-1]).sum()


def gradients_of(form, *inputs):
    """The gradients of all inputs of a cell but the last one, which is the gradient of its output."""
    return ms.grad(Weighted(form), tuple(range(len(inputs) - 1)))(*inputs)


class LossAndGradients(nn.Cell):
    def __init__(self, loss):
        super().__init__(auto_prefix=False)
        self.differentiate = ms.value_and_grad(loss, None, loss.trainable_params(), has_aux=True)

    def construct(self, *batch):
        return self.differentiate(*batch)
