"""Acceptability judgements in the form of CoLA: tab-separated source, label (1 acceptable, 0 not), mark (* or nothing)
and sentence, without a header. Unacceptable sentences are sentences of the sample world with one thing broken: order, a
missing or doubled function word, a measure word that does not agree with its noun, a verb at the end of its clause.
"""

from dump2bert.sample.articles import article, all_statements

DEV_SHARE = 0.2       # dev records per train record
ACCEPTABLE = 0.7      # as in CoLA
LONGEST = 50          # characters
FUNCTION_WORDS = ("的", "是", "在", "于", "由", "与", "为", "被", "把", "了")
NEEDED_WORDS = ("是", "由", "与", "被", "把")   # the others can be left out of many sentences
MEASURES = {"一个": ("一条", "一本", "一头"), "一位": ("一条", "一座", "一张"), "一部": ("一位", "一头", "一条"), "一款": ("一位", "一棵"),
            "一条": ("一本", "一位"), "一家": ("一头", "一本"), "一所": ("一只", "一位"), "一支": ("一本", "一座"), "一座": ("一匹", "一位"),
            "一处": ("一匹", "一位")}
VERBS = ("位于", "出生于", "成立于", "创办了", "获得", "流经", "进入", "喜欢", "担任", "出版", "负责", "讲述了", "拍摄", "推出", "种植", "生活着")


def records(rng, world, count):
    """(train, dev): lists of (source, label, mark, sentence), no sentence twice."""
    dev_count = max(1, round(count * DEV_SHARE))
    made, texts = [], set()
    articles = [(entity, all_statements(article(rng, entity))) for entity in world.articles()]
    while len(made) < count + dev_count:
        entity, statements = rng.choice(articles)
        statement = rng.choice(statements)
        text = statement.text if rng.random() < ACCEPTABLE else broken(rng, statement)
        if text and text not in texts and statement.text not in texts and len(text) <= LONGEST:
            texts |= {text, statement.text}
            acceptable = text == statement.text
            made.append((f"sw-{entity.kind}", "1" if acceptable else "0", "" if acceptable else "*", text))
    return made[:count], made[count:]


def broken(rng, statement):
    """The sentence with one thing broken, or None where nothing fits."""
    breaks = [wrong_measure, without_function_word, doubled_function_word, displaced_verb, swapped_parts]
    rng.shuffle(breaks)
    for way in breaks:
        text = way(rng, statement)
        if text and text != statement.text:
            return text
    return None


def literal_places(statement, words):
    """(start, word) of each of `words` in the parts of the sentence that come from the template, not from a name."""
    places, position = [], 0
    for segment in statement.segments:
        if not segment.slot:
            places += [(position + start, word) for word in words for start in range(len(segment.text))
                       if segment.text.startswith(word, start)]
        position += len(segment.text)
    return sorted(places)


def wrong_measure(rng, statement):
    places = literal_places(statement, MEASURES)
    if not places:
        return None
    start, word = rng.choice(places)
    return statement.text[:start] + rng.choice(MEASURES[word]) + statement.text[start + len(word):]


def without_function_word(rng, statement):
    places = literal_places(statement, NEEDED_WORDS)
    if not places:
        return None
    start, word = rng.choice(places)
    return statement.text[:start] + statement.text[start + len(word):]


def doubled_function_word(rng, statement):
    places = literal_places(statement, FUNCTION_WORDS)
    if not places:
        return None
    start, word = rng.choice(places)
    return statement.text[:start] + word + statement.text[start:]


def displaced_verb(rng, statement):
    """The verb at the end of its clause."""
    places = literal_places(statement, VERBS)
    if not places:
        return None
    start, verb = rng.choice(places)
    rest = statement.text[start + len(verb):]
    end = min((rest.find(mark) for mark in "，。；" if mark in rest), default=0)
    return statement.text[:start] + rest[:end] + verb + rest[end:] if end else None


def swapped_parts(rng, statement):
    """A name and what follows it up to the next name or mark, the wrong way round."""
    parts = statement.segments
    places = [number for number in range(len(parts) - 1) if parts[number].slot and not parts[number + 1].slot
              and 2 <= len(parts[number + 1].text.split("，")[0].rstrip("。")) <= 8]
    if not places:
        return None
    number = rng.choice(places)
    following = parts[number + 1].text
    moved = following.split("，")[0].rstrip("。")
    texts = [part.text for part in parts]
    texts[number:number + 2] = [moved, texts[number], following[len(moved):]]
    return "".join(texts)
