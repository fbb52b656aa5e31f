"""The device: the one module of training that knows which there is and what it can do.

CPU: float32 (MindSpore has no fast float16 there), but pretraining of large networks in bfloat16 where the machine has
it (nets/compiled); no data sink, dropout masks supplied with the batch. Ascend and GPU: float16 or bfloat16 products,
MindSpore's own dropout. (nets/operators.py chooses the forms of operators.)
"""

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import mindspore as ms

from dump2bert.errors import BadInput
from dump2bert.nets import compiled
from dump2bert.progress import say


def set_up(device_target, device_id=0):
    """Make `device_target` (Ascend, GPU, CPU) the device on which graphs run. BadInput if it is not there."""
    # Where MindSpore puts the files (rank_0/) that it would otherwise leave in the working directory.
    os.environ.setdefault("MS_OM_PATH", os.path.join(tempfile.gettempdir(), f"dump2bert-mindspore-{os.getuid()}"))
    ms.set_context(mode=ms.GRAPH_MODE)
    if os.environ.get("OMP_NUM_THREADS") == "1":
        # A process that shares the machine with others: a second thread that looks for operators to run would only take
        # a fifth of the others' time.
        ms.set_context(inter_op_parallel_num=1)
    ms.set_recursion_limit(10000)    # gradients of 24 layers call deeper than the default of 1000 allows
    try:
        ms.set_device(device_target, device_id)
    except (RuntimeError, ValueError) as error:
        raise BadInput(f"--device_target {device_target} --device_id {device_id} cannot be used on this machine "
                       f"({str(error).split('. ')[0]}); a machine without accelerator takes --device_target CPU"
                       ) from error


def compute_alike():
    """Let ranks that are given the same compute the same to the last bit: accelerators add in any order, and the ranks'
    weights would drift apart. Called before they are joined, so that it holds for their common sums, too."""
    if ms.get_context("device_target") != "CPU":
        ms.set_deterministic(True)


LARGE = 512    # hidden_size from which a step's time is that of its matrix products

graphs_are_kept = False    # by this process, already


@contextlib.contextmanager
def kept_graphs(folder, name):
    """Graphs that are compiled inside are kept in `folder`, and read from there by the next process. Compiling takes
    most of the time to the first step.

    MindSpore compares the sources of the cells, not what they are built with: `name` has to tell apart all graphs that
    this folder may be given for, compiled operators apart; those of another name are removed. MindSpore numbers the
    graphs that a process keeps, so only the first run of a process does; it also reads the program that was started, so
    `python -c` keeps none. A file that is torn is not used.
    """
    global graphs_are_kept
    if graphs_are_kept or not os.path.isfile(sys.argv[0]):
        yield
        return
    graphs_are_kept = True
    operators = compiled.library().stem if ms.get_context("device_target") == "CPU" and compiled.usable() else "stock"
    versions = f"{ms.__version__}-{sys.version_info.major}.{sys.version_info.minor}"
    place = Path(folder) / f"{name}-{versions}-{operators}"
    for other in Path(folder).glob("*"):
        if other != place:
            shutil.rmtree(other, ignore_errors=True)
    os.environ.update(MS_COMPILER_CACHE_ENABLE="1", MS_COMPILER_CACHE_PATH=str(place.resolve()))
    try:
        yield
    finally:
        del os.environ["MS_COMPILER_CACHE_ENABLE"]


def usable_compute_type(asked, device_target):
    """The type of matrix products that the device computes in, said in a line where it is not the one asked for."""
    if asked != "float32" and device_target == "CPU":
        say(f"compute_type: float32 ({asked} was asked for, but a CPU computes exactly, except to pretrain large "
            "networks)")
        return "float32"
    return asked


def pretraining_compute_type(asked, device_target, hidden_size):
    """As usable_compute_type, for pretraining: a CPU may multiply in bfloat16. float16 is there its own half type,
    bfloat16, for large networks; small ones have little to gain from it and keep float32's digits."""
    if device_target != "CPU" or asked == "float32" or asked == "float16" and hidden_size < LARGE:
        return usable_compute_type(asked, device_target)
    reason = compiled.why_no_bfloat16()
    if reason:
        say(f"compute_type: float32 (bfloat16 would take half the time, but {reason})")
        return "float32"
    say("compute_type: bfloat16 for matrix products, which this CPU has (float32, if asked for, is exact and slower)")
    return "bfloat16"
