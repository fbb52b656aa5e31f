"""From a dump to its articles: WikiExtractor, run as a program, and a check that it left nothing out.

The program says nothing where it skips pages, so what it gives is compared with the dump's own list of pages
(dump.survey).
"""

import contextlib
import gzip
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import deque
from pathlib import Path

from dump2bert.corpus.checksum import some
from dump2bert.corpus.dump import MARK, packing, plain_copy, survey
from dump2bert.corpus.headings import HeadingFile
from dump2bert.errors import BadInput
from dump2bert.files import atomic_write
from dump2bert.progress import Progress, say

HALVES = re.compile("[\ud800-\udfff]")     # WikiExtractor reads &#xD800; as half a character, which no file can hold
# How a process of Python's multiprocessing that an error ends begins and ends what it says.
FIRST_WORDS, LAST_WORDS = re.compile(r"Process \S+:"), re.compile(r"[\w.]*(?:Error|Exception)\b.*")
SECONDS_BETWEEN_LOOKS = 1


def extract(dump, output, processes, cut_off="error", templates=None):
    """Write the articles of `dump` to `output` (gzip of JSON lines: id, url, title, text, headings); returns
    statistics.

    Every page of namespace 0 that is no redirect is an article, or is listed in the statistics as empty. cut_off:
    "accept" takes the whole pages of a dump that ends early. templates: a file of the templates' pages that counts instead
    of the dump's own. BadInput where the dump is not sound (see dump.survey)
    or a page is missing.
    """
    with HeadingFile(output) as headings:
        found = survey(dump, cut_off == "accept", headings)
        return extract_surveyed(dump, found, headings, output, processes, templates)


def extract_surveyed(dump, found, headings, output, processes, templates):
    say(f"{found.pages} pages: {len(found.articles)} articles, {found.redirects} redirects, "
        f"{found.other_namespaces} of other namespaces")
    with atomic_write(output, "wb") as file, workspace(output) as folder:
        source = readable_dump(dump, found, folder)
        with contextlib.closing(wikiextractor(source, processes, templates)) as lines:
            articles = checked(lines, found, dump)
            # A gzip header without name and time: the same articles are the same bytes.
            with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
                counts = write_articles(articles, headings, packed)
    return {"pages": found.pages, "redirects": found.redirects, "other_namespaces": found.other_namespaces,
            "is_whole": found.is_whole, **counts}


@contextlib.contextmanager
def workspace(output):
    """A temporary folder beside the output; what a killed run left is removed."""
    output = Path(output)
    prefix = f".{output.name}.work-"
    for stale in output.parent.glob(f"{prefix}*"):
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=output.parent) as folder:
        yield Path(folder)


def readable_dump(dump, found, folder):
    """A path under which WikiExtractor reads the dump: it goes by the name's ending, so the name is ours."""
    if found.is_plain:
        source = folder / ("dump.xml" + {"bz2": ".bz2", "gz": ".gz", None: ""}[packing(dump)])
        source.symlink_to(Path(dump).resolve())
    else:
        source = folder / "dump.xml"
        plain_copy(dump, found, source)
    return source


def program():
    """WikiExtractor's path: beside this Python first, then on PATH."""
    beside = Path(sys.executable).with_name("wikiextractor")
    path = str(beside) if beside.exists() else shutil.which("wikiextractor")
    if not path:
        raise BadInput("the program wikiextractor is not there: install the environment (wikiextractor==3.1.0)")
    return path


def wikiextractor(source, processes, templates=None):
    """Run WikiExtractor on `source` and yield the lines of JSON that it writes. What it says goes to standard error.

    --html-safe "" leaves < and & as they are; the default would write them as entities.
    """
    command = [program(), str(source), "--json", "--html-safe", "", "--processes", str(processes), "--output", "-",
               *(["--templates", str(templates)] if templates else [])]
    said, broke, is_over = deque(maxlen=5), threading.Event(), threading.Event()
    with guard_of_a_group() as guard, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                                       process_group=guard.pid) as process:
        try:
            listener = threading.Thread(target=listen, args=(process.stderr, said, broke), daemon=True)
            listener.start()
            threading.Thread(target=watch, args=(guard, broke, is_over), daemon=True).start()
            yield from process.stdout
            listener.join()
            if process.wait() > 0:
                raise BadInput(f"WikiExtractor failed (exit code {process.returncode}): {' | '.join(said)}")
            if process.returncode or broke.is_set():
                raise BadInput(f"WikiExtractor broke off, since one of its processes died: see the log (it last said: "
                               f"{said[-1] if said else 'nothing'})")
        finally:
            is_over.set()
            if process.poll() == 0:
                guard.kill()            # there is nobody left to end
            guard.communicate()


def guard_of_a_group():
    """A process that ends its process group, once its standard input is closed: by us, or by our death.

    WikiExtractor's workers wait for ever when their parent is gone, and hold its pipes open. The guard is there before
    them, so that no moment is without it. It begins with SIGTERM, to which Python's resource tracker does not listen:
    so that one survives the others and removes their shared memory.
    """
    return subprocess.Popen(["sh", "-c", "trap '' TERM; read line; kill -TERM 0; sleep 1; kill -9 0"],
                            stdin=subprocess.PIPE, process_group=0)


def listen(stream, said, broke):
    """Pass on what WikiExtractor says and keep its last lines; of a process that dies, these, and set `broke`."""
    is_dying = is_dead = False
    for line in stream:
        text = line.decode("utf-8", "replace").rstrip()
        if "resource_tracker" in text:     # after a SIGTERM: that it has removed the shared memory
            continue
        print(text, file=sys.stderr)
        if not is_dead:
            said.append(text)
        is_dying |= FIRST_WORDS.fullmatch(text) is not None
        if is_dying and LAST_WORDS.fullmatch(text):
            is_dead = True
            broke.set()


def watch(guard, broke, is_over):
    """End WikiExtractor once one of its processes has died: the others would wait for its articles for ever."""
    while not is_over.wait(SECONDS_BETWEEN_LOOKS):
        if broke.is_set() or has_died_in_group(guard.pid):
            broke.set()
            guard.stdin.close()
            return


def has_died_in_group(group):
    """Whether a process of the group ended otherwise than with exit code 0, and none has asked for it yet (proc(5))."""
    for number in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{number}/stat", "rb") as file:     # it may be gone by now
            # Behind its name, which may hold anything: fields 3 (state), 4, 5 (group), ..., 52 (exit code).
            fields = file.read().rpartition(b")")[2].split()
            if fields[0] == b"Z" and int(fields[2]) == group and int(fields[49]):
                return True
    return False


def checked(lines, found, dump):
    """Yield the articles, in the dump's order; BadInput where one of the dump's pages is not among them."""
    progress = Progress(len(found.articles), "article", "extracted")
    missing, expected = [], iter(found.articles)
    for line in lines:
        article = json.loads(line)
        number = int(article["id"])
        for page in expected:
            if page == number:
                break
            missing.append(page)
        else:
            raise BadInput(f"WikiExtractor gives page {number} where {dump} does not have it: see the log")
        progress.update()
        yield article
    missing += expected
    if missing:
        raise BadInput(f"{dump}: WikiExtractor left out {len(missing)} of {len(found.articles)} articles without "
                       f"saying why (ids {some(map(str, missing))}): see the log")


def write_articles(articles, headings, file):
    """Write JSON lines; returns counts. An article without text is not written but listed."""
    count = characters = 0
    empty = []
    for article, its_headings in zip(articles, headings, strict=True):
        title, text = html.unescape(article["title"]).removeprefix(MARK), HALVES.sub("\ufffd", article["text"]).strip()
        if not text:
            empty.append({"id": article["id"], "title": title, "reason": "empty after extraction"})
            continue
        kept = {"id": article["id"], "url": article["url"], "title": title, "text": text, "headings": its_headings}
        file.write(json.dumps(kept, ensure_ascii=False).encode("utf-8") + b"\n")
        count += 1
        characters += len(text)
    return {"articles": count, "characters": characters, "left_out": empty}
