"""Where dropout's randomness comes from: pools of masks and keys that choose from them, both functions of (seed, step).

See nets.operators.Dropout for how a network uses them. Both are computed on the host and fed with the batch, so that a
resumed run drops what an undisturbed one would have dropped.
"""

import numpy as np
from mindspore import Tensor

from dump2bert.nets.bert import dropout_sites
from dump2bert.nets.operators import MASK_ROWS, MASK_WIDTH

STEPS_OF_A_POOL = 1000   # then a new one is drawn


class DropoutSource:
    """Makes the two tensors that the networks take. `network`: see nets/bert.py."""

    def __init__(self, network, seed):
        self.rates = (network.hidden_dropout_prob, network.attention_probs_dropout_prob)
        self.sites = dropout_sites(network)
        self.seed = seed
        self.pool_number, self.pool = None, None

    def inputs(self, step, rows, first_row=0):
        """keys (rows, sites, 2) int32 and masks (2 * MASK_ROWS, MASK_WIDTH) float32 for a micro-batch of `rows`
        instances that starts at `first_row` of the batch of step `step`; (None, None) if nothing is dropped."""
        if not any(self.rates):
            return None, None
        number = step // STEPS_OF_A_POOL
        if number != self.pool_number:
            self.pool_number, self.pool = number, Tensor(self.masks(number))
        return Tensor(self.keys(step, first_row + rows)[first_row:]), self.pool

    def masks(self, number):
        random = generator(self.seed, 0, number)
        pools = []
        for rate in self.rates:
            kept = random.random((MASK_ROWS, MASK_WIDTH), np.float32) >= rate
            pools.append(kept * np.float32(1 / (1 - rate)))
        return np.concatenate(pools)

    def keys(self, step, rows):
        keys = generator(self.seed, 1, step).integers(0, MASK_ROWS, (rows, self.sites, 2), np.int32)
        keys[:, :, 1] |= 1   # an odd step visits every row of the pool once
        return keys


def generator(seed, stream, number):
    """The counter-based generator (Philox) of one stream of random numbers at one step."""
    return np.random.Generator(np.random.Philox(key=[seed, stream], counter=[0, 0, 0, number]))
