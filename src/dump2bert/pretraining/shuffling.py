"""A shuffle of more instances than memory holds, in two passes: deal them to buckets by chance, then shuffle each bucket.

The buckets one after the other are a uniform permutation of all, just as if it had been drawn in memory.
"""

import numpy as np

from dump2bert.pretraining.instance_kernels import SPANS
from dump2bert.pretraining.mersenne import shuffle, twister
from dump2bert.pretraining.working_folder import naming

BUCKET = 1 << 17        # instances of a bucket, about: 17 MB at 20 predictions
PENDING = 1 << 19       # instances that are kept before they are written


class Buckets:
    """Instances in memory and, when there are too many, in the files of a folder, a pair of them for each bucket."""

    def __init__(self, folder, count, max_predictions_per_seq, type_of_masks):
        self.folder, self.count = folder, count
        self.types = {"spans": (np.dtype(np.int64), (SPANS,)), "masks": (type_of_masks, (2, max_predictions_per_seq))}
        self.written = {name: [0] * count for name in self.types}    # instances in each file
        self.forget_pending()

    def forget_pending(self):
        self.pending = {name: [[] for _ in range(self.count)] for name in self.types}
        self.pending_instances = 0

    def add(self, spans, masks, counts):
        """Instances sorted by their buckets, and how many are in each of these."""
        ends = np.cumsum(counts)
        for name, values in (("spans", spans), ("masks", masks)):
            for bucket, own in enumerate(np.split(values, ends[:-1])):
                self.pending[name][bucket].append(own)
        self.pending_instances += len(spans)
        if self.pending_instances >= PENDING:
            self.write_pending()

    def write_pending(self):
        """To the files, each bucket's instances in the order in which they came."""
        for name, buckets in self.pending.items():
            for bucket, parts in enumerate(buckets):
                path = self.path(name, bucket)
                with naming(path), open(path, "ab") as file:
                    for part in parts:
                        file.write(part.data)
                        self.written[name][bucket] += len(part)
        self.forget_pending()

    def path(self, name, bucket):
        return self.folder / f"{name}-{bucket}"

    def taken(self, name, bucket):
        """All that the bucket holds of spans or masks, in the order in which it came; the bucket forgets it."""
        kind, shape = self.types[name]
        parts, path = self.pending[name][bucket], self.path(name, bucket)
        self.pending[name][bucket] = []
        if path.exists():
            parts = [np.fromfile(path, kind).reshape(self.written[name][bucket], *shape), *parts]
            path.unlink()
        return np.concatenate(parts) if parts else np.empty((0, *shape), kind)

    def read(self, random_seed):
        """Yield (spans, masks, order) of each bucket; order: its random permutation."""
        for bucket in range(self.count):
            spans, masks = self.taken("spans", bucket), self.taken("masks", bucket)
            order = np.arange(len(spans))
            shuffle(twister(f"{random_seed} bucket {bucket}"), order, len(order))
            yield spans, masks, order
