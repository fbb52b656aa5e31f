"""Headings of articles, so that `clean` knows them from sentences.

WikiExtractor writes a heading as a line of its own with a full stop, which no longer tells it from a short paragraph
(`Kyiv is a city.`). So the dump's own headings are noted while it is surveyed and stand beside the article's text.
"""

import html
import json
import re
import tempfile
from pathlib import Path

HEADING = re.compile(r"^(={2,6})(?!=)[ \t]*(\S.*?)[ \t]*\1[ \t]*$", re.M)
COMMENT = re.compile(r"<!--.*?-->", re.S)
REFERENCE = re.compile(r"<ref\b[^<>]*/>|<ref\b.*?</ref>|<[^<>\n]{1,200}>", re.S | re.I)
TEMPLATE = re.compile(r"\{\{(?:[^{}|\n]*\|)*([^{}|\n]*)\}\}")
LINK = re.compile(r"\[\[(?:[^\[\]\n|]*\|)?([^\[\]\n|]*)\]\]|\[\S+ ([^\[\]\n]*)\]")
IN_MEMORY = 1 << 26     # bytes of headings, before they go to a file


def headings_of(wikitext):
    """The headings of a page, without markup. One with a template is there twice: a template shows nothing or its last
    argument."""
    if "==" not in wikitext:
        return []
    found = (match[2] for match in HEADING.finditer(COMMENT.sub("", wikitext)))
    both = (plain(heading, shown) for heading in found for shown in (["", r"\1"] if "{{" in heading else [""]))
    return [heading for heading in both if heading_key(heading)]


def plain(heading, shown):
    text = TEMPLATE.sub(shown, html.unescape(REFERENCE.sub("", heading)))
    return re.sub(r"''+", "", LINK.sub(lambda match: match[1] or match[2] or "", text)).strip()


def heading_key(text):
    """What two forms of a heading have in common: its letters and digits."""
    return re.sub(r"[\W_]+", "", text)


class HeadingFile:
    """The headings of a dump's articles, in its order: written while it is surveyed, read while it is extracted."""

    def __init__(self, beside):
        """beside: the file below whose nearest folder large ones are kept; they vanish with the process."""
        folder = next((parent for parent in Path(beside).absolute().parents if parent.is_dir()), None)
        self.file = tempfile.SpooledTemporaryFile(IN_MEMORY, mode="w+", encoding="utf-8", newline="\n", dir=folder)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def add(self, headings):
        self.file.write(json.dumps(headings, ensure_ascii=False) + "\n")

    def __iter__(self):
        self.file.seek(0)
        return map(json.loads, self.file)
