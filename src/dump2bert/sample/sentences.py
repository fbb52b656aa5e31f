"""From facts to sentences: the small template language of the sample world.

A template is a Chinese sentence with slots and alternatives:
    {slot}          the value of a fact: an entity (its name) or a plain string; of a list, one at random
    {slot.fact}     a fact of the entity in the slot
    {type:文字}      these characters, as an entity of that CLUENER type
    [甲|乙|]         one of the alternatives
The result keeps, beside the text, which characters came from which slot and entity, so that one sentence serves as
wikitext (links), as NER data (spans) and as question answering data (answers).
"""

import re
from dataclasses import dataclass, field

ALTERNATIVES = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{([\w.]+)(?::([^}]+))?\}")


@dataclass(eq=False)
class Entity:
    """One thing of the world. `kind` selects templates, `label` is its CLUENER type, `facts` maps slots to values."""
    name: str
    kind: str
    label: str
    title: str = ""
    short: str | None = None
    pronouns: tuple = ()
    facts: dict = field(default_factory=dict)

    def link(self, slot, other):
        """Add `other` to the list of entities in `slot`."""
        known = self.facts.setdefault(slot, [])
        if other not in known:
            known.append(other)


@dataclass(frozen=True)
class Segment:
    text: str
    slot: str | None = None
    entity: Entity | None = None
    label: str | None = None


@dataclass(frozen=True)
class Statement:
    """A sentence: its template's key, its segments in order, and the entity that it is about."""
    key: str
    segments: tuple
    subject: Entity | None = None

    @property
    def text(self):
        return "".join(segment.text for segment in self.segments)

    def spans(self):
        """Yield (start, end exclusive, segment) of the segments that came from slots."""
        position = 0
        for segment in self.segments:
            if segment.slot:
                yield position, position + len(segment.text), segment
            position += len(segment.text)


class MissingFact(Exception):
    """The template asks for a fact that the entity does not have."""


def fill(rng, key, template, facts, subject=None):
    """The template's Statement. `facts` maps slot names to Entity, str or list of these. Raises MissingFact."""
    template = ALTERNATIVES.sub(lambda match: rng.choice(match.group(1).split("|")), template)
    segments, chosen, position = [], {}, 0
    for match in SLOT.finditer(template):
        if match.start() > position:
            segments.append(Segment(template[position:match.start()]))
        slot, literal = match.groups()
        if literal:
            segments.append(Segment(literal, slot, None, slot))
        else:
            value = resolve(rng, slot, facts, chosen)
            if isinstance(value, Entity):
                segments.append(Segment(value.name, slot, value, value.label))
            elif isinstance(value, Segment):
                segments.append(value)
            else:
                segments.append(Segment(value, slot))
        position = match.end()
    if position < len(template):
        segments.append(Segment(template[position:]))
    return Statement(key, tuple(segments), subject)


def resolve(rng, path, facts, chosen):
    """The value of a slot path; what was drawn from a list stays the same within a sentence (`chosen`)."""
    if path in chosen:
        return chosen[path]
    owner, _, fact = path.rpartition(".")
    holder = resolve(rng, owner, facts, chosen).facts if owner else facts
    value = holder.get(fact)
    if isinstance(value, (list, tuple)):
        # {name} and {name_2} are never the same one.
        stem = path.removesuffix("_2")
        value = [item for item in value if item not in (chosen.get(stem), chosen.get(f"{stem}_2"))]
        value = rng.choice(value) if value else None
    if value is None:
        raise MissingFact(path)
    chosen[path] = value
    return value


def say(rng, templates, key, subject, mention="name"):
    """A random template of `templates[key]` about the entity `subject`, or None where it lacks the facts.

    `mention` is how the slot {s} names the subject: "name", or "any" (its name, short name or pronoun).
    """
    spoken = Segment(subject.name, "s", subject, subject.label)
    if mention == "any":
        dice = rng.random()
        if dice < 0.35 and subject.pronouns:
            spoken = Segment(rng.choice(subject.pronouns))
        elif dice < 0.5 and subject.short:
            spoken = Segment(subject.short, "s", subject, subject.label)
    facts = {**subject.facts, "name": subject, "s": spoken}
    try:
        return fill(rng, key, rng.choice(templates[key]), facts, subject)
    except MissingFact:
        return None
