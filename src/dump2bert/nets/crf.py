"""A linear-chain conditional random field (Lafferty et al. 2001): sequences of labels scored as a whole.

The score of a label sequence is the sum of its labels' emissions (what the encoder says about each token), of a transition
from each label to the next, and of a start and an end. Training maximises the probability of the right sequence: its score
minus the log sum of the scores of all sequences, which the forward algorithm gives. Decoding finds the best one (Viterbi).

Only a prefix of each row is scored, as long as its mask says: [CLS], [SEP] and [PAD] have no label. Steps that no annotation
can contain (B_name, then M_book) can be forbidden: they get a score of FORBIDDEN that training does not change.
"""

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

FORBIDDEN = -10000.0
STEPS_AT_ONCE = 8     # steps of the forward algorithm in one turn of the loop
largest = ops.ReduceMax(keep_dims=True)


class ConditionalRandomField(nn.Cell):
    """The mean over the batch of minus the log probability of the labels.

    legal: (transitions (K, K), start (K,), end (K,)) of booleans, what may happen (rows: from, columns: to), or None where
    everything may. The three parameters start at 0.
    """

    def __init__(self, labels, legal=None):
        super().__init__()
        self.labels = labels
        self.transitions = Parameter(Tensor(np.zeros((labels, labels), np.float32)), name="transitions")
        self.start = Parameter(Tensor(np.zeros(labels, np.float32)), name="start")
        self.end = Parameter(Tensor(np.zeros(labels, np.float32)), name="end")
        legal = legal or (np.ones((labels, labels), bool), np.ones(labels, bool), np.ones(labels, bool))
        self.allowed = [Tensor(np.asarray(part, np.float32)) for part in legal]
        self.matmul = ops.MatMul()

    def scores(self):
        """The three tables with what is forbidden in them: transitions (K, K), start (K,), end (K,)."""
        return tuple(table * allowed + (1.0 - allowed) * FORBIDDEN
                     for table, allowed in zip((self.transitions, self.start, self.end), self.allowed))

    def construct(self, emissions, labels, mask, weights):
        """emissions (B, L, K) float32, labels (B, L) int32, mask (B, L) with 1 for each row's first tokens and 0 for the
        rest, weights (B,) of the rows -> () mean of the rows' losses, by their weights. Rows without tokens lose nothing."""
        mask = mask.astype(ms.float32)
        transitions, start, end = self.scores()
        losses = (self.log_partition(emissions, mask, transitions, start, end)
                  - self.score(emissions, labels, mask, transitions, start, end))
        return (losses * weights * mask[:, 0]).sum() / ops.maximum(weights.sum(), 1.0)

    def score(self, emissions, labels, mask, transitions, start, end):
        """The score of the given labels, (B,). Products with one-hot rows instead of look-ups: their gradients are fast."""
        batch, length, count = emissions.shape
        one_hot = ops.one_hot(labels, count, Tensor(1.0, ms.float32), Tensor(0.0, ms.float32)) * mask.expand_dims(2)
        steps = self.matmul(one_hot[:, :-1].reshape(-1, count), transitions).reshape(batch, length - 1, count)
        following = ops.pad(mask[:, 1:], (0, 1))
        last = (one_hot * (mask - following).expand_dims(2)).sum(1)
        return ((one_hot * emissions).sum((1, 2)) + (steps * one_hot[:, 1:]).sum((1, 2))
                + (one_hot[:, 0] * start + last * end).sum(1))

    def log_partition(self, emissions, mask, transitions, start, end):
        """The log of the sum of exp(score) over all label sequences, (B,): the forward algorithm.

        A step is a product of matrices, exp(forward) @ exp(transitions), with each row's maximum taken out. The steps run in a
        loop of the graph, several in a turn, because unrolling them all would take longer to compile than to train.
        """
        batch, length, count = emissions.shape
        turns = -(-(length - 1) // STEPS_AT_ONCE)
        steps = turns * STEPS_AT_ONCE
        later = ops.pad(emissions[:, 1:].transpose(1, 0, 2), (0, 0, 0, 0, 0, steps - length + 1))
        later = later.reshape(turns, STEPS_AT_ONCE * batch, count)
        later_mask = ops.pad(mask[:, 1:].transpose(1, 0), (0, 0, 0, steps - length + 1))
        later_mask = later_mask.reshape(turns, STEPS_AT_ONCE * batch, 1)
        factors = ops.exp(transitions)
        forward = emissions[:, 0] + start
        turn = Tensor(0, ms.int32)
        while turn < turns:
            emissions_now = ops.split(ops.gather(later, turn, 0), batch, 0)
            mask_now = ops.split(ops.gather(later_mask, turn, 0), batch, 0)
            for step in range(STEPS_AT_ONCE):
                top = ops.stop_gradient(largest(forward, 1))
                moved = ops.log(self.matmul(ops.exp(forward - top), factors) + 1e-30) + top + emissions_now[step]
                forward = forward + (moved - forward) * mask_now[step]
            turn = turn + 1
        return ops.logsumexp(forward + end, 1)


def viterbi(emissions, lengths, transitions, start, end):
    """The best label sequence of each row, (B, L) int32, 0 behind the row's length.

    emissions (B, L, K), lengths (B,) and the tables of `ConditionalRandomField.scores`, all as numpy arrays.
    """
    emissions = np.asarray(emissions, np.float32)
    batch, length, _ = emissions.shape
    lengths = np.asarray(lengths)
    rows = np.arange(batch)
    came_from = np.zeros(emissions.shape, np.int32)
    best = emissions[:, 0] + start
    for step in range(1, length):
        scores = best[:, :, None] + transitions
        came_from[:, step] = scores.argmax(1)
        moved = scores.max(1) + emissions[:, step]
        best = np.where((step < lengths)[:, None], moved, best)
    labels = np.zeros((batch, length), np.int32)
    label = (best + end).argmax(1)
    for step in range(length - 1, -1, -1):
        labels[:, step] = np.where(step < lengths, label, 0)
        label = np.where((0 < step) & (step < lengths), came_from[rows, step, label], label)
    return labels
