"""Equal and nearly equal documents: which of them are dropped, by 264 bytes of each and not by their texts.

Equal: the same 64-bit hash of the normalised text. Nearly equal: by MinHash (Broder 1997), a signature of 128 numbers
from which the Jaccard similarity of two documents' sets of shingles (runs of SHINGLE characters) is estimated as the
share of numbers that agree; its standard error is at most 0.044. `rensa` computes the signatures. Pairs to compare are
found by locality-sensitive hashing: documents whose signatures agree in a whole band of numbers.
"""

import hashlib
import unicodedata

import numba
import numpy as np
from rensa import RMinHash

NUMBERS = 128             # of a signature, 16 bits of each
SHINGLE = 8               # characters: two or three words of English, four or five of Chinese
SEED = 1
CHUNK = 1 << 16           # characters whose shingles are in memory at once
SURE = 0.999              # probability that a pair at the threshold is compared


def normalised(document):
    """The text as far as it matters: NFKC, lower case, white space folded."""
    return " ".join(unicodedata.normalize("NFKC", " ".join(document)).lower().split())


def text_hash(text):
    """64 bits of a normalised text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def signature(text):
    """[NUMBERS] uint16 of a normalised text: of 32 bits the lower 16, which seldom agree by chance. A text shorter than a
    shingle is one shingle."""
    sketch = RMinHash(NUMBERS, SEED)
    last = max(len(text) - SHINGLE, 0) + 1
    for start in range(0, last, CHUNK):
        sketch.update([text[at:at + SHINGLE] for at in range(start, min(start + CHUNK, last))])
    return np.array(sketch.digest(), np.uint32).astype(np.uint16)


def equal_to(hashes):
    """For each document the first one of the same hash, itself where there is none before it. hashes: [n] uint64."""
    _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    return first[group]


def near_to(signatures, threshold, candidates):
    """For each document an earlier one that it is nearly equal to, or -1.

    signatures: [n, NUMBERS]; threshold: estimated similarity from 0 to 1 from which on it is one; candidates: [n] bool,
    the documents that count (on both sides). Every candidate is compared with all those before it that share a band, so
    of any two candidates that are near and share one the later has an answer. The answer depends on the order of the
    documents, and on nothing else.
    """
    answer = np.full(len(candidates), -1, np.int64)
    open_ones = np.flatnonzero(candidates)
    if not len(open_ones):
        return answer
    agreeing = int(np.ceil(threshold * NUMBERS - 1e-9))
    rows = rows_of_band(threshold)
    for band in range(0, NUMBERS, rows):
        keys = band_keys(signatures[open_ones, band:band + rows])
        order = np.argsort(keys, kind="stable")
        members, keys = open_ones[order], keys[order]
        compare(members, keys, signatures, NUMBERS - agreeing, answer)
    return answer


@numba.njit     # without a cache, which needs a folder that can be written
def compare(members, keys, signatures, most, answer):
    """Compare each member with those before it of the same key; the first at most `most` numbers apart is its answer.

    Where thousands of documents come from one template, there are many pairs: hence compiled.
    """
    for place in range(1, len(members)):
        one = members[place]
        if answer[one] >= 0:
            continue
        before = place - 1
        while before >= 0 and keys[before] == keys[place] and answer[one] < 0:
            apart = 0
            for number in range(signatures.shape[1]):
                apart += signatures[one, number] != signatures[members[before], number]
                if apart > most:
                    break
            if apart <= most:
                answer[one] = members[before]
            before -= 1


def rows_of_band(threshold):
    """The longest bands with which a pair at the threshold still shares one with probability SURE."""
    for rows in (16, 8, 4, 2):
        if 1 - (1 - threshold ** rows) ** (NUMBERS // rows) >= SURE:
            return rows
    return 1


def band_keys(band):
    """[n, rows] uint16 -> one uint64 each. A chance collision only means one comparison more."""
    keys = np.zeros(len(band), np.uint64)
    for column in band.T:
        keys = (keys ^ column) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return keys
