"""Text and pretraining data in numbers: what came in, what was thrown away and why, what the instances are like."""

import re

from dump2bert.reporting.bars import histogram
from dump2bert.reporting.numbers import count, percent, short
from dump2bert.reporting.table import table

EXTRACTED = ("pages", "redirects", "other_namespaces", "articles")


def yes_or_no(value):
    return "yes" if value else "no"


INSTANCES = (
    ("documents", "documents", count), ("sentences", "sentences", count), ("tokens", "tokens", count),
    ("unknown_rate", "unknown tokens ([UNK])", percent), ("instances", "instances", count),
    ("random_next_rate", "NSP: second part is random", percent), ("mask_rate", "tokens to predict", percent),
    ("predictions_per_instance", "predictions per instance", short), ("padding_rate", "padding", percent),
    ("max_seq_length", "tokens of an instance, at most", count),
    ("max_predictions_per_seq", "predictions, at most", count), ("dupe_factor", "passes (dupe_factor)", count),
    ("masked_lm_prob", "share to mask (masked_lm_prob)", percent),
    ("short_seq_prob", "documents cut short (short_seq_prob)", percent),
    ("do_whole_word_mask", "whole words masked", yes_or_no), ("word_segmenter", "words of Chinese by", str),
    ("do_lower_case", "lower case", yes_or_no),
    ("mode", "mode", str), ("random_seed", "seed", str),
)
"""Keys of pretraining_data/*/statistics.json: what the page calls them and how it writes them."""


def corpus_section(found):
    """{"tables", "figures", "dropped", "dropped_documents"} of the corpus, or None where the page has none."""
    statistics = found["corpus"]
    if not statistics:
        return None
    total = statistics["total"]
    edges = statistics["length_edges"]
    ranges = [*zip(edges, [edge - 1 for edge in edges[1:]]), (edges[-1], None)]
    bins = [(low, high, number) for (low, high), number in zip(ranges, total["length_histogram"])]
    lengths = histogram("Lengths of the sentences", bins, "characters")
    return {
        "tables": [one for one in (sides_table(statistics), sources_table(found["sources"])) if one],
        "figures": [("Sentences by length, train and held_out; ranges of unequal width", lengths)] if lengths else [],
        "dropped": [{"name": rule, **entry} for rule, entry in
                    sorted(total["dropped"].items(), key=lambda item: -item[1]["count"])],
        "dropped_documents": [{"name": rule, **entry} for rule, entry in
                              sorted(total["dropped_documents"].items(), key=lambda item: -item[1]["count"])],
    }


def sides_table(statistics):
    """Documents, sentences and characters: all, to train on, held out."""
    total = statistics["total"]
    rows = []
    for what in ("documents", "sentences", "characters"):
        shares = [f"{count(total[side][what])} ({percent(total[side][what] / max(total[what], 1))})"
                  for side in ("train", "held_out")]
        rows.append([what, count(total[what]), *shares])
    return table(["", "all", "train", "held_out"], rows,
                 caption=f"The cleaned corpus. Of {count(total['documents_before_duplicates'])} documents "
                         f"{count(total['dropped_by_rules'])} were dropped because they are no text to learn from, "
                         f"{count(total['duplicates_dropped'])} because another one has the same text and "
                         f"{count(total['near_duplicates_dropped'])} because another one has nearly the same; "
                         f"{percent(statistics['held_out_share'])} of the rest were to be held out, chosen by a hash "
                         "of their text.")


def sources_table(sources):
    """One row for each source: what came in and what was left of it."""
    rows = []
    for name, parts in sources.items():
        extracted, cleaned = parts["extract"] or {}, parts["clean"] or {}
        left_out = extracted.get("left_out")
        rows.append([name, *(count(extracted.get(key)) for key in EXTRACTED),
                     count(len(left_out)) if left_out is not None else "–",
                     *(count(cleaned.get(key)) for key in ("documents", "sentences", "characters"))])
    return rows and table(["source", *(key.replace("_", " ") for key in EXTRACTED), "empty", "documents", "sentences",
                           "characters"], rows,
                          caption="The sources: pages of the dump (a text has none), articles after extraction (empty: "
                                  "pages without text), and what cleaning left, before documents were dropped.")


def instances_table(pretraining_data):
    """One column for each split, one row for each number."""
    rows = [[title, *(form(values[key]) if key in values else "–" for values in pretraining_data.values())]
            for key, title, form in INSTANCES if any(key in values for values in pretraining_data.values())]
    shards = [count(len(values["shards"])) if "shards" in values else "–" for values in pretraining_data.values()]
    return rows and table(["", *pretraining_data], [*rows, ["shards", *shards]],
                          caption="The pretraining data, by split. Shares are of all tokens (unknown, to predict), of "
                                  "all positions (padding) or of all instances (random second part: half is meant).")


def instance_figures(pretraining_data):
    """(title, svg) of the lengths of the instances of each split."""
    return [(f"Instances by length, {split}", svg) for split, values in pretraining_data.items()
            if (svg := length_figure(f"Lengths of the {split} instances", values.get("length_histogram"), "tokens"))]


def length_figure(title, lengths, unit):
    """The figure of a histogram {"1-16": 12, "17-32": 5, ...}, upper bounds inclusive; "" where it is None."""
    return histogram(title, bins_of(lengths or {}), unit)


def bins_of(lengths):
    bins = []
    for key, number in lengths.items():
        ends = [int(end) for end in re.findall(r"\d+", str(key))]
        bins.append((ends[0], ends[-1], number))
    return sorted(bins)
