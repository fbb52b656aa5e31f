"""Documents of all parts: exact duplicates dropped, a few held out from training by a hash of their text.

Which documents are held out depends on their text alone, so it is the same whatever the parts, their order or
number. Of a document only a hash is kept in memory (8 bytes).
"""

import bisect
import hashlib
import unicodedata
from array import array
from pathlib import Path

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import atomic_write, documents_of, read_json, read_lines
from dump2bert.progress import say

LENGTH_EDGES = [1, 10, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000]      # characters of a sentence
EXAMPLES = 5


def split(input_files, part_statistics, train_dir, held_out_dir, held_out):
    """Write each part's documents to train_dir/<name>.txt and held_out_dir/<name>.txt; returns the corpus' statistics.

    input_files, part_statistics: the cleaned parts (name.txt) and what `clean` counted, in the same order.
    held_out: share of the documents, from 0 to 1; at least one document is held out and at least one is left. Of
    equal documents the first one is kept, parts taken by name. A part without documents on one side has an empty
    file there.
    """
    parts = sorted(zip(map(Path, input_files), part_statistics, strict=True), key=lambda part: part[0].stem)
    names = [path.stem for path, _ in parts]
    if len(set(names)) < len(names):
        raise BadInput(f"two parts have the same name: {', '.join(names)}")
    cleaning = {path.stem: cleaning_statistics(counted) for path, counted in parts}
    hashes = np.array(array("Q", (document_hash(document) for path, _ in parts for document in documents(path))))
    kept = np.zeros(len(hashes), bool)
    kept[np.unique(hashes, return_index=True)[1]] = True
    if kept.sum() < 2:
        raise BadInput(f"the corpus has {kept.sum()} document(s) after duplicates: at least two are needed, one to "
                       "train on and one to hold out")
    held = choose_held_out(hashes, kept, held_out)
    statistics, start = {}, 0
    for path, _ in parts:
        counts = write_part(path, kept[start:], held[start:], Path(train_dir), Path(held_out_dir))
        start += counts["documents_before_duplicates"]
        statistics[path.stem] = {**counts, "cleaning": cleaning[path.stem]}
    total = summed(list(statistics.values()))
    say(f"{total['train']['documents']} documents to train on, {total['held_out']['documents']} held out, "
        f"{total['duplicates_dropped']} duplicates dropped")
    return {"held_out_share": held_out, "length_edges": LENGTH_EDGES, "total": total, "parts": statistics}


def cleaning_statistics(path):
    """What `clean` counted for a part. Read before anything is written, so that a bad file costs nothing."""
    statistics = read_json(path)
    if not isinstance(statistics, dict) or not isinstance(statistics.get("dropped"), dict):
        raise BadInput(f"{path} is no statistics of `dump2bert clean`")
    return statistics


def documents(path):
    """Each document of a cleaned text as a list of sentences."""
    return documents_of(line for _, line in read_lines(path))


def document_hash(document):
    """64 bits of the text as far as it matters: NFKC, lower case, white space folded."""
    text = " ".join(unicodedata.normalize("NFKC", " ".join(document)).lower().split())
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def choose_held_out(hashes, kept, share):
    """Which documents are held out (bool): hash below share * 2^64; at least the smallest, never the largest."""
    held = kept & (hashes < np.uint64(min(int(share * 2**64), 2**64 - 1)))
    among = hashes[kept]
    return (held | (kept & (hashes == among.min()))) & (hashes != among.max())


def write_part(path, kept, held, train_dir, held_out_dir):
    sides = {"train": new_counts(), "held_out": new_counts()}
    number = -1
    with atomic_write(train_dir / path.name) as train, atomic_write(held_out_dir / path.name) as held_out:
        files = {"train": train, "held_out": held_out}
        for number, document in enumerate(documents(path)):
            if not kept[number]:
                continue
            side = "held_out" if held[number] else "train"
            if sides[side]["documents"]:
                files[side].write("\n")
            files[side].writelines(f"{sentence}\n" for sentence in document)
            count(sides[side], document)
    found = sides["train"]["documents"] + sides["held_out"]["documents"]
    return {"documents_before_duplicates": number + 1, "duplicates_dropped": number + 1 - found,
            **added(list(sides.values())), **sides}


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


def summed(parts):
    """The whole corpus: sums over parts, and what cleaning dropped by rule with a few examples."""
    dropped = {}
    for part in parts:
        for rule, entry in part["cleaning"]["dropped"].items():
            all_of_rule = dropped.setdefault(rule, {"count": 0, "examples": []})
            all_of_rule["count"] += entry["count"]
            all_of_rule["examples"] = (all_of_rule["examples"] + entry["examples"])[:EXAMPLES]
    return {"documents_before_duplicates": sum(part["documents_before_duplicates"] for part in parts),
            "duplicates_dropped": sum(part["duplicates_dropped"] for part in parts), **added(parts),
            "train": added([part["train"] for part in parts]), "held_out": added([part["held_out"] for part in parts]),
            "dropped": dict(sorted(dropped.items()))}
