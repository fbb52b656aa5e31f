"""Makes the golden files of BERT by Hugging Face: weights, inputs, outputs and gradients of small random networks, and
sampled outputs and gradients of one of true size, whose weights both sides make from a seed.

Run where torch and transformers (5.x) are installed: python tests/golden/make_bert.py. The tests need neither.
"""

from pathlib import Path

import numpy as np
import torch
from material import TRUE_SIZE, TRUE_SIZE_BATCH, batch, masked, samples, weight
from transformers import BertConfig, BertForPreTraining

WORDS, LENGTH, ROWS, PREDICTIONS = 71, 20, 4, 3
NETWORK = {"vocab_size": WORDS, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
           "intermediate_size": 48, "max_position_embeddings": 24, "type_vocab_size": 2, "initializer_range": 0.2,
           "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def run(model, columns):
    """Forward and backward -> the model's output."""
    labels = np.full(columns["input_ids"].shape, -100)
    np.put_along_axis(labels, columns["masked_lm_positions"], columns["masked_lm_ids"], 1)
    ids, mask, types, next_sentence = (torch.tensor(columns[name].astype(np.int64)) for name in (
        "input_ids", "input_mask", "segment_ids", "next_sentence_labels"))
    output = model(input_ids=ids, attention_mask=mask, token_type_ids=types, labels=torch.tensor(labels),
                   next_sentence_label=next_sentence[:, 0], output_hidden_states=True)
    output.loss.backward()
    return output


def make(hidden_act):
    torch.manual_seed(0)
    model = BertForPreTraining(BertConfig(**NETWORK, hidden_act=hidden_act, attn_implementation="eager")).train()
    with torch.no_grad():
        for item in model.parameters():    # biases of 0 and weights of 1 would hide mistakes
            item.add_(torch.randn_like(item) * 0.05)
    columns = batch(WORDS, LENGTH, ROWS, PREDICTIONS)
    output = run(model, columns)
    with torch.no_grad():
        pooled = model.bert(*(torch.tensor(columns[name].astype(np.int64)) for name in (
            "input_ids", "input_mask", "segment_ids"))).pooler_output
    named = dict(model.named_parameters())
    np.savez_compressed(
        Path(__file__).with_name(f"bert_{hidden_act}.npz"),
        **{f"weight/{name}": item.detach().numpy() for name, item in named.items()},
        **{f"gradient/{name}": item.grad.numpy() for name, item in named.items()},
        **{f"input/{name}": value for name, value in columns.items()},
        loss=output.loss.item(), sequence_output=output.hidden_states[-1].detach().numpy(), pooled_output=pooled.numpy(),
        prediction_scores=masked(output.prediction_logits.detach().numpy(), columns),
        next_sentence_scores=output.seq_relationship_logits.detach().numpy())


def make_true_size():
    model = BertForPreTraining(BertConfig(**TRUE_SIZE, attn_implementation="eager")).train()
    with torch.no_grad():
        for name, item in model.named_parameters():
            item.copy_(torch.from_numpy(weight(name, tuple(item.shape))))
    columns = batch(**TRUE_SIZE_BATCH)
    output = run(model, columns)
    np.savez_compressed(Path(__file__).with_name("bert_true_size.npz"), **samples(
        columns, output.loss.item(), output.hidden_states[-1].detach().numpy(), output.seq_relationship_logits.detach().numpy(),
        {name: item.grad.numpy() for name, item in model.named_parameters()}))


if __name__ == "__main__":
    make("gelu")
    make("gelu_new")
    make_true_size()
