"""What pretraining data is like, in numbers; every shard counts its own, and the sums make statistics.json."""

from collections import Counter

LENGTH_STEP = 16    # width of the length histogram's bins, in tokens


class Statistics(Counter):
    """Plain counts, so that shards can be added up; the lengths of instances are counted under ("length", bin)."""

    def add_document(self, document, unknown):
        """document: lists of ids; unknown: the id of [UNK]."""
        self["documents"] += 1
        self["sentences"] += len(document)
        self["tokens"] += sum(map(len, document))
        self["unknown"] += sum(sentence.count(unknown) for sentence in document)

    def add_instance(self, instance):
        length = len(instance.tokens)
        self["instances"] += 1
        self["random_next"] += instance.is_random_next
        self["predictions"] += len(instance.masked_lm_ids)
        self["instance_tokens"] += length
        self["length", (length - 1) // LENGTH_STEP * LENGTH_STEP + 1] += 1

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
