"""Entity recognition data about the sample world in the form of CLUENER2020: JSON lines of
{"text": ..., "label": {type: {entity text: [[start, end], ...]}}}, both ends inclusive.

A sentence draws its entities from one place and its surroundings, so that what belongs together in the encyclopedia comes
together here. A fifth of all entities is kept out of train: dev holds them beside those that train has seen.
"""

from dump2bert.sample import names
from dump2bert.sample.sentences import fill
from dump2bert.sample.templates.news import NEWS, PLAIN

TYPES = ("address", "book", "company", "game", "government", "movie", "name", "organization", "position", "scene")
DEV_SHARE = 0.2          # dev records per train record
KEPT_FOR_DEV = 0.2       # of the entities
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
        # Dev comes first; of the sentences without entity there are only so many, so train falls back to others.
        in_dev = len(made) < dev_count
        record = sentence(rng, seen, unseen if in_dev else {}, rng.choice(places))
        if record["text"] not in texts:
            texts.add(record["text"])
            made.append(record)
    return made[dev_count:], made[:dev_count]


def surfaces(rng, world):
    """How entities are written, apart for train and dev: two dicts type -> list of (text, place of the entity)."""
    seen, unseen = {kind: [] for kind in TYPES}, {kind: [] for kind in TYPES}
    for entity in world.articles():
        # Train needs some of each type, however small the world.
        scarce = len(seen[entity.label]) < 4
        pool = unseen if rng.random() < KEPT_FOR_DEV and not scarce else seen
        place = entity.facts.get("birthplace") or entity.facts.get("place")
        place = (place[0] if isinstance(place, list) else place) or entity
        written = [entity.name]
        if entity.short and entity.label != "address":
            written.append(entity.short)
        if entity.label == "game" and entity.name[1].isascii():
            written.append(entity.name.strip("《》"))
        if entity.kind == "place":
            street = entity.facts["street"].name
            written += [street, f"{entity.name}{street}", f"{street}{rng.randint(1, 300)}号", entity.facts["region"].name + entity.name,
                        entity.short or entity.name]
        pool[entity.label] += [(text, place) for text in written]
    # The same text may come from two entities (streets do); train and dev-only must not share any.
    for kind in TYPES:
        known = {text for text, _ in seen[kind]}
        unseen[kind] = [(text, place) for text, place in unseen[kind] if text not in known]
    for word in sorted({names.position(rng) for _ in range(400)}):
        (unseen if rng.random() < KEPT_FOR_DEV else seen)["position"].append((word, None))
    return seen, unseen


def sentence(rng, seen, unseen, place):
    """One record. `unseen` is empty for train."""
    if rng.random() < WITHOUT_ENTITY:
        return record(fill(rng, "plain", rng.choice(PLAIN), {}))
    facts = {}
    for kind in TYPES:
        for slot in (kind, f"{kind}_2"):
            pool = unseen[kind] if unseen and unseen[kind] and rng.random() < UNSEEN_IN_DEV else seen[kind]
            # Second ones come from anywhere, so that there always is one that differs from the first.
            near = slot == kind and rng.random() < LOCAL
            local = [text for text, where in pool if where is place] if near else []
            facts[slot] = local or [text for text, _ in pool]
    statement = fill(rng, "news", rng.choice(NEWS), facts)
    return record(statement, cut=rng.random() < CUT)


def record(statement, cut=False):
    """The CLUENER record of a Statement whose slots are types; with `cut`, up to its last comma between entities."""
    text, label = statement.text, {}
    spans = list(statement.spans())
    end = text.rfind("，") + 1 if cut else 0
    if end and not any(start < end < stop for start, stop, _ in spans):
        text, spans = text[:end], [span for span in spans if span[1] <= end]
    for start, stop, segment in spans:
        kind = segment.slot.split("_")[0]
        label.setdefault(kind, {}).setdefault(text[start:stop], []).append([start, stop - 1])
    return {"text": text, "label": label}
