"""Reading the text: one sentence a line, a blank line between documents (the input format of Google's BERT)."""

import glob

from dump2bert.errors import BadInput
from dump2bert.files import read_lines


def input_files(patterns):
    """Paths and glob patterns -> paths, in the order given, each pattern's matches sorted."""
    paths = []
    for pattern in map(str, patterns):
        found = sorted(glob.glob(pattern))
        if not found:
            raise BadInput(f"no input file is called {pattern}")
        paths += found
    return paths


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
