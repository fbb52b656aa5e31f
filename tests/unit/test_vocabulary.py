"""Training a vocabulary gives the same bytes every time and pieces that suit the text."""

import random
import subprocess
import sys

import pytest

from dump2bert.errors import BadInput
from dump2bert.stages import vocabulary
from dump2bert.tokenization import SPECIAL_TOKENS, Tokenizer, load_vocabulary


@pytest.fixture
def text(tmp_path):
    """Made so that very many pairs of pieces are equally frequent."""
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefgh", k=rng.randint(2, 9))) for _ in range(400)]
    lines = [" ".join(words[number:number + 10]) + ", 中国 Ünïque2 ABBA!" for number in range(0, 400, 10)] * 3
    (tmp_path / "text.txt").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path / "text.txt"


def trained(text, output, **changes):
    options = {"vocab_file": None, "vocab_size": 300, "min_frequency": 2, "do_lower_case": True}
    vocabulary.run(input_file=[text], output=output, **{**options, **changes})
    return output.read_text(encoding="utf-8").splitlines()


def test_the_same_text_gives_the_same_vocabulary_in_every_process(text, tmp_path):
    code = f"""
from pathlib import Path
from dump2bert.stages import vocabulary
vocabulary.run(input_file=[{str(text)!r}], vocab_file=None, output=Path({str(tmp_path / "again.txt")!r}),
               vocab_size=300, min_frequency=2, do_lower_case=True)
"""
    first = trained(text, tmp_path / "vocab.txt")
    for threads in "123":
        subprocess.run([sys.executable, "-c", code], check=True, env={"RAYON_NUM_THREADS": threads})
        assert (tmp_path / "again.txt").read_text(encoding="utf-8").splitlines() == first


def test_special_tokens_come_first_and_the_size_is_what_was_asked_for(text, tmp_path):
    pieces = trained(text, tmp_path / "vocab.txt")
    assert pieces[:5] == SPECIAL_TOKENS and len(pieces) == len(set(pieces)) == 300
    assert load_vocabulary(tmp_path / "vocab.txt")


def test_the_text_it_was_trained_on_has_no_unknown_words_and_frequent_ones_are_whole(text, tmp_path):
    trained(text, tmp_path / "vocab.txt")
    tokenizer = Tokenizer(load_vocabulary(tmp_path / "vocab.txt"), True)
    assert "[UNK]" not in tokenizer.tokenize(text.read_text(encoding="utf-8"))
    assert tokenizer.tokenize("ABBA 中国!") == ["abba", "中", "国", "!"]
    assert tokenizer.tokenize("ünïque2") == ["unique2"]


def test_cased_vocabularies_keep_case_and_accents(text, tmp_path):
    trained(text, tmp_path / "vocab.txt", do_lower_case=False)
    assert Tokenizer(load_vocabulary(tmp_path / "vocab.txt"), False).tokenize("ABBA Ünïque2") == ["ABBA", "Ünïque2"]


def test_too_small_a_vocabulary_keeps_the_commonest_characters(tmp_path):
    (tmp_path / "text.txt").write_text("a a a b b c\n" * 5)
    assert trained(tmp_path / "text.txt", tmp_path / "vocab.txt", vocab_size=7) == [*SPECIAL_TOKENS, "a", "b"]


def test_no_size_is_ever_exceeded_and_characters_without_room_are_reported(text, tmp_path, caplog):
    caplog.set_level("INFO", "dump2bert")
    characters = {piece for piece in trained(text, tmp_path / "vocab.txt") if len(piece.removeprefix("##")) == 1}
    for size in range(7, 60):
        caplog.clear()
        pieces = trained(text, tmp_path / "vocab.txt", vocab_size=size)
        assert len(pieces) == len(set(pieces)) == size
        assert ("cut at vocab_size" in caplog.text) == (not characters <= set(pieces))


def test_it_is_said_whether_the_text_or_the_size_bounds_the_vocabulary(tmp_path, caplog):
    caplog.set_level("INFO", "dump2bert")
    (tmp_path / "text.txt").write_text("ab ab ab cd ef\n")
    for size, sentence in ((100, "trained 9 WordPieces: the text gives fewer than vocab_size 100"),
                           (9, "trained 9 WordPieces, as many as vocab_size allows")):
        pieces = trained(text := tmp_path / "text.txt", text.with_name("vocab.txt"), vocab_size=size)
        assert pieces[5:] == ["a", "b", "##b", "ab"] and sentence in caplog.text


@pytest.mark.parametrize("content, size, said", [("", 100, "no character of the text occurs 2 times"),
                                                 ("a b c", 100, "no character of the text occurs 2 times"),
                                                 ("a a a", 6, "vocab_size 6 has no room for the 5 special tokens")])
def test_a_text_that_teaches_nothing_or_a_size_without_room_is_refused(tmp_path, content, size, said):
    (tmp_path / "text.txt").write_text(content)
    with pytest.raises(BadInput, match=f"no vocabulary can be trained: {said}"):
        trained(tmp_path / "text.txt", tmp_path / "vocab.txt", vocab_size=size)


def test_a_given_vocabulary_is_checked_and_copied(text, tmp_path):
    pieces = trained(text, tmp_path / "given.txt")
    options = {"input_file": None, "vocab_size": 1, "min_frequency": 1, "do_lower_case": True}
    vocabulary.run(vocab_file=tmp_path / "given.txt", output=tmp_path / "vocab.txt", **options)
    assert (tmp_path / "vocab.txt").read_text(encoding="utf-8").splitlines() == pieces
    with pytest.raises(BadInput, match="line 41 repeats"):
        vocabulary.run(vocab_file=text, output=tmp_path / "other.txt", **options)
    with pytest.raises(BadInput, match="either"):
        vocabulary.run(vocab_file=None, output=tmp_path / "other.txt", **options)
    assert not (tmp_path / "other.txt").exists()
