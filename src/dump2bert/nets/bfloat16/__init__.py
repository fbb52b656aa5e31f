"""Matrix products in bfloat16 on a CPU with AVX512-BF16: factors are rounded to bfloat16, sums and results are float32.

MindSpore has no such operator on a CPU, but its wheel brings oneDNN, which has. product.cpp makes a custom operator of
it. It is compiled when it is first used and kept in the user's cache folder under a digest of all that it is made of. A
result depends on the numbers and shapes alone, not on the number of threads.
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
from mindspore import nn, ops

from dump2bert.errors import BadInput

CPU_INFO = Path("/proc/cpuinfo")
SOURCE = Path(__file__).with_name("product.cpp")
HEADERS = Path(sysconfig.get_path("data")) / "include"     # of the package onednn-devel-cpu-gomp
ONEDNN = Path(ms.__file__).parent / "lib" / "libdnnl.so.3"
FLAGS = ("-std=c++20", "-O2", "-shared", "-fPIC", "-pthread")
LONGEST_REASON = 200


def why_not():
    """None where products in bfloat16 can be had on this machine, else the reason, the end of a sentence."""
    try:
        library()
    except BadInput as error:
        return str(error)
    return None


@functools.cache
def library():
    """Path of the compiled operator, which is compiled if need be. BadInput: what this machine lacks."""
    if not CPU_INFO.is_file() or " avx512_bf16" not in CPU_INFO.read_text():
        raise BadInput("this CPU has no AVX512-BF16")
    compiler = shutil.which(os.environ.get("CXX") or "c++") or shutil.which("g++") or shutil.which("clang++")
    if not compiler:
        raise BadInput("there is no C++ compiler (c++, g++, clang++, or the one that CXX names)")
    said = subprocess.run([compiler, "--version"], capture_output=True, text=True).stdout
    parts = (SOURCE.read_text(), *FLAGS, said, version("mindspore"), str(HEADERS))
    name = f"bfloat16-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}.so"
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dump2bert" / name
    if not path.is_file():
        compile_to(path, compiler)
    ctypes.CDLL(str(ONEDNN))     # before what is linked with it, so that it is found
    return path


def compile_to(path, compiler):
    """Processes that compile side by side each do it for themselves; the file appears whole."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".bfloat16-") as folder:
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


def operator(name, out_shape):
    return ops.Custom(f"{library()}:{name}", out_shape, lambda a, b: a, func_type="aot")


def operator_nt():
    return operator("product_nt", lambda a, b: (*a[:-1], b[-2]))


def operator_nn():
    return operator("product_nn", lambda a, b: (*a[:-1], b[-1]))


def operator_tn():
    return operator("product_tn", lambda a, b: (*a[:-2], a[-1], b[-1]))


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
