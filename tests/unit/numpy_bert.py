"""BERT's pretraining loss once more, in numpy and float64, written from the papers: the tests compare nets/ with it."""

import math

import numpy as np

erf = np.vectorize(math.erf, otypes=[np.float64])


def dense(weights, name, x):
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def layer_norm(weights, name, x, eps):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps) * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def activation(name, x):
    if name == "relu":
        return np.maximum(x, 0)
    if name == "gelu_new":
        return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
    return x / 2 * (1 + erf(x / math.sqrt(2)))


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def relative_embeddings(weights, network, layer, length):
    """[query, key] -> the embedding of their distance."""
    size = network["hidden_size"] // network["num_attention_heads"]
    result = np.zeros((length, length, size))
    for query in range(length):
        for key in range(length):
            if network["relative_positions"] == "zoo":
                row = np.clip(key - query, -16, 16) + 16
                result[query, key] = weights[
                    f"bert.encoder.layer.{layer}.attention.self.relative_positions.embeddings_table"][row]
            else:
                position = np.clip(key - query, -64, 64) + 64
                for i in range(0, size, 2):
                    angle = position / 10000 ** (i / size)
                    result[query, key, i], result[query, key, i + 1] = math.sin(angle), math.cos(angle)
    return result


def attention(weights, network, layer, hidden, input_mask):
    batch, length, size = hidden.shape
    heads = network["num_attention_heads"]
    name = f"bert.encoder.layer.{layer}.attention.self"
    query, key, value = (dense(weights, f"{name}.{part}", hidden).reshape(batch, length, heads, size // heads)
                         for part in ("query", "key", "value"))
    scores = np.einsum("bqhd,bkhd->bhqk", query, key)
    if network["relative_positions"] != "none":
        relative = relative_embeddings(weights, network, layer, length)
        scores += np.einsum("bqhd,qkd->bhqk", query, relative)
    scores = scores / math.sqrt(size // heads) + (1 - input_mask)[:, None, None, :] * -10000.0
    probabilities = np.exp(log_softmax(scores))
    context = np.einsum("bhqk,bkhd->bqhd", probabilities, value)
    if network["relative_positions"] != "none":
        context += np.einsum("bhqk,qkd->bqhd", probabilities, relative)
    return context.reshape(batch, length, size)


def encode(weights, network, input_ids, token_type_ids, input_mask):
    """-> sequence output (B, S, H), pooled output (B, H)"""
    eps = network["layer_norm_eps"]
    hidden = (weights["bert.embeddings.word_embeddings.weight"][input_ids]
              + weights["bert.embeddings.token_type_embeddings.weight"][token_type_ids])
    if network["relative_positions"] == "none":
        hidden = hidden + weights["bert.embeddings.position_embeddings.weight"][:input_ids.shape[1]]
    hidden = layer_norm(weights, "bert.embeddings.LayerNorm", hidden, eps)
    for layer in range(network["num_hidden_layers"]):
        name = f"bert.encoder.layer.{layer}"
        context = attention(weights, network, layer, hidden, input_mask)
        hidden = layer_norm(weights, f"{name}.attention.output.LayerNorm",
                            hidden + dense(weights, f"{name}.attention.output.dense", context), eps)
        inner = activation(network["hidden_act"], dense(weights, f"{name}.intermediate.dense", hidden))
        hidden = layer_norm(weights, f"{name}.output.LayerNorm",
                            hidden + dense(weights, f"{name}.output.dense", inner), eps)
    return hidden, np.tanh(dense(weights, "bert.pooler.dense", hidden[:, 0]))


def pretraining_loss(weights, network, batch):
    """`batch`: the seven columns of pretraining data -> loss, mlm_loss, nsp_loss, mlm_accuracy, nsp_accuracy"""
    sequence, pooled = encode(weights, network, batch["input_ids"], batch["segment_ids"], batch["input_mask"])
    masked = np.take_along_axis(sequence, batch["masked_lm_positions"][:, :, None], 1)
    masked = activation(network["hidden_act"], dense(weights, "cls.predictions.transform.dense", masked))
    masked = layer_norm(weights, "cls.predictions.transform.LayerNorm", masked, network["layer_norm_eps"])
    words = log_softmax(masked @ weights["bert.embeddings.word_embeddings.weight"].T + weights["cls.predictions.bias"])
    losses = -np.take_along_axis(words, batch["masked_lm_ids"][:, :, None], 2)[:, :, 0]
    mlm_loss = (losses * batch["masked_lm_weights"]).sum() / (batch["masked_lm_weights"].sum() + 1e-5)
    next_sentence = log_softmax(dense(weights, "cls.seq_relationship", pooled))
    nsp_loss = -np.take_along_axis(next_sentence, batch["next_sentence_labels"], 1).mean()
    right = words.argmax(-1) == batch["masked_lm_ids"]
    mlm_accuracy = (right * batch["masked_lm_weights"]).sum() / (batch["masked_lm_weights"].sum() + 1e-5)
    nsp_accuracy = (next_sentence.argmax(-1) == batch["next_sentence_labels"][:, 0]).mean()
    return mlm_loss + nsp_loss, mlm_loss, nsp_loss, mlm_accuracy, nsp_accuracy
