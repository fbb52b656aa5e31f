"""BERT that labels tokens: a linear layer over each token's hidden state and, by choice, a conditional random field.

Only the tokens of the text are scored: [CLS], [SEP] and padding have no label. Weights have the names of Hugging Face's
BertForTokenClassification.
"""

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from dump2bert.digest import load
from dump2bert.nets.bert import BertModel, namespace
from dump2bert.nets.operators import Linear
from dump2bert.tasks.heads import HeadDropout


class TokenLabeller(nn.Cell):
    """network: see nets/bert.py; labels: labels.Labels; forbid_illegal_labels: only with the CRF."""

    def __init__(self, network, labels, use_crf, forbid_illegal_labels=True, dropout_prob=0.0):
        super().__init__()
        network = namespace(network)
        self.bert = BertModel(network)
        self.dropout = HeadDropout(dropout_prob)
        self.classifier = Linear(network.hidden_size, len(labels))
        self.count, self.use_crf, self.vocab_size = len(labels), use_crf, network.vocab_size
        if use_crf:
            legal = labels.legal() if forbid_illegal_labels else None
            self.crf = load("nets.crf").ConditionalRandomField(len(labels), legal)

    def construct(self, input_ids, input_mask, segment_ids, dropout_keys=None, dropout_masks=None, head_mask=None):
        """(B, S) int32 three times -> the scores of the labels of all tokens but [CLS], (B, S - 1, K) float32."""
        batch, length = input_ids.shape
        hidden = self.bert(input_ids, segment_ids, input_mask, dropout_keys, dropout_masks)[0]
        hidden = self.dropout(hidden[:, 1:].reshape(batch * (length - 1), -1), head_mask)
        return self.classifier(hidden).reshape(batch, length - 1, self.count)


class LabelLoss(nn.Cell):
    """The training loss per token: with the CRF minus the log probability of the rows' labels, else the
    cross-entropy."""

    def __init__(self, model):
        super().__init__(auto_prefix=False)
        self.model = model

    def construct(self, input_ids, input_mask, segment_ids, label_ids, scored, weights, dropout_keys=None,
                  dropout_masks=None, head_mask=None):
        """label_ids, scored (B, S - 1): labels, and 1 where a token has one; weights (B,): 0 for rows that fill the
        batch."""
        scores = self.model(input_ids, input_mask, segment_ids, dropout_keys, dropout_masks, head_mask)
        if self.model.use_crf:
            return self.model.crf(scores, label_ids, scored, weights)
        log_probabilities = ops.log_softmax(scores.reshape(-1, self.model.count), -1)
        of_labels = ops.gather_elements(log_probabilities, 1, label_ids.reshape(-1, 1)).reshape(-1)
        counted = (scored.astype(ms.float32) * weights.reshape(-1, 1)).reshape(-1)
        return -(of_labels * counted).sum() / ops.maximum(counted.sum(), 1.0)


def training_inputs(rows, numbers, width, weights):
    """The data that LabelLoss takes of the rows with these numbers, cut to `width` tokens."""
    part = [Tensor(np.ascontiguousarray(values[numbers, :width])) for values in rows[:3]]
    scored = (np.arange(width - 1) < rows.lengths[numbers][:, None]).astype(np.int32)
    labels = np.ascontiguousarray(rows.label_ids[numbers, 1:width])
    return [*part, Tensor(labels), Tensor(scored), Tensor(weights)]
