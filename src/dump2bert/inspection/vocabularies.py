"""What is inside a vocabulary."""

import unicodedata
from collections import Counter

from dump2bert.inspection.terminal import binned, histogram
from dump2bert.tokenization import SPECIAL_TOKENS, load_vocabulary

EXAMPLES = 20


def inspect_vocabulary(path):
    """Yield lines about a vocab.txt."""
    vocabulary = load_vocabulary(path)
    pieces = list(vocabulary)
    unused = [one for one in pieces if one.startswith("[unused")]
    special = {*SPECIAL_TOKENS, *unused}
    words = [one for one in pieces if one not in special and not one.startswith("##")]
    rest = [one for one in pieces if one.startswith("##")]
    single = [one for one in pieces if one not in special and len(one.removeprefix("##")) == 1]
    yield f"{path}: a vocabulary of {len(pieces):,} pieces"
    yield "special tokens: " + ", ".join(f"{token} {vocabulary[token]}" for token in SPECIAL_TOKENS)
    yield (f"{len(words):,} begin a word, {len(rest):,} go on with one (##), {len(single):,} are one character"
           + (f", {len(unused):,} are [unused...]" if unused else ""))
    capitals = sum(one != one.lower() for one in words)
    yield f"{capitals:,} have capitals: " + ("do_lower_case is false, it seems" if capitals > len(words) / 20 else
                                            "do_lower_case is true, it seems")
    scripts = Counter(script_of(one.removeprefix("##")) for one in (*words, *rest))
    yield from histogram("scripts", scripts.most_common(12))
    yield from histogram("characters of a piece", binned([len(one.removeprefix("##")) for one in (*words, *rest)], 20))
    yield ""
    for title, some in (("first", words), ("last", words[-EXAMPLES:]),
                        ("longest", sorted(words, key=lambda one: (-len(one), one)))):
        yield f"{title}: {' '.join(some[:EXAMPLES])}"


def script_of(text):
    """The first word of the first letter's Unicode name (LATIN, CJK, CYRILLIC, ...)."""
    for character in text:
        if character.isalpha():
            return unicodedata.name(character, "?").split()[0]
    return "digits" if text[:1].isdigit() else "no letters"
