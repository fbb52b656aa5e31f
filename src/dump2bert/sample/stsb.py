"""Sentence pairs with a similarity from 0 to 5 in the form of STS-B: tab-separated genre, file, year, index, score, sentence 1
and sentence 2, without a header. The score follows from how the pair was made: two ways to put the same facts, one fact
changed, the same subject, the same kind of statement, nothing in common.
"""

import dataclasses

from dump2bert.sample.articles import TEMPLATES, article, kind_of
from dump2bert.sample.sentences import say

DEV_SHARE = 0.2   # dev pairs per train pair
# Middle of the score of each relation; annotators' averages spread around it in steps of 0.2.
SCORES = {"same facts": 4.8, "one fact changed": 3.4, "same subject": 2.0, "same statement": 1.2, "nothing": 0.2}
SPREAD = (-0.4, -0.2, 0.0, 0.2, 0.4)


def records(rng, world, count):
    """(train, dev): lists of rows of seven columns, no pair twice."""
    dev_count = max(1, round(count * DEV_SHARE))
    made, texts = [], set()
    entities = world.articles()
    while len(made) < count + dev_count:
        relation = rng.choice(tuple(SCORES))
        pair = PAIRS[relation](rng, entities)
        if pair is None or pair[0] == pair[1] or pair in texts:
            continue
        texts.add(pair)
        score = min(5.0, max(0.0, SCORES[relation] + rng.choice(SPREAD)))
        pair = pair if rng.random() < 0.5 else pair[::-1]
        made.append(("main-encyclopedia", "samplewiki", "2024", f"{len(made):04}", f"{score:.3f}", *pair))
    return made[:count], made[count:]


def statement_of(rng, entity):
    """A statement of the entity's article that is about the entity itself."""
    own = [statement for section in article(rng, entity) for statement in section.statements
           if statement.subject is entity]
    return rng.choice(own)


def again(rng, statement, subject=None):
    """The same key said anew, of the same subject or another one."""
    subject = subject or statement.subject
    return say(rng, TEMPLATES[kind_of(subject)], statement.key, subject)


def drawn_facts(statement):
    """The subject with lists of facts narrowed to what the statement drew from them."""
    drawn = {segment.slot: segment.entity or segment.text for *_, segment in statement.spans()}
    facts = {slot: drawn.get(slot, value) for slot, value in statement.subject.facts.items()}
    return dataclasses.replace(statement.subject, facts=facts)


def same_facts(rng, entities):
    subject = drawn_facts(statement_of(rng, rng.choice(entities)))
    first = statement_of(rng, subject)
    second = again(rng, first, drawn_facts(first))
    # A template may leave facts out: only those that tell the same ones (at least two) are equal.
    return (first.text, second.text) if second and told(first) == told(second) and len(told(first)) > 1 else None


def told(statement):
    """The facts in the sentence beside its subject."""
    return {segment.text for *_, segment in statement.spans() if segment.slot not in ("name", "s", "pronoun")}


def one_fact_changed(rng, entities):
    first = statement_of(rng, rng.choice(entities))
    # Numbers and common words, and the same fact of another entity of the kind in their place.
    changeable = [segment for *_, segment in first.spans() if segment.slot in first.subject.facts
                  and segment.entity is None]
    if not changeable:
        return None
    changed = rng.choice(changeable)
    others = [entity.facts[changed.slot] for entity in rng.sample(entities, 40)
              if kind_of(entity) == kind_of(first.subject) and isinstance(entity.facts.get(changed.slot), str)]
    text = "".join(rng.choice(others) if segment is changed and others else segment.text for segment in first.segments)
    return first.text, text


def same_subject(rng, entities):
    entity = rng.choice(entities)
    first, second = statement_of(rng, entity), statement_of(rng, entity)
    return (first.text, second.text) if first.key != second.key else None


def same_statement(rng, entities):
    first = statement_of(rng, rng.choice(entities))
    others = [entity for entity in rng.sample(entities, 60) if kind_of(entity) == kind_of(first.subject)
              and entity is not first.subject]
    second = again(rng, first, rng.choice(others)) if others else None
    return (first.text, second.text) if second else None


def nothing(rng, entities):
    first, second = rng.sample(entities, 2)
    return (statement_of(rng, first).text, statement_of(rng, second).text) if first.kind != second.kind else None


PAIRS = {"same facts": same_facts, "one fact changed": one_fact_changed, "same subject": same_subject,
         "same statement": same_statement, "nothing": nothing}
