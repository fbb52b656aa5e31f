"""Multistream dumps: their parts together are the whole, and what does not fit together is said in one sentence."""

import bz2
import gzip
import json
import shutil

import pytest

from dump2bert.corpus.extraction import extract
from dump2bert.corpus.multistream import cut, extract_part, first_streams, read_part, write_templates
from dump2bert.errors import BadInput
from dump2bert.files import write_json
from dump2bert.sample import export
from dump2bert.stages import sample

ARTICLES = 150


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with a sample world in streams of 40 pages: the first holds all templates."""
    folder = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "PAGES_OF_STREAM", 40)
        sample.run(output_dir=folder, seed=1, articles=ARTICLES, records=10)
    return folder


def names(folder):
    return folder / sample.MULTISTREAM_NAME, folder / sample.INDEX_NAME


@pytest.fixture
def copy(world, tmp_path):
    """(dump, index) to break."""
    for path in names(world):
        shutil.copy(path, tmp_path)
    return names(tmp_path)


def extract_in_parts(folder, output, parts):
    """All articles of all parts, as lines; statistics of each part."""
    dump, index = names(folder)
    streams = output / "streams.json"
    write_json(streams, cut(dump, index, parts))
    templates = [output / f"templates-{number}.xml.gz" for number in range(parts)]
    for number, path in enumerate(templates):
        write_templates(dump, streams, number, path)
    lines, statistics = [], []
    for number in range(parts):
        path = output / f"part-{number}.jsonl.gz"
        statistics.append(extract_part(dump, streams, number, templates, path, 1))
        lines += gzip.decompress(path.read_bytes()).splitlines()
    return lines, statistics


@pytest.mark.parametrize("parts", [1, 3])
def test_the_articles_of_all_parts_are_those_of_the_whole(world, tmp_path, parts):
    whole = extract(world / sample.DUMP_NAME, tmp_path / "whole.jsonl.gz", 1)
    expected = gzip.decompress((tmp_path / "whole.jsonl.gz").read_bytes()).splitlines()
    assert len(expected) >= ARTICLES
    lines, statistics = extract_in_parts(world, tmp_path, parts)
    assert lines == expected
    for key in ("pages", "redirects", "other_namespaces", "articles", "characters", "left_out"):
        assert sum((part[key] for part in statistics), type(whole[key])()) == whole[key]
    assert not list(tmp_path.glob(".*"))


def test_templates_of_another_part_are_expanded(tmp_path):
    """A template in the first stream, an article that includes it in the second."""
    page = ("  <page>\n    <title>{}</title>\n    <ns>{}</ns>\n    <id>{}</id>\n    <revision>\n      <id>9</id>\n"
            '      <text xml:space="preserve">{}</text>\n    </revision>\n  </page>\n')
    streams = [export.site_info(), page.format("Template:Greeting", 10, 1, "Good {{{1}}} to all of you."),
               page.format("Article", 0, 2, "The sign says: {{Greeting|morning}} It hangs over the door."), "</mediawiki>\n"]
    packed = [bz2.compress(stream.encode()) for stream in streams]
    (tmp_path / sample.MULTISTREAM_NAME).write_bytes(b"".join(packed))
    second = len(packed[0] + packed[1])
    (tmp_path / sample.INDEX_NAME).write_bytes(bz2.compress(f"{len(packed[0])}:1:Template:Greeting\n{second}:2:A\n".encode()))
    lines, statistics = extract_in_parts(tmp_path, tmp_path, 2)
    assert "The sign says: Good morning to all of you. It hangs over the door." in json.loads(lines[0])["text"]
    assert [part["articles"] for part in statistics] == [0, 1]


@pytest.mark.parametrize("starts, size, parts, expected", [
    ([10, 20, 30, 40], 50, 4, [0, 1, 2, 3]),
    ([10, 20, 30, 40], 50, 2, [0, 2]),
    ([10, 20, 30, 40], 50, 1, [0]),
    ([10, 900, 910, 920], 1000, 3, [0, 1, 2]),          # no part is empty, however unequal the streams are
    ([10, 11, 12, 900], 1000, 3, [0, 2, 3]),
])
def test_parts_are_of_about_equal_size_and_none_is_empty(starts, size, parts, expected):
    assert first_streams(starts, size, parts) == expected


def test_parts_join_without_gap_up_to_the_end(world):
    dump, index = names(world)
    found = cut(dump, index, 3)
    parts = found["parts"]
    assert parts[0]["start"] == found["head"] and parts[-1]["end"] == dump.stat().st_size
    assert [part["end"] for part in parts[:-1]] == [part["start"] for part in parts[1:]]
    assert sum(part["pages"] for part in parts) == len(bz2.decompress(index.read_bytes()).splitlines())


def test_a_plain_index_will_do(copy):
    dump, index = copy
    plain = index.with_suffix("")
    plain.write_bytes(bz2.decompress(index.read_bytes()))
    assert cut(dump, plain, 2) == cut(dump, index, 2)


def of_another_dump(dump, index):
    index.write_bytes(bz2.compress(b"600:1:A\n700:2:B\n800:3:C\n"))


def no_index(dump, index):
    index.write_bytes(bz2.compress(b"600:1:A\nsome text\n"))


def in_one_stream(dump, index):
    dump.write_bytes(bz2.compress(bz2.decompress(dump.read_bytes())))


def plain_dump(dump, index):
    dump.write_bytes(bz2.decompress(dump.read_bytes()))


def cut_off_dump(dump, index):
    dump.write_bytes(dump.read_bytes()[:5000])


def cut_off_index(dump, index):
    index.write_bytes(index.read_bytes()[:-20])


def damaged_gzip_index(dump, index):
    content = bytearray(gzip.compress(bz2.decompress(index.read_bytes())))
    content[10] = 7     # the first byte behind the head: a kind of block that there is not
    index.write_bytes(content)


@pytest.mark.parametrize("breaking, said", [
    (of_another_dump, "has no stream at byte 600, where .* says that one begins: the index is another dump's"),
    (in_one_stream, "has no stream at byte|says that a stream begins at byte"),
    (no_index, "line 2 is none of a multistream index"),
    (plain_dump, "is no bzip2 file"),
    (cut_off_dump, "has 5000 bytes, but .* says that a stream begins at byte"),
    (cut_off_index, "is damaged"),
    (damaged_gzip_index, "is damaged"),
])
def test_a_dump_and_an_index_that_do_not_fit_are_refused(copy, breaking, said):
    breaking(*copy)
    with pytest.raises(BadInput, match=said):
        cut(*copy, 2)


def test_more_parts_than_streams_are_refused(world):
    with pytest.raises(BadInput, match=r"lists \d+ streams, which cannot be cut into 99 parts: set extract.parts to \d+"):
        cut(*names(world), 99)


def test_a_damaged_part_is_named_by_its_place_in_the_dump_and_leaves_nothing(copy, tmp_path):
    dump, index = copy
    streams = tmp_path / "streams.json"
    write_json(streams, cut(dump, index, 2))
    part = read_part(streams, 1)
    content = bytearray(dump.read_bytes())
    content[part.start + 50:part.start + 90] = bytes(40)
    dump.write_bytes(content)
    with pytest.raises(BadInput, match=rf"{dump.name} \(bytes {part.start} to {part.end}\) (is damaged|ends early)"):
        extract_part(dump, streams, 1, [], tmp_path / "part.jsonl.gz", 1)
    assert {path.name for path in tmp_path.iterdir()} == {dump.name, index.name, streams.name}


def test_a_part_that_is_not_utf_8_is_named_by_its_place_in_the_dump(copy, tmp_path):
    dump, index = copy
    contents = b"<mediawiki>\n", b"<page>\n</page>\n", b"<page>\nSo fl\xe4chig\n</page>\n"
    head, first, last = map(bz2.compress, contents)
    dump.write_bytes(head + first + last)
    second = len(head + first)
    index.write_bytes(bz2.compress(f"{len(head)}:1:A\n{second}:2:B\n".encode()))
    write_json(tmp_path / "streams.json", cut(dump, index, 2))
    with pytest.raises(BadInput, match=rf"{dump.name} \(bytes {second} to {dump.stat().st_size}\) is not UTF-8"):
        write_templates(dump, tmp_path / "streams.json", 1, tmp_path / "templates.xml.gz")
    assert not list(tmp_path.glob("templates*")) and not list(tmp_path.glob(".*"))


def test_pages_that_the_index_does_not_list_are_found(copy, tmp_path):
    dump, index = copy
    found = cut(dump, index, 2)
    found["parts"][0]["pages"] -= 1
    write_json(tmp_path / "streams.json", found)
    with pytest.raises(BadInput, match=r"has \d+ pages, but the index lists"):
        extract_part(dump, tmp_path / "streams.json", 0, [], tmp_path / "part.jsonl.gz", 1)


@pytest.mark.parametrize("content", ["{}", "[]", '{"head": 1, "parts": []}'])
def test_a_file_that_is_not_what_cut_writes_is_refused(tmp_path, content):
    (tmp_path / "streams.json").write_text(content)
    with pytest.raises(BadInput, match="says nothing of part 3"):
        read_part(tmp_path / "streams.json", 3)
