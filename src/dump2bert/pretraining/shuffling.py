"""A shuffle of more instances than memory holds, in two passes: deal them to buckets by chance, then shuffle each bucket.

The buckets one after the other are a uniform permutation of all, just as if it had been drawn in memory.
"""

import numpy as np

from dump2bert.pretraining.instance_kernels import SPANS
from dump2bert.pretraining.mersenne import shuffle, twister
from dump2bert.pretraining.working_folder import naming

BUCKET = 1 << 17        # instances of a bucket, about: 27 MB at 20 predictions
PENDING = 1 << 17       # instances that are kept before they are written


class Buckets:
    """Instances in the files of a folder, a pair of them for each bucket."""

    def __init__(self, folder, count, max_predictions_per_seq):
        self.folder, self.count, self.predictions = folder, count, max_predictions_per_seq
        self.pending, self.pending_instances = [], 0

    def add(self, spans, masks, buckets):
        """Instances and the number of the bucket of each."""
        self.pending.append((spans, masks, buckets))
        self.pending_instances += len(spans)
        if self.pending_instances >= PENDING:
            self.flush()

    def flush(self):
        """Write what is pending to the files, each bucket's in the order in which it came."""
        if not self.pending:
            return
        spans, masks, buckets = map(np.concatenate, zip(*self.pending))
        self.pending, self.pending_instances = [], 0
        order = np.argsort(buckets, kind="stable")
        ends = np.cumsum(np.bincount(buckets, minlength=self.count))
        for bucket, own in enumerate(np.split(order, ends[:-1])):
            for name, values in (("spans", spans), ("masks", masks)):
                if len(own):
                    path = self.folder / f"{name}-{bucket}"
                    with naming(path), open(path, "ab") as file:
                        file.write(values[own].tobytes())

    def read(self, random_seed):
        """Yield (spans, masks, order) of each bucket; order: its random permutation. A bucket's files are gone then."""
        for bucket in range(self.count):
            paths = self.folder / f"spans-{bucket}", self.folder / f"masks-{bucket}"
            if not paths[0].exists():
                continue
            spans = np.fromfile(paths[0], np.int64).reshape(-1, SPANS)
            masks = np.fromfile(paths[1], np.int32).reshape(len(spans), 2, self.predictions)
            for path in paths:
                path.unlink()
            order = np.arange(len(spans))
            shuffle(twister(f"{random_seed} bucket {bucket}"), order, len(order))
            yield spans, masks, order
