"""What stops a run before its data waste days of training: numbers that a sound corpus does not have.

Each gate is a key of the section `gates`; its message says what was found where, what is likely to be wrong, and which
value lets the run through.
"""

import math

from dump2bert.errors import BadInput


def refuse(where, found, advice, **passing):
    """Raise BadInput. passing: the key of `gates` and the value with which the run goes on."""
    keys = ", ".join(f"{key}: {value}" for key, value in passing.items())
    flags = " ".join(f"--{key} {value}" for key, value in passing.items())
    advice += "" if advice.endswith("?") else "."
    raise BadInput(f"{where}: {found}; {advice} If it is meant, say `gates: {{{keys}}}` in the configuration ({flags} "
                   "on the command line)")


def check_sentences(where, documents, sentences, min_sentences_per_document):
    """A blank line after every sentence, a known error, makes every sentence a document of its own."""
    mean = sentences / max(documents, 1)
    if mean < min_sentences_per_document:
        refuse(where, f"its {documents} documents have {mean:.2f} sentences on average",
               "is there a blank line after every sentence? Blank lines stand between documents, and next sentence "
               "prediction needs documents of several sentences", min_sentences_per_document=passed(mean, -1))


def check_share(where, what, share, limit, advice, key):
    """share and limit: from 0 to 1."""
    if share > limit:
        refuse(where, f"{what} {share:.1%}, above the {limit:.1%} that are let through", advice,
               **{key: passed(share, 1)})


def passed(value, direction):
    """`value` with two digits behind the point, rounded so that it is let through: up (1) or down (-1)."""
    return (math.ceil(value * 100) if direction > 0 else math.floor(value * 100)) / 100
