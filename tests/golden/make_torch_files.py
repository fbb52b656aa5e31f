"""Makes small files of weights as torch.save writes them, in its two forms, and what stands in them.

Run where torch is installed: python tests/golden/make_torch_files.py. The tests need no torch.
"""

from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(__file__).parent


def make():
    torch.manual_seed(0)
    table = torch.randn(6, 4)
    tensors = OrderedDict(
        whole=table, transposed=table.T, part=table[2:5, 1:3], half=torch.randn(5).half(), double=torch.randn(3).double(),
        bfloat=torch.randn(7).bfloat16(), ids=torch.arange(9).reshape(1, 9), flags=torch.tensor([True, False, True]),
        scalar=torch.tensor(2.5), empty=torch.zeros(0, 3), parameter=torch.nn.Parameter(torch.randn(2, 2)))
    module = torch.nn.Linear(3, 2)
    tensors.update(module.state_dict())
    tensors._metadata = module.state_dict()._metadata    # as every state_dict has it
    torch.save(tensors, FOLDER / "torch_zip.bin")
    torch.save(tensors, FOLDER / "torch_legacy.bin", _use_new_zipfile_serialization=False)
    np.savez_compressed(FOLDER / "torch_files.npz", **{
        name: (value.float() if value.dtype == torch.bfloat16 else value).detach().numpy() for name, value in tensors.items()})


if __name__ == "__main__":
    make()
