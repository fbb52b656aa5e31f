"""Language variants: the -{ }- markup of MediaWiki's language converter, and conversion of Chinese script.

Chinese Wikipedia mixes simplified and traditional script; -{zh-hans:信息; zh-hant:資訊;}- says what to show to whom,
-{于}- what never to convert. See MediaWiki, "Writing systems/Syntax".
"""

import re

import opencc

CHINESE = frozenset({"zh", "yue", "wuu", "gan", "hak", "lzh"})

INNERMOST = re.compile(r"-\{((?:(?!-\{|\}-).)*)\}-", re.DOTALL)
CODE = r"[a-z]{2,3}(?:-[a-z]{2,8})*"
RULE = re.compile(rf"\s*(?:[^;]*=>\s*)?({CODE})\s*[:：](.*)", re.DOTALL)
RULE_END = re.compile(rf"[;；](?=\s*(?:[^;]*=>\s*)?{CODE}\s*[:：]|\s*$)")
FLAGS = re.compile(rf"\s*([A-Z+\-](?:\s*;\s*[A-Z+\-])*|{CODE}(?:\s*;\s*{CODE})*|)\s*\|(.*)", re.DOTALL)
UNSEEN = set("HTN-")       # defines a rule, sets the title, names a language, removes a rule: shows nothing

# Which wording is shown, best first, as MediaWiki falls back; for `none`, the first that is there.
PREFERRED = {"simplified": ("zh-hans", "zh-cn", "zh-sg", "zh-my", "zh"),
             "traditional": ("zh-hant", "zh-tw", "zh-hk", "zh-mo", "zh"),
             "none": ()}
CONVERTERS = {"simplified": "t2s", "traditional": "s2t"}

# Taiwan writes 著 both for "to write" and for the aspect particle, which is 着 in simplified script. OpenCC's t2s
# leaves it and its tw2s turns 显著 and 专著 into 着, too; so: the particle, unless a neighbour shows that something was
# written or is noted.
ASPECT = re.compile("(?<![显专土编原译遗撰拙合所名论昭卓巨杂新旧])著(?![名作称者录述书有《〈「“])")

# Non-characters, which no text has: between them stands what must not be converted.
OPEN, CLOSE = "\ufdd0", "\ufdd1"
PROTECTED = re.compile(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}")


def converter(variant):
    """A function text -> text: resolves -{ }- for `variant` (none, simplified, traditional) and converts the rest
    to it."""
    convert = opencc.OpenCC(CONVERTERS[variant]).convert if variant in CONVERTERS else str

    def simplified(text):
        return ASPECT.sub("着", convert(text))

    def to_variant(text):
        pieces = PROTECTED.split(resolve(text, variant))
        pieces[::2] = map(simplified if variant == "simplified" else convert, pieces[::2])
        return "".join(pieces)

    return to_variant


def resolve(text, variant):
    """Replace -{ }- markup, innermost first, by what a reader of `variant` sees, between OPEN and CLOSE."""
    while "-{" in text:
        text, count = INNERMOST.subn(lambda match: shown(match[1], variant), text)
        if not count:
            break
    return text


def shown(markup, variant):
    markup = markup.replace(OPEN, "").replace(CLOSE, "")
    flags = FLAGS.fullmatch(markup)
    if flags:
        names, markup = set(re.split(r"\s*;\s*", flags[1])), flags[2]
        if names & UNSEEN:
            return ""
        if "R" in names:
            return OPEN + markup + CLOSE
    rules = {}
    for rule in RULE_END.split(markup):
        match = RULE.fullmatch(rule)
        if match:
            rules.setdefault(match[1], match[2].strip())
    if not rules:
        return OPEN + markup + CLOSE
    for code in PREFERRED[variant]:
        if code in rules:
            return OPEN + rules[code] + CLOSE
    # Another variant's wording is all there is: it is converted like any text.
    return next((wording for wording in rules.values() if wording), "")
