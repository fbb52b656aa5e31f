"""Text to WordPieces, by the rules of Google's BERT (google-research/bert, tokenization.py: FullTokenizer).

A text is cleaned, CJK characters stand alone, white space splits the rest into words. Each word is then, by itself,
lower-cased and stripped of its accents (uncased models), split at punctuation, and cut greedily into the longest pieces
that the vocabulary has. Because a word's pieces depend on nothing around it, they are remembered per word.

Every piece also knows which characters of the original text it stands for, so that tasks can point into the text.
"""

import functools
import itertools
import unicodedata

from dump2bert.errors import BadInput
from dump2bert.files import opened

SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
MAX_CHARACTERS_PER_WORD = 200   # a longer word is one [UNK]
REMEMBERED_WORDS = 1 << 18

# The blocks whose characters are words of their own (kana and Hangul are not: they are written in words).
CJK_BLOCKS = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
              (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)]


def load_vocabulary(path):
    """vocab.txt -> {piece: id}, ids counting lines from 0. BadInput names the line that is wrong."""
    vocabulary = {}
    with opened(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line = line.decode("utf-8").removesuffix("\n")
            except UnicodeDecodeError as error:
                raise BadInput(f"{path} line {number} is not UTF-8: a vocabulary has one WordPiece a line") from error
            if number == 1 and line.startswith("\ufeff"):
                raise BadInput(f"{path} begins with a byte order mark: save the file as UTF-8 without one")
            if line.endswith("\r"):
                raise BadInput(f"{path} line {number} has a Windows line end: save the file with Unix line ends")
            piece = line.strip() or line   # Google's Chinese vocabulary has a line that is a line separator (U+2028)
            if not piece:
                raise BadInput(f"{path} line {number} is empty: a vocabulary has one WordPiece a line")
            if piece in vocabulary:
                raise BadInput(f"{path} line {number} repeats {piece!r} of line {vocabulary[piece] + 1}: "
                               "every WordPiece must stand there once")
            vocabulary[piece] = number - 1
    missing = [token for token in SPECIAL_TOKENS if token not in vocabulary]
    if missing:
        raise BadInput(f"{path} lacks {' '.join(missing)}: a BERT vocabulary needs {' '.join(SPECIAL_TOKENS)}")
    return vocabulary


class Tokenizer:
    """Tokenizes with one vocabulary ({piece: id}); `do_lower_case` also strips accents, as uncased models want."""

    def __init__(self, vocabulary, do_lower_case):
        self.vocabulary = vocabulary
        self.do_lower_case = do_lower_case
        self.longest_piece = max(map(len, vocabulary))
        self.word_pieces = functools.lru_cache(REMEMBERED_WORDS)(self.find_word_pieces)
        self.word_ids = functools.lru_cache(REMEMBERED_WORDS)(self.find_word_ids)

    def tokenize(self, text):
        """The pieces of a text: "Größe" -> ["gr", "##oße"], say."""
        return [piece for word in words_of(text) for piece, _, _ in self.word_pieces(word)]

    def encode(self, text):
        """The ids of the pieces of a text."""
        return [piece_id for word in words_of(text) for piece_id in self.word_ids(word)]

    def tokenize_with_offsets(self, text):
        """[(piece, start, end)]: text[start:end] is what the piece stands for.

        A stripped accent belongs to the character before it; other deleted characters belong to a piece only where
        they stand inside it. Pieces of one character that was decomposed (Hangul) share its span.
        """
        return [(piece, origins[start], origins[end - 1] + 1)
                for word, origins in words_with_origins(text)
                for piece, start, end in self.word_pieces(word)]

    def find_word_ids(self, word):
        return [self.vocabulary[piece] for piece, _, _ in self.word_pieces(word)]

    def find_word_pieces(self, word):
        """[(piece, start, end)] of a word without white space; start and end count the word's characters."""
        characters = lower_and_strip(word) if self.do_lower_case else [(c, i, i + 1) for i, c in enumerate(word)]
        return [piece for part in split_at_punctuation(characters) for piece in self.greedy_pieces(part)]

    def greedy_pieces(self, characters):
        """Longest match first; a word that cannot be cut completely is one [UNK].

        characters: [(character, start, end)], at least one.
        """
        word = "".join(character for character, _, _ in characters)
        unknown = [("[UNK]", characters[0][1], characters[-1][2])]
        if len(word) > MAX_CHARACTERS_PER_WORD:
            return unknown
        pieces, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(min(len(word), start + self.longest_piece), start, -1):
                piece = prefix + word[start:end]
                if piece in self.vocabulary:
                    break
            else:
                return unknown
            pieces.append((piece, characters[start][1], characters[end - 1][2]))
            start = end
        return pieces


def basic_words(text, do_lower_case):
    """The words that WordPiece cuts: cleaned, lower-cased, split at punctuation. For training a vocabulary."""
    for word in words_of(text):
        characters = lower_and_strip(word) if do_lower_case else [(c, i, i + 1) for i, c in enumerate(word)]
        for part in split_at_punctuation(characters):
            yield "".join(character for character, _, _ in part)


def words_of(text):
    """Cleaned words between white space, CJK characters as words of their own."""
    return text.translate(CLEANED).split()


def words_with_origins(text):
    """Like words_of, each word with the positions in `text` of its characters."""
    word, origins = [], []
    for position, character in enumerate(text):
        for cleaned in CLEANED[ord(character)]:
            if not cleaned.isspace():
                word.append(cleaned)
                origins.append(position)
            elif word:
                yield "".join(word), origins
                word, origins = [], []
    if word:
        yield "".join(word), origins


class Cleaning(dict):
    """code -> what stands for the character in a cleaned text; a table for str.translate that fills itself."""

    def __missing__(self, code):
        self[code] = cleaned = clean_character(chr(code))
        return cleaned


CLEANED = Cleaning()


def clean_character(character):
    code, category = ord(character), unicodedata.category(character)
    if character in "\t\n\r" or category == "Zs":
        return " "
    if code in (0, 0xFFFD) or category in ("Cc", "Cf"):
        return ""
    if any(first <= code <= last for first, last in CJK_BLOCKS):
        return f" {character} "
    return character


def lower_and_strip(word):
    """[(character, start, end)] of the lower-cased word in canonical decomposition (NFD), without its accents (Mn).

    The word is lower-cased as a whole because a final sigma depends on what stands before it; that is the only such
    case, so a character's place can be told from the lengths of the characters lower-cased one by one.
    """
    origins = [position for position, character in enumerate(word) for _ in character.lower()]
    decomposed = [(part, origin) for character, origin in zip(word.lower(), origins, strict=True)
                  for part in unicodedata.normalize("NFD", character)]
    kept = []
    for character, origin in canonical_order(decomposed):
        if unicodedata.category(character) != "Mn":
            kept.append((character, origin, origin + 1))
        elif kept:
            base, start, end = kept[-1]
            kept[-1] = (base, start, max(end, origin + 1))
    return kept


def canonical_order(characters):
    """Sort each run of combining characters by combining class, as NFD does with a whole text."""
    def combining_class(item):
        return unicodedata.combining(item[0])
    runs = itertools.groupby(characters, key=lambda item: combining_class(item) > 0)
    return [item for _, run in runs for item in sorted(run, key=combining_class)]


def split_at_punctuation(characters):
    """Split [(character, start, end)] into parts; each punctuation character is a part of its own."""
    part = []
    for item in characters:
        if not is_punctuation(item[0]):
            part.append(item)
            continue
        if part:
            yield part
        yield [item]
        part = []
    if part:
        yield part


@functools.cache
def is_punctuation(character):
    """Unicode punctuation, and every ASCII sign that is no letter, digit or space ("$", "^" and the like)."""
    is_ascii_sign = "!" <= character <= "~" and not character.isalnum()
    return is_ascii_sign or unicodedata.category(character).startswith("P")
