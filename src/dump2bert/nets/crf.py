"""A linear-chain conditional random field (Lafferty et al. 2001): sequences of labels scored as a whole.

The score of a label sequence is the sum of its labels' emissions (what the encoder says about each token), of a
transition from each label to the next, and of a start and an end. Training maximises the probability of the right
sequence: its score minus the log sum of the scores of all sequences, which the forward algorithm gives. Decoding finds
the best one (Viterbi).

Only a prefix of each row is scored, as long as its mask says: [CLS], [SEP] and [PAD] have no label. Steps that no
annotation can contain (B_name, then M_book) can be forbidden: they get a score of FORBIDDEN that training does not
change.
"""

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from dump2bert.nets import compiled
from dump2bert.nets.operators import has_compiled_operators

FORBIDDEN = -10000.0
STEPS_AT_ONCE = 8     # steps of the recursion in one turn of the loop


class ConditionalRandomField(nn.Cell):
    """Minus the log probability of the labels, per token of the batch (so it is of a size with a softmax's loss).

    legal: (transitions (K, K), start (K,), end (K,)) of booleans, what may happen (rows: from, columns: to), or None
    where everything may. The three parameters start at 0.
    """

    def __init__(self, labels, legal=None):
        super().__init__()
        self.transitions = Parameter(Tensor(np.zeros((labels, labels), np.float32)), name="transitions")
        self.start = Parameter(Tensor(np.zeros(labels, np.float32)), name="start")
        self.end = Parameter(Tensor(np.zeros(labels, np.float32)), name="end")
        legal = legal or (np.ones((labels, labels), bool), np.ones(labels, bool), np.ones(labels, bool))
        self.allowed = [Tensor(np.asarray(part, np.float32)) for part in legal]
        self.log_partition = LogPartition()
        self.matmul = ops.MatMul()

    def scores(self):
        """The three tables with what is forbidden in them: transitions (K, K), start (K,), end (K,)."""
        return tuple(table * allowed + (1.0 - allowed) * FORBIDDEN
                     for table, allowed in zip((self.transitions, self.start, self.end), self.allowed))

    def construct(self, emissions, labels, mask, weights):
        """emissions (B, L, K) float32, labels (B, L) int32, mask (B, L) with 1 for each row's first tokens and 0 for
        the rest, weights (B,): 1 or, for rows that do not count, 0 -> () loss. Rows without tokens lose nothing."""
        mask = mask.astype(ms.float32)
        if emissions.shape[1] == 1:    # no step from label to label, and MindSpore has no tensors without elements
            emissions, labels, mask = widened(emissions), widened(labels), widened(mask)
        tables = self.scores()
        weights = weights * mask[:, 0] / ops.maximum((mask.sum(1) * weights).sum(), 1.0)
        return (self.log_partition(emissions, mask, weights, *tables)[0]
                - (self.score(emissions, labels, mask, *tables) * weights).sum())

    def score(self, emissions, labels, mask, transitions, start, end):
        """The score of the given labels, (B,). Products with one-hot rows instead of look-ups: their gradients are
        fast."""
        batch, length, count = emissions.shape
        one_hot = ops.one_hot(labels, count, Tensor(1.0, ms.float32), Tensor(0.0, ms.float32)) * mask.expand_dims(2)
        steps = self.matmul(one_hot[:, :-1].reshape(-1, count), transitions).reshape(batch, length - 1, count)
        following = ops.pad(mask[:, 1:], (0, 1))
        last = (one_hot * (mask - following).expand_dims(2)).sum(1)
        return ((one_hot * emissions).sum((1, 2)) + (steps * one_hot[:, 1:]).sum((1, 2))
                + (one_hot[:, 0] * start + last * end).sum(1))


def widened(x):
    """(B, 1, ..) -> (B, 2, ..), zeros behind."""
    return ops.concat((x, ops.zeros_like(x)), 1)


class LogPartition(nn.Cell):
    """The log of the sum of exp(score) over all label sequences of a row, summed over the rows by weight, and its
    gradients.

    The forward-backward algorithm: a recursion from the front gives the log sum of all sequences that end in a label,
    one from the back that of all that begin there; together the probability of each label at each token, which is the
    gradient by its emission. The gradients are outputs of `construct` and used by `bprop`, because MindSpore 2.10 must
    not differentiate the loop itself: on a CPU the gradients of a gathered tensor are wrong from the second call on.
    """

    def __init__(self):
        super().__init__()
        self.form = compiled.log_partition() if has_compiled_operators() else ComposedLogPartition()

    def construct(self, emissions, mask, weights, transitions, start, end):
        """emissions (B, L, K), mask (B, L), weights (B,), the three tables -> (value (), its gradients by emissions,
        transitions, start, end)."""
        value, *gradients = self.form(emissions, mask, weights, transitions, start, end)
        return value.reshape(()), *gradients

    def bprop(self, emissions, mask, weights, transitions, start, end, out, dout):
        by_emissions, by_transitions, by_start, by_end = out[1:]
        return (by_emissions * dout[0], ops.zeros_like(mask), ops.zeros_like(weights), by_transitions * dout[0],
                by_start * dout[0], by_end * dout[0])


class ComposedLogPartition(nn.Cell):
    """The same without a compiled operator, and without gradients of its own."""

    def construct(self, emissions, mask, weights, transitions, start, end):
        batch, length, count = emissions.shape
        emissions, mask = emissions.transpose(1, 0, 2), mask.transpose(1, 0).reshape(length, batch, 1)
        front, back = self.recursions(emissions, mask, transitions, start, end)
        ending = front + emissions   # sequences that end in a label, its emission included
        total = ops.logsumexp(ending[0] + back[0], 1)
        # Behind a row's end the sum is of no meaning and may be large: it is not multiplied by 0 but replaced.
        labels = ops.exp((ending + back - total.reshape(1, batch, 1)) * mask + (1.0 - mask) * FORBIDDEN)
        labels = labels * weights.reshape(1, batch, 1)
        # Probability of two labels in a row: of the second, times the share of the first among what leads to it.
        shares = ops.exp(ending[:-1].expand_dims(3) + transitions - front[1:].expand_dims(2))
        steps = (shares * labels[1:].expand_dims(2)).sum((0, 1))
        last = mask - ops.pad(mask[1:], (0, 0, 0, 0, 0, 1))
        return (total * weights).sum(), labels.transpose(1, 0, 2), steps, labels[0].sum(0), (labels * last).sum((0, 1))

    def recursions(self, emissions, mask, transitions, start, end):
        """emissions (L, B, K), mask (L, B, 1) -> front, back (L, B, K): the log sums over all that may stand before and
        behind a label of a token, the token's own emission not included.

        Both run in one loop, side by side. The loop is one of the graph, several steps in a turn, because unrolled it would
        take longer to compile. A row's recursion from the back begins anew as long as padding follows.
        """
        length, batch, count = emissions.shape
        turns = -(-(length - 1) // STEPS_AT_ONCE)
        padding = (0, 0, 0, 0, 0, 0, 0, turns * STEPS_AT_ONCE - length + 1)
        both_emissions = ops.stack((emissions, ops.flip(emissions, (0,))), 1)
        both_masks = ops.stack((ops.ones_like(mask[1:]), ops.flip(mask[1:], (0,))), 1)
        turn_emissions = ops.pad(both_emissions[1:], padding).reshape(turns, STEPS_AT_ONCE * 2, batch, count)
        turn_masks = ops.pad(both_masks, padding).reshape(turns, STEPS_AT_ONCE * 2, batch, 1)
        leading = ops.stack((transitions.transpose(1, 0), transitions)).expand_dims(1)    # (2, 1, to, from)
        edges = ops.stack((start, end)).reshape(2, 1, count)
        state = both_emissions[0] + edges
        reached = ops.zeros((turns, STEPS_AT_ONCE * 2, batch, count), ms.float32)
        turn = Tensor(0, ms.int32)
        while turn < turns:
            emissions_now = ops.split(ops.gather(turn_emissions, turn, 0), 2, 0)
            masks_now = ops.split(ops.gather(turn_masks, turn, 0), 2, 0)
            steps = ()
            for step in range(STEPS_AT_ONCE):
                moved = ops.logsumexp(state.expand_dims(2) + leading, 3)
                moved = moved * masks_now[step] + edges * (1.0 - masks_now[step])
                state = moved + emissions_now[step]
                steps += (moved,)
            reached = ops.tensor_scatter_update(reached, turn.reshape(1, 1), ops.concat(steps, 0).expand_dims(0))
            turn = turn + 1
        reached = reached.reshape(turns * STEPS_AT_ONCE, 2, batch, count)[:length - 1]
        front = ops.concat((ops.broadcast_to(start, (1, batch, count)), reached[:, 0]), 0)
        back = ops.concat((ops.broadcast_to(end, (1, batch, count)), reached[:, 1]), 0)
        return front, ops.flip(back, (0,))


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
