"""The text tokenized once and for all: flat arrays in files of a working folder, mapped into memory by whoever reads them.

So any number of workers share one copy, and what is in use at a time is up to the system, whatever the size of the text.
"""

import mmap
import threading
from typing import NamedTuple

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import opened, read_lines
from dump2bert.pretraining.fast_tokenization import FastTokenizer
from dump2bert.pretraining.side_by_side import in_order
from dump2bert.pretraining.span_kernels import Corpus

TEXT_BLOCK = 1 << 20         # bytes of text that are tokenized at a time
CHUNK = 1 << 17              # tokens of a run of documents that are made into instances at a time


class Chunk(NamedTuple):
    """A run of whole documents; how a text is cut does not depend on who works on it."""

    first: int
    last: int    # excluded


class TokenizedCorpus:
    """A tokenized text in the files of a folder. `arrays`: a span_kernels.Corpus; `chunks`; `unknown`: how many [UNK]."""

    def __init__(self, folder, token_type, chunks, unknown):
        self.chunks, self.unknown = chunks, unknown
        self.maps = {name: mapped(folder / name) for name in FILES}
        types = {**FILES, "tokens": token_type}
        self.arrays = Corpus(*(np.frombuffer(self.maps[name], types[name]) for name in Corpus._fields))

    def release(self):
        """When many pages of files are in memory, let go of those that were read here: they no longer count as this
        process's (and stay in the system's cache). To map a page again takes time, so this is put off till then."""
        if pages_of_files() * mmap.PAGESIZE < RESIDENT:
            return
        for data in self.maps.values():
            if isinstance(data, mmap.mmap):
                data.madvise(mmap.MADV_DONTNEED)


RESIDENT = 1 << 28           # bytes of files that may be in the process's memory, its libraries' among them
FILES = {"tokens": None, "sentences": np.int64, "documents": np.int64, "continues": np.uint8}


def pages_of_files():
    """How many of the pages in this process's memory are those of files (proc(5), statm)."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[2])


def mapped(path):
    """A file as a buffer. Private and writable, though nobody writes: kernels compiled for plain arrays take it."""
    if not path.stat().st_size:
        return bytearray()
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)


def tokenize_corpus(inputs, folder, vocabulary, do_lower_case, whole_words, joined, pool, workers, segment=None):
    """Tokenize text files into a folder; the TokenizedCorpus.

    joined: a file's end does not end a document (Google's script). whole_words: note which tokens go on with a word:
    those with ##, and those that `segment` names (word_segmentation), if it is given.
    """
    tokenizer = FastTokenizer(vocabulary, do_lower_case, segment=segment if whole_words else None)
    own = threading.local()

    def tokenize(block):
        if block is None:    # the end of a file
            return None
        if not hasattr(own, "tokenizer"):
            own.tokenizer = tokenizer.for_another_thread()
        return own.tokenizer.sentences(block)

    with CorpusWriter(folder, vocabulary, whole_words) as writer:
        for sentences in in_order(pool, tokenize, text_blocks(inputs), 2 * workers):
            if sentences is not None:
                writer.add(sentences)
            elif not joined:
                writer.end_document()
        writer.finish()
    return TokenizedCorpus(folder, writer.token_type, writer.chunks, writer.unknown)


def text_blocks(inputs):
    """Whole lines of the files as bytes, and None after each file. BadInput names the line that is not UTF-8."""
    for path in inputs:
        rest = b""
        with opened(path, "rb") as file:
            while block := file.read(TEXT_BLOCK):
                end = block.rfind(b"\n") + 1
                if not end:
                    rest += block    # a very long line
                    continue
                yield checked(rest + block[:end], path)
                rest = block[end:]
        if rest:
            yield checked(rest + b"\n", path)
        yield None


def checked(text, path):
    try:
        text.decode()
    except UnicodeDecodeError:
        for _ in read_lines(path):    # says where
            pass
        raise
    return text


class CorpusWriter:
    """Writes the files of a tokenized corpus, one stretch of text after the other."""

    def __init__(self, folder, vocabulary, whole_words):
        self.unknown_id = vocabulary["[UNK]"]
        self.token_type = np.uint16 if len(vocabulary) <= 1 << 16 else np.int32
        self.continuing = None
        if whole_words:
            self.continuing = np.zeros(len(vocabulary), np.uint8)
            self.continuing[[number for piece, number in vocabulary.items() if piece.startswith("##")]] = 1
        self.tokens = self.sentences = self.documents = self.unknown = 0
        self.last_end = 0            # sentences before the document that is being read
        self.last_chunk = 0          # tokens // CHUNK at the end of the last document
        self.chunks = []
        self.files = {name: open(folder / name, "wb") for name in FILES}
        self.write("sentences", np.zeros(1, np.int64))
        self.write("documents", np.zeros(1, np.int64))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for file in self.files.values():
            file.close()

    def write(self, name, values):
        self.files[name].write(memoryview(values))

    def add(self, stretch):
        """stretch: fast_tokenization.Sentences."""
        self.write("tokens", stretch.tokens)
        if self.continuing is not None:
            continues = self.continuing[stretch.tokens]
            self.write("continues", continues if stretch.within is None else continues | stretch.within)
        ends = np.cumsum(np.concatenate([[self.tokens], stretch.lengths]), dtype=np.int64)
        self.write("sentences", ends[1:])
        self.end_documents(self.sentences + np.unique(stretch.breaks), ends)
        self.sentences += len(stretch.lengths)
        self.tokens += len(stretch.tokens)
        self.unknown += np.count_nonzero(stretch.tokens == self.unknown_id)

    def end_document(self):
        """Here, after all that has been added."""
        self.end_documents(np.array([self.sentences]), np.array([self.tokens]))

    def end_documents(self, ends, tokens):
        """ends: numbers of sentences, ascending; those of documents without any are left out. tokens[n]: the tokens before
        sentence self.sentences + n."""
        ends = ends[ends > self.last_end].astype(np.int64)
        if not len(ends):
            return
        self.write("documents", ends)
        chunks = tokens[ends - self.sentences] // CHUNK
        is_last = np.diff(chunks, prepend=self.last_chunk) > 0
        for place in np.flatnonzero(is_last):
            self.end_chunk(self.documents + int(place) + 1)
        self.documents += len(ends)
        self.last_end, self.last_chunk = int(ends[-1]), int(chunks[-1])

    def finish(self):
        self.end_document()
        if self.documents > (self.chunks[-1].last if self.chunks else 0):
            self.end_chunk(self.documents)

    def end_chunk(self, document):
        self.chunks.append(Chunk(self.chunks[-1].last if self.chunks else 0, document))
