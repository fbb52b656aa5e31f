"""Makes the golden files of BERT: weights, inputs, outputs and gradients of small random networks by Hugging Face.

Run where torch and transformers (5.x) are installed: python tests/golden/make_bert.py. The tests need neither.
"""

from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertForPreTraining

WORDS, LENGTH, ROWS, PREDICTIONS = 71, 20, 4, 3
NETWORK = {"vocab_size": WORDS, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
           "intermediate_size": 48, "max_position_embeddings": 24, "type_vocab_size": 2, "initializer_range": 0.2,
           "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def batch():
    random = np.random.default_rng(0)
    lengths = random.integers(LENGTH // 2, LENGTH + 1, (ROWS, 1))
    mask = (np.arange(LENGTH) < lengths).astype(np.int32)
    return {
        "input_ids": random.integers(5, WORDS, (ROWS, LENGTH)).astype(np.int32) * mask,
        "input_mask": mask,
        "segment_ids": (np.arange(LENGTH) > lengths // 2).astype(np.int32) * mask,
        "next_sentence_labels": random.integers(0, 2, (ROWS, 1)).astype(np.int32),
        "masked_lm_positions": np.stack([np.sort(random.permutation(np.arange(1, LENGTH // 2))[:PREDICTIONS])
                                         for _ in range(ROWS)]).astype(np.int32),
        "masked_lm_ids": random.integers(5, WORDS, (ROWS, PREDICTIONS)).astype(np.int32),
    }


def make(hidden_act):
    torch.manual_seed(0)
    model = BertForPreTraining(BertConfig(**NETWORK, hidden_act=hidden_act, attn_implementation="eager")).train()
    with torch.no_grad():
        for weight in model.parameters():    # biases of 0 and weights of 1 would hide mistakes
            weight.add_(torch.randn_like(weight) * 0.05)
    columns = batch()
    labels = np.full((ROWS, LENGTH), -100)
    np.put_along_axis(labels, columns["masked_lm_positions"], columns["masked_lm_ids"], 1)
    ids, mask, types, next_sentence = (torch.tensor(columns[name].astype(np.int64)) for name in (
        "input_ids", "input_mask", "segment_ids", "next_sentence_labels"))
    output = model(input_ids=ids, attention_mask=mask, token_type_ids=types, labels=torch.tensor(labels),
                   next_sentence_label=next_sentence[:, 0], output_hidden_states=True)
    output.loss.backward()
    named = dict(model.named_parameters())
    np.savez_compressed(
        Path(__file__).with_name(f"bert_{hidden_act}.npz"),
        **{f"weight/{name}": weight.detach().numpy() for name, weight in named.items()},
        **{f"gradient/{name}": weight.grad.numpy() for name, weight in named.items()},
        **{f"input/{name}": value for name, value in columns.items()},
        loss=output.loss.item(), sequence_output=output.hidden_states[-1].detach().numpy(),
        next_sentence_scores=output.seq_relationship_logits.detach().numpy())


if __name__ == "__main__":
    make("gelu")
    make("gelu_new")
