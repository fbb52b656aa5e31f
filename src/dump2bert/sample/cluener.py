"""Entity recognition data about the sample world in the form of CLUENER2020: JSON lines of
{"text": ..., "label": {type: {entity text: [[start, end], ...]}}}, both ends inclusive.

A sentence draws its entities mostly from one place and its surroundings, so that what belongs together in the
encyclopedia comes together here. A fifth of all entities is kept out of train: dev holds them beside those that train has seen.
"""

import collections

from dump2bert.sample import names
from dump2bert.sample.sentences import SLOT, fill
from dump2bert.sample.templates.news import NEWS, PLAIN

TYPES = ("address", "book", "company", "game", "government", "movie", "name", "organization", "position", "scene")
# Slots that are narrower than a type: (type, value of the fact that `surfaces` notes beside the text).
ROLES = {"team": ("organization", "team"), "school": ("organization", "school"), "publisher": ("company", "出版"),
         "studio": ("company", "影视"), "gamehouse": ("company", "游戏"), "software": ("company", "软件"),
         "chips": ("company", "电子"), "carmaker": ("company", "汽车"), "estate": ("company", "地产"),
         "town": ("address", "town"),
         **{role: ("position", role) for role in names.POSITIONS}, **{kind: (kind, None) for kind in TYPES}}
EVERYWHERE = None
DEV_SHARE = 0.2          # dev records per train record
KEPT_FOR_DEV = 5         # every fifth entity of a type, every fifth position
UNSEEN_IN_DEV = 0.5      # chance that an entity in dev is one of those
LOCAL = 0.6              # chance that an entity comes from the place that the sentence speaks of
WITHOUT_ENTITY = 0.06
CUT = 0.08               # chance that a record is a sentence broken off at a comma, as in the original


def records(rng, world, count):
    """(train, dev): `count` and `count * DEV_SHARE` records, no text twice."""
    seen, unseen = surfaces(rng, world)
    places = world.entities["place"]
    texts, made = set(), []
    dev_count = max(1, round(count * DEV_SHARE))
    while len(made) < count + dev_count:
        in_dev = len(made) < dev_count
        found = sentence(rng, seen, unseen if in_dev else {}, rng.choice(places))
        if found["text"] not in texts:
            texts.add(found["text"])
            made.append(found)
    return made[dev_count:], made[:dev_count]


def surfaces(rng, world):
    """How entities are written, apart for train and dev: dicts type -> list of (text, place of the entity, role)."""
    seen, unseen = {kind: [] for kind in TYPES}, {kind: [] for kind in TYPES}
    counts = collections.Counter()
    for entity in world.articles():
        counts[entity.label] += 1
        pool = seen if counts[entity.label] % KEPT_FOR_DEV else unseen
        place = entity.facts.get("birthplace") or entity.facts.get("place")
        place = (place[0] if isinstance(place, list) else place) or entity
        role = "town" if entity.label == "address" else entity.facts.get("sort") or entity.facts.get("industry")
        pool[entity.label] += [(text, place, role) for text in writings(entity)]
        if entity.kind == "place":
            street = entity.facts["street"].name
            pool["address"] += [(text, place, "street") for text in (
                street, entity.name + street, f"{street}{rng.randint(1, 300)}号")]
    # The same text may come from two entities (streets do); train and dev-only must not share any.
    for kind in TYPES:
        known = {text for text, *_ in seen[kind]}
        unseen[kind] = [surface for surface in unseen[kind] if surface[0] not in known]
    for number, (word, role) in enumerate(names.positions(), 1):
        (seen if number % KEPT_FOR_DEV else unseen)["position"].append((word, None, role))
    return seen, unseen


def writings(entity):
    """The ways to write an entity, the usual one first."""
    yield entity.name
    if entity.short:
        yield entity.short
    if entity.label == "game" and entity.name[1].isascii():
        yield entity.name.strip("《》")
    if entity.kind == "place":
        yield entity.facts["region"].name + entity.name


def sentence(rng, seen, unseen, place):
    """One record. `unseen` is empty for train."""
    if rng.random() < WITHOUT_ENTITY:
        return record(fill(rng, "plain", rng.choice(PLAIN), {}))
    template = rng.choice(NEWS)
    facts = draw(rng, (seen, unseen), template, place)
    return record(fill(rng, "news", template, facts), cut=rng.random() < CUT)


def draw(rng, pools, template, place):
    """What may fill each slot of the template: slot -> list of texts, many of them from `place` (or EVERYWHERE)."""
    seen, unseen = pools
    facts = {}
    for slot in sorted({slot for slot, literal in SLOT.findall(template) if not literal}):
        kind, role = ROLES[slot.removesuffix("_2")]
        sources = [seen[kind], unseen[kind]] if unseen and rng.random() < UNSEEN_IN_DEV else [seen[kind]]
        # The last source that has some of the role; a small world may have none at all.
        fitting = [[surface for surface in source if role in (None, surface[2])] for source in sources]
        fitting = next((surfaces for surfaces in reversed(fitting) if len(surfaces) > 1), seen[kind])
        # Second ones come from anywhere, so that there always is one that differs from the first.
        near = place is not EVERYWHERE and slot in ROLES and rng.random() < LOCAL
        local = [text for text, where, _ in fitting if where is place] if near else []
        facts[slot] = local or [text for text, *_ in fitting]
    return facts


def record(statement, cut=False):
    """The CLUENER record of a Statement whose slots are types; with `cut`, up to its last comma between entities."""
    text, label = statement.text, {}
    spans = list(statement.spans())
    end = text.rfind("，") + 1 if cut else 0
    if end and not any(start < end < stop for start, stop, _ in spans):
        text, spans = text[:end], [span for span in spans if span[1] <= end]
    for start, stop, segment in spans:
        kind, _ = ROLES[segment.slot.removesuffix("_2")]
        label.setdefault(kind, {}).setdefault(text[start:stop], []).append([start, stop - 1])
    return {"text": text, "label": label}
