"""WordPiece of ASCII words, compiled: Tokenizer.greedy_pieces over a trie of the vocabulary.

A node of the trie has a place for each letter and digit. Two roots: one for pieces that begin a word, one for those that go on
with it (##...). Pieces with other characters are not in it; no ASCII word has them.
"""

import numpy as np

from dump2bert.pretraining.compiled import inlined, kernel
from dump2bert.tokenization import MAX_CHARACTERS_PER_WORD

LETTERS = 64           # 10 digits, 26 capitals and 26 small letters, rounded up
BEGIN, CONTINUE = 0, 1


def trie_of(vocabulary):
    """(children [nodes, 64]: 0 where there is none, piece_at [nodes]: id or -1) of {piece: id}."""
    begin = [(piece, number) for piece, number in vocabulary.items() if piece.isascii() and piece.isalnum()]
    continuing = [(piece[2:], number) for piece, number in vocabulary.items()
                  if piece.startswith("##") and piece.isascii() and piece[2:].isalnum()]
    pieces = begin + continuing
    letters = np.frombuffer("".join(piece for piece, _ in pieces).encode(), np.uint8)
    lengths = np.array([len(piece) for piece, _ in pieces], np.int64)
    ids = np.array([number for _, number in pieces], np.int32)
    children = np.zeros((2 + len(letters), LETTERS), np.int32)
    piece_at = np.full(2 + len(letters), -1, np.int32)
    build_trie(letters, lengths, ids, len(begin), children, piece_at)
    return children, piece_at


@inlined
def letter_place(byte):
    """"0" to "9", "A" to "Z", "a" to "z" -> 0 to 61."""
    if byte < 58:
        return byte - 48
    if byte < 91:
        return byte - 55
    return byte - 61


@kernel
def build_trie(letters, lengths, ids, begins, children, piece_at):
    """begins: how many of the pieces begin words; the others go on with them."""
    nodes, letter = 2, 0
    for piece in range(len(lengths)):
        node = BEGIN if piece < begins else CONTINUE
        for _ in range(lengths[piece]):
            place = letter_place(letters[letter])
            letter += 1
            if children[node, place] == 0:
                children[node, place] = nodes
                nodes += 1
            node = children[node, place]
        piece_at[node] = ids[piece]


@kernel
def cut_words(first_word, last_word, first_letter, is_hard, letters, children, piece_at, unknown, first_piece, piece_count,
              pieces):
    """WordPieces of the words from first_word to last_word - 1 that are not hard; the number of pieces after that.

    pieces has room for one piece for each letter.
    """
    total = first_piece[first_word]
    for word in range(first_word, last_word):
        first_piece[word] = total
        if not is_hard[word]:
            total = cut_word(letters, first_letter[word], first_letter[word + 1], children, piece_at, unknown, pieces, total)
        piece_count[word] = total - first_piece[word]
    return total


@inlined
def cut_word(letters, start, end, children, piece_at, unknown, pieces, total):
    """Longest match first; a word that cannot be cut completely is one [UNK]."""
    before, root = total, BEGIN
    too_long = end - start > MAX_CHARACTERS_PER_WORD
    while start < end:
        node, longest, place = root, -1, start
        while place < end and not too_long:
            node = children[node, letter_place(letters[place])]
            if node == 0:
                break
            place += 1
            if piece_at[node] >= 0:
                longest, start = piece_at[node], place
        if longest < 0:
            pieces[before] = unknown
            return before + 1
        pieces[total] = longest
        total += 1
        root = CONTINUE
    return total
