"""The sample world: regions, places, rivers, scenic spots, people, companies, organizations, government bodies,
books, movies and games, and the facts that tie them together. Everything follows from one random.Random.

`World.entities[kind]` lists the entities; each one's `facts` maps the slots that the templates use to other
entities or to strings. The order of creation is the order of dependence: a book needs a writer, a writer a birthplace.
"""

from dump2bert.sample import geography, society, works
from dump2bert.sample.sentences import Entity
from dump2bert.sample.vocabulary import THIS_YEAR

# Articles of each kind per 1000.
SHARES = {"region": 8, "place": 150, "river": 45, "scenic": 105, "company": 110, "organization": 85,
          "government": 45, "book": 85, "movie": 65, "game": 45}
LABELS = {"region": "address", "place": "address", "river": "scene", "scenic": "scene", "person": "name",
          "company": "company", "organization": "organization", "government": "government",
          "book": "book", "movie": "movie", "game": "game", "street": "address"}
DISAMBIGUATION = {"book": "书", "movie": "电影", "game": "游戏", "person": "人物", "place": "地名", "scenic": "景点"}


class World:
    def __init__(self, rng, size):
        """Invent `size` entities (each of which gets an article)."""
        self.rng, self.taken, self.titles = rng, set(), set()
        self.entities = {kind: [] for kind in LABELS}
        count = {kind: max(3, size * share // 1000) for kind, share in SHARES.items()}
        geography.make_places(self, count)
        society.make_people(self, size - sum(count.values()))
        society.make_companies(self, count["company"])
        society.make_organizations(self, count["organization"])
        society.make_governments(self, count["government"])
        works.make_works(self, count)
        society.finish_people(self)

    def add(self, kind, name, short=None, pronouns=(), **facts):
        article = name.strip("《》")
        if article in self.titles:
            article = f"{article} ({DISAMBIGUATION.get(kind, kind)})"
        self.titles.add(article)
        entity = Entity(name, kind, LABELS[kind], article, short, pronouns, facts)
        self.entities[kind].append(entity)
        return entity

    def pick(self, kind, near=None, **wanted):
        """A random entity of the kind whose facts have the wanted values; any of the kind if none has.

        People can be asked for by year of birth: one of the eight born nearest to `near`.
        """
        fitting = [entity for entity in self.entities[kind]
                   if all(entity.facts.get(slot) == value for slot, value in wanted.items())] or self.entities[kind]
        if near is not None:
            fitting = sorted(fitting, key=lambda person: abs(int(person.facts["born"]) - int(near)))[:8]
        return self.rng.choice(fitting)

    def articles(self):
        """All entities that have an article, in a fixed order."""
        return [entity for kind, entities in self.entities.items() if kind != "street" for entity in entities]

    def year(self, first, last):
        """A year between both, as a string; never in the future."""
        first = min(first, THIS_YEAR)
        return str(self.rng.randint(first, max(first, min(last, THIS_YEAR))))
