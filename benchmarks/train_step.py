"""Seconds of a pretraining step beside Hugging Face + torch: python benchmarks/train_step.py --torch_python PATH

BERT-base (or what --layers and --hidden say), sequence 128, 20 predictions, dropout 0.1, AdamW, global clip: the same weights
and the same batch on both sides. Every variant is a process of its own; they take turns, `--rounds` times, so that other
load on the machine meets all alike. Printed: medians, ratios, and the share of this machine's matrix-product limit, which
is measured after each of our runs, in the type of its products.

torch is no part of this project's environment: make one with torch and transformers and name its python. Without it only
our own variants run. Where this machine cannot multiply in bfloat16 that variant says why instead.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LENGTH, PREDICTIONS, WORDS = 128, 20, 30522
WARM_UP = 2
# name: (program, options)
VARIANTS = {
    "dump2bert float32": ("ours", {}),
    "dump2bert float32, LAMB": ("ours", {"optimizer": "Lamb"}),
    "dump2bert float32, NEZHA": ("ours", {"relative_positions": "nezha"}),
    "dump2bert float32, without dropout": ("ours", {"dropout": 0.0}),
    "dump2bert float32, forward only": ("ours", {"forward": True}),
    "dump2bert bfloat16": ("ours", {"compute_type": "bfloat16"}),
    "torch float32": ("torch", {}),
    "torch float32, forward only": ("torch", {"forward": True}),
    "torch bfloat16 autocast": ("torch", {"bfloat16": True}),
}
# Ratios that are printed: of the first to the second.
RATIOS = [("dump2bert float32", "torch float32"), ("dump2bert float32", "torch bfloat16 autocast"),
          ("dump2bert float32", "dump2bert float32, without dropout"),     # what the masks cost
          ("dump2bert float32, NEZHA", "dump2bert float32"), ("dump2bert float32, LAMB", "dump2bert float32"),
          ("dump2bert float32, forward only", "torch float32, forward only"),
          ("dump2bert bfloat16", "torch bfloat16 autocast"), ("dump2bert bfloat16", "dump2bert float32")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch_python", help="python of an environment with torch and transformers")
    parser.add_argument("--batch_size", type=int, default=8)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6, help="timed steps of a process")
    parser.add_argument("--only", default="", help="variants whose name holds this")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        task = json.loads(arguments.worker)
        print(json.dumps({"ours": ours, "torch": torch_step}[task["program"]](task)))
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments, Path(folder))


def measure(arguments, folder):
    network = network_of(arguments.layers, arguments.hidden)
    make_material(folder, network, arguments.batch_size)
    names = [name for name, (program, _) in VARIANTS.items()
             if arguments.only in name and (program == "ours" or arguments.torch_python)]
    seconds, losses, limits = {name: [] for name in names}, {}, {"float32": [], "bfloat16": []}
    for number in range(arguments.rounds):
        for name in names:
            program, options = VARIANTS[name]
            python = sys.executable if program == "ours" else arguments.torch_python
            task = {"program": program, "folder": str(folder), "network": network, "steps": arguments.steps, **options}
            done = subprocess.run([python, __file__, "--worker", json.dumps(task)], capture_output=True, text=True)
            if done.returncode and "BadInput: " in done.stderr:
                print(f"{name}: left out, {done.stderr.rpartition('BadInput: ')[2].strip()}")
                continue
            if done.returncode:
                sys.exit(f"error: {name}: {done.stderr[-2000:]}")
            found = json.loads(done.stdout.splitlines()[-1])
            seconds[name] += found["seconds"]
            losses[name] = found["losses"][0]
            print(f"round {number + 1}/{arguments.rounds}: {name}, {statistics.median(found['seconds']):.3f} s",
                  file=sys.stderr, flush=True)
            if program == "ours":
                limits[options.get("compute_type", "float32")].append(found["limit"])
    work = flops(network, arguments.batch_size)
    limits = {name: statistics.median(values) for name, values in limits.items() if values}
    print(f"{cpu_name()}; batch {arguments.batch_size}, {arguments.layers} layers of {arguments.hidden}; products: "
          f"{work / 1e9:.0f} GFLOP a step; MindSpore's limit here: "
          + ", ".join(f"{limit / 1e9:.0f} GFLOP/s in {name}" for name, limit in limits.items()))
    medians = {name: statistics.median(values) for name, values in seconds.items() if values}
    for name, median in medians.items():
        done = work / 3 if "forward" in name else work
        limit = limits.get("bfloat16" if "bfloat16" in name else "float32", float("nan"))
        print(f"{name:34} {median:7.3f} s ({min(seconds[name]):.3f} to {max(seconds[name]):.3f}), "
              f"{done / median / limit:4.0%} of the limit, first loss {losses[name]:.5f}")
    for first, second in RATIOS:
        if first in medians and second in medians:
            print(f"{first} / {second}: {medians[first] / medians[second]:.2f}")


def cpu_name():
    """Vendors hide models behind one name; family and model tell them apart."""
    said = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines())
    found = {key.strip(): value.strip() for key, value in said.items()}
    return (f"{len(os.sched_getaffinity(0))} cores of {found.get('model name', 'unknown')} (family "
            f"{found.get('cpu family')}, model {found.get('model')})")


def network_of(layers, hidden):
    return {"vocab_size": WORDS, "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": hidden // 64,
            "intermediate_size": 4 * hidden, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
            "attention_probs_dropout_prob": 0.1, "max_position_embeddings": 512, "type_vocab_size": 2,
            "initializer_range": 0.02, "layer_norm_eps": 1e-12, "relative_positions": "none", "compute_type": "float32",
            "input_mask_from_dataset": True, "token_type_ids_from_dataset": True}


def flops(network, batch):
    """Of the matrix products of a step: forward, and twice as much backward."""
    hidden, tokens = network["hidden_size"], batch * LENGTH
    layer = 2 * tokens * (4 * hidden ** 2 + 2 * hidden * network["intermediate_size"]) + 4 * tokens * LENGTH * hidden
    head = 2 * batch * PREDICTIONS * hidden * (hidden + WORDS)
    return 3 * (layer * network["num_hidden_layers"] + head)


def make_material(folder, network, batch):
    """weights.npz (from a seed, by Hugging Face's names) and batch.npz."""
    import numpy as np

    random = np.random.default_rng(1)
    columns = {"input_ids": random.integers(1000, WORDS, (batch, LENGTH)), "input_mask": np.ones((batch, LENGTH)),
               "segment_ids": (np.arange(LENGTH) > 60) * np.ones((batch, 1)),
               "next_sentence_labels": random.integers(0, 2, (batch, 1)),
               "masked_lm_positions": np.sort(random.permuted(np.tile(np.arange(1, LENGTH), (batch, 1)), axis=1)
                                              [:, :PREDICTIONS], axis=1),
               "masked_lm_ids": random.integers(1000, WORDS, (batch, PREDICTIONS))}
    columns = {name: values.astype(np.int32) for name, values in columns.items()}
    np.savez(folder / "batch.npz", masked_lm_weights=np.ones((batch, PREDICTIONS), np.float32), **columns)
    # In a process of its own: the one that keeps time shall hold nothing.
    subprocess.run([sys.executable, "-c", f"""
import json, sys
import numpy as np
from dump2bert.training import context
context.set_up("CPU")
from dump2bert.nets.bert import initialize, namespace
from dump2bert.nets.heads import BertForPretraining
model = BertForPretraining(namespace(json.loads({json.dumps(network)!r})))
initialize(model, 1, 0.02)
np.savez({str(folder / "weights.npz")!r}, **{{item.name: item.asnumpy() for item in model.get_parameters()}})
"""], check=True, capture_output=True)


def timed(step, steps):
    """step() -> loss; seconds of `steps` of them after the warm-up, and all losses."""
    losses, seconds = [], []
    for number in range(WARM_UP + steps):
        start = time.perf_counter()
        losses.append(step())
        if number >= WARM_UP:
            seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, "losses": losses}


def ours(task):
    import numpy as np

    from dump2bert.training import context
    context.set_up("CPU")
    from mindspore import Parameter, Tensor, ops

    from dump2bert.nets.bert import namespace
    from dump2bert.nets.heads import BertForPretraining, PretrainingLoss
    from dump2bert.training.dropout import DropoutSource
    from dump2bert.training.optimizers import make_optimizer
    from dump2bert.training.pretraining_batches import micro_batches
    from dump2bert.training.step import TrainStep

    folder = Path(task["folder"])
    network = {**task["network"], "relative_positions": task.get("relative_positions", "none"),
               "compute_type": task.get("compute_type", "float32")}
    if "dropout" in task:
        network |= dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob"), task["dropout"])
    network = namespace(network)
    model = BertForPretraining(network)
    weights = dict(np.load(folder / "weights.npz"))
    for item in model.get_parameters():
        item.set_data(Tensor(weights[item.name]))
    batch, dropout, count = dict(np.load(folder / "batch.npz")), DropoutSource(network, 1), iter(range(10 ** 6))
    loss = PretrainingLoss(model)
    options = {"learning_rate": 1e-4, "end_learning_rate": 0.0, "power": 1.0, "warmup_steps": 0, "decay_steps": 10 ** 6,
               "weight_decay": 0.01, "eps": 1e-6, "bias_correction": False}
    optimizer = make_optimizer(task.get("optimizer", "AdamWeightDecay"), options, model.trainable_params(), 10 ** 6)
    train_step = None if task.get("forward") else TrainStep(loss, optimizer)

    def step():
        inputs = micro_batches(batch, 1, dropout, next(count))
        if train_step is None:
            return loss(*inputs[0])[0].asnumpy().item()
        return train_step(inputs).read()[0][0]

    result = timed(step, task["steps"])
    square, product = Parameter(Tensor(np.ones((2048, 2048), np.float32))), ops.MatMul(transpose_b=True)
    if network.compute_type == "bfloat16":
        from dump2bert.nets.compiled import operator_nt
        product = operator_nt()
    product(square, square).asnumpy()
    start = time.perf_counter()
    for _ in range(10):
        product(square, square).asnumpy()
    return {**result, "limit": 10 * 2 * 2048 ** 3 / (time.perf_counter() - start)}


def torch_step(task):
    import contextlib

    import numpy as np
    import torch
    from transformers import BertConfig, BertForPreTraining

    torch.manual_seed(1)
    folder, network = Path(task["folder"]), task["network"]
    known = BertConfig().to_dict()
    model = BertForPreTraining(BertConfig(**{key: value for key, value in network.items() if key in known}))
    weights = {name: torch.from_numpy(value) for name, value in np.load(folder / "weights.npz").items()}
    missing = model.load_state_dict(weights, strict=False).missing_keys
    assert all("decoder" in name or "position_ids" in name for name in missing), missing
    model.train()
    batch = {name: torch.from_numpy(values).long() for name, values in np.load(folder / "batch.npz").items()}
    labels = torch.full((len(batch["input_ids"]), LENGTH), -100).scatter(
        1, batch["masked_lm_positions"], batch["masked_lm_ids"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, eps=1e-6, weight_decay=0.01)
    autocast = torch.autocast("cpu", torch.bfloat16) if task.get("bfloat16") else contextlib.nullcontext()

    def step():
        with autocast, torch.set_grad_enabled(not task.get("forward")):
            loss = model(input_ids=batch["input_ids"], attention_mask=batch["input_mask"],
                         token_type_ids=batch["segment_ids"], labels=labels,
                         next_sentence_label=batch["next_sentence_labels"][:, 0]).loss
        if not task.get("forward"):
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        return loss.item()

    return timed(step, task["steps"])


if __name__ == "__main__":
    main()
