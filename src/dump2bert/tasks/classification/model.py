"""BERT that classifies or scores a text or a pair: a linear layer over the pooled first token. Weights have the names of
Hugging Face's BertForSequenceClassification."""

import numpy as np
from mindspore import Tensor, nn, ops

from dump2bert.nets.bert import BertModel, namespace
from dump2bert.nets.operators import Linear
from dump2bert.tasks.heads import HeadDropout


class SequenceClassifier(nn.Cell):
    """network: see nets/bert.py; labels: how many; None: one score (regression)."""

    def __init__(self, network, labels, dropout_prob=0.0):
        super().__init__()
        network = namespace(network)
        self.bert = BertModel(network)
        self.dropout = HeadDropout(dropout_prob)
        self.classifier = Linear(network.hidden_size, labels or 1)
        self.outputs, self.regression, self.vocab_size = labels or 1, labels is None, network.vocab_size

    def construct(self, input_ids, input_mask, segment_ids, dropout_keys=None, dropout_masks=None, head_mask=None):
        """(B, S) int32 three times -> the scores of the labels (B, K), or one score each (B, 1), float32."""
        pooled = self.bert(input_ids, segment_ids, input_mask, dropout_keys, dropout_masks)[1]
        return self.classifier(self.dropout(pooled, head_mask))


class ClassifierLoss(nn.Cell):
    """The mean over the rows of the cross-entropy, or of the squared error of a regression."""

    def __init__(self, model):
        super().__init__(auto_prefix=False)
        self.model = model

    def construct(self, input_ids, input_mask, segment_ids, label_ids, weights, dropout_keys=None, dropout_masks=None,
                  head_mask=None):
        """label_ids (B,): labels, or scores; weights (B,): 0 for rows that fill the batch."""
        scores = self.model(input_ids, input_mask, segment_ids, dropout_keys, dropout_masks, head_mask)
        if self.model.regression:
            error = scores.reshape(-1) - label_ids
            losses = error * error
        else:
            losses = -ops.gather_elements(ops.log_softmax(scores, -1), 1, label_ids.reshape(-1, 1)).reshape(-1)
        return (losses * weights).sum() / weights.sum()


def training_inputs(rows, numbers, width, weights):
    """The data that ClassifierLoss takes of the rows with these numbers, cut to `width` tokens."""
    part = [Tensor(np.ascontiguousarray(values[numbers, :width])) for values in rows[:3]]
    return [*part, Tensor(rows.label_ids[numbers]), Tensor(weights * rows.weights[numbers])]
