"""The device: the one module of training that knows which there is and what it can do.

CPU: float32 only (MindSpore has no fast float16 there), no data sink, dropout masks supplied with the batch.
Ascend and GPU: float16 products, MindSpore's own dropout. (nets/operators.py chooses the forms of operators.)
"""

import os
import tempfile

import mindspore as ms

from dump2bert.errors import BadInput
from dump2bert.progress import say


def set_up(device_target, device_id=0):
    """Make `device_target` (Ascend, GPU, CPU) the device on which graphs run. BadInput if it is not there."""
    # Where MindSpore puts the files (rank_0/) that it would otherwise leave in the working directory.
    os.environ.setdefault("MS_OM_PATH", os.path.join(tempfile.gettempdir(), f"dump2bert-mindspore-{os.getuid()}"))
    ms.set_context(mode=ms.GRAPH_MODE)
    try:
        ms.set_device(device_target, device_id)
    except (RuntimeError, ValueError) as error:
        raise BadInput(f"--device_target {device_target} --device_id {device_id} cannot be used on this machine "
                       f"({str(error).split('. ')[0]}); a machine without accelerator takes --device_target CPU"
                       ) from error


def usable_compute_type(asked, device_target):
    """The type of matrix products that the device computes in, said in a line where it is not the one asked for."""
    if asked == "float16" and device_target == "CPU":
        say("compute_type: float32 (float16 was asked for, but a CPU is faster and exact in float32)")
        return "float32"
    return asked
