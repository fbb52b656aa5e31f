"""Relative positions: an embedding of the distance between two tokens, added to keys and values (Shaw et al. 2018).

`nezha`: fixed sinusoids of the distance, clipped at 64, the same in every layer (NEZHA, Wei et al. 2019).
`zoo`:   a table learned in every layer, clipped at 16, as in the MindSpore model zoo's BERT.
Either way there are no absolute positions, and one table serves keys and values.
"""

import math

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from dump2bert.nets.operators import matmul, parameter

NEZHA_DISTANCE = 64
ZOO_DISTANCE = 16


def distances(length, largest):
    """(length * length,) int32: key position minus query position, clipped to +-largest, shifted to start at 0."""
    positions = ops.arange(length).astype(ms.int32)
    difference = positions.reshape(1, length) - positions.reshape(length, 1)
    return (ops.clamp(difference, -largest, largest) + largest).reshape(-1)


def sinusoids(rows, size, longest=10000.0):
    """(rows, size) float32: sines in the even columns, cosines in the odd ones, of wavelengths from 2 pi to 2 pi longest
    (Vaswani et al. 2017, 3.5)."""
    angles = np.arange(rows)[:, None] * np.exp(np.arange(0, size, 2) * (-math.log(longest) / size))
    table = np.zeros((rows, size), np.float32)
    table[:, 0::2] = np.sin(angles)
    table[:, 1::2] = np.cos(angles[:, :size // 2])
    return table


class NezhaPositions(nn.Cell):
    """construct(length) -> (length, length, head_size): the embedding for each query (row) and key (column)."""

    def __init__(self, head_size):
        super().__init__()
        self.table = Tensor(sinusoids(2 * NEZHA_DISTANCE + 1, head_size))

    def construct(self, length):
        return ops.gather(self.table, distances(length, NEZHA_DISTANCE), 0).reshape(length, length, -1)


class ZooPositions(nn.Cell):
    """As NezhaPositions, from a learned table. A product with one-hot rows, because its gradient is a product too."""

    def __init__(self, head_size):
        super().__init__()
        self.embeddings_table = parameter(2 * ZOO_DISTANCE + 1, head_size)

    def construct(self, length):
        one_hot = ops.one_hot(distances(length, ZOO_DISTANCE), 2 * ZOO_DISTANCE + 1,
                              Tensor(1.0, ms.float32), Tensor(0.0, ms.float32))
        return matmul(one_hot, self.embeddings_table).reshape(length, length, -1)


def relative_positions(kind, head_size):
    return {"nezha": NezhaPositions, "zoo": ZooPositions}[kind](head_size)
