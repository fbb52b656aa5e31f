"""Multistream dumps: a bzip2 file of many streams, each of 100 pages, and an index of where they begin.

Wikimedia's form: the first stream holds the head (<mediawiki>, <siteinfo>), the last the closing </mediawiki>; the index
has a line OFFSET:PAGE ID:TITLE for each page. A stream can be decompressed by itself, so a dump can be cut into parts
that are worked on side by side: `cut` says where, `write_part` makes a dump of its own of one, `write_templates`
collects what the pages of all parts may include.
"""

import bz2
import contextlib
import gzip
import io
import shutil
import tempfile
import zlib
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from dump2bert.corpus.dump import Stream, packing
from dump2bert.corpus.extraction import extract
from dump2bert.errors import BadInput
from dump2bert.files import atomic_write, decoded_lines, make_folder, read_json, sha256_of
from dump2bert.progress import say

END = bz2.compress(b"</mediawiki>\n")
TEMPLATE = "<ns>10</ns>"
PART_KEYS = {"start", "end", "pages"}


class Part(NamedTuple):
    """Streams that follow one another: bytes `start` to `end` of the dump, `pages` pages. head: bytes of the first
    stream."""

    head: int
    start: int
    end: int
    pages: int
    is_last: bool


def cut(dump, index, parts):
    """Where to cut a dump into `parts` parts of about equal size: a plain value for a JSON file (read by read_part).

    BadInput where the index is none, or not that of the dump, or where there are fewer streams than parts.
    """
    if packing(dump) != "bz2":
        raise BadInput(f"{dump} is no bzip2 file, so it is not the multistream dump of {index}")
    size = Path(dump).stat().st_size
    streams = [(offset, sum(1 for _ in pages)) for offset, pages in groupby(offsets(index))]
    if len(streams) < parts:
        raise BadInput(f"{index} lists {len(streams)} streams, which cannot be cut into {parts} parts: set "
                       f"extract.parts to {len(streams)} at most")
    head, last = streams[0][0], streams[-1][0]
    if last >= size:
        raise BadInput(f"{dump} has {size} bytes, but {index} says that a stream begins at byte {last}: the dump is "
                       "cut off, or the index is another dump's")
    starts = first_streams([offset for offset, _ in streams], size, parts)
    cuts = []
    with open(dump, "rb") as file:
        for first, after in zip(starts, [*starts[1:], len(streams)]):
            start = streams[first][0]
            file.seek(start)
            if not file.read(3) == b"BZh":
                raise BadInput(f"{dump} has no stream at byte {start}, where {index} says that one begins: the "
                               "index is another dump's, or the dump is no multistream one")
            end = streams[after][0] if after < len(streams) else size
            cuts.append({"start": start, "end": end, "pages": sum(pages for _, pages in streams[first:after])})
    say(f"{sum(pages for _, pages in streams)} pages in {len(streams)} streams are cut into {parts} parts")
    return {"head": head, "sha256": sha256_of(dump), "parts": cuts}


def offsets(index):
    """The offset of each page's stream, ascending. BadInput names the line that is none of an index."""
    form = packing(index)
    before = 0
    opener = {"bz2": bz2.open, "gz": gzip.open, None: open}[form]
    try:
        with opener(index, "rb") as file:
            for number, line in decoded_lines(file, index):
                offset, _, rest = line.partition(":")
                if not offset.isdecimal() or not rest.partition(":")[0].isdecimal() or int(offset) < max(before, 1):
                    raise BadInput(f"{index} line {number} is none of a multistream index, which has "
                                   "OFFSET:PAGE ID:TITLE with ascending offsets")
                before = int(offset)
                yield before
    except (EOFError, OSError, zlib.error) as error:
        raise BadInput(f"{index} is damaged ({error}): fetch it again") from error
    if not before:
        raise BadInput(f"{index} lists no pages")


def first_streams(starts, size, parts):
    """The number of the first stream of each part; parts have about the same number of bytes, and none is empty."""
    firsts, stream = [], 0
    for part in range(parts):
        wanted = starts[0] + (size - starts[0]) * part / parts
        while starts[stream] < wanted and stream < len(starts) - (parts - part):
            stream += 1
        firsts.append(stream)
        stream += 1
    return firsts


def read_part(streams, number):
    """Part `number`, from 0, of the file that holds what `cut` gave."""
    found = read_json(streams)
    try:
        parts = found["parts"]
        return Part(found["head"], **{key: parts[number][key] for key in PART_KEYS}, is_last=number == len(parts) - 1)
    except (KeyError, TypeError, IndexError) as error:
        raise BadInput(f"{streams} says nothing of part {number}: `dump2bert cut` writes such a file") from error


def write_part(dump, part, output):
    """Write a part as a dump of its own: the head, its streams, the end."""
    with open(dump, "rb") as file, open(output, "wb") as copy:
        copy_bytes(file, copy, 0, part.head)
        copy_bytes(file, copy, part.start, part.end)
        if not part.is_last:
            copy.write(END)


def copy_bytes(file, copy, start, end):
    file.seek(start)
    left = end - start
    while left:
        block = file.read(min(left, 1 << 20))
        if not block:
            raise BadInput(f"{file.name} ends at byte {file.tell()}, within its part from {start} to {end}: fetch it "
                           "again")
        copy.write(block)
        left -= len(block)


@contextlib.contextmanager
def part_dump(dump, part, output):
    """A part as a dump in a temporary folder beside `output`; in what BadInput says it has the name of the whole."""
    output = Path(output)
    make_folder(output.parent)
    prefix = f".{output.name}.part-"
    for stale in output.parent.glob(f"{prefix}*"):
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=output.parent) as folder:
        path = Path(folder) / "dump.xml.bz2"
        try:
            write_part(dump, part, path)
            yield path, Path(folder)
        except OSError as error:
            error.filename = error.filename or str(output)     # the disk is full
            raise
        except BadInput as error:
            told = str(error).replace(str(path), f"{dump} (bytes {part.start} to {part.end})")
            raise BadInput(told) from error


def write_templates(dump, streams, number, output):
    """Write the templates of one part (pages of namespace 10, as the dump has them) to a .gz file; their number."""
    count = 0
    with part_dump(dump, read_part(streams, number), output) as (path, _), atomic_write(output, "wb") as file:
        with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            for page in pages(path):
                if any(TEMPLATE in line for line in page[:4]):
                    packed.write("".join(page).encode("utf-8"))
                    count += 1
    say(f"{count} templates")
    return count


def pages(path):
    """Yield each <page> of a dump as its lines."""
    page = []
    try:
        for line in io.TextIOWrapper(Stream(path), encoding="utf-8", newline="\n"):
            if line.strip() == "<page>":
                page = []
            page.append(line)
            if line.strip() == "</page>":
                yield page
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8: fetch it again, or convert it, for example with iconv") from error


def extract_part(dump, streams, number, templates, output, processes):
    """extraction.extract for one part. templates: the files of write_templates of all parts, in order."""
    part = read_part(streams, number)
    with part_dump(dump, part, output) as (path, folder):
        collected = folder / "templates.xml.gz"
        with open(collected, "wb") as file:
            for piece in templates:
                with open(piece, "rb") as source:
                    shutil.copyfileobj(source, file)
        found = extract(path, output, processes, templates=collected)
        if found["pages"] != part.pages:
            raise BadInput(f"{path} has {found['pages']} pages, but the index lists {part.pages} for it: dump and "
                           "index do not belong together, or the dump is damaged")
    return found
