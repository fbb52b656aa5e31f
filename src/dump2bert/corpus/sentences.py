"""Cutting a paragraph into sentences, by language.

Chinese and Japanese end sentences with marks of their own, and here quotes and brackets decide; all other languages
are cut by boundaries.
"""

import re

from dump2bert.corpus.boundaries import BY_SPACE, split_at_boundaries

IDEOGRAPHIC = {"zh", "ja", "yue", "wuu", "gan", "lzh"}
IN_LATIN_LETTERS = {"zh-min-nan"}     # although its code begins with zh

ENDS = "。！？!?；;｡"
CLOSING = "」』”’）)】》〉］»\"'"
PAIRS = dict(zip("「『“‘（(【《〈［", "」』”’）)】》〉］", strict=True))
TITLE = "《〈"             # a mark in it is part of a name: 《Ayo!》
LONGEST_QUOTE = 400       # characters; a bracket that closes later than that was never closed
IDEOGRAPH = "\u3040-\u30ff\u3400-\u9fff"
# A Latin full stop ends a sentence behind an ideograph or a Latin word (not behind initials), and at the end of the
# line; `Yahoo! JAPAN` is a name.
END = re.compile(rf"(?:[。！？｡；]|[!?;](?![\w&]|(?<=[A-Za-z]!) [A-Z])|(?<=[{IDEOGRAPH}])\.(?=\s|[{IDEOGRAPH}])"
                 rf"|(?<=[a-z]{{4}})\.(?=\s+[A-Z{IDEOGRAPH}])|\.(?=\s*$))[。！？!?｡…]*")
# A mark that is part of a name: モーニング娘。は日本の..., アイカツ！は2012年に... No sentence begins with a particle before a name or
# a number.
IN_NAME = re.compile(r"を|[はがの](?=[0-9０-９A-Za-z\u30a1-\u30fa\u4e00-\u9fff「『])")
# After a closed quotation the sentence goes on with these (said he: 「…。」と言った; “……。”的说法).
GOES_ON = re.compile(r"\s*[ぁ-んー，、,；;：:。的地得和与與及等]")

SENTENCE_END = re.compile(r"[.!?。！？｡…‥؟۔।॥։።፧፨॰။།༎៕។᠃᱾෴;；:：][\"'”’」』》〉)）\]】»“]*$")


def is_ideographic(language):
    """Whether a language is written without spaces in Chinese characters or kana (zh, zh-tw, zh-yue, ja, ...)."""
    return language.partition("-")[0] in IDEOGRAPHIC and language not in IN_LATIN_LETTERS


def split_sentences(paragraph, language):
    """The sentences of one paragraph (one line), stripped, none empty, in order; together they are the paragraph."""
    if is_ideographic(language):
        pieces = split_ideographic(paragraph)
    else:
        pieces = split_at_boundaries(paragraph, language)
    return [piece for piece in map(str.strip, pieces) if piece]


def split_ideographic(text):
    """Cut after 。！？； outside of quotes and brackets, and after a quotation that ends with such a mark."""
    uncut, text = text, directed(text)
    partner = matching(text)
    start = position = 0
    pieces = []
    while position < len(text):
        if position in partner:
            close = partner[position]
            # `说：“走吧！”` ends there; `「為何？」一問` does not.
            said = text[position - 1:position] in tuple("：:，,")
            is_quote, first = text[position] in "「『“‘", not text[start:position].strip()
            last = text[close - 1]
            inside_ends = (is_quote and (last in "。｡" or said and last in ENDS)
                           or first and last in ENDS and text[position] not in TITLE
                           and (not is_quote or text[close + 1:close + 2] in "「『" != ""))
            position = close + 1
            # An outer bracket may close here, too, or its own mark may follow; then that one decides.
            goes_on = GOES_ON.match(text, position) or text[position:position + 1] in CLOSING
            if inside_ends and not goes_on:
                pieces.append(uncut[start:position])
                start = position
            continue
        end = END.match(text, position)
        if end:
            position = end.end()
            while position < len(text) and text[position] in CLOSING and position not in partner:
                position += 1
            if IN_NAME.match(text, position):
                continue
            pieces.append(uncut[start:position])
            start = position
        else:
            position += 1
    return [*pieces, uncut[start:]]


def directed(text):
    """The text with its straight double quotes, where they come in pairs, as opening and closing ones."""
    parts = text.split('"')
    return text if len(parts) % 2 == 0 else parts[0] + "".join("“”"[n % 2] + part for n, part in enumerate(parts[1:]))


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


def is_ended(sentence):
    """Whether a closing mark stands at the end."""
    return SENTENCE_END.search(sentence) is not None
