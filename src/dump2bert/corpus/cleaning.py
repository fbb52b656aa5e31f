"""From articles, or from a text that somebody brings, to documents: lists of clean sentences.

What is no sentence (headings, captions, remnants of lists and formulas) is dropped by named rules; the statistics
count each and keep a few examples, so that a person can judge what is thrown away.
"""

import re
from itertools import chain

from dump2bert.corpus.boundaries import is_small
from dump2bert.corpus.headings import heading_key
from dump2bert.corpus.markup import (has_remnant, line_rule, plain_characters, tidy_punctuation, without_list_mark,
                                     without_tags, without_wiki_marks)
from dump2bert.corpus.sentences import BY_SPACE, is_ended, is_ideographic, split_sentences
from dump2bert.corpus.variants import CHINESE, converter
from dump2bert.errors import BadInput
from dump2bert.files import atomic_write, input_lines, read_json_lines
from dump2bert.progress import say

EXAMPLES = 5             # of what each rule drops
EXAMPLE_LENGTH = 160     # characters
HEADING_MOST = {True: 30, False: 80}     # characters; True: ideographic script
FRAGMENT_MOST = {True: 60, False: 150}
WORDS_OF_HEADING = 10
REDIRECT = re.compile(r"#\s?(?:redirect|重定向|重新導向|転送|đổi|перенаправлення|пренасочване|перенаправление|виж)\b", re.I)
CLAUSES_LEAST = 20       # characters of a line with a comma between clauses that is a sentence without its full stop
CLAUSE_COMMA = re.compile(r"[^，,]{4}，[^，,]{4}")
CLAUSE_COMMA_JA = re.compile(r"[^、，]{4}[、，][^、，]{4}")
LIST_PIECE = re.compile(r"[(（]?(?:\d{1,2}|[a-zA-Z]|[ivx]{1,4})[)）]\s?\w+(?:\s\w+){0,2}[;；,，.]")    # `(1) Logic;`
INNER_END = re.compile(r"[.!?]\s|[。！？，、；;]")


class Dropped:
    """Counts what each rule drops, with the first few examples."""

    def __init__(self):
        self.rules = {}

    def __call__(self, rule, text):
        entry = self.rules.setdefault(rule, {"count": 0, "examples": []})
        entry["count"] += 1
        if len(entry["examples"]) < EXAMPLES:
            entry["examples"].append(text[:EXAMPLE_LENGTH])


def clean(input_file, input_format, output, language, variant, accept_empty=False):
    """Write the sentences of `input_file`, one a line, a blank line between documents; returns the part's statistics.

    input_format: "articles" (JSON lines with `text`, see extraction) or "text" (one sentence a line already: remnants
    of markup are mended or dropped by the rules of articles, but no line is cut). variant: none, simplified or
    traditional, for Chinese alone (kanji stay what they are). BadInput names file and line.
    """
    dropped = Dropped()
    to_variant = converter(variant if language.partition("-")[0] in CHINESE else "none")
    read = {"articles": article_documents, "text": text_documents}[input_format]
    counts = {"input_documents": 0, "documents": 0, "sentences": 0, "characters": 0}
    with atomic_write(output) as file:
        for document in read(input_file, language, to_variant, dropped):
            counts["input_documents"] += 1
            if not document:
                continue
            if counts["documents"]:
                file.write("\n")
            file.writelines(f"{sentence}\n" for sentence in document)
            counts["documents"] += 1
            counts["sentences"] += len(document)
            counts["characters"] += sum(map(len, document))
        if not counts["documents"] and not accept_empty:
            raise BadInput(f"{input_file} has no sentence that could be kept")
    say(f"{counts['documents']} of {counts['input_documents']} documents, {counts['sentences']} sentences")
    return {"language": language, "variant": variant, "input_format": input_format, **counts,
            "dropped": dict(sorted(dropped.rules.items()))}


def article_documents(path, language, to_variant, dropped):
    """Yield the sentences of each article; an empty list where nothing is left."""
    for number, article in read_json_lines(path):
        if not isinstance(article, dict) or not isinstance(article.get("text"), str):
            raise BadInput(f"{path} line {number} is no article: an object with `text` is needed")
        sentences = article_sentences(article, language, to_variant, dropped)
        if not sentences:
            dropped("empty document", article.get("title", ""))
        yield sentences


def text_documents(path, language, to_variant, dropped):
    """Yield the lines of each document of a text file; blank lines stand between documents.

    An empty list where no line of a document is left.
    """
    document, lines = [], 0
    for _, line in chain(input_lines(path), [(0, "")]):
        plain = plain_characters(line).replace("\n", " ").strip()
        if plain:
            lines += 1
            sentence = text_sentence(plain, to_variant, dropped)
            if sentence:
                document.append(sentence)
        elif line.strip():
            dropped("invisible", repr(line))
        elif lines:
            if not document:
                dropped("empty document", "")
            yield document
            document, lines = [], 0


def text_sentence(line, to_variant, dropped):
    """A line of somebody's text, mended; None where it is dropped."""
    plain = without_tags(line)
    rule = line_rule(line) if plain.strip() else "invisible"
    if not rule:
        marked = without_wiki_marks(to_variant(plain))
        sentence = tidy_punctuation(marked.replace("\n", " ")).strip()
        if sentence and not has_remnant(sentence):
            return sentence
        rule = "formula or markup" if sentence else "no letters"
    dropped(rule, line)
    return None


def article_sentences(article, language, to_variant, dropped):
    """The sentences of one article's text as WikiExtractor gives it (a paragraph, heading or list item a line)."""
    text, headings = article["text"], article.get("headings")
    if REDIRECT.match(text):
        dropped("redirect", text)
        return []
    text = without_wiki_marks(to_variant(without_tags(plain_characters(text))))
    ideographic = is_ideographic(language)
    lines = text.split("\n")
    if isinstance(headings, list):
        is_a_heading = known_heading({heading_key(to_variant(plain_characters(str(line)))) for line in headings})
    else:
        is_a_heading = is_heading
    sentences = []
    for number, line in enumerate(lines):
        line = line.strip()
        rule = line_rule(line)
        if rule:
            dropped(rule, line)
            continue
        item = without_list_mark(line)
        is_item = item != line
        line = tidy_punctuation(item).strip()
        if not line:
            continue
        if not is_item and number + 1 < len(lines) and is_a_heading(line, ideographic):
            dropped("heading", line)
            continue
        for place, sentence in enumerate(split_sentences(line, language)):
            rule = sentence_rule(sentence, ideographic, language)
            if not rule and place == 0 and not is_item and is_headless(sentence):
                rule = "headless"
            if rule:
                dropped(rule, sentence)
            else:
                sentences.append(sentence)
    return sentences


def known_heading(keys):
    """A function like is_heading that knows the article's headings."""
    def is_a_heading(line, _):
        return line.endswith((".", "!", "?")) and heading_key(line) in keys
    return is_a_heading


def is_heading(line, ideographic):
    """Whether a line looks like a heading, for articles that do not say which theirs are.

    WikiExtractor writes a heading as a line of its own that ends in a full stop, whatever the language.

    In Chinese and Japanese the Latin full stop gives it away. Elsewhere a short line that is one clause is taken for
    one: a one-sentence paragraph of that kind is lost with them, which is rare.
    """
    if not line.endswith((".", "!", "?")) or len(line) > HEADING_MOST[ideographic] or INNER_END.search(line[:-1]):
        return False
    return line.endswith(".") if ideographic else len(line.split()) <= WORDS_OF_HEADING


def is_headless(sentence):
    """Whether a paragraph has lost its first words to a template: `is a river in ...` (but not `eBay is ...`)."""
    word = re.match(r"\w*", sentence)[0]
    return is_small(word)


def sentence_rule(sentence, ideographic, language):
    """The rule by which a sentence is dropped, or None."""
    if has_remnant(sentence):
        return "formula or markup"
    if not any(map(str.isalpha, sentence)):
        return "no letters"
    if sentence[-1] in ":：":
        return "announces a list"
    if LIST_PIECE.fullmatch(sentence):
        return "fragment"
    if is_ended(sentence) or len(sentence) > FRAGMENT_MOST[ideographic] or language in BY_SPACE:
        return None
    return None if ideographic and has_clauses(sentence, language) else "fragment"


def has_clauses(sentence, language):
    """Whether a comma stands between clauses: Chinese lists with 、, Japanese has it between clauses, too."""
    comma = CLAUSE_COMMA_JA if language == "ja" else CLAUSE_COMMA
    return len(sentence) >= CLAUSES_LEAST and comma.search(sentence) is not None
