"""Each kernel against its twin in plain Python, draw for draw and byte for byte."""

import errno
import functools
import io
import os
import random
import stat
import tempfile
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import caching

from dump2bert.pretraining import compiled as compiling
from dump2bert.pretraining import crc_kernels, mersenne, span_kernels
from dump2bert.pretraining.drawing import drawn_blocks
from dump2bert.pretraining.example_kernels import encode_masked, encode_unmasked, largest_record, prepend_varints
from dump2bert.pretraining.examples import encode_instance, encode_unmasked_instance
from dump2bert.pretraining.instances import Options, end_of_chunk, instances_of_document, truncate_pair
from dump2bert.pretraining.masking import MaskVocabulary
from dump2bert.tfrecord import crc32c, varint, write_records

CLS, SEP = 2, 3
# Ids of one, two and three bytes; every fifth piece goes on with a word.
VOCABULARY = {("##" if number % 5 == 0 else "") + f"piece{number}": number for number in range(5, 20000)}
VOCABULARY.update({"[PAD]": 0, "[UNK]": 1, "[CLS]": CLS, "[SEP]": SEP, "[MASK]": 4})


def called(inlined, *arguments):
    """Kernels that are parts of others are to be compiled by themselves before Python can call them."""
    return compiled(inlined)(*arguments)


@functools.cache
def compiled(inlined):
    @numba.njit
    def call(*arguments):
        return inlined(*arguments)
    return call


# ------------------------------------------------------------------------------------------------------ random numbers


@pytest.mark.parametrize("seed", [0, 12345, 2**70, "3 pass 0 documents 7"])
def test_the_twister_draws_what_pythons_random_draws(seed):
    ours, pythons = mersenne.twister(seed), random.Random(seed)
    for n in (1, 2, 3, 4, 7, 8, 9, 1000, 30522, 2**31 - 1, 2**31, 2**32 - 1):
        for _ in range(30):
            assert called(mersenne.fraction, ours) == pythons.random()
            assert called(mersenne.below, ours, n) == pythons.randrange(n)
            assert called(mersenne.from_to, ours, 2, n + 1) == pythons.randint(2, n + 1)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 125, 623, 624, 625, 4096, 70001])
def test_the_twister_shuffles_as_pythons_random_does(count):
    ours, pythons = mersenne.twister(5), random.Random(5)
    for _ in range(3):
        items, same = np.arange(count), list(range(count))
        mersenne.shuffle(ours, items, count)
        pythons.shuffle(same)
        assert items.tolist() == same
        assert called(mersenne.fraction, ours) == pythons.random()


# ------------------------------------------------------------------------------------------------------------ checksums


@pytest.mark.parametrize("way", ["crc_by_tables",
                                 pytest.param("crc_by_instruction", marks=pytest.mark.skipif(
                                     not crc_kernels.HAS_INSTRUCTION, reason="this processor has no such instruction"))])
def test_checksums_are_those_of_the_plain_code(way):
    data = np.random.default_rng(1).integers(0, 256, 3000).astype(np.uint8)
    checksum = getattr(crc_kernels, way)
    for start, end in [(0, 0), (0, 1), (5, 12), (3, 11), (0, 8), (1, 9), (7, 2000), (0, 2992)]:
        assert called(checksum, data, start, end) == crc32c(data[start:end].tobytes())


def test_varints_are_those_of_the_plain_code():
    values = np.array([0, 1, 127, 128, 300, 16383, 16384, 30521, 2**21 - 1, 0], np.int32)
    out = np.full(100, 7, np.uint8)
    start = called(prepend_varints, out, 90, values, len(values))
    assert out[start:90].tobytes() == b"".join(map(varint, values.tolist()))
    assert set(out[90:]) == {7}    # what stood behind is still there


# ----------------------------------------------------------------------------------------------------------------- spans


def test_chunks_end_where_those_of_the_plain_code_do():
    rng = random.Random(1)
    document = [[0] * rng.randint(1, 40) for _ in range(60)]
    corpus = flat([document])
    for start in range(60):
        for target in (2, 17, 61, 125, 10_000):
            assert called(span_kernels.end_of_chunk, corpus, start, 60, target) == end_of_chunk(document, start, target)


@pytest.mark.parametrize("lengths", [(5, 5), (100, 3), (3, 100), (80, 80), (400, 300), (1, 126)])
def test_pairs_are_cut_as_in_the_plain_code(lengths):
    rng = random.Random(3)
    first, second = list(range(lengths[0])), list(range(1000, 1000 + lengths[1]))
    cut = called(span_kernels.truncate_pair, mersenne.twister(3), 0, lengths[0], 1000, lengths[1], 125)
    plain = truncate_pair(first, second, 125, rng)
    assert (list(range(cut[0], cut[0] + cut[1])), list(range(cut[2], cut[2] + cut[3]))) == plain


# ------------------------------------------------------------------------------------------------------------- instances


def documents_of_numbers(count, seed=1):
    """Some documents have one sentence, some sentences are longer than an instance."""
    rng = random.Random(seed)
    return [[[rng.randrange(5, 20000) for _ in range(rng.choice([1, 3, 10, 30, 200]))]
             for _ in range(rng.choice([1, 2, 5, 12]))] for _ in range(count)]


def flat(documents):
    """Documents as a span_kernels.Corpus."""
    sentences = [sentence for document in documents for sentence in document]
    tokens = np.array([token for sentence in sentences for token in sentence], np.uint16)
    return span_kernels.Corpus(tokens, np.cumsum([0] + list(map(len, sentences))),
                               np.cumsum([0] + list(map(len, documents))), (tokens % 5 == 0).astype(np.uint8))


@pytest.mark.parametrize("mode", ["google", "fast"])
@pytest.mark.parametrize("whole_words", [False, True])
@pytest.mark.parametrize("length, predictions, probability", [
    (128, 20, 0.15), (8, 1, 0.15), (8, 20, 0.15), (64, 64, 0.9), (300, 5, 0.01)])
def test_instances_are_those_of_the_plain_code(mode, whole_words, length, predictions, probability):
    options = Options(length, predictions, 2, 0.3, probability, whole_words, mode=mode)
    documents = documents_of_numbers(60)
    random.Random(9).shuffle(documents)
    rng, vocabulary = random.Random(7), MaskVocabulary.of(VOCABULARY)
    plain = [encode_instance(instance, options) for _ in range(2) for index in range(len(documents))
             for instance in instances_of_document(documents, index, options, vocabulary, rng)]
    assert written_by_kernels(documents, options, np.zeros(0, np.int64)) == framed(plain)


def test_an_order_of_documents_is_that_of_the_drawing():
    options = Options(64, 10, 2, 0.1, 0.15, False)
    documents = documents_of_numbers(40)
    order = np.random.default_rng(1).permutation(40)
    assert written_by_kernels(documents, options, order) \
        == written_by_kernels([documents[number] for number in order], options, np.zeros(0, np.int64))


@pytest.mark.parametrize("whole_words", [False, True])
def test_unmasked_instances_are_those_of_the_plain_code(whole_words):
    options = Options(64, 10, 1, 0.1, 0.15, whole_words, "dynamic")
    documents, vocabulary = documents_of_numbers(40), MaskVocabulary.of(VOCABULARY)
    corpus = flat(documents)
    if not whole_words:
        corpus = corpus._replace(continues=np.zeros(0, np.uint8))
    (spans, masks), = drawn_blocks(mersenne.twister(7), corpus, np.zeros(0, np.int64), 0, 40, options, VOCABULARY)
    out = np.empty(len(spans) * largest_record(64, 0), np.uint8)
    start = encode_unmasked(corpus.tokens, corpus.continues, CLS, SEP, 64, spans, out)
    plain = []
    for first, first_length, second, second_length, is_random_next, predictions in spans.tolist():
        assert predictions == 0
        tokens = [CLS, *corpus.tokens[first:first + first_length].tolist(), SEP,
                  *corpus.tokens[second:second + second_length].tolist(), SEP]
        plain.append(encode_unmasked_instance(tokens, first_length + 2, bool(is_random_next), options, vocabulary))
    assert out[start:].tobytes() == framed(plain)


def written_by_kernels(documents, options, order):
    """The records of two passes."""
    corpus, rng, written = flat(documents), mersenne.twister(7), b""
    for _ in range(2):
        for spans, masks in drawn_blocks(rng, corpus, order, 0, len(documents), options, VOCABULARY):
            out = np.empty(len(spans) * largest_record(options.max_seq_length, options.max_predictions_per_seq), np.uint8)
            start = encode_masked(corpus.tokens, CLS, SEP, options.max_seq_length, spans, masks, out)
            written += out[start:].tobytes()
    return written


def framed(records):
    file = io.BytesIO()
    write_records(file, records)
    return file.getvalue()


# ------------------------------------------------------------------------------------------------- where they are kept


def double(x):
    return 2 * x


@pytest.fixture
def own_folder(monkeypatch, tmp_path):
    """The last place for compiled code, of a user whose cache folder and installed package cannot be written."""
    monkeypatch.setenv("XDG_CACHE_HOME", os.devnull)
    monkeypatch.setattr(caching.InTreeCacheLocator, "get_cache_path", lambda _: os.devnull)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"dump2bert-{os.getuid()}"


def test_without_a_cache_folder_compiled_code_is_kept_where_only_the_user_may_write(own_folder):
    assert compiling.kernel(double)(3) == 6
    assert list(own_folder.glob("kernels-*/*.nbc")) and stat.S_IMODE(own_folder.stat().st_mode) == 0o700
    again = compiling.kernel(double)
    assert again(3) == 6 and sum(again.stats.cache_hits.values()) == 1


def test_a_user_without_a_home_has_compiled_code_too(own_folder, monkeypatch):
    def missing():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", missing)
    assert compiling.kernel(double)(3) == 6 and list(own_folder.glob("kernels-*/*.nbc"))


def open_to_all(folder):
    folder.mkdir()
    folder.chmod(0o777)


def elsewhere(folder):
    folder.symlink_to(folder.parent)


@pytest.mark.parametrize("spoil", [open_to_all, elsewhere])
def test_where_others_may_write_no_compiled_code_is_kept(own_folder, spoil):
    spoil(own_folder)
    assert compiling.kernel(double)(3) == 6 and not list(own_folder.parent.rglob("*.nb?"))


def test_compiled_code_for_which_the_disk_has_no_room_is_used(own_folder, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
    assert compiling.kernel(double)(3) == 6
