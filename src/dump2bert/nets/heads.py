"""The two pretraining heads, masked language model (MLM) and next sentence prediction (NSP), and their loss."""

import mindspore as ms
from mindspore import nn, ops

from dump2bert.nets.bert import BertModel, compute_type, namespace
from dump2bert.nets.operators import LayerNorm, Linear, activation, activation_type, bias_form, parameter, product_nt


class Transform(nn.Cell):
    """Dense, activation, LayerNorm, in front of the decoder."""

    def __init__(self, network):
        super().__init__()
        self.dense = Linear(network.hidden_size, network.hidden_size, compute_type(network))
        self.activation = activation(network.hidden_act)
        self.LayerNorm = LayerNorm(network.hidden_size, network.layer_norm_eps)

    def construct(self, hidden):
        return self.LayerNorm(self.activation(self.dense(hidden)))


class MaskedLanguageModel(nn.Cell):
    """Scores of all words at the masked positions; the decoder is the word embedding, and a bias."""

    def __init__(self, network):
        super().__init__()
        self.transform = Transform(network)
        self.bias = parameter(network.vocab_size)
        self.add_bias = bias_form()
        self.type = activation_type(compute_type(network))
        self.product_nt = product_nt(compute_type(network))

    def construct(self, sequence_output, positions, word_embeddings):
        """sequence_output (B, S, H), positions (B, P), word_embeddings (V, H) -> log probabilities (B * P, V)."""
        batch, length, size = sequence_output.shape
        flat = (positions + ops.arange(batch).astype(ms.int32).reshape(batch, 1) * length).reshape(-1)
        hidden = self.transform(ops.gather(sequence_output.reshape(batch * length, size), flat, 0))
        scores = self.product_nt(hidden.astype(self.type), word_embeddings.astype(self.type))
        return ops.log_softmax(self.add_bias(scores.astype(ms.float32), self.bias), -1)


class PretrainingHeads(nn.Cell):
    def __init__(self, network):
        super().__init__()
        self.predictions = MaskedLanguageModel(network)
        self.seq_relationship = Linear(network.hidden_size, 2)

    def construct(self, sequence_output, pooled_output, positions, word_embeddings):
        """-> log probabilities of the masked words (B * P, V) and of "random next" (B, 2)."""
        words = self.predictions(sequence_output, positions, word_embeddings)
        return words, ops.log_softmax(self.seq_relationship(pooled_output), -1)


def of_labels(log_probabilities, labels):
    """(N, C), (N,) -> (N,): minus the log probability of each row's label."""
    return -ops.gather_elements(log_probabilities, 1, labels.reshape(-1, 1)).reshape(-1)


def is_best(log_probabilities, losses):
    """(N, C), (N,) -> (N,) float32: 1 where the label, whose loss is given, has the highest probability of its row."""
    return (-losses >= ops.stop_gradient(log_probabilities).max(-1)).astype(ms.float32)


class BertForPretraining(nn.Cell):
    """The network that is pretrained: BertModel with both heads. `network`: see nets/bert.py."""

    def __init__(self, network):
        super().__init__()
        network = namespace(network)
        self.bert = BertModel(network)
        self.cls = PretrainingHeads(network)

    def construct(self, input_ids, input_mask, token_type_ids, masked_lm_positions, dropout_keys=None,
                  dropout_masks=None):
        sequence_output, pooled_output = self.bert(input_ids, token_type_ids, input_mask, dropout_keys, dropout_masks)
        word_embeddings = self.bert.embeddings.word_embeddings.weight
        return self.cls(sequence_output, pooled_output, masked_lm_positions, word_embeddings)


class PretrainingLoss(nn.Cell):
    """Loss = sum(w * ce) / (sum(w) + 1e-5) over the masked words + the mean of the NSP cross-entropy."""

    def __init__(self, model):
        super().__init__(auto_prefix=False)
        self.model = model

    def construct(self, input_ids, input_mask, token_type_ids, next_sentence_labels, masked_lm_positions, masked_lm_ids,
                  masked_lm_weights, masked_lm_total, dropout_keys=None, dropout_masks=None):
        """
        The seven columns of a micro-batch (B, S), (B, 1) and (B, P); masked_lm_total () float32: sum(w) + 1e-5, over
        the whole update divided by its micro-batches, so that the mean of the micro-batches' losses is the large
        batch's (mlm_loss: zoo: over this micro-batch alone).
        -> loss, mlm_loss, nsp_loss, mlm_accuracy, nsp_accuracy, scalars. (Accuracy: the label's probability is the
        highest, which costs one reduction; argmax would cost twice as much.)
        """
        words, next_sentence = self.model(input_ids, input_mask, token_type_ids, masked_lm_positions, dropout_keys,
                                          dropout_masks)
        word_losses, weights = of_labels(words, masked_lm_ids.reshape(-1)), masked_lm_weights.reshape(-1)
        next_losses = of_labels(next_sentence, next_sentence_labels.reshape(-1))
        mlm_loss, nsp_loss = (word_losses * weights).sum() / masked_lm_total, next_losses.mean()
        mlm_accuracy = (is_best(words, word_losses) * weights).sum() / masked_lm_total
        return mlm_loss + nsp_loss, mlm_loss, nsp_loss, mlm_accuracy, is_best(next_sentence, next_losses).mean()
