"""From small dumps, whole and broken ones, to articles; every page accounted for."""

import bz2
import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dump2bert.corpus import extraction
from dump2bert.corpus.dump import survey
from dump2bert.corpus.extraction import extract
from dump2bert.errors import BadInput

HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/" version="0.10" xml:lang="en">
  <siteinfo>
    <base>https://en.wikipedia.org/wiki/Main_Page</base>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="1" case="first-letter">Talk</namespace>
      <namespace key="10" case="first-letter">Template</namespace>
    </namespaces>
  </siteinfo>
"""
END = "</mediawiki>\n"


def page(number, title, text, ns=0, redirect=""):
    redirect = f'    <redirect title="{redirect}" />\n' if redirect else ""
    return f"""  <page>
    <title>{title}</title>
    <ns>{ns}</ns>
    <id>{number}</id>
{redirect}    <revision>
      <id>{number + 1000}</id>
      <contributor>
        <username>someone</username>
        <id>7</id>
      </contributor>
      <text xml:space="preserve">{text}</text>
    </revision>
  </page>
"""


PAGES = [page(1, "Anna", "'''Anna''' is a [[village]]. {{fact|It is old.}} 3 &lt; 5 &amp;amp; more."),
         page(2, "Anne", "#REDIRECT [[Anna]]", redirect="Anna"),
         page(3, "Talk:Anna", "Is it?", ns=1),
         page(4, "Template:Fact", "{{{1}}}", ns=10),
         page(5, "List", "* one\n* two"),
         page(6, "Berta", "Berta is a river.\n\n== Course ==\nIt flows west.")]
DUMP = HEAD + "".join(PAGES) + END


def written(folder, content, name="dump.xml"):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def extracted(folder, content, name="dump.xml", processes=1, **options):
    output = folder / "articles.jsonl.gz"
    statistics = extract(written(folder, content, name), output, processes, **options)
    return statistics, [json.loads(line) for line in gzip.decompress(output.read_bytes()).splitlines()]


def test_every_page_is_an_article_or_accounted_for(tmp_path):
    statistics, articles = extracted(tmp_path, DUMP)
    assert [article["title"] for article in articles] == ["Anna", "Berta"]
    assert articles[0] == {"id": "1", "url": "https://en.wikipedia.org/wiki?curid=1", "title": "Anna",
                           "text": "Anna is a village. It is old. 3 < 5 & more.", "headings": []}
    assert articles[1]["text"] == "Berta is a river.\nCourse.\nIt flows west."
    assert articles[1]["headings"] == ["Course"]
    assert statistics == {"pages": 6, "redirects": 1, "other_namespaces": 2, "is_whole": True, "articles": 2,
                          "characters": sum(len(article["text"]) for article in articles),
                          "left_out": [{"id": "5", "title": "List", "reason": "empty after extraction"}]}


def test_the_output_is_the_same_bytes_every_time_and_with_any_number_of_processes(tmp_path):
    many = HEAD + "".join(page(number, f"Page {number}", f"Text of page {number}. " * (200 - number))
                          for number in range(1, 150)) + END
    outputs = set()
    for processes in (1, 3, 3):
        extracted(tmp_path, many, processes=processes)
        outputs.add((tmp_path / "articles.jsonl.gz").read_bytes())
    assert len(outputs) == 1


@pytest.mark.parametrize("name, pack", [("dump.xml.bz2", bz2.compress), ("dump.xml.gz", gzip.compress),
                                        ("dump.xml", bz2.compress), ("dump", gzip.compress)])
def test_packed_dumps_are_known_by_their_content(tmp_path, name, pack):
    statistics, articles = extracted(tmp_path, pack(DUMP.encode()), name)
    assert len(articles) == 2


def test_a_multistream_dump_is_read_to_its_end(tmp_path):
    streams = [HEAD, "".join(PAGES[:3]), "".join(PAGES[3:]), END]
    _, articles = extracted(tmp_path, b"".join(bz2.compress(stream.encode()) for stream in streams), "dump.xml.bz2")
    assert len(articles) == 2


@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0" encoding="utf-16"?>\n',
                                         '<?xml version="1.0" encoding="utf-8"?>\n'])
def test_utf_16_gives_the_same_articles_whatever_the_first_line_says(tmp_path, declaration):
    plain = extracted(tmp_path, DUMP)
    assert extracted(tmp_path, declaration + DUMP) == plain
    for encoding, mark in (("utf-16", ""), ("utf-16-le", "\ufeff"), ("utf-16-be", "\ufeff"), ("utf-16-le", ""),
                           ("utf-16-be", "")):
        assert extracted(tmp_path, (mark + declaration + DUMP).encode(encoding)) == plain
        assert extracted(tmp_path, bz2.compress((mark + declaration + DUMP).encode(encoding))) == plain


def test_utf_16_that_ends_early_is_an_error_or_its_whole_pages(tmp_path):
    content = DUMP.encode("utf-16")
    for length in (len(content) - 400, len(content) - 401):      # the second one cuts a character in two
        with pytest.raises(BadInput, match="ends early, after 5 whole pages"):
            extracted(tmp_path, content[:length])
        statistics, articles = extracted(tmp_path, content[:length], cut_off="accept")
        assert statistics["pages"] == 5 and [article["title"] for article in articles] == ["Anna"]


def test_half_a_character_becomes_the_sign_for_what_no_text_can_hold(tmp_path):
    """WikiExtractor reads the entity as a character, and writes what no UTF-8 file can hold."""
    text = "Half &amp;#xD800; of it, but &amp;#x1F600; is whole.\n\n== The &amp;#xDC00; ==\nEnd."
    _, articles = extracted(tmp_path, HEAD + page(1, "A", text) + END)
    assert articles[0]["headings"] == ["The \ufffd"]
    assert articles[0]["text"].splitlines()[0] == "Half \ufffd of it, but \U0001f600 is whole."


def test_headings_are_the_dumps_own(tmp_path):
    text = ("Anna is a village.\n\n== ''Its'' [[River|rivers]]&lt;ref&gt;x&lt;/ref&gt; ==\nShort.\n=== {{lang|la|Flumen}} "
            "===\nText.\n==Last &lt;!-- no --&gt;==\nIt is == that == here.\n== Empty ==\n")
    _, articles = extracted(tmp_path, HEAD + page(1, "Anna", text) + END)
    assert articles[0]["headings"] == ["Its rivers", "Flumen", "Last", "Empty"]


@pytest.mark.parametrize("head", [
    HEAD.replace('      <namespace key="10" case="first-letter">Template</namespace>\n', ""),
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/">\n',
])
def test_a_dump_that_does_not_name_the_template_namespace_gives_its_articles_all_the_same(tmp_path, head):
    _, articles = extracted(tmp_path, head + "".join(PAGES) + END)
    assert [article["title"] for article in articles] == ["Anna", "Berta"]
    assert "It is old." in articles[0]["text"]


@pytest.mark.parametrize("pack", [bytes, bz2.compress])
def test_articles_whose_titles_begin_like_the_template_namespace_are_none(tmp_path, pack):
    titles = ["Template", "Template engine &amp; more", "Templates: a list", "The Template"]
    pages = [page(number, title, "It {{fact|is}} {{PAGENAME}}.") for number, title in enumerate(titles, 11)]
    _, articles = extracted(tmp_path, pack((HEAD + "".join(pages + PAGES) + END).encode()))
    assert [article["title"] for article in articles] == [
        "Template", "Template engine & more", "Templates: a list", "The Template", "Anna", "Berta"]
    assert all(article["text"].startswith("It is ") for article in articles[:4])
    vietnamese = (HEAD + page(1, "Bản mẫu", "A {{fact|b}}.") + PAGES[3].replace("Template:", "Bản mẫu:") + END)
    assert extracted(tmp_path, vietnamese.replace(">Template<", ">Bản mẫu<"))[1][0]["text"] == "A b."


@pytest.mark.parametrize("change", [lambda text: re.sub(r">\s+<", "><", text),
                                    lambda text: re.sub(r">\s+<(?!page)", "><", text),
                                    lambda text: text.replace("<revision>\n", "<revision>")])
def test_a_dump_of_another_layout_gives_the_same_articles(tmp_path, change):
    plain = extracted(tmp_path, DUMP)
    assert change(DUMP) != DUMP
    assert extracted(tmp_path, change(DUMP)) == plain
    assert extracted(tmp_path, change(DUMP)[:-60], cut_off="accept")[0]["pages"] == 5


def test_the_samples_layout_needs_no_copy(tmp_path):
    assert survey(written(tmp_path, DUMP)).is_plain


def test_whole_pages_of_a_dump_that_ends_early_are_taken_on_request(tmp_path):
    statistics, articles = extracted(tmp_path, DUMP.removesuffix(END), cut_off="accept")
    assert not statistics["is_whole"] and statistics["pages"] == 6 and len(articles) == 2
    statistics, articles = extracted(tmp_path, DUMP[:-200], cut_off="accept")
    assert statistics["pages"] == 5 and [article["title"] for article in articles] == ["Anna"]


@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress])
def test_compressed_data_that_end_early_are_cut_off_too(tmp_path, pack):
    words = random.Random(1)
    pages = (page(number, f"Page {number}", words.randbytes(4000).hex()) for number in range(1, 400))
    cut = pack((HEAD + "".join(pages) + END).encode())[:-1000]
    with pytest.raises(BadInput, match="ends early, after [23][0-9][0-9] whole pages"):
        extracted(tmp_path, cut)
    statistics, articles = extracted(tmp_path, cut, cut_off="accept")
    assert statistics["pages"] == len(articles) >= 200


@pytest.mark.parametrize("content, said", [
    ("", "is empty"),
    ("no XML at all", "is no XML"),
    (bytes(100), "is no XML"),
    ("<html><body>404</body></html>", "is no MediaWiki export: its outermost element is <html>"),
    (DUMP.removesuffix(END), "ends early, after 6 whole pages, without its closing </mediawiki>"),
    (DUMP[:700], "ends early, after 0 whole pages: fetch it again"),
    (DUMP[:-300], "ends early, after 5 whole pages"),
    (DUMP.replace("</title>", "</titel>", 1), "is no well-formed XML at line 11, after 0 pages: mismatched tag"),
    ('<?xml version="1.0" encoding="windows-1251"?>\n' + DUMP, "says that it is in windows-1251: convert it to UTF-8"),
    (DUMP.replace("    <title>Anna</title>\n", ""), r"page 1 \(id 1, title None\).* has no <title>"),
    (DUMP.replace("    <ns>0</ns>\n", "", 1), r"page 1 .*has no <ns>"),
    (DUMP.replace("Is it?", "<![CDATA[Is it?]]>"), "has a CDATA section at line 4[0-9]: this is no export"),
    (DUMP.replace("<id>5</id>", "<id>five</id>"), r"page 5 \(id five, title List\) has an id that is no number"),
    (DUMP.encode().replace(b"river", b"r\xcbver"), "is not UTF-8 at line 8[0-9], after 5 pages: convert it"),
    (DUMP.encode().replace(b"river", b"r" * (1 << 21) + b"\xcb "), "is not UTF-8 at line 8[0-9], after 5 pages"),
    (DUMP.replace("a river", "a & b"), "is no well-formed XML at line 8[0-9], after 5 pages: not well-formed"),
    (DUMP.replace("  </page>", "<revision><id>9</id><text>b</text></revision></page>", 1), "has 2 revisions, not one"),
    (bz2.compress(bz2.compress(DUMP.encode())), "is compressed twice"),
    (gzip.compress(bz2.compress(DUMP.encode()), mtime=0), "is compressed twice"),
    (bz2.compress(DUMP.encode() * 50)[:500] + bytes(500), "is damaged|ends early"),
    (gzip.compress(DUMP.encode() * 50, mtime=0)[:300] + b"\x07" * 500, "is damaged|ends early"),
    (b"7z\xbc\xaf\x27\x1c" + bytes(90), "is packed with 7z"),
    (b"\xfd7zXZ\0" + bytes(90), "is packed with xz"),
])
def test_what_is_no_sound_dump_gets_one_sentence_and_no_output(tmp_path, content, said):
    with pytest.raises(BadInput, match=said) as error:
        extracted(tmp_path, content)
    assert str(tmp_path / "dump.xml") in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["dump.xml"]


def test_a_missing_dump_is_said(tmp_path):
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        extract(tmp_path / "absent.xml", tmp_path / "out", 1)


def test_an_output_folder_that_cannot_be_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="file cannot be written: it is a file"):
        extract(written(tmp_path, DUMP), tmp_path / "file" / "articles.jsonl.gz", 1)


def program(folder, monkeypatch, script):
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setattr(extraction, "program", lambda: str(path))


def test_a_page_that_wikiextractor_leaves_out_is_an_error(tmp_path, monkeypatch):
    line = json.dumps({"id": "1", "url": "u", "title": "Anna", "text": "Anna."})
    program(tmp_path, monkeypatch, f"echo '{line}'")
    with pytest.raises(BadInput, match=r"left out 2 of 3 articles without saying why \(ids 5, 6\)"):
        extracted(tmp_path, DUMP)
    assert not (tmp_path / "articles.jsonl.gz").exists()


def test_a_failing_wikiextractor_is_an_error_that_repeats_its_last_words(tmp_path, monkeypatch, capfd):
    program(tmp_path, monkeypatch, "echo worker died >&2; exit 3")
    with pytest.raises(BadInput, match=r"WikiExtractor failed \(exit code 3\): worker died"):
        extracted(tmp_path, DUMP)
    assert "worker died" in capfd.readouterr().err


@pytest.fixture
def patience():
    """What waits for ever fails."""
    def lose(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, lose)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("others", [0, 200])
def test_a_page_that_wikiextractor_dies_of_ends_it_with_its_last_words(tmp_path, patience, others):
    """With many pages behind it the main process would wait for it for ever."""
    bad = page(1, "Bad", "{{ " * 600 + " }}" * 600)
    pages = [page(2 + number, "Page", "Text.") for number in range(others)]
    with pytest.raises(BadInput, match=r"WikiExtractor broke off, since one of its processes died: see the log "
                                       r"\(it last said: RecursionError: maximum recursion depth exceeded"):
        extracted(tmp_path, HEAD + bad + "".join(pages) + END, processes=2)
    assert [path.name for path in tmp_path.iterdir()] == ["dump.xml"]


def test_a_worker_that_is_killed_ends_wikiextractor(tmp_path, monkeypatch, patience):
    program(tmp_path, monkeypatch, "echo working >&2; sh -c 'kill -9 $$' & exec sleep 300")
    with pytest.raises(BadInput, match=r"one of its processes died: see the log \(it last said: working"):
        extracted(tmp_path, DUMP)


def test_workers_that_have_done_their_work_are_no_matter(tmp_path, monkeypatch):
    """They are there, without anybody who asks for their exit codes, until WikiExtractor's main process ends."""
    monkeypatch.setattr(extraction, "SECONDS_BETWEEN_LOOKS", 0.02)
    articles = ({"id": number, "url": "u", "title": "T", "text": "T."} for number in ("1", "5", "6"))
    (tmp_path / "lines").write_text("".join(json.dumps(article) + "\n" for article in articles))
    program(tmp_path, monkeypatch, f"sh -c 'exit 0' & cat {tmp_path / 'lines'}; exec sleep 0.5")
    assert len(extracted(tmp_path, DUMP)[1]) == 3


def test_a_program_that_has_ended_is_not_waited_for(tmp_path, monkeypatch, patience):
    slow = ["sh", "-c", "read line; sleep 300; kill -9 0"]
    monkeypatch.setattr(extraction, "guard_of_a_group",
                        lambda: subprocess.Popen(slow, stdin=subprocess.PIPE, process_group=0))
    assert len(extracted(tmp_path, DUMP)[1]) == 2


def test_what_is_ended_leaves_no_shared_memory(tmp_path, monkeypatch):
    """As WikiExtractor has it for its templates."""
    name, line = tmp_path / "name", json.dumps({"id": "99", "text": "of another dump"})
    (tmp_path / "sharing.py").write_text(
        "import pathlib, time\nfrom multiprocessing.shared_memory import SharedMemory\n"
        f"memory = SharedMemory(create=True, size=10)\npathlib.Path({str(name)!r}).write_text(memory.name)\n"
        f"print({line!r}, flush=True)\ntime.sleep(300)\n")
    program(tmp_path, monkeypatch, f"exec {sys.executable} {tmp_path / 'sharing.py'}")
    with pytest.raises(BadInput, match="gives page 99 where"):
        extracted(tmp_path, DUMP)
    assert name.read_text() and not Path("/dev/shm", name.read_text()).exists()


WITH_A_WORKER_THAT_HANGS = "sleep 300 & echo $! > {pid}; echo '{line}'; wait"


def is_running(pid_file):
    try:
        return "sleep" in Path(f"/proc/{pid_file.read_text().strip()}/cmdline").read_text()
    except FileNotFoundError:
        return False


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_error_ends_all_of_wikiextractors_processes(tmp_path, monkeypatch):
    pid, line = tmp_path / "pid", json.dumps({"id": "99", "text": "of another dump"})
    program(tmp_path, monkeypatch, WITH_A_WORKER_THAT_HANGS.format(pid=pid, line=line))
    with pytest.raises(BadInput, match="gives page 99 where"):
        extracted(tmp_path, DUMP)
    wait_until(lambda: not is_running(pid))


def test_kill_9_ends_all_of_wikiextractors_processes_and_the_next_run_works(tmp_path, monkeypatch):
    pid, line = tmp_path / "pid", json.dumps({"id": "1", "url": "u", "title": "Anna", "text": "Anna."})
    program(tmp_path, monkeypatch, WITH_A_WORKER_THAT_HANGS.format(pid=pid, line=line))
    child = os.fork()
    if child == 0:
        extracted(tmp_path, DUMP)
    wait_until(lambda: pid.exists() and is_running(pid))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    wait_until(lambda: not is_running(pid))
    monkeypatch.undo()
    assert len(extracted(tmp_path, DUMP)[1]) == 2
    assert not list(tmp_path.glob(".articles.jsonl.gz.work-*"))


def test_the_survey_needs_no_more_memory_for_more_text(tmp_path):
    import tracemalloc
    big = written(tmp_path, HEAD + "".join(page(number, f"P{number}", "text " * 20_000) for number in range(300)) + END)
    tracemalloc.start()
    assert survey(big).pages == 300
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert big.stat().st_size > 25 << 20 and peak < 8 << 20
