"""Several devices as one: ranks, and what they tell each other. One process drives one device; all hold the same
weights.

A rank is started by `dump2bert launch`, msrun, or with a rank table (docs/ascend.md). Only rank 0 reads and writes the
state and the outputs; the others get from it what they need, so they need no shared folder for it.
"""

import os
import zlib

import numpy as np
from mindspore import Tensor, ops

from dump2bert.errors import BadInput
from dump2bert.training import context


class World:
    """The ranks that train together. `size` of 1 is a process by itself, for which all of this does nothing."""

    def __init__(self, rank=0, size=1):
        self.rank, self.size = rank, size
        self.all_reduce = ops.AllReduce() if size > 1 else None

    @property
    def is_first(self):
        return self.rank == 0

    def sum(self, values):
        """The sum over the ranks of an array, float32."""
        values = np.asarray(values, np.float32)
        if self.size == 1:
            return values
        # One more number, for an empty array would not be sent.
        flat = np.append(values.reshape(-1), np.float32(0))
        return self.all_reduce(Tensor(flat)).asnumpy()[:-1].reshape(values.shape)

    def any(self, flag):
        """Whether `flag` is set on any rank."""
        return bool(flag) if self.size == 1 else bool(self.sum(float(bool(flag))) > 0)

    def meet(self):
        """Wait until all ranks have come here."""
        self.any(False)

    def mean(self, tensor):
        """The mean over the ranks of a tensor, which stays on the device."""
        return tensor if self.size == 1 else self.all_reduce(tensor) * (1 / self.size)

    def share(self, arrays):
        """{name: array} of rank 0, for all ranks (which give arrays of the same names and shapes). The sum with zeros
        gives a float32 as it is, and whole numbers below 2^24."""
        if self.size == 1:
            return arrays
        weight = np.float32(self.is_first)
        return {name: self.sum(np.where(weight > 0, array, 0)).astype(array.dtype) for name, array in arrays.items()}


def digest_halves(arrays):
    """A checksum of arrays, as two numbers that a float32 holds."""
    checksum = 0
    for array in arrays:
        checksum = zlib.crc32(np.ascontiguousarray(array), checksum)
    return [checksum >> 16, checksum & 0xffff]


def check_ranks_agree(world, arrays):
    """BadInput on all ranks where one has other weights than rank 0: they have drifted apart, and the run is worth
    nothing."""
    if world.size == 1:
        return
    ours = digest_halves(arrays)
    theirs = world.share({"": np.array(ours)})[""].tolist()
    if world.any(ours != theirs):
        raise BadInput("the ranks' weights differ, which must not be (a device that computes wrongly?): the last state "
                       "was written when they were equal")


def is_rank():
    """Whether this process was started as one of several."""
    return bool({"MS_ROLE", "RANK_TABLE_FILE", "OMPI_COMM_WORLD_SIZE"} & os.environ.keys())


def own_device(device_id):
    """The device of this rank on its machine: msrun, mpirun and the launcher number their processes there in the environment.
    `device_id` where nothing does."""
    for name in ("DEVICE_ID", "OMPI_COMM_WORLD_LOCAL_RANK"):
        if name in os.environ:
            return int(os.environ[name])
    return device_id


def join(distribute, device_num):
    """The World of this process, which joins the others where `distribute` says so. BadInput where their number is not
    `device_num`: a run that trains on fewer devices than it believes is worse than none."""
    if not distribute:
        if device_num > 1:
            raise BadInput(f"--device_num {device_num} asks for several devices: give --distribute true, and start one "
                           "process for each with `dump2bert launch` or msrun")
        return World()
    if not is_rank():
        raise BadInput("--distribute true, but nothing says which rank this process is: start the processes with "
                       "`dump2bert launch` or msrun")
    from mindspore.communication import get_group_size, get_rank, init

    context.compute_alike()
    try:
        init()     # a scheduler process stays in here until all ranks have ended
    except RuntimeError as error:
        raise BadInput(f"the ranks could not be joined ({str(error).splitlines()[0]}): see the logs of the others"
                       ) from error
    size = get_group_size()
    if size != device_num:
        raise BadInput(f"--device_num {device_num}, but {size} processes have been started to train together: give "
                       "both the same number")
    return World(get_rank(), size)
