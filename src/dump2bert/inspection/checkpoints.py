"""What is inside a checkpoint: its parameters, their shapes and values, and what network.json beside it says."""

from pathlib import Path

import numpy as np

from dump2bert.files import read_json
from dump2bert.inspection.terminal import histogram, size, table
from dump2bert.training.checkpoints import read_weights, shown

EDGES = (0, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1, 10)     # of absolute values


def inspect_checkpoint(path):
    """Yield lines about a .ckpt file. Parameters that the layers have alike are told apart by their layer's number."""
    weights = read_weights(path)
    numbers = sum(value.size for value in weights.values())
    yield f"{path}: a checkpoint of {len(weights)} parameters, {numbers:,} numbers, {size(Path(path).stat().st_size)}"
    yield from description(Path(path).with_name("network.json"))
    broken = [name for name, value in weights.items() if not np.isfinite(value.astype(np.float32)).all()]
    yield f"NOT FINITE: {', '.join(broken)}" if broken else "all values are finite"
    yield ""
    yield from table([("parameter", "shape", "type", "mean", "deviation", "largest"),
                      *((name, shown(value.shape) or "one number", value.dtype.name, *summary(value))
                        for name, value in weights.items())], right=(3, 4, 5))
    counts = np.zeros(len(EDGES), int)
    for value in weights.values():
        found = np.searchsorted(EDGES, np.abs(value[np.isfinite(value)].ravel()), side="right") - 1
        counts += np.bincount(found, minlength=len(EDGES))
    labels = [f"{low:g} to {high:g}" for low, high in zip(EDGES, EDGES[1:])] + [f"from {EDGES[-1]:g}"]
    yield from histogram("absolute values", list(zip(labels, counts.tolist())))


def summary(value):
    value = value[np.isfinite(value)].astype(np.float64)
    if not value.size:
        return "-", "-", "-"
    return f"{value.mean():.4g}", f"{value.std():.4g}", f"{np.abs(value).max():.4g}"


def description(path):
    """Lines of network.json: the network's keys, where its weights come from."""
    if not path.is_file():
        yield "no network.json stands beside it"
        return
    for key, values in read_json(path).items():
        if isinstance(values, dict):
            values = ", ".join(f"{name} {value}" for name, value in values.items() if not isinstance(value, dict))
        yield f"{key}: {values}"
