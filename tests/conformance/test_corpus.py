"""Real dumps and texts through extract, clean and split."""

import bz2
import gzip
import json
import re
from itertools import groupby

import pytest

from dump2bert import cli
from dump2bert.corpus.cleaning import clean
from dump2bert.corpus.extraction import extract
from dump2bert.corpus.splitting import documents
from dump2bert.errors import BadInput
from dump2bert.files import write_json

REMNANTS = re.compile(r"-\{|\}-|\{\{|\}\}|\[\[|\]\]|\{\||formula_\d|codice_\d|</?(?:ref|br|b|i|span|div)\b"
                      r"|&(?:nbsp|amp|lt|gt);|\u00a0|__[A-Z]+__|[(（][\s，,、；;]*[)）]|''|  | [,;.](?:\s|$)|、、|，，")


def through(dump, folder, language, variant="none", **options):
    articles = folder / f"{dump.name}.jsonl.gz"
    extraction = extract(dump, articles, 2, **options)
    part = folder / f"{dump.name.partition('.')[0]}.txt"
    cleaning = clean(articles, "articles", part, language, variant)
    write_json(part.with_suffix(".json"), cleaning)
    return extraction, cleaning, list(documents(part)), part


@pytest.fixture(scope="module")
def chinese(shared_data, tmp_path_factory):
    return through(shared_data / "wiki/zhwiki-sample.xml.bz2", tmp_path_factory.mktemp("zh"), "zh", "simplified")


@pytest.fixture(scope="module")
def english(shared_data, tmp_path_factory):
    return through(shared_data / "wiki/enwiki-sample.xml.bz2", tmp_path_factory.mktemp("en"), "en")


@pytest.fixture(scope="module")
def vietnamese(shared_data, tmp_path_factory):
    return through(shared_data / "wiki/viwiki-sample.xml", tmp_path_factory.mktemp("vi"), "vi", cut_off="accept")


def test_every_page_of_the_chinese_sample_is_accounted_for(chinese):
    extraction, cleaning, found, _ = chinese
    assert (extraction["pages"], extraction["articles"], extraction["other_namespaces"]) == (33, 23, 10)
    assert extraction["left_out"] == [] and len(found) == cleaning["documents"] == 23


def test_every_page_of_the_english_sample_is_accounted_for(english):
    extraction, cleaning, found, _ = english
    assert extraction["pages"] == 206
    assert [extraction[key] for key in ("articles", "redirects", "other_namespaces")] == [105, 99, 1]
    assert [page["title"] for page in extraction["left_out"]] == ["List of anthropologists"]
    assert [cleaning["input_documents"], len(found)] == [105, cleaning["documents"]]


@pytest.mark.parametrize("sample", ["chinese", "english", "vietnamese"])
def test_nothing_of_the_markup_is_left(sample, request):
    sentences = [sentence for document in request.getfixturevalue(sample)[2] for sentence in document]
    assert [sentence for sentence in sentences if REMNANTS.search(sentence)] == []


@pytest.mark.parametrize("sample, share", [("chinese", 0.997), ("english", 0.99), ("vietnamese", 0.99)])
def test_sentences_begin_and_end_as_sentences_do(sample, share, request):
    sentences = [sentence for document in request.getfixturevalue(sample)[2] for sentence in document]
    whole = [sentence for sentence in sentences if re.search(r"[.!?。！？；;][\"'”’」』）)》]*$", sentence)
             and re.match(r"[\w\"'“‘「『《（(\[„«¿¡\-–—]", sentence)]
    assert len(whole) >= share * len(sentences)


def test_chinese_is_simplified_throughout(chinese):
    text = "".join(sentence for document in chinese[2] for sentence in document)
    assert [character for character in "這們來時對國學會說為與發數歷開關過還進運動經濟體點無東門問題實際應該種類" if character in text] == []
    assert text.count("随着") > 10 and text.count("著名") > 10


def test_the_markup_of_variants_in_the_real_dump_is_resolved(chinese):
    text = "".join(sentence for document in chinese[2] for sentence in document)
    assert "请天文学家于尔班·勒维耶负责找出原委" in text          # -{于}-爾班
    assert "因数值模式研究的出现" in text                            # -{}-


def test_vietnamese_articles_are_those_that_wikiextractor_is_known_to_give(vietnamese, shared_data):
    known = (shared_data / "wiki/viwiki-sample.wikiextractor-output.txt").read_text(encoding="utf-8")
    texts = dict(re.findall(r'<doc id="(\d+)"[^>]*>\n(.*?)</doc>', known, re.DOTALL))
    extraction, _, found, _ = vietnamese
    assert extraction["pages"] == 10 and extraction["redirects"] == 3 and not extraction["is_whole"]
    assert [page["title"] for page in extraction["left_out"]] == ["Trang Chính"]
    names = {"4": "Internet Society", "13": "Tiếng Việt", "24": "Ohio", "26": "California", "33": "Thụy Điển"}
    for (number, title), document in zip(names.items(), found, strict=True):
        words = set(re.findall(r"\w+", texts[number]))
        ours = re.findall(r"\w+", " ".join(document))
        assert title.split()[0] in document[0]
        assert sum(word in words for word in ours) > 0.97 * len(ours)
        assert len(ours) > 0.8 * len(re.findall(r"\w+", texts[number]))


@pytest.mark.parametrize("name, said", [
    ("viwiki-sample.xml", "ends early, after 10 whole pages, without its closing </mediawiki>"),
    ("zhwiki-broken-1.xml", r"page 3 \(id 13, title None\).* has no <title>"),
    ("zhwiki-broken-2.xml", r"page 3 \(id 13, title 数学\).* has no <ns>"),
])
def test_broken_dumps_are_errors(shared_data, tmp_path, name, said):
    with pytest.raises(BadInput, match=said):
        extract(shared_data / "wiki" / name, tmp_path / "out", 1)
    assert list(tmp_path.iterdir()) == []


def test_a_dump_of_utf_16_gives_the_same_text(chinese, shared_data, tmp_path):
    dump = tmp_path / "zhwiki-sample.xml"
    xml = bz2.decompress((shared_data / "wiki/zhwiki-sample.xml.bz2").read_bytes()).decode("utf-8")
    dump.write_bytes(xml.encode("utf-16"))
    assert through(dump, tmp_path, "zh", "simplified")[2] == chinese[2]


@pytest.mark.parametrize("name, language", [("zh-sentences", "zh"), ("en-sentences", "en")])
def test_plain_text_keeps_its_sentences_and_documents(shared_data, tmp_path, name, language):
    source = shared_data / f"corpora/{name}.txt.gz"
    statistics = clean(source, "text", tmp_path / "text.txt", language, "none")
    with gzip.open(source, "rt", encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    expected = [list(group) for filled, group in groupby(lines, bool) if filled]
    dropped = {rule: entry["count"] for rule, entry in statistics["dropped"].items()}
    empty = dropped.pop("empty document", 0)
    assert statistics["input_documents"] == statistics["documents"] + empty == len(expected)
    assert statistics["sentences"] + sum(dropped.values()) == sum(map(len, expected))
    assert sum(dropped.values()) < 0.01 * statistics["sentences"]
    text = (tmp_path / "text.txt").read_text(encoding="utf-8")
    assert "（）" not in text and 'style="' not in text


def test_dump_and_plain_text_are_split_together(chinese, shared_data, tmp_path):
    text = tmp_path / "zh-sentences.txt"
    cleaning = clean(shared_data / "corpora/zh-sentences.txt.gz", "text", text, "zh", "simplified")
    write_json(text.with_suffix(".json"), cleaning)
    parts = [chinese[3], text]
    counted = [part.with_suffix(".json") for part in parts]
    assert cli.main(["split", "--input_file", *map(str, parts), "--part_statistics", *map(str, counted), "--language", "zh",
                     "--train_dir", str(tmp_path / "train"), "--held_out_dir", str(tmp_path / "held_out"),
                     "--statistics", str(tmp_path / "statistics.json")]) == 0
    total = json.loads((tmp_path / "statistics.json").read_text(encoding="utf-8"))["total"]
    assert total["documents"] == total["train"]["documents"] + total["held_out"]["documents"]
    assert 0.012 < total["held_out"]["documents"] / total["documents"] < 0.028
