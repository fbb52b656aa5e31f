"""The compiled tokenizer against the reference tokenizer, and the files of a tokenized text against the plain reading of it."""

import itertools
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dump2bert.errors import BadInput
from dump2bert.files import documents_of
from dump2bert.pretraining import tokenized_corpus
from dump2bert.pretraining.documents import lines_of, tokenized
from dump2bert.pretraining.fast_tokenization import FastTokenizer
from dump2bert.pretraining.tokenized_corpus import tokenize_corpus
from dump2bert.tokenization import SPECIAL_TOKENS, Tokenizer
from tests.conformance.google_bert import HARD_TEXTS, unicode_texts

LETTERS = "abcdefghijklmnopqrstuvwxyzABCΣσς0123456789éα漢字かな가，。“-.,!¿"
VOCABULARY = {piece: number for number, piece in enumerate([
    *SPECIAL_TOKENS, *LETTERS, *(f"##{letter}" for letter in LETTERS), "the", "##ing", "thing", "##in", "in", "inter", "αβ"])}


@pytest.mark.parametrize("do_lower_case", [True, False])
def test_ids_are_those_of_the_reference_tokenizer_on_hard_unicode(do_lower_case):
    fast, reference = FastTokenizer(VOCABULARY, do_lower_case, 1 << 16), Tokenizer(VOCABULARY, do_lower_case)
    some_of_unicode = itertools.islice(unicode_texts(), None, None, 16)    # all of it: tests/conformance
    for text in [*HARD_TEXTS, *some_of_unicode]:
        assert fast.encode(text) == reference.encode(text.replace("\n", " ")), ascii(text)


@pytest.mark.parametrize("do_lower_case", [True, False])
def test_ids_are_those_of_the_reference_tokenizer_on_any_mixture_of_characters(do_lower_case):
    fast, reference = FastTokenizer(VOCABULARY, do_lower_case, 1 << 16), Tokenizer(VOCABULARY, do_lower_case)
    rng = random.Random(1)
    alphabet = LETTERS + "   \t\r\u3000\xa0\u2028\x0b\x00\x1c\u0301\u0323\u200b\ufeff\u037e\u0387İẞΆ\u302e\U00020000😀"
    for _ in range(3000):
        text = "".join(rng.choices(alphabet, k=rng.randint(0, 40)))
        assert fast.encode(text) == reference.encode(text), ascii(text)


def test_a_full_table_of_words_starts_anew_and_grows_if_it_must():
    fast, reference = FastTokenizer(VOCABULARY, True, 8), Tokenizer(VOCABULARY, True)
    rng = random.Random(1)
    for words in (3, 5, 8, 100, 2, 300):
        text = " ".join("".join(rng.choices(LETTERS, k=6)) for _ in range(words))
        assert fast.encode(text) == reference.encode(text)


def test_words_of_any_length_are_cut_as_by_the_reference_tokenizer():
    fast, reference = FastTokenizer(VOCABULARY, True, 4), Tokenizer(VOCABULARY, True)
    for length in (1, 7, 8, 9, 16, 199, 200, 201, 5000):
        for text in ("a" * length, "thing" * length, "é" * length, "a" * length + "é"):
            assert fast.encode(text) == reference.encode(text)


# ---------------------------------------------------------------------------------------------------------------- corpus


def as_lists(corpus):
    tokens, sentences, documents, _ = (values.tolist() for values in corpus.arrays)
    sentences = [tokens[start:end] for start, end in zip(sentences, sentences[1:])]
    return [sentences[start:end] for start, end in zip(documents, documents[1:])]


def in_files(folder, paths, joined=False, workers=1, whole_words=False):
    folder.mkdir(parents=True)
    with ThreadPoolExecutor(workers) as pool:
        return tokenize_corpus(paths, folder, VOCABULARY, True, whole_words, joined, pool, workers)


def plainly(paths, joined=False):
    tokenizer = Tokenizer(VOCABULARY, True)
    documents = (tokenized(document, tokenizer) for document in documents_of(lines_of(paths, joined)))
    return [document for document in documents if document]


def write_hard_text(path, seed, end):
    rng = random.Random(seed)
    with open(path, "w", encoding="utf-8", newline="") as file:
        for _ in range(400):
            file.write(rng.choice(["the thing\n", "a\r\n", "\n", " \t \n", "\u3000\n", "\x1c\n", "\u200b\n", "\x00\n",
                                   "x" * rng.randint(1, 300) + "\n", "漢字。\n", "\u2028\n", " a b \ufeff\n"]))
        file.write(end)
    return path


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("block", [1, 64, 1 << 20])
def test_files_hold_the_documents_that_the_plain_code_reads(tmp_path, monkeypatch, joined, block):
    monkeypatch.setattr(tokenized_corpus, "TEXT_BLOCK", block)
    monkeypatch.setattr(tokenized_corpus, "CHUNK", 100)
    paths = [write_hard_text(tmp_path / f"{seed}.txt", seed, end) for seed, end in enumerate(["", "\n", "no line end"])]
    (tmp_path / "empty.txt").touch()
    paths.append(tmp_path / "empty.txt")
    corpora = [in_files(tmp_path / f"{workers}", paths, joined, workers) for workers in (1, 2)]
    assert as_lists(corpora[0]) == as_lists(corpora[1]) == plainly(paths, joined)
    assert corpora[0].chunks == corpora[1].chunks
    assert corpora[0].unknown == sum(sentence.count(1) for document in plainly(paths, joined) for sentence in document)


def test_chunks_are_whole_documents_of_about_the_same_size(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenized_corpus, "CHUNK", 50)
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(["a a a a a a"] * 30 + ["a " * 400] + ["a"] * 5), encoding="utf-8")
    corpus = in_files(tmp_path / "files", [text])
    assert corpus.chunks[0].first == 0 and corpus.chunks[-1].last == 36
    assert all(one.last == two.first for one, two in zip(corpus.chunks, corpus.chunks[1:]))
    assert max(chunk.last - chunk.first for chunk in corpus.chunks) < 12


def test_tokens_that_go_on_with_a_word_are_noted(tmp_path):
    (tmp_path / "text.txt").write_text("the thinging\n", encoding="utf-8")
    corpus = in_files(tmp_path / "files", [tmp_path / "text.txt"], whole_words=True)
    assert corpus.arrays.continues.tolist() == [0, 0, 1]
    assert not len(in_files(tmp_path / "more", [tmp_path / "text.txt"]).arrays.continues)


def test_released_pages_can_be_read_again(tmp_path):
    (tmp_path / "text.txt").write_text("the thing\n" * 1000, encoding="utf-8")
    corpus = in_files(tmp_path / "files", [tmp_path / "text.txt"])
    before = np.array(corpus.arrays.tokens)
    corpus.release()
    assert np.array_equal(corpus.arrays.tokens, before)


def test_text_that_is_not_utf_8_is_refused_by_file_and_line(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenized_corpus, "TEXT_BLOCK", 64)
    (tmp_path / "text.txt").write_bytes(b"good\n" * 100 + b"b\xe9d\n" + b"good\n" * 100)
    with pytest.raises(BadInput, match=r"text\.txt line 101 is not UTF-8"):
        in_files(tmp_path / "files", [tmp_path / "text.txt"])
