"""Tokenizing whole texts: the ids of tokenization.Tokenizer, some fifty times as fast.

Text is cut into words whose pieces depend on nothing around them (word_kernels.py). Each different word is cut into pieces
once: a plain ASCII word by a kernel, any other by the reference tokenizer. The rest is looking numbers up.
"""

import copy
from typing import NamedTuple

import numpy as np

from dump2bert.pretraining.word_kernels import (NO_WORD, character_classes, count_tokens, find_words, fold_case, join_sentences,
                                                number_words)
from dump2bert.pretraining.wordpiece_kernels import cut_words, trie_of
from dump2bert.tokenization import Tokenizer

SLACK = 8                  # kernels read words of eight bytes, the last one perhaps beyond the end
WORDS = 1 << 19            # different words that are remembered; then it starts anew
LETTERS_PER_WORD = 16


class Sentences(NamedTuple):
    """A stretch of tokenized text."""

    tokens: np.ndarray     # ids
    lengths: np.ndarray    # int32: tokens of each sentence
    breaks: np.ndarray     # int32: sentences before each blank line
    within: np.ndarray | None = None    # uint8: tokens that go on with a word of the segmenter's


class WordTable:
    """The words met so far and their pieces, in flat arrays."""

    def __init__(self, words):
        places = 1 << (2 * words - 1).bit_length()
        self.known = 0
        self.table = np.zeros(places, np.int32)
        self.hashes = np.empty(words, np.uint64)
        self.first_letter = np.zeros(words + 1, np.int64)
        self.lengths = np.empty(words, np.int32)
        self.is_hard = np.empty(words, np.uint8)
        self.letters = np.empty(words * LETTERS_PER_WORD, np.uint8)
        self.first_piece = np.zeros(words + 1, np.int64)
        self.piece_count = np.zeros(words, np.int32)
        self.is_blank = np.zeros(words, np.uint8)
        self.pieces = np.empty(words * 2, np.int32)

    def text(self, word):
        return self.letters[self.first_letter[word]:self.first_letter[word + 1]].tobytes().decode()


class FastTokenizer:
    """Tokenizes with one vocabulary ({piece: id}), for one thread. segment: see word_segmentation, or None."""

    def __init__(self, vocabulary, do_lower_case, words=WORDS, segment=None):
        self.segment = segment
        self.reference = Tokenizer(vocabulary, do_lower_case)
        self.do_lower_case = do_lower_case
        self.unknown = vocabulary["[UNK]"]
        self.token_type = np.uint16 if len(vocabulary) <= 1 << 16 else np.int32
        self.classes = character_classes(do_lower_case)
        self.children, self.piece_at = trie_of(vocabulary)
        self.words = WordTable(words)
        self.make_room(0)

    def for_another_thread(self):
        """The same, with words of its own."""
        other = copy.copy(self)
        other.words = WordTable(len(self.words.lengths))
        other.make_room(0)
        return other

    def make_room(self, size):
        """For what is found in so many bytes of text; kept from one call to the next."""
        self.starts, self.lengths = np.empty(size, np.int64), np.empty(size, np.int32)
        self.hard, self.letters = np.empty(size, np.uint8), np.empty(size + SLACK, np.uint8)

    def sentences(self, text):
        """Tokenize bytes: whole lines of valid UTF-8, the last one with its line end. Returns Sentences."""
        size = len(text)
        if size > len(self.hard):
            self.make_room(size)
        starts, lengths, hard, letters = self.starts, self.lengths, self.hard, self.letters
        letters[:size] = np.frombuffer(text, np.uint8)
        if self.do_lower_case:
            fold_case(letters, size)
        count = find_words(letters, size, self.classes, starts, lengths, hard)
        numbers = self.numbers(letters, starts, lengths, hard, count)
        words = self.words
        tokens = np.empty(count_tokens(numbers, count, words.piece_count), self.token_type)
        lines = np.count_nonzero(numbers == NO_WORD)
        sentences, breaks = np.empty(lines, np.int32), np.empty(lines, np.int32)
        found, broken = join_sentences(numbers, count, words.first_piece, words.piece_count, words.is_blank, words.pieces,
                                       tokens, sentences, breaks)
        within = self.segment and self.tokens_within(self.segment(text), starts[:count], numbers, len(tokens))
        return Sentences(tokens, sentences[:found], breaks[:broken], within)

    def tokens_within(self, marked, starts, numbers, tokens):
        """From bytes that are marked to tokens: the first one of the word that begins there."""
        pieces = np.where(numbers >= 0, self.words.piece_count[numbers], 0)
        first = np.cumsum(pieces) - pieces
        within = np.zeros(tokens, np.uint8)
        within[first[pieces > 0]] = marked[starts[pieces > 0]]
        return within

    def encode(self, text):
        """The ids of the pieces of a text (what Tokenizer.encode gives)."""
        return self.sentences(text.replace("\n", " ").encode() + b"\n").tokens.tolist()

    def numbers(self, letters, starts, lengths, hard, count):
        """The number of each word in the table, which knows its pieces; a fuller table is emptied first, or made larger."""
        numbers = np.empty(count, np.int32)
        while True:
            words, before = self.words, self.words.known
            known = number_words(letters, starts, lengths, hard, count, before, words.table, words.hashes,
                                 words.first_letter, words.lengths, words.is_hard, words.letters, numbers)
            if known >= 0:
                break
            self.words = WordTable(len(words.lengths) * (1 if before else 2))
        words.known = known
        self.learn(before, known)
        return numbers

    def learn(self, first, last):
        """Find the pieces of words first to last - 1."""
        words = self.words
        start = words.first_piece[first]
        room = start + words.first_letter[last] - words.first_letter[first]
        hard = {word: self.reference.encode(words.text(word))
                for word in (first + np.flatnonzero(words.is_hard[first:last])).tolist()}
        room += sum(map(len, hard.values()))
        if room > len(words.pieces):
            words.pieces = np.concatenate([words.pieces[:start], np.empty(2 * room - start, np.int32)])
        end = cut_words(first, last, words.first_letter, words.is_hard, words.letters, self.children, self.piece_at,
                        self.unknown, words.first_piece, words.piece_count, words.pieces)
        for word, pieces in hard.items():
            words.first_piece[word], words.piece_count[word] = end, len(pieces)
            words.pieces[end:end + len(pieces)] = pieces
            words.is_blank[word] = words.text(word).isspace()
            end += len(pieces)
        words.first_piece[last] = end
