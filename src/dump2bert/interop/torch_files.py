"""Reads the files that torch.save writes, without torch and without running what stands in them.

Such a file holds a pickle, and a pickle can name any function of any module to be called. Here only the dozen names
that a dict of tensors needs are known, and none of them is the real one: tensors become descriptions of where their
numbers lie, which are read afterwards. Two forms: a zip archive (torch 1.6 and later) and the one before it.
"""

import collections
import pickle
import zipfile
from typing import NamedTuple

import numpy as np

from dump2bert.errors import BadInput

# Numbers that numpy does not know, bfloat16, are read as the upper halves of float32.
DTYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": "bfloat16",
          "LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1",
          "BoolStorage": "?"}
LEGACY_MAGIC, LEGACY_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
ZIP_START = b"PK\x03\x04"


class Storage(NamedTuple):
    dtype: str
    key: str
    numel: int


class Description(NamedTuple):
    """A tensor: where its numbers lie in a storage, counted in elements."""

    storage: Storage
    offset: int
    shape: tuple
    stride: tuple


def rebuild_tensor(storage, offset, shape, stride, *_):
    if not isinstance(storage, Storage):
        raise pickle.UnpicklingError("a tensor without a storage")
    return Description(storage, offset, tuple(shape), tuple(stride))


def rebuild_parameter(tensor, *_):
    return tensor


class Names(pickle.Unpickler):
    """An unpickler that knows what a dict of tensors needs, and nothing else."""

    KNOWN = {("collections", "OrderedDict"): collections.OrderedDict,
             ("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor, ("torch._utils", "_rebuild_tensor"): rebuild_tensor,
             ("torch._utils", "_rebuild_parameter"): rebuild_parameter,
             **{("torch", name): dtype for name, dtype in DTYPES.items()}}

    def find_class(self, module, name):
        try:
            return self.KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which a file of weights does not need and which "
                                         "is not run here") from None

    def persistent_load(self, identity):
        kind, dtype, key, _, numel = identity[:5]
        if kind != "storage" or dtype not in DTYPES.values():
            raise pickle.UnpicklingError(f"a storage of an unknown kind, {dtype!r}")
        return Storage(dtype, str(key), int(numel))


def read_torch(path):
    """name -> numpy array of a file that torch.save wrote of a state_dict. BadInput says what is wrong with it."""
    try:
        with open(path, "rb") as file:
            start = file.read(4)
            file.seek(0)
            found = read_zip(file) if start == ZIP_START else read_legacy(file)
    except FileNotFoundError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    except BadInput as error:
        raise BadInput(f"{path} {error}") from error
    except zipfile.BadZipFile as error:
        raise BadInput(f"{path} is no whole zip archive, as torch.save writes: it is cut off or damaged") from error
    except pickle.UnpicklingError as error:
        raise BadInput(f"{path} cannot be used: {error}") from error
    # What unpickling bytes that are no pickle raises is open to chance; each means the same.
    except (EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, MemoryError) as error:
        raise BadInput(f"{path} is no file of weights that torch.save wrote, or it is damaged "
                       f"({type(error).__name__}: {error})") from error
    return found


def read_zip(file):
    with zipfile.ZipFile(file) as archive:
        pickled = [name for name in archive.namelist() if name.endswith("/data.pkl") and name.count("/") == 1]
        if not pickled:
            raise BadInput("is a zip archive without data.pkl, so torch.save did not write it")
        folder = pickled[0].removesuffix("data.pkl")
        if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder") != b"little":
            raise BadInput("holds big-endian numbers, which are not read here")
        with archive.open(pickled[0]) as data:
            tensors = tensors_of(Names(data).load())
        return {name: array(tensor, archive.read(f"{folder}data/{tensor.storage.key}")) for name, tensor in tensors.items()}


def read_legacy(file):
    """Five pickles (magic number, protocol, system, the dict, the storages' keys), then each storage: its size, 8 bytes,
    and its numbers."""
    if Names(file).load() != LEGACY_MAGIC or Names(file).load() != LEGACY_PROTOCOL:
        raise BadInput("is no file that torch.save wrote")
    if not Names(file).load().get("little_endian", True):
        raise BadInput("holds big-endian numbers, which are not read here")
    tensors = tensors_of(Names(file).load())
    by_key = collections.defaultdict(list)
    for name, tensor in tensors.items():
        by_key[tensor.storage.key].append(name)
    found = {}
    for key in Names(file).load():
        count = int.from_bytes(file.read(8), "little")
        names = by_key.get(str(key), [])
        if not names:
            raise BadInput("holds numbers that belong to no tensor")
        content = file.read(count * width(tensors[names[0]].storage.dtype))
        found |= {name: array(tensors[name], content) for name in names}
    return {name: found[name] for name in tensors}


def tensors_of(value):
    """The tensors of a state_dict, also of one that stands in a dict under `state_dict` or `model`."""
    for key in ("state_dict", "model"):
        if isinstance(value, dict) and isinstance(value.get(key), dict):
            value = value[key]
    tensors = {name: item for name, item in value.items() if isinstance(item, Description)} if isinstance(value, dict) else {}
    if not tensors:
        raise BadInput("holds no tensors by name, so it is no file of weights")
    return tensors


def width(dtype):
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def array(tensor, content):
    """The numbers of a tensor out of its storage's bytes."""
    dtype = tensor.storage.dtype
    if dtype == "bfloat16":
        numbers = (np.frombuffer(content, "<u2").astype("<u4") << 16).view("<f4")
    else:
        numbers = np.frombuffer(content, dtype)
    last = tensor.offset + sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride))
    if min((tensor.offset, *tensor.stride, *tensor.shape)) < 0 or (0 not in tensor.shape and last >= len(numbers)):
        raise BadInput("is cut off or damaged: a tensor has more numbers than its storage holds")
    strides = [step * numbers.itemsize for step in tensor.stride]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset:], tensor.shape, strides).copy()
