"""What WikiExtractor leaves of the markup, taken out of a text, line by line.

Functions take and give text. `line_rule` names lines that are no prose at all (rows of tables, files), and
`has_remnant` knows what cannot be mended, so that the sentence around it can be dropped.
"""

import html
import re
import unicodedata

TAGS = ("a|abbr|b|bdi|bdo|big|blockquote|br|caption|categorytree|center|ce|chem|cite|code|col|colgroup|dd|del|dfn|"
        "div|dl|dt|em|font|gallery|h[1-6]|hiero|hr|i|img|imagemap|includeonly|indicator|inputbox|ins|kbd|li|"
        "mapframe|maplink|mark|math|noinclude|nowiki|ol|onlyinclude|p|poem|pre|q|rb|ref|references|rp|rt|rtc|ruby|"
        "s|samp|score|section|small|source|span|strike|strong|sub|sup|syntaxhighlight|table|tbody|td|"
        "templatestyles|th|thead|time|timeline|tr|tt|u|ul|var|wbr")
LINE_BREAK = re.compile(r"<(?:br|hr|p|/p|/div|/li|/tr|/table|/blockquote)(?=[\s/>])[^<>\n]*>", re.I)
CELL = re.compile(r"</?(?:td|th|dd|dt)(?=[\s/>])[^<>\n]*>", re.I)
TAG = re.compile(rf"</?(?:{TAGS})(?=[\s/>])[^<>\n]*>", re.I)
COMMENT = re.compile(r"<!--.*?-->", re.S)

SPACE = re.compile(r"[^\S\n]+")
INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\u00ad\u034f\u061c\u180e\ufff9-\ufffc"
                       "\x00-\x08\x0e-\x1b\x7f\x80-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff]")
# Zero-width joiners and non-joiners carry meaning behind letters of these scripts, and in emoji; elsewhere none.
JOINER = re.compile("(?<![\u0600-\u08ff\u0900-\u109f\u1780-\u18af\u1a00-\u1aff\u1b00-\u1c7f\ufb50-\ufdff\ufe70-\ufefc\ufe0f"
                    "\u2600-\u27bf\ua8e0-\uabff\U0001f000-\U0001faff\U00011000-\U000116ff])[\u200c\u200d]")
LINE_END = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")

LINK = re.compile(r"\[\[(?:[^\[\]\n]*\|)?([^\[\]|\n]*)\]\]")
WEB_LINK = re.compile(r"\[(?:https?:)?//[^\s\[\]]+[^\S\n]*([^\[\]\n]*)\]")
QUOTES_OF_MARKUP = re.compile(r"'{2,5}")
MAGIC_WORD = re.compile(r"__(?:[A-Z]{3,}|[\u3040-\u30ff\u4e00-\u9fff]{2,8})__")
NOTE_NUMBER = re.compile(r"(?<=\S)\[(?:(?:注|註|note|nb|прим\.?)\s?)?\d{1,3}\](?!\()")
VARIANT_REMNANT = re.compile(r"-\{|\}-")

MEDIA = r"\.(?:jpe?g|png|svg|gif|tiff?|webp|og[gva]|webm|wav|midi?|pdf|djvu)"
FILE_LINK = re.compile(rf"\[\[[^\[\]|\n]*:[^\[\]|\n]*{MEDIA}[^\[\]\n]*\]\]", re.I)
FILE_LINE = re.compile(rf"\W*[^\W\d_][\w ]{{1,20}}:[^\n]{{1,200}}?{MEDIA}\b.*"
                       r"|(?:thumb|thumbnail|frame|缩略图|縮圖|мини|міні)\|.*", re.I)
TABLE_LINE = re.compile(r"\{\||\|[-}]|\||!(?!\w)|[\w\- ]+=\"?[\w#%;: ]+\"?\s*\|")
ATTRIBUTE = r"(?:style|class|scope|align|valign|width|bgcolor|colspan|rowspan)\s*=\s*\"?[^\"\n|]*\"?"
ROW_WITHIN = re.compile(rf"[|!]-?\s*{ATTRIBUTE}\s*(?:\||$)|\|-\s*{ATTRIBUTE}", re.I)    # a row that a line ran into
LIST_MARK = re.compile(r"(?:[*#;:•·◦▪●○■]+|[-–—](?=\s))\s*")
REMNANT = re.compile(r"(?<![A-Za-z])(?:formula|codice)_\d+|[{}]|\[\[|\]\]|</?(?:ref|math|gallery|table)\b"
                     r"|\w\(\);?$|^[\w.\" ]+=[^=].*;$")

OPENING, CLOSING = "(（[［【〔｛{「『《〈“‘\"", ")）]］】〕｝}」』》〉”’\""
SEPARATOR = r"\s,，、;；:：/／·"
BRACKETS = re.compile(r"[(（][^()（）\n]*[)）]")
# `(Pashto |افغانستان)`: the name of a language template's emptied argument. Not `P(A |B)` or `(|x| < 1)`.
EMPTIED_ARGUMENT = re.compile(r"(?<=[^\W\d_]{3})\s\|(?=\w{2}[^|]*$)")
SAYS_SOMETHING = re.compile(r"\w|[?!]|[^\x00-\x7f]")
EMPTY_QUOTES = re.compile(r"「\s*」|『\s*』|《\s*》|〈\s*〉|“\s*”|‘\s*’|\"\s?\"(?!\w)|\[\s*\]|［\s*］|【\s*】")
BEFORE_MARK = re.compile(r"[^\S\n]+(?=[,;:.!?)\]，、；：。！？）》」』](?:\s|$|[^\w\s]|(?<=[^\x00-\x7f])))")
AFTER_OPENING = re.compile(r"(?<=[(\[（《「『])[^\S\n]+")
REPEATED = re.compile(r"([,，、;；])(?:\s*[,，、;；])+")
DANGLING = re.compile(r"(?<=[^\x00-\x7f])\.(?=。)|(?<!。)。(?=。(?!。))|[,，、;；:：]\s*(?=[。.!?！？](?:\s|$))|(?<=[（(])[,，、;；:：]\s*")
LINE_START = re.compile(r"^[\s,，、;；:：。.!?！？)）\]］】」』》〉”’]+", re.M)


def plain_characters(text):
    """NFC; every space a plain space, every line end a newline; no control, zero-width or direction characters."""
    text = LINE_END.sub("\n", text)
    return SPACE.sub(" ", JOINER.sub("", unicodedata.normalize("NFC", INVISIBLE.sub("", text))))


def without_tags(text):
    """Entities read, HTML tags and comments out. Only tags that MediaWiki knows: `a < b > c` stays."""
    if "&" in text:
        text = plain_characters(html.unescape(text))     # among them soft hyphens, zero-width spaces, combining accents
    text = COMMENT.sub("", text)
    if "<" in text:
        text = TAG.sub("", CELL.sub(" ", LINE_BREAK.sub("\n", text)))
    return text


def without_wiki_marks(text):
    """Links become their label, bold and italics nothing, magic words and numbers of notes nothing."""
    text = WEB_LINK.sub(r"\1", LINK.sub(r"\1", FILE_LINK.sub("", text)))
    text = MAGIC_WORD.sub("", QUOTES_OF_MARKUP.sub("", text))
    return VARIANT_REMNANT.sub("", NOTE_NUMBER.sub("", text))


def tidy_brackets(match):
    """What templates have left in brackets: `（；；德語：）` -> `（德語）`, `(, )` -> nothing."""
    bracket = match[0]
    inside = EMPTIED_ARGUMENT.sub(" ", REPEATED.sub(r"\1", bracket[1:-1]))
    inside = re.sub(rf"^(?:'?[{SEPARATOR}])+|[{SEPARATOR}]+$", "", inside)
    return bracket[0] + inside + bracket[-1] if SAYS_SOMETHING.search(inside) else ""


def tidy_punctuation(text):
    """Close the holes that dropped templates leave: empty brackets and quotes, doubled or dangling separators."""
    before = None
    while text != before:
        before = text
        text = BRACKETS.sub(tidy_brackets, EMPTY_QUOTES.sub("", text))
    text = DANGLING.sub("", REPEATED.sub(r"\1", BEFORE_MARK.sub("", text)))
    return LINE_START.sub("", AFTER_OPENING.sub("", SPACE.sub(" ", text)))


def line_rule(line):
    """The rule by which a whole line is no prose: "table", "file", or None."""
    if TABLE_LINE.match(line) or ROW_WITHIN.search(line):
        return "table"
    if FILE_LINE.fullmatch(line):
        return "file"
    return None


def without_list_mark(line):
    return LIST_MARK.sub("", line, count=1) if LIST_MARK.match(line) else line


def has_remnant(sentence):
    """Whether something is in it that cannot be mended: a formula's place holder, half a template or link, program
    code."""
    return REMNANT.search(sentence) is not None
