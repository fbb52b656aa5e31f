"""Reading the text: one sentence a line, a blank line between documents (the input format of Google's BERT)."""

import glob
import os

from dump2bert.errors import BadInput
from dump2bert.files import opened, read_lines

BEGINNING = 1 << 16     # bytes


def input_files(patterns):
    """Paths and glob patterns -> paths, in the order given, each pattern's matches sorted."""
    paths = []
    for pattern in map(str, patterns):
        found = [pattern] if os.path.exists(pattern) else sorted(glob.glob(pattern))
        if not found:
            raise BadInput(f"no input file is called {pattern}")
        paths += found
    for path in filter(os.path.isfile, paths):     # what is read from a pipe is gone
        check_line_ends(path)
    return paths


def check_line_ends(path):
    """BadInput where carriage returns alone end the lines: all of the text would be one sentence."""
    with opened(path, "rb") as file:
        beginning = file.read(BEGINNING)
    if b"\r" in beginning and b"\n" not in beginning:
        raise BadInput(f"{path} has lines that end with a carriage return alone: make newlines of these, for example "
                       "with tr '\\r' '\\n'")


def lines_of(paths, joined=False):
    """All lines, stripped. A file's end also ends a document, unless `joined`, as in Google's script."""
    for path in paths:
        for _, line in read_lines(path):
            yield line.strip()
        if not joined:
            yield ""


def tokenized(document, tokenizer):
    """A document's sentences as lists of ids; sentences without any token are dropped."""
    return [sentence for sentence in map(tokenizer.encode, document) if sentence]
