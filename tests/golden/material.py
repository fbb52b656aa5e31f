"""What both sides of a comparison make for themselves: batches, and weights of true size from a seed. Needs numpy only."""

import zlib

import numpy as np

TRUE_SIZE = {"vocab_size": 21128, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
             "intermediate_size": 3072, "hidden_act": "gelu", "max_position_embeddings": 512, "type_vocab_size": 2,
             "initializer_range": 0.02, "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.0,
             "attention_probs_dropout_prob": 0.0}
TRUE_SIZE_BATCH = {"words": 21128, "length": 128, "rows": 2, "predictions": 20}
SAMPLES, SAMPLES_OF_A_GRADIENT = 1000, 5


def batch(words, length, rows, predictions):
    """The columns of pretraining data, drawn from a seed."""
    random = np.random.default_rng(0)
    lengths = random.integers(length // 2, length + 1, (rows, 1))
    mask = (np.arange(length) < lengths).astype(np.int32)
    return {
        "input_ids": random.integers(5, words, (rows, length)).astype(np.int32) * mask,
        "input_mask": mask,
        "segment_ids": (np.arange(length) > lengths // 2).astype(np.int32) * mask,
        "next_sentence_labels": random.integers(0, 2, (rows, 1)).astype(np.int32),
        "masked_lm_positions": np.stack([np.sort(random.permutation(np.arange(1, length // 2))[:predictions])
                                         for _ in range(rows)]).astype(np.int32),
        "masked_lm_ids": random.integers(5, words, (rows, predictions)).astype(np.int32),
    }


def masked(scores, columns):
    """Of the scores (B, S, V) of all tokens those (B, P, V) of the masked ones."""
    return np.take_along_axis(scores, columns["masked_lm_positions"][:, :, None], 1)


def weight(name, shape):
    """float32, a function of name and shape: of the size that trained weights have, no bias 0 and no LayerNorm weight 1."""
    random = np.random.Generator(np.random.Philox(key=[1, zlib.crc32(name.encode())]))
    value = random.standard_normal(shape, np.float32) * np.float32(0.03)
    return value + np.float32(1) if name.endswith("LayerNorm.weight") else value


def sampled(name, size, count):
    """Positions of some of the `size` entries of a tensor."""
    return np.random.default_rng(zlib.crc32(name.encode())).integers(0, size, count)


def samples(inputs, loss, sequence_output, next_sentence_scores, gradients):
    """What a golden file of true size holds: sampled entries, and the scale that their tolerance refers to.

    Outputs and gradients as numpy arrays, gradients by name; of the outputs only those of real tokens are compared.
    """
    real = sequence_output[inputs["input_mask"] == 1].reshape(-1)
    found = {"loss": loss, "next_sentence_scores": next_sentence_scores, "sequence_output_max": np.abs(real).max(),
             "sequence_output": real[sampled("sequence_output", real.size, SAMPLES)],
             "global_norm": np.sqrt(sum((value.astype(np.float64) ** 2).sum() for value in gradients.values()))}
    for name, value in gradients.items():
        found[f"gradient/{name}"] = value.reshape(-1)[sampled(name, value.size, SAMPLES_OF_A_GRADIENT)]
        found[f"gradient_max/{name}"] = np.abs(value).max()
    return found
