"""Makes the golden files of NEZHA by Huawei's NEZHA-PyTorch, as make_bert.py makes BERT's, and a folder of weights as it
writes them (nezha_pytorch/).

Run where torch is installed, with the folder of NEZHA-PyTorch (github.com/huawei-noah/Pretrained-Language-Model):
python tests/golden/make_nezha.py FOLDER. It is imported from there; nothing of it is in this project.
"""

import json
import sys
import types
from pathlib import Path

import numpy as np
import torch
from material import TRUE_SIZE, TRUE_SIZE_BATCH, batch, masked, samples, weight

sys.path.insert(0, sys.argv[1])
sys.modules["file_utils"] = types.SimpleNamespace(cached_path=None)    # it would want to download
torch.Tensor.cuda = lambda self: self                                  # its constructor asks for a GPU
from modeling_nezha import BertConfig, BertForPreTraining  # noqa: E402

WORDS, LENGTH, ROWS, PREDICTIONS = 71, 80, 2, 3    # longer than the distance of 64 at which positions are clipped
NETWORK = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48,
           "max_position_embeddings": 24, "type_vocab_size": 2, "initializer_range": 0.2, "layer_norm_eps": 1e-12,
           "hidden_act": "gelu", "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def model_of(words, network):
    config = BertConfig(words, **{key: value for key, value in network.items() if key != "vocab_size"})
    config.use_relative_position = True
    return BertForPreTraining(config).train()


def run(model, columns):
    """Forward and backward -> loss, sequence output, next sentence scores, gradients by name."""
    labels = np.full(columns["input_ids"].shape, -1)
    np.put_along_axis(labels, columns["masked_lm_positions"], columns["masked_lm_ids"], 1)
    ids, mask, types_, next_sentence = (torch.tensor(columns[name].astype(np.int64)) for name in (
        "input_ids", "input_mask", "segment_ids", "next_sentence_labels"))
    loss = model(ids, types_, mask, torch.tensor(labels), next_sentence[:, 0])
    loss.backward()
    with torch.no_grad():
        sequence_output, _ = model.bert(ids, types_, mask)
        _, next_sentence_scores = model(ids, types_, mask)
    return (loss.item(), sequence_output.numpy(), next_sentence_scores.numpy(),
            {name: item.grad.numpy() for name, item in model.named_parameters()})


def run_heads(model, columns):
    """-> pooled output, scores of the masked words."""
    inputs = [torch.tensor(columns[name].astype(np.int64)) for name in ("input_ids", "segment_ids", "input_mask")]
    with torch.no_grad():
        return model.bert(*inputs)[1].numpy(), masked(model(*inputs)[0].numpy(), columns)


def save(model, folder):
    """What users of NEZHA-PyTorch have: bert_config.json with the keys of the released ones, and a state_dict."""
    folder.mkdir(exist_ok=True)
    config = {key: value for key, value in model.bert.config.to_dict().items() if key != "layer_norm_eps"}
    (folder / "bert_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    torch.save(model.state_dict(), folder / "pytorch_model.bin")


def make():
    torch.manual_seed(0)
    model = model_of(WORDS, NETWORK)
    with torch.no_grad():
        for item in model.parameters():    # biases of 0 and weights of 1 would hide mistakes
            item.add_(torch.randn_like(item) * 0.05)
    columns = batch(WORDS, LENGTH, ROWS, PREDICTIONS)
    loss, sequence_output, next_sentence_scores, gradients = run(model, columns)
    pooled_output, prediction_scores = run_heads(model, columns)
    save(model, Path(__file__).with_name("nezha_pytorch"))
    np.savez_compressed(
        Path(__file__).with_name("nezha.npz"),
        **{f"weight/{name}": item.detach().numpy() for name, item in model.named_parameters()},
        **{f"gradient/{name}": value for name, value in gradients.items()},
        **{f"input/{name}": value for name, value in columns.items()},
        loss=loss, sequence_output=sequence_output, pooled_output=pooled_output, prediction_scores=prediction_scores,
        next_sentence_scores=next_sentence_scores)


def make_true_size():
    model = model_of(TRUE_SIZE["vocab_size"], TRUE_SIZE)
    with torch.no_grad():
        for name, item in model.named_parameters():
            item.copy_(torch.from_numpy(weight(name, tuple(item.shape))))
    columns = batch(**TRUE_SIZE_BATCH)
    np.savez_compressed(Path(__file__).with_name("nezha_true_size.npz"), **samples(columns, *run(model, columns)))


if __name__ == "__main__":
    make()
    make_true_size()
