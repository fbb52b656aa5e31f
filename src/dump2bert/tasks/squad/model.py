"""BERT that answers by a span: a linear layer gives each token a score as the answer's first and as its last token.

Weights have the names of Hugging Face's BertForQuestionAnswering.
"""

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from dump2bert.nets.bert import BertModel, namespace
from dump2bert.nets.operators import Linear
from dump2bert.tasks.heads import HeadDropout


class SpanReader(nn.Cell):
    """network: see nets/bert.py."""

    def __init__(self, network, dropout_prob=0.0):
        super().__init__()
        network = namespace(network)
        self.bert = BertModel(network)
        self.dropout = HeadDropout(dropout_prob)
        self.qa_outputs = Linear(network.hidden_size, 2)
        self.vocab_size = network.vocab_size

    def construct(self, input_ids, input_mask, segment_ids, dropout_keys=None, dropout_masks=None, head_mask=None):
        """(B, S) int32 three times -> (B, S, 2) float32."""
        batch, length = input_ids.shape
        hidden = self.bert(input_ids, segment_ids, input_mask, dropout_keys, dropout_masks)[0]
        hidden = self.dropout(hidden.reshape(batch * length, -1), head_mask)
        return self.qa_outputs(hidden).reshape(batch, length, 2)


class SpanLoss(nn.Cell):
    """The cross-entropies of the first and of the last token, their mean. Only what can be an answer is compared: the
    paragraph's tokens and [CLS], which stands for "not in this row"."""

    def __init__(self, model):
        super().__init__(auto_prefix=False)
        self.model = model

    def construct(self, input_ids, input_mask, segment_ids, positions, impossible, weights, dropout_keys=None,
                  dropout_masks=None, head_mask=None):
        """positions (2, B) int32; impossible (B, S) float32: 1 where no answer can begin or end, else 0; weights (B,):
        0 for rows that fill the batch."""
        batch, length = input_ids.shape
        scores = self.model(input_ids, input_mask, segment_ids, dropout_keys, dropout_masks, head_mask)
        scores = scores.transpose(2, 0, 1) - 10000.0 * impossible.reshape(1, batch, length)
        log_probabilities = ops.log_softmax(scores.reshape(2 * batch, length), -1)
        of_positions = ops.gather_elements(log_probabilities, 1, positions.reshape(2 * batch, 1)).reshape(2, batch)
        return -(of_positions.mean(0) * weights).sum() / ops.maximum(weights.sum(), 1.0)


def network_inputs(rows, numbers, width):
    """What SpanReader takes of the rows with these numbers, cut to `width` tokens. rows: {column: array}."""
    return [Tensor(np.ascontiguousarray(rows[name][numbers, :width], np.int32))
            for name in ("input_ids", "input_mask", "segment_ids")]


def training_inputs(rows, numbers, width, weights):
    """What SpanLoss takes of them."""
    mask, segments = rows["input_mask"][numbers, :width], rows["segment_ids"][numbers, :width]
    impossible = (mask * segments == 0).astype(np.float32)
    impossible[:, 0] = 0.0
    positions = np.stack([rows["start_positions"][numbers], rows["end_positions"][numbers]]).astype(np.int32)
    return [*network_inputs(rows, numbers, width), Tensor(positions), Tensor(impossible), Tensor(weights)]
