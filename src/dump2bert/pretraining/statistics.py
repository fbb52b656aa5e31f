"""What pretraining data is like, in numbers; every shard counts its own, and the sums make statistics.json."""

from collections import Counter

import numpy as np

from dump2bert.pretraining.instance_kernels import FIRST_LENGTH, IS_RANDOM_NEXT, PREDICTIONS, SECOND_LENGTH

LENGTH_STEP = 16    # width of the length histogram's bins, in tokens


class Statistics(Counter):
    """Plain counts, so that shards can be added up; the lengths of instances are counted under ("length", bin)."""

    def add_corpus(self, corpus):
        """corpus: tokenized_corpus.TokenizedCorpus."""
        self["documents"] += len(corpus.arrays.documents) - 1
        self["sentences"] += len(corpus.arrays.sentences) - 1
        self["tokens"] += len(corpus.arrays.tokens)
        self["unknown"] += corpus.unknown

    def add_instances(self, spans):
        """spans: rows of instance_kernels."""
        lengths = spans[:, FIRST_LENGTH] + spans[:, SECOND_LENGTH] + 3
        self["instances"] += len(spans)
        self["random_next"] += int(spans[:, IS_RANDOM_NEXT].sum())
        self["predictions"] += int(spans[:, PREDICTIONS].sum())
        self["instance_tokens"] += int(lengths.sum())
        for bin, count in enumerate(np.bincount((lengths - 1) // LENGTH_STEP).tolist()):
            if count:
                self["length", bin * LENGTH_STEP + 1] += count

    def summary(self, max_seq_length):
        """For statistics.json; shares are fractions from 0 to 1."""
        instances, tokens = self["instances"], self["instance_tokens"]
        lengths = sorted(key[1] for key in self if key[0] == "length")
        return {
            "documents": self["documents"],
            "sentences": self["sentences"],
            "tokens": self["tokens"],
            "unknown_rate": self["unknown"] / max(self["tokens"], 1),
            "instances": instances,
            "random_next_rate": self["random_next"] / instances,
            "mask_rate": self["predictions"] / tokens,
            "predictions_per_instance": self["predictions"] / instances,
            "padding_rate": 1 - tokens / (instances * max_seq_length),
            "length_histogram": {f"{first}-{min(first + LENGTH_STEP - 1, max_seq_length)}": self["length", first]
                                 for first in lengths},
        }
