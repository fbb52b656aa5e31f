"""Dumps of other languages, through extract and clean: what comes out is what a reader would call sentences."""

import bz2

import pytest

from dump2bert.corpus.cleaning import clean
from dump2bert.corpus.extraction import extract
from dump2bert.errors import BadInput
from tests.unit.languages import ARTICLES, export, text_of


def cleaned(folder, content, language, **options):
    dump = folder / "dump.xml"
    dump.write_bytes(content)
    extract(dump, folder / "articles.jsonl.gz", 1, **options)
    clean(folder / "articles.jsonl.gz", "articles", folder / "text.txt", language, "none")
    return (folder / "text.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ARTICLES)
def test_a_dump_becomes_the_sentences_that_a_reader_would_take_from_it(tmp_path, language):
    assert cleaned(tmp_path, export(language).encode(), language) == text_of(language)


@pytest.mark.parametrize("language", ["uk", "ja"])
def test_a_dump_of_utf_16_gives_the_same_sentences(tmp_path, language):
    for encoding in ("utf-16-le", "utf-16-be"):
        content = ("\ufeff" + export(language)).encode(encoding)
        assert cleaned(tmp_path, content, language) == text_of(language)
    assert cleaned(tmp_path, bz2.compress(content), language) == text_of(language)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_of_a_dump_that_ends_early_the_whole_pages_are_taken_on_request(tmp_path, encoding):
    content = export("uk").encode(encoding)
    content = content[:len(content) * 3 // 4]
    with pytest.raises(BadInput, match="ends early, after 1 whole pages"):
        cleaned(tmp_path, content, "uk")
    assert cleaned(tmp_path, content, "uk", cut_off="accept") == text_of("uk").split("\n\n")[0] + "\n"
