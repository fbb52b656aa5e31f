"""The compiled operators of a CPU: products in bfloat16 beside numpy, who uses them, and a run that is trained with them.
(GELU, LayerNorm and linear layers stand beside their twins in test_operators.py.)"""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from mindspore import Tensor

from dump2bert import digest
from dump2bert.errors import BadInput
from dump2bert.nets import compiled, operators
from dump2bert.nets.bert import BertModel, initialize
from dump2bert.training import context
from tests.unit.small_networks import gradients_of, needs_compiler, small_batch, small_network, write_shards
from tests.unit.test_pretrain import ROWS, equal, metrics, run

# Reasons that the operator cannot be had are tested anywhere; what it computes only where it can.
needs_it = pytest.mark.skipif(bool(compiled.why_no_bfloat16()), reason=f"no bfloat16 here: {compiled.why_no_bfloat16()}")
SHAPES = [((5, 7), (11, 7)), ((160, 64), (1000, 64)), ((2, 3, 16, 8), (2, 3, 20, 8)), ((1, 4, 16, 8), (1, 4, 20, 8))]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_shards(folder, ROWS)
    return folder


def rounded(x):
    """float32 -> the nearest bfloat16 (to even), as float32."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000).astype(np.uint32).view(np.float32)


def transposed(x):
    return np.ascontiguousarray(np.swapaxes(x, -1, -2))


@needs_it
@pytest.mark.parametrize("shapes", SHAPES)
def test_products_and_gradients_are_those_of_rounded_factors(shapes):
    random = np.random.default_rng(1)
    a, b = (random.standard_normal(shape, np.float32) for shape in shapes)
    dy = random.standard_normal((*a.shape[:-1], b.shape[-2]), np.float32)
    product = rounded(a) @ transposed(rounded(b))
    of_a, of_b = rounded(dy) @ rounded(b), transposed(rounded(dy)) @ rounded(a)
    for form, given, wanted in ((compiled.ProductNT(), b, of_b), (compiled.Product(), transposed(b), transposed(of_b))):
        np.testing.assert_allclose(form(Tensor(a), Tensor(given)).asnumpy(), product, rtol=1e-4, atol=1e-4)
        found = gradients_of(form, Tensor(a), Tensor(given), Tensor(dy))
        np.testing.assert_allclose(found[0].asnumpy(), of_a, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(found[1].asnumpy(), wanted, rtol=1e-4, atol=1e-4)
    if a.ndim == 2:
        bias = np.arange(len(b), dtype=np.float32)
        found = compiled.Linear("bfloat16")(Tensor(a), Tensor(b), Tensor(bias)).asnumpy()
        np.testing.assert_allclose(found, product + bias, rtol=1e-4, atol=1e-4)


RESULTS = """
import hashlib
import numpy as np
from dump2bert.training import context
context.set_up("CPU")
from mindspore import Tensor
from dump2bert.nets import compiled
from dump2bert.nets.bert import namespace
from dump2bert.training.dropout import DropoutSource
from tests.unit.small_networks import gradients_of, small_network
random, digest = np.random.default_rng(1), hashlib.sha256()

def add(form, *shapes):
    inputs = [Tensor(random.standard_normal(shape, np.float32)) for shape in shapes]
    for _ in range(3):
        digest.update(form(*inputs[:-1]).asnumpy())
        for gradient in gradients_of(form, *inputs):
            digest.update(gradient.asnumpy())

for rows, columns, outputs in ((4096, 128, 512), (20, 301, 64)):
    add(compiled.Linear("float32"), (rows, columns), (outputs, columns), (outputs,), (rows, outputs))
    add(compiled.LayerNorm(1e-12), (rows, columns), (columns,), (columns,), (rows, columns))
add(compiled.AttentionScores("float32"), (160, 64), (160, 64), (4, 2, 40, 40), (4, 2, 40, 40))
add(compiled.AttentionContext("float32"), (4, 2, 40, 40), (160, 64), (160, 64))
keys, masks = DropoutSource(namespace(small_network(hidden_dropout_prob=0.5)), 1).inputs(0, 4)
digest.update(compiled.Dropout(1, 0)(Tensor(random.standard_normal((4, 301), np.float32)), keys, masks).asnumpy())
tables = [Tensor(random.standard_normal(shape, np.float32)) for shape in ((9, 40, 7), (7, 7), (7,), (7,))]
mask, weights = np.ones((9, 40), np.float32), Tensor(np.linspace(0, 1, 9).astype(np.float32))
mask[3, 5:] = mask[4] = 0
for part in compiled.log_partition()(tables[0], Tensor(mask), weights, *tables[1:]):
    digest.update(part.asnumpy())
arrays = [Tensor(random.standard_normal(shape, np.float32)) for shape in ((300, 301), (7,)) for _ in range(3)]
digest.update(compiled.squared_norms()(*arrays).asnumpy())
for name in ("adam", "lamb"):
    numbers = [Tensor(np.array(values, np.float32)) for values in ((0.1, 2, 3), (0.9, 0.1, 0.99, 0.01, 1e-6), (1, 2), (0, 0.1))]
    weights, moments = ([Tensor(array.asnumpy() ** 2) for array in arrays[::3]] for _ in range(2))
    compiled.optimizer(name)(*numbers, *weights, *arrays[::3], *moments, *arrays[1::3]).asnumpy()
    for array in (*weights, *moments):
        digest.update(array.asnumpy())
if not compiled.why_no_bfloat16():
    for m, k, n in ((96, 512, 128), (20, 3001, 64), (384, 64, 300)):
        add(compiled.Product(), (m, k), (k, n), (m, n))
print(digest.hexdigest())
"""


@needs_compiler
def test_the_number_of_threads_changes_no_bit_and_processes_may_compile_at_once(tmp_path):
    processes = [subprocess.Popen([sys.executable, "-c", RESULTS], stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, "OMP_NUM_THREADS": threads, "XDG_CACHE_HOME": str(tmp_path)})
                 for threads in ("1", "3")]
    first, second = [process.communicate()[0] for process in processes]
    assert first == second and len(first.strip()) == 64
    assert [path.suffix for path in (tmp_path / "dump2bert").iterdir()] == [".so"]     # one, and nothing beside it


THREADS = """
import ctypes
from dump2bert.training import context
context.set_up("CPU")
import numpy as np
from mindspore import Tensor
from dump2bert.nets import compiled
pool, launch = compiled.threads_of_mindspore()
outcomes = []

@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
def watched(pool, task, content, threads):
    outcomes.append((threads, launch(*map(ctypes.c_void_p, (pool, task, content)), threads)))
    return 0

compiled.threads_of_mindspore = lambda: (pool, watched)
compiled.Gelu("gelu")(Tensor(np.ones((64, 512), np.float32))).asnumpy()
print(*sorted({str(outcome) for outcome in outcomes}))
"""


@needs_compiler
@pytest.mark.parametrize("said, threads", [(None, min(len(os.sched_getaffinity(0)), 16)), ("1", 1), ("3", 3)])
def test_as_many_threads_are_asked_for_as_there_are_cores_or_as_the_user_says(said, threads):
    # What the process is given, not what MindSpore sets in it: half of the cores.
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", THREADS], env=environment | ({"OMP_NUM_THREADS": said} if said else {}),
                          check=True, capture_output=True, text=True)
    assert done.stdout.strip() == (f"({threads}, 0)" if threads > 1 else "")


@needs_it
@pytest.mark.parametrize("changes", [{}, {"relative_positions": "nezha"}, {"relative_positions": "zoo"}])
def test_a_network_is_as_near_to_float32_as_bfloat16_can_be(changes):
    outputs = []
    for kind in ("float32", "bfloat16"):
        model = BertModel(small_network(initializer_range=0.1, compute_type=kind, **changes))
        initialize(model, 1, 0.1)
        batch = small_batch(4)
        inputs = (Tensor(batch[name]) for name in ("input_ids", "segment_ids", "input_mask"))
        outputs.append(model(*inputs)[0].asnumpy())
    error = np.abs(outputs[0] - outputs[1]).max()
    assert 0 < error < 0.05     # hidden states after LayerNorm are around 1; bfloat16 has 8 bits


@needs_it
@pytest.mark.slow
def test_training_in_bfloat16_resumes_exactly_and_has_the_loss_curve_of_float32(data, tmp_path):
    options = {"epoch_size": 20, "AdamWeightDecay": {"learning_rate": 2e-3, "decay_steps": 200, "warmup_steps": 4}}
    network = {"compute_type": "bfloat16"}
    whole = run(data, tmp_path / "whole", network=network, train_steps=60, **options)
    run(data, tmp_path / "parts", network=network, train_steps=7, **options)
    assert equal(run(data, tmp_path / "parts", network=network, train_steps=60, **options), whole)
    exact = run(data, tmp_path / "exact", network={"compute_type": "float32"}, train_steps=60, **options)
    assert not equal(exact, whole)
    losses, exact = ([line["loss"] for line in metrics(out)] for out in (whole, exact))
    np.testing.assert_allclose(losses, exact, rtol=0.01)
    assert len(list((tmp_path / "whole" / "state").iterdir())) == 1
    assert exact[-1] < exact[0] - 0.1    # something was learned


@needs_it
def test_a_state_of_bfloat16_is_not_begun_anew_where_it_cannot_be_had(data, tmp_path, monkeypatch):
    network = {"compute_type": "bfloat16"}
    run(data, tmp_path, network=network, train_steps=4)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "lock"}
    monkeypatch.setattr(compiled, "why_no_bfloat16", lambda: "there is no C++ compiler")
    with pytest.raises(BadInput, match="was trained in bfloat16, but here matrix products are in float32: .* --fresh true"):
        run(data, tmp_path, network=network, train_steps=6)
    assert {path: path.read_bytes() for path in before} == before
    run(data, tmp_path, network=network, train_steps=6, fresh=True)
    assert json.loads((tmp_path / "out/network.json").read_text())["network"]["compute_type"] == "float32"
    monkeypatch.undo()
    with pytest.raises(BadInput, match="was trained in float32, but here matrix products are in bfloat16"):
        run(data, tmp_path, network=network, train_steps=8)


@pytest.mark.parametrize("asked, device, hidden_size, used", [
    ("float32", "CPU", 768, "float32"), ("float16", "CPU", 128, "float32"), ("float16", "CPU", 768, "bfloat16"),
    ("bfloat16", "CPU", 16, "bfloat16"), ("float16", "Ascend", 768, "float16"), ("bfloat16", "Ascend", 64, "bfloat16")])
def test_a_cpu_pretrains_large_networks_in_bfloat16_unless_float32_is_asked_for(
        monkeypatch, asked, device, hidden_size, used):
    monkeypatch.setattr(compiled, "why_no_bfloat16", lambda: None)
    assert context.pretraining_compute_type(asked, device, hidden_size) == used
    assert context.usable_compute_type(asked, device) == ("float32" if device == "CPU" else asked)


def no_such_cpu(monkeypatch, folder):
    cpu = folder / "cpuinfo"
    cpu.write_text("flags : fpu avx512f\n")
    monkeypatch.setattr(compiled, "CPU_INFO", cpu)


def no_compiler(monkeypatch, folder):
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CXX", raising=False)


def compiler_that_fails(monkeypatch, folder):
    compiler = folder / "broken"
    compiler.write_text("#!/bin/sh\necho 'fatal error: no such header' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))


def cache_that_is_a_file(monkeypatch, folder):
    (folder / "dump2bert").write_text("")


@pytest.mark.parametrize("spoil, said", [
    (no_such_cpu, "this CPU has no AVX512-BF16"), (no_compiler, "there is no C++ compiler"),
    (compiler_that_fails, "cannot compile operators.cpp (fatal error: no such header)"),
    (cache_that_is_a_file, "cannot be written")])
def test_where_it_cannot_be_had_one_line_says_why_and_float32_is_used(monkeypatch, tmp_path, caplog, spoil, said):
    cpu = tmp_path / "cpu"
    cpu.write_text("flags : fpu avx512_bf16 clzero\n")
    monkeypatch.setattr(compiled, "CPU_INFO", cpu)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if not shutil.which("c++") and spoil is cache_that_is_a_file:
        pytest.skip("there is no C++ compiler")
    spoil(monkeypatch, tmp_path)
    compiled.library.cache_clear()
    caplog.set_level("INFO", "dump2bert")
    try:
        assert context.pretraining_compute_type("float16", "CPU", 768) == "float32"
    finally:
        compiled.library.cache_clear()
    assert len(caplog.messages) == 1 and said in caplog.text


@pytest.mark.skipif(not shutil.which("c++"), reason="there is no C++ compiler")
def test_a_compiler_compiles_them():
    assert compiled.why_not() is None


def operators_that_are_torn(monkeypatch, folder):
    name = compiled.library().name
    compiled.library.cache_clear()
    torn = folder / "elsewhere" / "dump2bert" / name     # what a process has loaded from one path it does not read again
    torn.parent.mkdir(parents=True)
    torn.write_bytes(b"\x7fELF")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "elsewhere"))


def mindspore_without_threads(monkeypatch, folder):
    def missing():
        raise AttributeError("undefined symbol")

    monkeypatch.setattr(compiled, "threads_of_mindspore", missing)


@pytest.mark.parametrize("spoil", [
    no_compiler, compiler_that_fails, mindspore_without_threads, pytest.param(operators_that_are_torn, marks=needs_compiler)])
def test_without_a_compiler_the_operators_are_composed_and_one_line_says_so(monkeypatch, tmp_path, caplog, spoil):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for function in (compiled.library, compiled.usable):
        function.cache_clear()
    spoil(monkeypatch, tmp_path)
    caplog.set_level("INFO", "dump2bert")
    try:
        model = BertModel(small_network())
    finally:
        for function in (compiled.library, compiled.usable):
            function.cache_clear()
    cells = {type(cell) for _, cell in model.cells_and_names()}
    assert {operators.FastGelu, operators.FastLayerNorm, operators.ComposedLinear, operators.ComposedScores,
            operators.ComposedContext} <= cells
    assert not {cell for cell in cells if cell.__module__ == compiled.__name__}
    assert [message.split(" (")[0] for message in caplog.messages] == [
        "networks and optimizers are composed of MindSpore's own operators, which is slower"]


def test_the_operators_source_counts_wherever_networks_run():
    for root in ("stages.pretrain", "tasks.ner.predict"):
        names = {name for module in digest.closure(root) for name, _ in digest.contents(module)}
        assert "dump2bert.nets.compiled/operators.cpp" in names


@needs_compiler
def test_operators_of_float32_refuse_other_types():
    with pytest.raises(TypeError, match="gelu is an operator of float32"):
        compiled.GeluOfFloat32("gelu")(Tensor(np.ones((2, 3), np.float16)))
