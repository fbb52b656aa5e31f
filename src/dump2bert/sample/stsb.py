"""Sentence pairs with a similarity from 0 to 5 in the form of STS-B: tab-separated genre, file, year, index, score,
sentence 1 and sentence 2, without a header. The score follows from how the pair was made: two ways to put the same facts,
one fact changed, the same subject, the same kind of statement, nothing in common.
"""

import dataclasses

from dump2bert.sample.articles import TEMPLATES, all_statements, article, kind_of
from dump2bert.sample.sentences import say

DEV_SHARE = 0.2   # dev pairs per train pair
# Middle of the score of each relation; annotators' averages spread around it in steps of 0.2.
SCORES = {"same facts": 4.6, "one fact changed": 3.4, "same subject": 2.0, "same statement": 1.2, "nothing": 0.2}
SPREAD = (-0.4, -0.2, 0.0, 0.2, 0.4)


def records(rng, world, count):
    """(train, dev): lists of rows of seven columns, no pair twice."""
    dev_count = max(1, round(count * DEV_SHARE))
    made, texts = [], set()
    # What each entity's article says of the entity itself.
    said = {entity: [statement for statement in all_statements(article(rng, entity)) if statement.subject is entity]
            for entity in world.articles()}
    while len(made) < count + dev_count:
        relation = rng.choice(tuple(SCORES))
        pair = PAIRS[relation](rng, said)
        if pair is None or pair[0] == pair[1] or pair in texts:
            continue
        texts.add(pair)
        score = min(5.0, max(0.0, SCORES[relation] + rng.choice(SPREAD)))
        pair = pair if rng.random() < 0.5 else pair[::-1]
        made.append(("main-encyclopedia", "samplewiki", "2024", f"{len(made):04}", f"{score:.3f}", *pair))
    return made[:count], made[count:]


def any_statement(rng, said):
    return rng.choice(said[rng.choice(list(said))])


def again(rng, statement, subject):
    """The same key said anew, of this subject; None where it lacks the facts."""
    return say(rng, TEMPLATES[kind_of(subject)], statement.key, subject)


def drawn_facts(statement):
    """The subject with lists of facts narrowed to what the statement drew from them."""
    drawn = {segment.slot: segment.entity or segment.text for *_, segment in statement.spans()}
    facts = {slot: drawn.get(slot, value) for slot, value in statement.subject.facts.items()}
    return dataclasses.replace(statement.subject, facts=facts)


def same_facts(rng, said):
    statement = any_statement(rng, said)
    subject = drawn_facts(statement)
    first, second = again(rng, statement, subject), again(rng, statement, subject)
    # A template may leave facts out: only those that tell the same ones (at least two) are equal.
    equal = first and second and told(first) == told(second) and len(told(first)) > 1
    return (first.text, second.text) if equal else None


def told(statement):
    """The facts in the sentence beside its subject."""
    return {segment.text for *_, segment in statement.spans() if segment.slot not in ("name", "s", "pronoun")}


def one_fact_changed(rng, said):
    first = any_statement(rng, said)
    # Numbers and common words, and the same fact of another entity of the kind in their place.
    changeable = [segment for *_, segment in first.spans()
                  if segment.slot in first.subject.facts and segment.entity is None]
    if not changeable:
        return None
    changed = rng.choice(changeable)
    others = [entity.facts[changed.slot] for entity in like(rng, said, first.subject)
              if isinstance(entity.facts.get(changed.slot), str)]
    if not others:
        return None
    other = rng.choice(others)
    return first.text, "".join(other if segment is changed else segment.text for segment in first.segments)


def like(rng, said, subject):
    """Some other entities of the subject's kind."""
    return [entity for entity in rng.sample(list(said), min(80, len(said)))
            if kind_of(entity) == kind_of(subject) and entity is not subject]


def same_subject(rng, said):
    statements = said[rng.choice(list(said))]
    first, second = rng.choice(statements), rng.choice(statements)
    return (first.text, second.text) if first.key != second.key else None


def same_statement(rng, said):
    first = any_statement(rng, said)
    others = like(rng, said, first.subject)
    second = again(rng, first, rng.choice(others)) if others else None
    return (first.text, second.text) if second else None


def nothing(rng, said):
    first, second = any_statement(rng, said), any_statement(rng, said)
    return (first.text, second.text) if first.subject.kind != second.subject.kind else None


PAIRS = {"same facts": same_facts, "one fact changed": one_fact_changed, "same subject": same_subject,
         "same statement": same_statement, "nothing": nothing}
