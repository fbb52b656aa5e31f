"""The tokenizer's rules, on texts that break simpler tokenizers. (Against Google's own: tests/conformance.)"""

import random
import unicodedata

import pytest

from dump2bert.errors import BadInput
from dump2bert.tokenization import SPECIAL_TOKENS, Tokenizer, load_vocabulary, lower_and_strip

PIECES = SPECIAL_TOKENS + """a b cafe ##s run ##ning ##n ##i σ ας α ##σ ##ς [ ] cls 中 国 2008 ##年 2 ##0 年
    iphone ##6 ss ᄀ ##ᅡ ##ᆨ
    . , - ' don t i e g""".split()


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer({piece: number for number, piece in enumerate(PIECES)}, do_lower_case=True)


@pytest.mark.parametrize("text, pieces", [
    ("running Runs", ["run", "##ning", "run", "##s"]),
    ("don't", ["don", "'", "t"]),
    ("e.g.", ["e", ".", "g", "."]),
    ("unknownword a", ["[UNK]", "a"]),
    ("[CLS]", ["[", "cls", "]"]),                               # never the special token
    ("中国a中2008年", ["中", "国", "a", "中", "2008", "年"]),
    ("CAFÉ cafe\u0301s", ["cafe", "cafe", "##s"]),
    ("ΑΣ Σ", ["ας", "σ"]),                                     # final sigma
    ("a\x00b a\u200bb a\ufffdb", ["[UNK]"] * 3),                # deleted: the letters join
    ("a\u00a0b\u3000a\u2028b", ["a", "b", "a", "b"]),
    ("\ue000", ["[UNK]"]),                                      # private use is a character like others
    ("각", ["ᄀ", "##ᅡ", "##ᆨ"]),
    ("", []), (" \t\n", []), ("\u0301", []),
])
def test_pieces_follow_googles_rules(tokenizer, text, pieces):
    assert tokenizer.tokenize(text) == pieces
    assert [piece for piece, _, _ in tokenizer.tokenize_with_offsets(text)] == pieces
    assert tokenizer.encode(text) == [PIECES.index(piece) for piece in pieces]


def test_a_word_of_200_characters_is_cut_and_one_of_201_is_unknown():
    tokenizer = Tokenizer({piece: number for number, piece in enumerate([*SPECIAL_TOKENS, "a", "##a"])}, True)
    assert tokenizer.tokenize("a" * 200) == ["a"] + ["##a"] * 199
    assert tokenizer.tokenize("a" * 201) == ["[UNK]"]


def test_cased_keeps_case_and_accents():
    tokenizer = Tokenizer({piece: number for number, piece in enumerate([*SPECIAL_TOKENS, "É", "e", "E"])}, False)
    assert tokenizer.tokenize("É E é") == ["É", "E", "[UNK]"]


@pytest.mark.parametrize("text, spans", [
    ("  中 国 ", ["中", "国"]),
    ("running,runs", ["run", "ning", ",", "run", "s"]),
    ("Cafe\u0301s a", ["Cafe\u0301", "s", "a"]),                # the accent belongs to its letter
    ("a \u0301b", ["a", "b"]),                                  # and to nothing where there is none
    ("ru\u00ad\u200bn\u200b a", ["ru\u00ad\u200bn", "a"]),      # deleted within a piece, not after it
    ("İ", ["İ"]),                                               # two characters once lower-cased
    ("각a각", ["각a각"]),
    ("각", ["각", "각", "각"]),
    ("iPhone6在2008年", ["iPhone", "6", "在", "2008", "年"]),
    ("\ufeff\x00a\tb", ["a", "b"]),
])
def test_offsets_point_at_the_original_characters(tokenizer, text, spans):
    found = tokenizer.tokenize_with_offsets(text)
    assert [text[start:end] for _, start, end in found] == spans


def test_lower_casing_and_stripping_character_by_character_equals_doing_it_to_the_whole_word():
    rng = random.Random(0)
    # Marks that are reordered (not all of them are accents, which go), letters that change their length or their form.
    characters = [chr(code) for code in range(0x20000) if unicodedata.combining(chr(code))] + list("aΣσΑİßǰΐ각가Å") * 60
    for _ in range(5000):
        word = "".join(rng.choices(characters, k=8))
        whole = unicodedata.normalize("NFD", word.lower())
        expected = "".join(character for character in whole if unicodedata.category(character) != "Mn")
        assert "".join(character for character, _, _ in lower_and_strip(word)) == expected


def write(path, lines, end="\n"):
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def test_load_vocabulary_counts_lines_from_zero(tmp_path):
    vocabulary = load_vocabulary(write(tmp_path / "vocab.txt", [*SPECIAL_TOKENS, "\u2028", "a "]))
    assert vocabulary == {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "\u2028": 5, "a": 6}


@pytest.mark.parametrize("lines, end, message", [
    ([*SPECIAL_TOKENS, "a", "b", "a"], "\n", "line 8 repeats 'a' of line 6"),
    ([*SPECIAL_TOKENS, "", "b"], "\n", "line 6 is empty"),
    ([*SPECIAL_TOKENS, "b"], "\r\n", "line 1 has a Windows line end"),
    (SPECIAL_TOKENS[:3] + ["b"], "\n", r"lacks \[SEP\] \[MASK\]"),
    ([], "\n", "lacks"),
    (["\ufeff[PAD]", *SPECIAL_TOKENS[1:]], "\n", "begins with a byte order mark"),
])
def test_a_broken_vocabulary_is_refused_with_its_line(tmp_path, lines, end, message):
    with pytest.raises(BadInput, match=message):
        load_vocabulary(write(tmp_path / "vocab.txt", lines, end))


def test_a_vocabulary_that_is_not_utf8_is_refused_with_its_line(tmp_path):
    (tmp_path / "vocab.txt").write_bytes(b"a\n\xff\xfe\n")
    with pytest.raises(BadInput, match="line 2 is not UTF-8"):
        load_vocabulary(tmp_path / "vocab.txt")
