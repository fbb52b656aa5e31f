"""Cutting a paragraph into sentences, by language.

Chinese and Japanese end sentences with marks of their own, and here quotes and brackets decide; for all other
languages the work is done by sentencex (Wikimedia's library, rules for some 300 languages), with a few
abbreviations that it lacks.
"""

import re

import sentencex

IDEOGRAPHIC = {"zh", "ja", "yue", "zh-yue", "wuu", "gan", "hak", "lzh", "zh-classical", "zh-min-nan", "cdo"}
BY_SPACE = {"th", "lo", "my", "km", "bo", "dz"}     # sentences end with a space, or nothing

ENDS = "。！？!?；;｡"
OPENING = "「『“‘（(【《〈［„«\"'"
CLOSING = "」』”’）)】》〉］»\"'"
CYRILLIC_CAPITALS = frozenset("АБВГҐДЕЄЖЗИІЇЙКЛМНОПРСТУФХЦЧШЩЭЮЯ")     # as initials of names
PAIRS = dict(zip("「『“‘（(【《〈［", "」』”’）)】》〉］", strict=True))
LONGEST_QUOTE = 400       # characters; a bracket that closes later than that was never closed
IDEOGRAPH = "\u3040-\u30ff\u3400-\u9fff"
# A Latin full stop ends a sentence behind an ideograph or a Latin word (not behind initials), and at the end of the
# line.
END = re.compile(rf"(?:[。！？｡；]|[!?;](?![\w&])|(?<=[{IDEOGRAPH}])\.(?=\s|[{IDEOGRAPH}])"
                 rf"|(?<=[a-z]{{4}})\.(?=\s+[A-Z{IDEOGRAPH}])|\.(?=\s*$))[。！？!?｡…]*")
# After a closed quotation the sentence goes on with these (said he: 「…。」と言った; “……。”的说法).
GOES_ON = re.compile(r"\s*[ぁ-んー，、,；;：:。的地得和与與及等]")

SENTENCE_END = re.compile(r"[.!?。！？｡…؟۔।॥։።॰;；:：][\"'”’」』》〉)）\]】»“]*$")

# Abbreviations that sentencex 1.0.32 does not know; they stand before a name or a number.
ABBREVIATIONS = {
    "vi": "TP Tp TX Tx TT Q P GS TS PGS ThS Ths BS KS CN LS NSND NSƯT ĐHQG Nxb NXB tr Tr vd VD St Dr Mr Mrs Ms "
          "Th v.v tk TK TCN SCN",
    "ru": "т.е т.д т.п т.к гг вв св стр рис табл им ул пр обл р-н тыс млн млрд руб проф акад доц ред изд",
    "uk": "т.д т.п т.зв т.е ст стор рис табл ім вул пр обл р-н тис млн млрд грн проф акад доц ред "
          "вид див напр св с м р рр",
    "bg": "т.е т.нар т.н напр вж стр св гр ул бул обл проф акад доц инж чл ал хил млн млрд лв бр г гг",
    "en": "cf ca approx fl r vs vol vols pp no nos op ed eds trans Gov Sen Rep Adm Brig Maj Sgt Lt Cpl Pvt Ft Mt",
}
GOES_ON_WITH = ",;:)/=%"
ABBREVIATIONS = {language: frozenset(words.split()) for language, words in ABBREVIATIONS.items()}
LAST_WORD = re.compile(r"(?:^|[\s(\[«„“\"])([\w.\-]+)\.$")
SHORT_BEFORE_NUMBER = re.compile(r"(?:^|[\s(])[^\W\d_]{1,4}\.$")


def is_ideographic(language):
    return language in IDEOGRAPHIC


def split_sentences(paragraph, language):
    """The sentences of one paragraph (one line), stripped, none empty, in order; together they are the paragraph."""
    if is_ideographic(language):
        pieces = split_ideographic(paragraph)
    else:
        pieces = glued(sentencex.segment(language, paragraph), language)
    return [piece for piece in map(str.strip, pieces) if piece]


def split_ideographic(text):
    """Cut after 。！？； outside of quotes and brackets, and after a quotation that ends with such a mark."""
    partner = matching(text)
    start = position = 0
    pieces = []
    while position < len(text):
        if position in partner:
            close = partner[position]
            # `说：“走吧！”` ends there; `「為何？」一問` does not.
            said = text[position - 1:position] in tuple("：:，,")
            inside_ends = text[position] in "「『“‘" and (text[close - 1] in "。｡" or said and text[close - 1] in ENDS)
            position = close + 1
            # An outer bracket may close here, too, or its own mark may follow; then that one decides.
            goes_on = GOES_ON.match(text, position) or text[position:position + 1] in CLOSING
            if inside_ends and not goes_on:
                pieces.append(text[start:position])
                start = position
            continue
        end = END.match(text, position)
        if end:
            position = end.end()
            while position < len(text) and text[position] in CLOSING and position not in partner:
                position += 1
            pieces.append(text[start:position])
            start = position
        else:
            position += 1
    return [*pieces, text[start:]]


def matching(text):
    """{position of an opening quote or bracket: position of its closing one}, outermost ones only, pairs that are
    sane."""
    stack, pairs = [], {}
    for position, character in enumerate(text):
        if character in PAIRS:
            stack.append((position, PAIRS[character]))
        elif character in CLOSING:
            for depth in range(len(stack) - 1, -1, -1):
                opened, wanted = stack[depth]
                if wanted == character:
                    del stack[depth:]
                    if position - opened <= LONGEST_QUOTE:
                        pairs[opened] = position
                    break
    outer, reach = {}, -1
    for opened in sorted(pairs):
        if opened > reach:
            outer[opened] = reach = pairs[opened]
    return outer


def glued(pieces, language):
    """Undo the cuts behind abbreviations that sentencex lacks, before a small letter or comma, and between `tr.`
    and `5`."""
    known = ABBREVIATIONS.get(language, frozenset())
    whole = []
    for piece in pieces:
        if whole and belongs_together(whole[-1].rstrip(), piece.lstrip(), known):
            whole[-1] += piece
        else:
            whole.append(piece)
    return whole


def belongs_together(left, right, known):
    if not right or right[0] in GOES_ON_WITH or right.lstrip(OPENING)[:1].islower():
        return True
    if not left.endswith("."):
        return False
    word = LAST_WORD.search(left)
    if word and (word[1] in known or word[1] in CYRILLIC_CAPITALS):
        return True
    return right[0].isdigit() and SHORT_BEFORE_NUMBER.search(left) is not None


def is_ended(sentence):
    """Whether a closing mark stands at the end."""
    return SENTENCE_END.search(sentence) is not None
