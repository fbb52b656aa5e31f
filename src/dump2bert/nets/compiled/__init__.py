"""Operators that MindSpore does not have on a CPU, or has only slow: GELU, LayerNorm, linear layers, attention's products,
matrix products in bfloat16 (factors are rounded to bfloat16, sums and results are float32), the sums of a
conditional random field, dropout, and the update of all weights of a network at once.

MindSpore's wheel brings oneDNN, which has most of them; operators.cpp makes custom operators of it. They are compiled when
they are first used and kept in the user's cache folder under a digest of all that they are made of. They run on
MindSpore's own threads; how many there are changes no result (how many cores the process may use changes last digits, as
it does with MindSpore's operators). Without a compiler
everything is composed of MindSpore's operators (nets/operators.py), and products are float32.
"""

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import sysconfig
import tempfile
from importlib.metadata import version
from pathlib import Path

import mindspore as ms
from mindspore import Tensor, nn, ops

from dump2bert.errors import BadInput
from dump2bert.progress import say

CPU_INFO = Path("/proc/cpuinfo")
SOURCE = Path(__file__).with_name("operators.cpp")
HEADERS = Path(sysconfig.get_path("data")) / "include"     # of the package onednn-devel-cpu-gomp
LIBRARIES = Path(ms.__file__).parent / "lib"
ONEDNN = LIBRARIES / "libdnnl.so.3"
FLAGS = ("-std=c++20", "-O3", "-fno-math-errno", "-shared", "-fPIC")
LONGEST_REASON = 200


def why_not():
    """None where this machine can compile the operators, else the reason, the end of a sentence."""
    try:
        library()
    except BadInput as error:
        return str(error)
    return None


def why_no_bfloat16():
    """As why_not, of products in bfloat16."""
    if not CPU_INFO.is_file() or " avx512_bf16" not in CPU_INFO.read_text():
        return "this CPU has no AVX512-BF16"
    return why_not()


@functools.cache
def usable():
    """Whether there are compiled operators. Where there are not, one line says why."""
    reason = why_not()
    if reason:
        say(f"networks and optimizers are composed of MindSpore's own operators, which is slower ({reason})")
    return reason is None


@functools.cache
def library():
    """Path of the compiled operators, which are compiled if need be. BadInput: what this machine lacks."""
    compiler = shutil.which(os.environ.get("CXX") or "c++") or shutil.which("g++") or shutil.which("clang++")
    if not compiler:
        raise BadInput("there is no C++ compiler (c++, g++, clang++, or the one that CXX names)")
    said = subprocess.run([compiler, "--version"], capture_output=True, text=True).stdout
    parts = (SOURCE.read_text(), *FLAGS, said, version("mindspore"), str(HEADERS))
    name = f"operators-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}.so"
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dump2bert" / name
    if not path.is_file():
        compile_to(path, compiler)
    try:
        ctypes.CDLL(str(ONEDNN))     # before what is linked with it, so that it is found
        own = ctypes.CDLL(str(path))
    except OSError as error:
        raise BadInput(f"{path} cannot be loaded ({str(error)[:LONGEST_REASON]}); removed, it is compiled anew") from error
    try:
        own.use_threads(threads(), *threads_of_mindspore())
    except (AttributeError, OSError) as error:
        raise BadInput(f"MindSpore {ms.__version__} has no threads for them ({str(error)[:LONGEST_REASON]})") from error
    return path


def threads_of_mindspore():
    """-> two of MindSpore's functions: GetActorMgrInnerThreadPool() and ThreadPool::ParallelLaunch(task, content, threads),
    by which its own operators use its threads. AttributeError or OSError where it has them not."""
    pool = ctypes.CDLL(str(LIBRARIES / "plugin" / "libmindspore_ops_cpu.so"))
    launch = ctypes.CDLL(str(LIBRARIES / "libmindspore_core.so"))
    return (pool._ZN9mindspore6kernel26GetActorMgrInnerThreadPoolEv,
            launch._ZN9mindspore10ThreadPool14ParallelLaunchERKSt8functionIFiPviffEES2_i)


def threads():
    """As many as OMP_NUM_THREADS says, else a thread for each core that this process may use (there are never more at work
    than MindSpore has, or than 16). Read here, where it is as the
    user has set it: for its own process MindSpore sets it anew, to half of the cores."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdecimal() and int(said) else len(os.sched_getaffinity(0))


def compile_to(path, compiler):
    """Processes that compile side by side each do it for themselves; the file appears whole."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".operators-") as folder:
            made = Path(folder) / path.name
            done = subprocess.run([compiler, *FLAGS, "-I", str(HEADERS), str(SOURCE), "-o", str(made), str(ONEDNN)],
                                  capture_output=True, text=True)
            if done.returncode:
                said = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip())
                raise BadInput(f"{compiler} cannot compile {SOURCE.name} ({said[:LONGEST_REASON]})")
            made.replace(path)
    except OSError as error:
        raise BadInput(f"{path.parent} cannot be written ({error.strerror}); XDG_CACHE_HOME names another place"
                       ) from error


def operator(name, out_shape, outputs=1, integers=()):
    """out_shape: a function of the shapes of the inputs, which are float32, as is what comes out; integers: the numbers of
    inputs that are int32."""
    def out_type(*types):
        if any(item.element_type() != (ms.int32 if i in integers else ms.float32) for i, item in enumerate(types)):
            raise TypeError(f"{name} is an operator of float32, not of {types}")
        return types[:outputs] if outputs > 1 else types[0]

    return ops.Custom(f"{library()}:{name}", out_shape, out_type, func_type="aot")


def operator_nt():
    return operator("product_nt_bfloat16", lambda a, b: (*a[:-1], b[-2]))


def operator_nn(kind="bfloat16"):
    return operator(f"product_nn_{kind}", lambda a, b: (*a[:-1], b[-1]))


def operator_tn(kind="bfloat16"):
    return operator(f"product_tn_{kind}", lambda a, b: (*a[:-2], a[-1], b[-1]))


class Linear(nn.Cell):
    """x (M, K), weight (N, K), bias (N,), float32 -> x @ weight transposed + bias (M, N), multiplied in `kind`: float32 or
    bfloat16."""

    def __init__(self, kind):
        super().__init__()
        self.value = operator(f"linear_{kind}", lambda x, weight, bias: (x[0], weight[0]))
        self.nn, self.tn = operator_nn(kind), operator_tn(kind)
        self.sum_of_rows = operator("sum_of_rows", lambda x: x[1:])

    def construct(self, x, weight, bias):
        return self.value(x, weight, bias)

    def bprop(self, x, weight, bias, out, dy):
        return self.nn(dy, weight), self.tn(dy, x), self.sum_of_rows(dy)


class AttentionScores(nn.Cell):
    """query, key (B * S, H), mask (B, A, S, S), float32 -> the products of each head's queries and keys, plus the mask
    (B, A, S, S), multiplied in `kind`."""

    def __init__(self, kind):
        super().__init__()
        self.value = operator(f"attention_scores_{kind}", lambda query, key, mask: mask)
        self.context, self.transposed_context = operators_of_context(kind)

    def construct(self, query, key, mask):
        return self.value(query, key, mask)

    def bprop(self, query, key, mask, out, dy):
        return self.context(dy, key), self.transposed_context(dy, query), ops.zeros_like(mask)


class AttentionContext(nn.Cell):
    """weights (B, A, S, S), value (B * S, H), float32 -> each head's values, weighted (B * S, H), multiplied in `kind`."""

    def __init__(self, kind):
        super().__init__()
        self.weights_gradient = operator(f"attention_weights_gradient_{kind}", lambda dy, value, weights: weights)
        self.context, self.transposed_context = operators_of_context(kind)

    def construct(self, weights, value):
        return self.context(weights, value)

    def bprop(self, weights, value, out, dy):
        return self.weights_gradient(dy, value, weights), self.transposed_context(weights, dy)


def operators_of_context(kind):
    """weights (B, A, S, S), x (B * S, H) -> weights @ x and weights transposed @ x, for each head (B * S, H)"""
    return [operator(f"attention_{name}_{kind}", lambda weights, x: x) for name in ("context", "transposed_context")]


class Gelu(nn.Cell):
    """GELU of x (N, F), computed in float32. name: gelu (erf form) or gelu_new (tanh form)."""

    def __init__(self, name):
        super().__init__()
        self.name, self.form = name, GeluOfFloat32(name)

    def construct(self, x):
        return self.form(x.astype(ms.float32)).astype(x.dtype)


class GeluOfFloat32(nn.Cell):
    def __init__(self, name):
        super().__init__()
        self.value = operator(name, lambda x: x)
        self.gradient = operator(f"{name}_gradient", lambda x, dy: x)

    def construct(self, x):
        return self.value(x)

    def bprop(self, x, out, dy):
        return (self.gradient(x, dy),)


class LayerNormWithMoments(nn.Cell):
    """LayerNorm of the rows of x (N, H), float32 -> the result, their means (N,) and their variances (N,)."""

    def __init__(self, eps):
        super().__init__()
        self.eps = Tensor([eps], ms.float32)
        self.value = operator("layer_norm", lambda x, weight, eps, bias: (x, x[:1], x[:1]), 3)
        self.gradient = operator("layer_norm_gradient",
                                 lambda x, weight, eps, mean, variance, dy: (x, weight, weight), 3)

    def construct(self, x, weight, bias):
        return self.value(x, weight, self.eps, bias)

    def bprop(self, x, weight, bias, out, dy):
        return self.gradient(x, weight, self.eps, out[1], out[2], dy[0])


class LayerNorm(nn.Cell):
    """LayerNorm of the rows of x (N, H), float32."""

    def __init__(self, eps):
        super().__init__()
        self.with_moments = LayerNormWithMoments(eps)

    def construct(self, x, weight, bias):
        return self.with_moments(x, weight, bias)[0]


class Dropout(nn.Cell):
    """x (B * n elements in any shape) float32, keys (B, sites, 2) int32, masks float32 -> x times its mask, see
    nets.operators.Dropout."""

    def __init__(self, site, pool):
        super().__init__()
        self.place = Tensor([site, pool], ms.int32)
        self.value = operator("dropout", lambda x, keys, masks, place: x, integers=(1, 3))

    def construct(self, x, keys, masks):
        return self.value(x, keys, masks, self.place)

    def bprop(self, x, keys, masks, out, dy):
        return self.value(dy, keys, masks, self.place), ops.zeros_like(keys), ops.zeros_like(masks)


def log_partition():
    """What nets.crf.LogPartition computes, of the same inputs; its value (1,)."""
    return operator("log_partition", lambda emissions, mask, weights, *tables: ([1], emissions, *tables), 5)


def squared_norms():
    """Arrays -> the sum of the squares of each (their number,)."""
    return operator("squared_norms", lambda *shapes: [len(shapes)])


def optimizer(name):
    """name: adam or lamb. Inputs: the schedule (rate, and what corrects the first moments and the roots of the second ones:
    factors), the constants (beta1, 1 - beta1, beta2, 1 - beta2, eps), factors of the gradients, decays of the weights (N,),
    then N weights, N first moments, N second moments and N gradients. Changes weights and moments where they lie; the result
    says no more than that it is done."""
    update = operator(name, lambda *shapes: [1])
    update.add_prim_attr("side_effect_mem", True)
    return update


class ProductNT(nn.Cell):
    """a (..., M, K), b (..., N, K) -> a @ b transposed (..., M, N), float32."""

    def __init__(self):
        super().__init__()
        self.nt, self.nn, self.tn = operator_nt(), operator_nn(), operator_tn()

    def construct(self, a, b):
        return self.nt(a, b)

    def bprop(self, a, b, out, dout):
        return self.nn(dout, b), self.tn(dout, a)


class Product(nn.Cell):
    """a (..., M, K), b (..., K, N) -> a @ b (..., M, N), float32."""

    def __init__(self):
        super().__init__()
        self.nt, self.nn, self.tn = operator_nt(), operator_nn(), operator_tn()

    def construct(self, a, b):
        return self.nn(a, b)

    def bprop(self, a, b, out, dout):
        return self.nt(dout, b), self.tn(a, dout)
