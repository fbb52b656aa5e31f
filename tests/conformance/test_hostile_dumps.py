"""Real exports, broken in the ways in which they break, through the command line."""

import bz2

import pytest

from dump2bert import cli


@pytest.mark.parametrize("file, broken, said", [
    ("zhwiki-broken-1.xml", lambda content: content, "has no <title>"),
    ("zhwiki-broken-2.xml", lambda content: content, "has no <ns>"),
    ("zhwiki-sample.xml.bz2", lambda content: content[:len(content) * 2 // 3], "ends early, after "),
    ("zhwiki-sample.xml.bz2", bz2.compress, "is compressed twice"),
    ("viwiki-sample.xml", lambda content: content[:len(content) // 2], "ends early, after "),
    ("viwiki-sample.wikiextractor-output.txt", lambda content: content, "is no MediaWiki export"),
])
def test_a_broken_export_is_one_sentence_and_leaves_nothing(shared_data, tmp_path, capfd, file, broken, said):
    dump = tmp_path / file
    dump.write_bytes(broken((shared_data / "wiki" / file).read_bytes()))
    assert cli.main(["extract", "--dump", str(dump), "--output", str(tmp_path / "out/articles.jsonl.gz"),
                     "--statistics", str(tmp_path / "out/articles.json")]) == 1
    printed = capfd.readouterr().err
    sentence, = [line for line in printed.splitlines() if line.startswith("error: ")]
    assert said in sentence and str(dump) in sentence and "Traceback" not in printed
    assert [path.name for path in tmp_path.iterdir()] == [file]
