"""Writing .npz files: numpy.savez would leave a half-open archive behind, which complains long after, when a disk
fills."""

import zipfile

import numpy as np


def write_arrays(file, arrays, compression=zipfile.ZIP_STORED):
    """Write {name: array} to an open binary file, in the form that numpy.load reads."""
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array), allow_pickle=False)
