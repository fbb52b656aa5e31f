"""Reading a MediaWiki XML export as a stream: which pages it holds, and whether it is whole.

WikiExtractor reads line by line with regular expressions: what it does not understand it leaves out without a word. So
`survey` reads the dump with a real XML parser first, in constant memory (8 bytes a page), and `plain_copy` writes what
WikiExtractor would misread (UTF-16, no name of the template namespace, cut off, several tags on a line) in a form that
it reads.
"""

import bz2
import contextlib
import gzip
import io
import itertools
import re
import zlib
from array import array
from pathlib import Path
from xml.parsers import expat

from dump2bert.corpus.headings import headings_of
from dump2bert.errors import BadInput
from dump2bert.files import PACKINGS
from dump2bert.progress import Progress

BLOCK = 1 << 20
MAGIC = {magic: name for magic, name in PACKINGS.items() if name in ("bz2", "gz")}
UTF_16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']+)")
TEMPLATE_NAMESPACE = '<namespace key="10" case="first-letter">Template</namespace>\n'
# WikiExtractor sees the first tag of a line only. In text no tag begins: there it is &lt;.
NEEDS_A_LINE = re.compile(r"(?=<(?:\w|/(?:page|siteinfo|namespaces|mediawiki)>))")
# WikiExtractor takes every page for a template whose title begins with that namespace's name: the article `Template
# engine`, too. So this stands before such titles.
MARK = "\u2060"


def packing(path):
    """"bz2", "gz" or None (plain), by the file's first bytes; BadInput for a missing, empty or otherwise packed
    file."""
    try:
        with open(path, "rb") as file:
            start = file.read(6)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    if not start:
        raise BadInput(f"{path} is empty: fetch it again")
    name = next((name for magic, name in PACKINGS.items() if start.startswith(magic)), None)
    if name not in (None, *MAGIC.values()):
        raise BadInput(f"{path} is packed with {name}: a dump must be .xml, .xml.bz2 or .xml.gz")
    return name


class Cut(Exception):
    """The compressed data end early."""


def blocks(path):
    """Yield the dump's bytes, decompressed. Cut where a compressed file ends early, BadInput where it is damaged."""
    form = packing(path)
    size = Path(path).stat().st_size
    progress = Progress(max(1, size >> 20), "MB", f"reading {Path(path).name}:")
    with open(path, "rb") as raw:
        opener = {"bz2": bz2.BZ2File, "gz": lambda file: gzip.GzipFile(fileobj=file), None: lambda file: file}[form]
        with opener(raw) as file:
            first = True
            while True:
                try:
                    block = file.read(BLOCK)
                except EOFError as error:
                    raise Cut from error
                except (OSError, zlib.error) as error:
                    raise BadInput(f"{path} is damaged ({error}): fetch it again") from error
                if not block:
                    return
                if first and form and any(block.startswith(magic) for magic in MAGIC):
                    raise BadInput(f"{path} is compressed twice: decompress it once")
                first = False
                done = raw.tell() >> 20
                if done > progress.done:
                    progress.update(done - progress.done)
                yield block


class Survey:
    """What a dump holds. `articles`: ids of the pages of namespace 0 that are no redirects, in the dump's order."""

    def __init__(self):
        self.articles = array("q")
        self.pages = self.redirects = self.other_namespaces = 0
        self.template_namespace = ""
        self.is_taken_for_template = False     # whether an article's title begins with that name
        self.has_own_lines = True              # whether each tag begins on a line of its own
        self.is_whole = True
        self.encoding = "utf-8"

    @property
    def is_plain(self):
        """Whether WikiExtractor reads the dump as it is."""
        return (self.is_whole and self.template_namespace != "" and not self.is_taken_for_template
                and self.has_own_lines and self.encoding == "utf-8")


def survey(path, accept_cut_off=False, headings=None):
    """The Survey of a dump. headings: a HeadingFile that gets those of each article.

    BadInput, with one sentence, where the file is empty, damaged, no XML, no MediaWiki export, where a page lacks
    its title, namespace or id or has several revisions, and where the dump ends early, unless `accept_cut_off`:
    then its whole pages count.
    """
    found = Survey()
    reader = PageReader(path, found, headings)
    done = 0       # bytes
    try:
        for number, block in enumerate(blocks(path)):
            if number == 0:
                found.encoding = encoding_of(path, block)
                reader.start_parser(found.encoding)
            reader.parser.Parse(block, False)
            done += len(block)
    except Cut:
        found.is_whole = False
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        if found.encoding == "utf-8" and block[reader.parser.ErrorByteIndex - done:][:1] > b"\x7f":
            raise BadInput(f"{path} is not UTF-8 at line {error.lineno}, after {found.pages} pages: convert it, for "
                           "example with iconv") from error
        if not reader.depth and not found.pages:
            raise BadInput(f"{path} is no XML ({what} at line {error.lineno}): a MediaWiki export is needed") from error
        raise BadInput(f"{path} is no well-formed XML at line {error.lineno}, after {found.pages} pages: "
                       f"{what}") from error
    else:
        try:
            reader.parser.Parse(b"", True)
        except expat.ExpatError as error:
            if not found.pages and not reader.depth:
                raise BadInput(f"{path} is no XML: a MediaWiki export is needed") from error
            found.is_whole = False
    if not found.is_whole and not found.pages:
        raise BadInput(f"{path} ends early, after 0 whole pages: fetch it again")
    if not found.is_whole and not accept_cut_off:
        raise BadInput(f"{path} ends early, after {found.pages} whole pages, without its closing </mediawiki>: "
                       "fetch it again, or say `cut_off: accept` to go on with those pages")
    return found


def encoding_of(path, block):
    """utf-8 or a form of utf-16, by the first bytes. BadInput where the XML declares another one."""
    declared = DECLARATION.match(block)
    if declared and declared[1].lower() not in (b"utf-8", b"utf8", b"utf-16", b"us-ascii", b"ascii"):
        declared = declared[1].decode("ascii", "replace")
        raise BadInput(f"{path} says that it is in {declared}: convert it to UTF-8 (iconv) and change its first line")
    return next((name for mark, name in UTF_16.items() if block.startswith(mark)), "utf-8")


class PageReader:
    """An expat parser that notes each page into a Survey: title, ns, id and redirect, and the text's headings."""

    def __init__(self, path, found, headings=None):
        self.path, self.found, self.headings = path, found, headings
        self.depth = self.line = 0
        self.page = None
        self.text = []
        self.start_parser("utf-8")

    def start_parser(self, encoding):
        """The encoding is what the bytes are, whatever the first line says."""
        self.parser = expat.ParserCreate(encoding.replace("16-", "16"))
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartCdataSectionHandler = self.refuse_cdata

    def start(self, name, attributes):
        self.depth += 1
        self.take_line()
        if self.depth == 1 and name != "mediawiki":
            raise BadInput(f"{self.path} is no MediaWiki export: its outermost element is <{name}>, not <mediawiki>")
        if name == "page" and self.depth == 2:
            self.page = {"revisions": 0}
        elif self.depth == 3 and self.page is not None:
            if name == "redirect":
                self.page["redirect"] = True
            elif name == "revision":
                self.page["revisions"] += 1
            elif name in ("title", "ns", "id"):
                self.text = []
                self.parser.CharacterDataHandler = self.text.append
        elif name == "text" and self.depth == 4 and self.page is not None and self.headings is not None:
            self.text = []
            self.parser.CharacterDataHandler = self.text.append
        elif name == "namespace" and attributes.get("key") == "10":
            self.text = []
            self.parser.CharacterDataHandler = self.text.append

    def refuse_cdata(self):
        """WikiExtractor would take it for a tag, and the article for an empty one."""
        raise BadInput(f"{self.path} has a CDATA section at line {self.parser.CurrentLineNumber}: this is no export "
                       "that MediaWiki wrote; write & and < in its text as &amp; and &lt;")

    def take_line(self):
        line = self.parser.CurrentLineNumber
        self.found.has_own_lines &= line > self.line
        self.line = line

    def end(self, name):
        if name in ("page", "siteinfo", "namespaces"):
            self.take_line()
        if self.depth == 3 and self.page is not None and name in ("title", "ns", "id"):
            self.page[name] = "".join(self.text)
            self.parser.CharacterDataHandler = None
        elif self.depth == 4 and self.page is not None and name == "text" and self.parser.CharacterDataHandler:
            self.page["text"] = "".join(self.text)
            self.parser.CharacterDataHandler = None
        elif name == "namespace" and self.parser.CharacterDataHandler:
            self.found.template_namespace = "".join(self.text)
            self.parser.CharacterDataHandler = None
        elif self.depth == 2 and name == "page":
            self.note(self.page)
            self.page = None
        self.depth -= 1

    def note(self, page):
        self.found.pages += 1
        which = f"{self.path}: page {self.found.pages} (id {page.get('id')}, title {page.get('title')})"
        for name in ("title", "ns", "id"):
            if not page.get(name):
                raise BadInput(f"{which}, which ends at line {self.parser.CurrentLineNumber}, has no <{name}>: "
                               "this is no export that MediaWiki wrote; fetch it again")
        if not page["id"].isdecimal():
            raise BadInput(f"{which} has an id that is no number: this is no export that MediaWiki wrote; "
                           "fetch it again")
        if page["revisions"] != 1:
            raise BadInput(f"{which} has {page['revisions']} revisions, not one: use the dump called pages-articles")
        if page["ns"] != "0":
            self.found.other_namespaces += 1
        elif page.get("redirect"):
            self.found.redirects += 1
        else:
            self.found.articles.append(int(page["id"]))
            name = self.found.template_namespace
            self.found.is_taken_for_template |= name != "" and page["title"].startswith(name)
            if self.headings is not None:
                self.headings.add(headings_of(page.get("text", "")))


def plain_copy(path, found, copy):
    """Write the dump as a plain UTF-8 file that WikiExtractor reads: template namespace named, no other title beginning
    so, a line for each tag, whole pages only, closed."""
    lines = io.TextIOWrapper(Stream(path), encoding=found.encoding, errors="replace", newline="\n")
    named = found.template_namespace
    marked = re.compile(rf"(?<=<title>)(?={re.escape(named or 'Template')}(?!:))")
    pages = 0
    with open(copy, "w", encoding="utf-8", newline="\n") as file:
        for line in itertools.chain.from_iterable(map(own_lines, lines)):
            if not named and ("</namespaces>" in line or "</siteinfo>" in line):
                line, named = line.replace("</", TEMPLATE_NAMESPACE + "</", 1), True
            elif not named and "<page>" in line:
                line, named = f"<siteinfo>\n{TEMPLATE_NAMESPACE}</siteinfo>\n{line}", True
            file.write(marked.sub(MARK, line))
            pages += "</page>" in line
            if pages == found.pages and not found.is_whole:
                file.write("</mediawiki>\n")
                break


def own_lines(line):
    """The line's parts, each with its newline, that need a line of their own."""
    if "<" not in line:
        return [line]
    *parts, last = (part for part in NEEDS_A_LINE.split(line) if part.strip(" \t"))
    return [*(f"{part}\n" for part in parts), last]


class Stream(io.RawIOBase):
    """The decompressed dump as a readable file; data that end early just end."""

    def __init__(self, path):
        self.rest = b""
        self.blocks = blocks(path)

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self.rest:
            with contextlib.suppress(Cut):
                self.rest = next(self.blocks, b"")
        count = min(len(buffer), len(self.rest))
        buffer[:count], self.rest = self.rest[:count], self.rest[count:]
        return count
