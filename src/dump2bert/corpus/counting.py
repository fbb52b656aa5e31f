"""Counts of documents, for corpus/statistics.json: of each side, of each source, of all."""

import bisect

LENGTH_EDGES = [1, 10, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000]      # characters of a sentence
EXAMPLES = 5             # of what each rule drops
EXAMPLE_LENGTH = 160     # characters


def new_counts():
    return {"documents": 0, "sentences": 0, "characters": 0, "length_histogram": [0] * len(LENGTH_EDGES)}


def count(counts, document):
    counts["documents"] += 1
    counts["sentences"] += len(document)
    for sentence in document:
        counts["characters"] += len(sentence)
        counts["length_histogram"][bisect.bisect_right(LENGTH_EDGES, len(sentence)) - 1] += 1


def added(many):
    """The sum of several counts, keys of new_counts."""
    total = new_counts()
    for counts in many:
        for key in ("documents", "sentences", "characters"):
            total[key] += counts[key]
        for place, found in enumerate(counts["length_histogram"]):
            total["length_histogram"][place] += found
    return total


def summed(sources):
    """The whole corpus: sums over sources; sentences that cleaning dropped by rule, with a few examples; documents that
    were dropped by rule (their examples come later)."""
    documents = {}
    for source in sources:
        for rule, entry in source["dropped_documents"].items():
            documents.setdefault(rule, {"count": 0})["count"] += entry["count"]
    return {**{key: sum(source[key] for source in sources)
               for key in ("documents_before_duplicates", "duplicates_dropped", "near_duplicates_dropped",
                           "dropped_by_rules")},
            "dropped_documents": dict(sorted(documents.items())),
            **added(sources), "train": added([source["train"] for source in sources]),
            "held_out": added([source["held_out"] for source in sources]),
            "dropped": merged_cleaning([source["cleaning"] for source in sources])["dropped"]}


def merged_cleaning(parts):
    """Statistics of `clean` of several parts as one: numbers added, of each rule the first examples."""
    merged = {}
    for part in parts:
        for key, value in part.items():
            if key != "dropped":
                is_count = isinstance(value, int) and not isinstance(value, bool)
                merged[key] = merged.get(key, 0) + value if is_count else value
    dropped = {}
    for part in parts:
        for rule, entry in part["dropped"].items():
            all_of_rule = dropped.setdefault(rule, {"count": 0, "examples": []})
            all_of_rule["count"] += entry["count"]
            all_of_rule["examples"] = (all_of_rule["examples"] + entry["examples"])[:EXAMPLES]
    return {**merged, "dropped": dict(sorted(dropped.items()))}


def beginning(document):
    """The first characters of a document, for people."""
    text = ""
    for sentence in document:
        text += sentence + " "
        if len(text) > EXAMPLE_LENGTH:
            return text[:EXAMPLE_LENGTH] + "…"
    return text.strip()
