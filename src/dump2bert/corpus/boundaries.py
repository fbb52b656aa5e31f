"""Cutting paragraphs of languages that write spaces between words.

sentencex (Wikimedia's library, rules for some 300 languages) proposes where to cut; what it misses behind abbreviations
that may end a sentence is proposed, too. Then each cut is judged by the words on its two sides.
"""

import re

import sentencex

from dump2bert.corpus.abbreviations import (ALSO_WORDS, AND_SO_ON, BEFORE_NUMBER, BEGINNERS, DATES, NEVER_LAST, WHEN,
                                            WITH_ORDINALS)

BY_SPACE = frozenset({"th", "lo", "my", "km", "bo", "dz"})     # sentences end with a space or a mark of their own
OPENING = "「『“‘（(【《〈［„«\"'‹¿¡["
GOES_ON_WITH = ",;:)/=%،"
DASHES = "-–—―‒"
ENDS_WITHOUT_SPACE = "。！？।॥։።۔؟၊။།៕។…"
# Abbreviations at the end of a text, with their spaces: `і т. д.`, `до н. е.`, `т.нар.`
# Not \w: vowel signs of India are none.
LETTERS = r"[^\W\d_][^\s.,;:!?()\[\]«»„“”\"]*"
TAIL = re.compile(rf"(?:(?<![^\s(«„“\"\d—–\-]){LETTERS}\.(?:{LETTERS}\.)*\s?){{1,3}}$")
MAY_END = re.compile(r"(?<=[^\W\d_])\.(?=\s+[«„“\"(]?[^\W\d_])")
LOST_SPACE = re.compile(r"(?<=[\w)][\w)])[.!?](?=[^\W\d_])")
QUOTE_OPENS = re.compile(r"(?<=\s)[\"„«“(]$")
QUOTE_CLOSES = re.compile(r"[\"”’»)]+(?=\s)")
YEAR_ENDS = re.compile(r"(?<=\b\d{4})\.(?=\s+[\u0590-\u07ff\uac00-\ud7a3])")     # before letters without capitals
PART_OF_DATE = re.compile(r"\b\d{4}\.\s?(?:\d{1,2}\.\s?(?:\d{1,2}\.)?)?$")       # 1945. 8. 15.
NUMBER_BEFORE = re.compile(r"(?:\d\S*|\b[IVXLCDMІХ]+)\s?$")
# A single letter is rather an initial or a word, but for these, and for `I` where that is no word.
ROMAN_NUMBER = re.compile(r"(?:[IVXLCDMІХ]{2,}|[VX])(?!\w)")
WITHOUT_WORD_I = frozenset({"fr", "ru"})
# An initial, or a short form of a first name: `Ив. Вазов`, `Дж. Байрон`.
INITIAL = re.compile(r"(?:^|[\s(«„“\"\-.])[^\W\d_](?:[^\W\d_аеиіїоуыэюяєёъьάέήίόύώ]{1,2})?\.$")
OPEN_QUOTE = re.compile(r"(?<!\w)\"(?=\w)[^\"]*(?:(?<=\w)\"(?=\w)[^\"]*)*$")
CLOSING_QUOTE = re.compile(r"[^\"]*(?:(?<=\w)\"(?=\w)[^\"]*)*(?<=[\w.!?,])\"(?!\w)")
ORDINAL = re.compile(r"(?:^|[\s(«„“\"])(?:\d{1,2}|[IVXLC]{1,6})\.$")
ENDED_WORD = re.compile(r"[^\W\d_]{2}[\"”’»)]?[.!?]+[\"”’»)]*$")
FIRST_WORD = re.compile(r"[^\w]*([^\W_][\w\-’']*)")
CLAUSE = re.compile(r"[,;:—–(]\s*(?:а|і|й|та|и|но|але|що|что|като|но|und|et|và|oraz)?\s*")
SHORT_CLAUSE = 6        # words


def split_at_boundaries(paragraph, language):
    """The pieces of a paragraph; together they are the paragraph."""
    base = language.partition("-")[0]
    proposed, position = set(), 0
    for piece in sentencex.segment(base, paragraph):
        position = paragraph.index(piece, position) + len(piece)
        proposed.add(beside_quote(paragraph, position))
    unsure = frozenset().union(*(table.get(base, ()) for table in (DATES, AND_SO_ON, ALSO_WORDS)))
    for match in MAY_END.finditer(paragraph):
        if unsure and abbreviations_at(paragraph[max(0, match.start() - 40):match.end()]) & unsure:
            proposed.add(match.end())
    for pattern in (YEAR_ENDS, LOST_SPACE):
        proposed |= {match.end() for match in pattern.finditer(paragraph)}
    pieces, start = [], 0
    for position in sorted(proposed):
        if is_boundary(paragraph[start:position], paragraph[position:position + 80], base):
            pieces.append(paragraph[start:position])
            start = position
    return [*pieces, paragraph[start:]]


def beside_quote(paragraph, position):
    """The boundary behind a closing quotation mark or before an opening one; sentencex may cut on the other side."""
    opening = QUOTE_OPENS.search(paragraph[max(0, position - 4):position])
    if opening:
        return position - len(opening[0])
    closing = QUOTE_CLOSES.match(paragraph, position)
    return closing.end() if closing and not paragraph[position - 1].isspace() else position


def is_boundary(left, right, language):
    """Whether a sentence ends between `left` and `right`, which may have the space between them."""
    spaced = left[-1:].isspace() or right[:1].isspace()
    left, right = left.rstrip(), right.lstrip()
    if not left or not right:
        return False
    if right[0] in GOES_ON_WITH or begins_small(right):
        return False
    if not spaced and not left.endswith(tuple(ENDS_WITHOUT_SPACE)) and not is_lost_space(left, right, language):
        return False
    if OPEN_QUOTE.search(left[-200:]) and CLOSING_QUOTE.match(right):
        return False
    if not left.endswith("."):
        return True
    if language in BY_SPACE or PART_OF_DATE.search(left) and is_part_of_date(left, right):
        return False
    abbreviations = abbreviations_at(left)
    abbreviations |= {word[0].lower() + word[1:] for word in abbreviations if word}
    if is_first_half(abbreviations, right, language):
        return False
    follows = FIRST_WORD.match(right)
    follows = follows[1] if follows else ""
    if is_number(follows, language) and {word.lower() for word in abbreviations} & BEFORE_NUMBER:
        return False
    if language in WITH_ORDINALS and ORDINAL.search(left):
        return False
    if abbreviations & AND_SO_ON.get(language, frozenset()):
        return not follows[:1].isdigit()
    if abbreviations & DATES.get(language, frozenset()):
        return ends_with_date(left, max(abbreviations, key=len), follows, language)
    if abbreviations & NEVER_LAST.get(language, frozenset()):
        return False
    if not (is_cyrillic_or_greek(left[-2:-1]) and is_initial(left)):
        return True
    return right[1:2] != "." and follows.lower() in BEGINNERS.get(language, frozenset())


def is_number(word, language):
    return word[:1].isdigit() or ROMAN_NUMBER.match(word) is not None or word == "I" and language in WITHOUT_WORD_I


def is_initial(left):
    initial = INITIAL.search(left)
    return initial is not None and next(filter(str.isalpha, initial[0])).isupper()


def begins_small(text):
    """Whether it begins with a word in small letters, also behind a quote or a dash (`— asked he`), but not `eBay`."""
    word = re.match(r"\w*", text.lstrip(OPENING + DASHES + " \u00a0"))[0]
    return is_small(word)


def is_small(word):
    """Whether a word begins small and has no capital. Georgian has capitals for titles only: none of its words is."""
    return word[:1].islower() and word.islower() and not "\u10a0" <= word[0] <= "\u10ff"


def is_lost_space(left, right, language):
    """`... born in 1950.He ...`: two whole words and nothing between them. But `a.C.`, `พ.ศ.`, `St.Petersburg`.

    Vietnamese writes a space between syllables, so that its words are short.
    """
    word = re.search(r"(\w*)\W*$", left)[1]
    if "\uac00" <= word[-1:] <= "\ud7a3":
        return "\uac00" <= right[0] <= "\ud7a3" and left.endswith(("다.", "요.", "까?", "오.", "라."))
    if not (right[0].isupper() and (right[1:2].islower() or right[1:2].isspace())):
        return False
    is_long = len(word) > 3 and word[1:].islower() or language == "vi" and word.islower()
    whole_word = is_long and ENDED_WORD.search(left[-12:])
    return bool(whole_word) or left.endswith(("...", "….", ").")) or re.fullmatch(r"(?:1|20)\d{2,3}", word) is not None


def abbreviations_at(text):
    """What might be the abbreviation at the end of a text, the longest and its ends: `і т. д.` -> і.т.д, т.д, д."""
    tail = TAIL.search(text)
    if not tail:
        return frozenset()
    parts = re.sub(r"\s", "", tail[0]).rstrip(".").split(".")
    return frozenset(".".join(parts[first:]) for first in range(len(parts)))


def is_first_half(abbreviations, right, language):
    """Whether the abbreviation goes on: `пр.` and `Хр.`"""
    word = re.match(rf"({LETTERS})\.", right)
    known = frozenset().union(*(table.get(language, frozenset()) for table in (DATES, AND_SO_ON, NEVER_LAST)))
    return word is not None and any(f"{first}.{word[1]}".lower() in known for first in abbreviations)


def is_part_of_date(left, right):
    return re.match(r"\d{1,2}\.", right) is not None or re.search(r"\d{4}\.\s?\d{1,2}\.\s?\d{1,2}\.$", left) is not None


def ends_with_date(left, abbreviation, follows, language):
    """Behind a year, century or unit: with a word that begins sentences, or unless a short clause only says when.

    Without a number `г.` is a town and `р.` a river (of which `По` is one), and `кг.` may end a sentence.
    """
    if not follows[:1].isupper() or follows == "США" and left.endswith(("дол.", "долл.")):
        return False
    before = TAIL.sub("", left)
    begins = follows.lower() in BEGINNERS.get(language, frozenset())
    if "." not in abbreviation and len(abbreviation) < 3 and not NUMBER_BEFORE.search(before):
        return begins and len(abbreviation) > 1
    if begins:
        return True
    if language == "de" or language in ("ru", "uk", "be") and follows.endswith(("ом", "ем", "єм", "ою", "ею", "єю")):
        return False        # a noun (3 Mio. Menschen), or by whom (в 1703 г. Петром I)
    clause = CLAUSE.split(left)[-1].split() or [""]
    return not (len(clause) <= SHORT_CLAUSE and clause[0].lower() in WHEN.get(language, frozenset()))


def is_cyrillic_or_greek(letter):
    return "\u0370" <= letter <= "\u052f"
