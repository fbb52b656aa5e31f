"""Which documents are no text to learn a language from: too short, in another script, numbers, lists.

Each rule has one number, a key of the section `split`; a value beyond the possible turns it off. A document goes by the
first rule that it breaks.
"""

import re
from typing import NamedTuple

from dump2bert.corpus.sentences import BY_SPACE, is_ended, is_ideographic

LATIN = "A-Za-zªºÀ-ÖØ-öø-ʯḀ-ỿＡ-Ｚａ-ｚ"
HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
KANA = "\u3041-\u309f\u30a0-\u30ff\u31f0-\u31ff\uff66-\uff9f"
HANGUL = "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"
CYRILLIC = "\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f"
ARABIC = "\u0620-\u065f\u066e-\u06d5\u06fa-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc"
# Languages that are written in other scripts than the Latin one.
SCRIPTS = {
    **dict.fromkeys(("zh", "yue", "zh-yue", "wuu", "gan", "hak", "lzh", "zh-classical"), HAN),
    "ja": HAN + KANA, "ko": HAN + HANGUL,
    **dict.fromkeys(("ru", "uk", "bg", "be", "mk", "kk", "ky", "mn", "tg", "tt", "ba", "cv", "ce"), CYRILLIC),
    **dict.fromkeys(("ar", "fa", "ur", "arz", "ps", "ckb", "ug", "sd", "azb", "pnb"), ARABIC),
    "sr": CYRILLIC + LATIN, "el": "\u0370-\u03ff\u1f00-\u1fff", "hy": "\u0531-\u0587", "ka": "\u10a0-\u10ff\u2d00-\u2d2f",
    "he": "\u05d0-\u05f2", "yi": "\u05d0-\u05f2",
    **dict.fromkeys(("hi", "mr", "ne", "sa", "bh", "mai"), "\u0900-\u0963\u0971-\u097f"), "bn": "\u0980-\u09e3",
    "as": "\u0980-\u09f1", "pa": "\u0a01-\u0a65\u0a70-\u0a75", "gu": "\u0a81-\u0ae3", "or": "\u0b01-\u0b63",
    "ta": "\u0b82-\u0be5", "te": "\u0c00-\u0c63", "kn": "\u0c80-\u0ce3", "ml": "\u0d00-\u0d63", "si": "\u0d80-\u0dff",
    "th": "\u0e01-\u0e4e", "lo": "\u0e81-\u0ecd", "bo": "\u0f00-\u0fbc", "my": "\u1000-\u103f\u1050-\u108f",
    "km": "\u1780-\u17d3", "am": "\u1200-\u137f", "ti": "\u1200-\u137f",
}
LATIN_LANGUAGES = frozenset(
    "en de fr es it pt nl sv da no nb nn fi is et lv lt pl cs sk sl hr bs sq ro hu tr az uz eu ca gl oc ast eo la ia io "
    "id ms jv su tl ceb war vi cy ga gd br af sw zu xh yo ha mt lb fy nds sco an simple zh-min-nan cdo".split())
# Letters without which the language is not written, where its script does not tell: English passes for Vietnamese in
# Latin letters, but a quarter of Vietnamese letters have marks (as letters, or behind them).
MARKED = {"vi": re.compile("[À-ÃÈ-ÊÌÍÒ-ÕÙÚÝà-ãè-êìíò-õùúýĂăĐđĨĩŨũƠơƯư\u1ea0-\u1ef9\u0300-\u0303\u0306\u0309\u0323]+")}
LEAST_MARKED = 0.2       # of min_script_share
LETTER = re.compile(r"[^\W\d_]+")
DIGIT = re.compile(r"\d+")

LEAST_OF_A_LIST = 4                      # lines
LIST_ITEM_MOST = {True: 12, False: 40}     # characters; True: ideographic script


class DocumentRules(NamedTuple):
    """The limits; what they mean stands in config.py."""

    min_characters: int
    min_script_share: float
    max_digit_share: float
    max_list_share: float


def script_letters(language):
    """A pattern of runs of letters of the language's script; None where the language is not known."""
    letters = SCRIPTS.get(language) or (LATIN if language in LATIN_LANGUAGES else None)
    return letters and re.compile(f"[{letters}]+")


def document_rule(document, language, script, rules):
    """The name of the rule by which a document (list of sentences) is dropped, or None.

    script: script_letters(language). Letters with marks of their own (vowel signs) count as the letters of their
    script, so the share can be above 1.
    """
    text = " ".join(document)
    if len(text) < rules.min_characters:
        return "too short"
    letters, digits = total(LETTER, text), total(DIGIT, text)
    if script and total(script, text) < rules.min_script_share * letters:
        return "other script"
    if language in MARKED and total(MARKED[language], text) < LEAST_MARKED * rules.min_script_share * letters:
        return "other script"
    if digits > rules.max_digit_share * (letters + digits):
        return "numbers"
    if len(document) >= LEAST_OF_A_LIST and language not in BY_SPACE:
        longest = LIST_ITEM_MOST[is_ideographic(language)]
        items = sum(len(line) <= longest and not is_ended(line) for line in document)
        if items > rules.max_list_share * len(document):
            return "list"
    return None


def total(pattern, text):
    """Characters that a pattern of runs finds."""
    return sum(map(len, pattern.findall(text)))
