"""Checkpoints: model.ckpt holds the weights (MindSpore's format, Hugging Face's names), network.json all else.

network.json: `network` (the keys of nets/bert.py, as config.py's Network gives them) and `provenance`: where the
weights come from (step, seed, data, code, versions).
"""

import os
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor

from dump2bert import __version__
from dump2bert.errors import BadInput
from dump2bert.files import make_folder, read_json, sync_folder, write_json


def save(folder, cell, network, provenance, more=None, name="model"):
    """Write `cell`'s weights to folder/NAME.ckpt and folder/network.json, each atomically.

    `network`: plain dict; `provenance`: plain dict, to which the versions are added; `more`: more keys of network.json.
    """
    folder = Path(folder)
    save_weights(folder / f"{name}.ckpt", cell)
    versions = {"dump2bert": __version__, "mindspore": ms.__version__, "numpy": np.__version__}
    write_json(folder / "network.json", {"network": network, "provenance": {**provenance, "versions": versions},
                                         **(more or {})})


def save_weights(path, cell):
    """Write the weights of `cell` to `path` (.ckpt), atomically."""
    beside = path.with_name(f".{path.stem}.{os.getpid()}.part.ckpt")   # MindSpore wants this ending
    make_folder(path.parent)
    try:
        ms.save_checkpoint(cell, str(beside))
        beside.chmod(0o644)                                            # MindSpore makes it read-only
        with open(beside, "rb") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
        sync_folder(path.parent)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from error
    finally:
        for leftover in path.parent.glob(f".{path.stem}.*.part.*"):    # ours, or of a writer that was killed
            writer = leftover.name.removeprefix(f".{path.stem}.").partition(".")[0]
            if writer == str(os.getpid()) or not alive(writer):
                leftover.unlink(missing_ok=True)


def alive(process):
    """Whether a process with this id (text) is there."""
    return process.isdecimal() and Path(f"/proc/{process}").exists()


def read_weights(path):
    """name -> numpy array of a .ckpt file."""
    check_no_folder(path)
    if not Path(path).is_file():
        raise BadInput(f"{path} is no checkpoint: there is no such file")
    try:
        return {name: value.asnumpy() for name, value in ms.load_checkpoint(str(path)).items()}
    except ValueError as error:
        raise BadInput(f"{path} is no checkpoint that MindSpore can read: it is damaged or something else") from error


def read_description(path):
    """The content of network.json beside the checkpoint `path`."""
    check_no_folder(path)
    beside = Path(path).with_name("network.json")
    description = read_json(beside)
    if not isinstance(description, dict) or not isinstance(description.get("network"), dict):
        raise BadInput(f"{beside} does not describe a network: it should be the file that was written with the "
                       "checkpoint")
    return description


def check_no_folder(path):
    if Path(path).is_dir():
        raise BadInput(f"{path} is a folder: a file is wanted, for example {Path(path) / 'model.ckpt'}")


def check_network(path, network):
    """BadInput where `network` (a dict) is another one than network.json beside the checkpoint `path` says, if it is
    there, in what no shape tells. Dropout may differ, and so may an epsilon, which moves the last digits."""
    if not Path(path).with_name("network.json").is_file():
        return
    stored = read_description(path)["network"]
    for key in ("relative_positions", "num_attention_heads", "hidden_act"):
        if key in stored and stored[key] != network[key]:
            raise BadInput(f"{path} is of another network: its network.json says {key} {stored[key]}, but "
                           f"{network[key]} is asked for; give the network options that it names (where it errs, "
                           "`dump2bert import --network_keys` makes another)")


def load_weights(path, cell, needed="", only=""):
    """Give `cell` the weights of the checkpoint `path` whose names start with `only`, by name.

    Weights whose names start with `needed` must be in the checkpoint (with "bert." a new head may be absent), and its
    encoder's in the network; a shape that differs is BadInput, as one sentence. -> names of the weights that keep
    their values.
    """
    values = read_weights(path)
    kept = []
    for item in cell.get_parameters():
        value = values.get(item.name) if item.name.startswith(only) else None
        if value is None and item.name.startswith(needed):
            raise BadInput(f"{path} has no {item.name}, so it is not of this network: compare the network options "
                           "with the network.json beside it")
        if value is None:
            kept.append(item.name)
        elif value.shape != item.shape:
            raise BadInput(f"{path} is of another network: {item.name} has the shape {shown(value.shape)} there and "
                           f"{shown(item.shape)} here; give the network options that its network.json names")
        else:
            item.set_data(Tensor(value.astype(np.float32)))
    left = sorted({name for name in values if name.startswith("bert.")} - {item.name for item in cell.get_parameters()})
    if left:
        why = " (its positions are of another kind)" if "position" in left[0] else ""
        raise BadInput(f"{path} is of another network: it has {left[0]}, which the network here has not{why}; give the "
                       "network options that its network.json names")
    return kept


def shown(shape):
    return "x".join(map(str, shape))
