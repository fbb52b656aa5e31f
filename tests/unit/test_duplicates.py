"""MinHash signatures and the search for near pairs, against plain Python twins."""

import random

import numpy as np
import pytest

from dump2bert.corpus.duplicates import (CHUNK, NUMBERS, SHINGLE, compare, equal_to, near_to, normalised, rows_of_band,
                                         signature)

FIRST = [34068, 7914, 57659, 20699]     # of the signature below


def text(seed, length=2000):
    return "".join(random.Random(seed).choices("abcdefgh ", k=length))


def shingles(text):
    return {text[at:at + SHINGLE] for at in range(max(len(text) - SHINGLE, 0) + 1)}


def test_the_comparison_needs_no_folder_for_compiled_code():
    assert compare._cache.cache_path is None


@pytest.mark.parametrize("shared", [0, 500, 1500, 1900])
def test_the_share_of_agreeing_numbers_estimates_jaccard_similarity(shared):
    pairs = [(text(seed), text(seed)[:shared] + text(seed + 1000)[shared:]) for seed in range(40)]
    exact = [len(shingles(one) & shingles(other)) / len(shingles(one) | shingles(other)) for one, other in pairs]
    estimated = [(signature(one) == signature(other)).mean() for one, other in pairs]
    assert np.mean(estimated) == pytest.approx(np.mean(exact), abs=4 * 0.044 / 40 ** 0.5)


def test_a_long_text_has_the_signature_of_its_shingles_in_one_go():
    from rensa import RMinHash

    from dump2bert.corpus.duplicates import SEED
    long = text(1, 2 * CHUNK + 100)
    sketch = RMinHash(NUMBERS, SEED)
    sketch.update(list(shingles(long)))
    assert signature(long).tolist() == [number % 2**16 for number in sketch.digest()]


def test_the_signature_of_a_text_stays_what_it_is():
    """It decides what is in a data set: a new version of rensa that computes it otherwise must not go unseen."""
    assert signature("the same text gives the same signature")[:4].tolist() == FIRST


def test_short_and_empty_texts_have_signatures():
    assert (signature("a") == signature("a")).all() and (signature("a") != signature("b")).any()
    assert len(signature("")) == NUMBERS


def test_text_is_normalised_in_form_case_and_space():
    assert normalised(["Ｔhe  ＣＡＴ", "sat"]) == "the cat sat"


def test_equal_documents_point_to_the_first():
    assert equal_to(np.array([7, 3, 7, 7, 3, 1], np.uint64)).tolist() == [0, 1, 0, 0, 1, 5]
    assert equal_to(np.array([], np.uint64)).tolist() == []


def near_in_plain_python(signatures, threshold, candidates):
    """Whether each document has an earlier one that is near, all pairs compared."""
    answer = []
    for one in range(len(signatures)):
        answer.append(bool(candidates[one]) and any(
            candidates[other] and (signatures[one] == signatures[other]).mean() >= threshold for other in range(one)))
    return answer


@pytest.mark.parametrize("threshold", [0.5, 0.8, 0.95])
def test_near_pairs_are_those_of_comparing_all(threshold):
    choose = np.random.default_rng(1)
    signatures = choose.integers(0, 2**16, (300, NUMBERS), dtype=np.uint16)
    for one in range(50, 300):           # most are copies of an earlier one with some numbers changed
        signatures[one] = signatures[choose.integers(0, one)]
        changed = choose.random(NUMBERS) < choose.uniform(0, 0.6)
        signatures[one, changed] = choose.integers(0, 2**16, changed.sum(), dtype=np.uint16)
    candidates = choose.random(300) < 0.9
    found = near_to(signatures, threshold, candidates)
    expected = near_in_plain_python(signatures, threshold, candidates)
    assert (found >= 0).tolist() == expected and 10 < sum(expected) < 250
    later = np.flatnonzero(found >= 0)
    assert ((signatures[later] == signatures[found[later]]).mean(1) >= threshold).all()
    assert (found < np.arange(300)).all()


def test_without_candidates_nothing_is_near():
    assert near_to(np.zeros((3, NUMBERS), np.uint16), 0.8, np.zeros(3, bool)).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7, 0.8, 0.9, 0.99])
def test_a_pair_at_the_threshold_is_all_but_surely_compared(threshold):
    rows = rows_of_band(threshold)
    assert NUMBERS % rows == 0
    assert 1 - (1 - threshold ** rows) ** (NUMBERS // rows) >= 0.999
