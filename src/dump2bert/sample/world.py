"""The sample world: regions, places, rivers, scenic spots, people, companies, organizations, government bodies,
books, movies and games, and the facts that tie them together. Everything follows from one random.Random.

`World.entities[kind]` lists the entities; each one's `facts` maps the slots that the templates use to other
entities or to strings. The order of creation is the order of dependence: a book needs a writer, a writer a birthplace.
"""

from dump2bert.sample import names
from dump2bert.sample import vocabulary as words
from dump2bert.sample.sentences import Entity

# Articles of each kind per 1000.
SHARES = {"region": 8, "place": 150, "river": 45, "scenic": 105, "company": 110, "organization": 85,
          "government": 45, "book": 85, "movie": 65, "game": 45}
LABELS = {"region": "address", "place": "address", "river": "scene", "scenic": "scene", "person": "name",
          "company": "company", "organization": "organization", "government": "government",
          "book": "book", "movie": "movie", "game": "game", "street": "address"}
DISAMBIGUATION = {"book": "书", "movie": "电影", "game": "游戏", "person": "人物", "place": "地名", "scenic": "景点"}
MODERN = ("软件", "游戏", "电子", "能源")
THIS_YEAR = 2024


class World:
    def __init__(self, rng, size):
        """Invent `size` entities (each of which gets an article)."""
        self.rng, self.taken, self.titles = rng, set(), set()
        self.entities = {kind: [] for kind in LABELS}
        count = {kind: max(3, size * share // 1000) for kind, share in SHARES.items()}
        make_places(self, count)
        make_people(self, size - sum(count.values()))
        make_groups(self, count)
        make_works(self, count)
        finish_people(self)

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


def born(person):
    return int(person.facts["born"])


def link(entity, slot, other):
    """Add `other` to the list that `entity` keeps in `slot`."""
    entity.facts.setdefault(slot, [])
    if other not in entity.facts[slot]:
        entity.facts[slot].append(other)


def make_places(world, count):
    rng = world.rng
    for _ in range(count["region"]):
        name = names.unused(lambda: names.place_stem(rng), world.taken) + rng.choice(("州", "省", "州"))
        world.add("region", name, pronouns=("该地区",), year=world.year(1720, 1900), terrain=rng.choice(words.TERRAINS),
                  crop=rng.sample(words.CROPS, 2), industry=rng.sample(words.INDUSTRY_WORDS, 2),
                  population=str(rng.randint(180, 990)) + "万", area=f"{rng.randint(12, 99)},{rng.randint(100, 999)}")
    for number in range(count["place"]):
        region = world.entities["region"][number % count["region"]]
        level = "市" if number < count["region"] else rng.choice(("市", "县", "县", "镇", "镇"))
        stem = names.unused(lambda: names.place_stem(rng), world.taken)
        place = world.add(
            "place", stem + level, stem if rng.random() < 0.5 else None, (f"该{level}", "这里"),
            region=region, level=level, stem=stem, direction=rng.choice(words.DIRECTIONS),
            terrain=rng.choice(words.TERRAINS), crop=rng.sample(words.CROPS, 2),
            industry=rng.sample(words.INDUSTRY_WORDS, 2), food=rng.choice(words.FOODS), festival=rng.choice(words.FESTIVALS),
            month=str(rng.randint(1, 12)), tree=rng.choice(words.TREES), year=world.year(1720, 1950),
            population=f"{rng.randint(2, 9) if level == '镇' else rng.randint(20, 300)}.{rng.randint(1, 9)}万",
            area=str(rng.randint(80, 950)), temperature=f"{rng.randint(8, 23)}.{rng.randint(0, 9)}",
            rain=str(rng.randint(400, 1900)), villages=str(rng.randint(6, 40)), distance=str(rng.randint(15, 180)),
            flood=world.year(1850, 1990), rail=world.year(1900, 2015))
        link(region, "place", place)
    for region in world.entities["region"]:
        region.facts["capital"] = region.facts["place"][0]
    for place in world.entities["place"]:
        place.facts["neighbour"] = [other for other in rng.sample(place.facts["region"].facts["place"], k=min(
            4, len(place.facts["region"].facts["place"]))) if other is not place][:3]
        name = rng.choice(names.STREET_FIRST) + rng.choice(names.STREET_SUFFIXES)
        place.facts["street"] = world.add("street", name)
    for _ in range(count["river"]):
        name = names.unused(lambda: names.river_name(rng), world.taken)
        region = world.pick("region")
        river = world.add("river", name, pronouns=("该河", "这条河"), region=region, fish=rng.sample(words.FISH, 2),
                          length=str(rng.randint(30, 900)), width=str(rng.randint(40, 600)), flood=world.year(1850, 1998),
                          basin=f"{rng.randint(2, 60)},{rng.randint(100, 999)}", dam_year=world.year(1950, 2015),
                          bird=rng.choice(words.BIRDS), flow=str(rng.randint(20, 980)), crop=rng.choice(words.CROPS))
        river.facts["place"] = rng.sample(region.facts["place"], min(4, len(region.facts["place"])))
        link(region, "river", river)
        if len(world.entities["river"]) > 1:
            river.facts["tributary"] = world.pick("river")
            river.facts["tributary"] = None if river.facts["tributary"] is river else river.facts["tributary"]
        for place in river.facts["place"]:
            link(place, "river", river)
    for _ in range(count["scenic"]):
        place = world.pick("place")
        sort = rng.choice(tuple(names.SCENIC_SUFFIXES))
        name = names.unused(lambda: (place.facts["stem"] if rng.random() < 0.25 else names.place_stem(rng)) + rng.choice(
            names.SCENIC_SUFFIXES[sort]), world.taken)
        spot = world.add("scenic", name, pronouns=("景区", "这里"), place=place, region=place.facts["region"], sort=sort,
                         height=str(rng.randint(200, 3200)), area=str(rng.randint(2, 90)), year=world.year(1700, 1990),
                         open_year=world.year(1975, 2020), price=str(rng.randrange(10, 160, 5)), visitors=f"{rng.randint(5, 400)}万",
                         tree=rng.choice(words.TREES), bird=rng.choice(words.BIRDS), animal=rng.choice(words.ANIMALS),
                         month=str(rng.randint(3, 10)), distance=str(rng.randint(2, 40)), fire=world.year(1800, 1970),
                         hours=str(rng.randint(2, 6)))
        link(place, "scenic", spot)
        link(place.facts["region"], "scenic", spot)


def make_people(world, count):
    rng = world.rng
    trades = [trade for trade, share in words.TRADE_SHARES.items() for _ in range(share)]
    for number in range(count):
        gender = rng.choice("男女")
        name = names.unused(lambda: names.person_name(rng, gender), world.taken)
        # The first ones go round all trades, so that the smallest world has writers and officials too.
        trade = list(words.TRADE_SHARES)[number] if number < len(words.TRADE_SHARES) else rng.choice(trades)
        # There were no game designers before there were games.
        birth_year = rng.randint(1955 if trade == "designer" else 1880, 1980)
        place = world.pick("place")
        # A physicist studies what physicists study: scholars' topics go with their jobs.
        jobs, topics = words.TRADES[trade]["jobs"], words.TRADES[trade]["topics"]
        which = rng.randrange(len(jobs))
        topic = topics[which] if trade == "scholar" else rng.choice(topics)
        pronoun = "他" if gender == "男" else "她"
        person = world.add(
            "person", name, pronouns=(pronoun,), pronoun=pronoun, trade=trade, job=jobs[which], topic=topic,
            birthplace=place, region=place.facts["region"], born=str(birth_year), month=str(rng.randint(1, 12)),
            day=str(rng.randint(1, 28)), residence=world.pick("place", region=place.facts["region"]),
            subject=rng.choice(words.SCHOOL_SUBJECTS), hobby=rng.choice(words.HOBBIES), character=rng.choice(words.CHARACTERS),
            childhood=rng.choice(words.CHILDHOODS), award=rng.choice(words.AWARDS), start=world.year(birth_year + 21, birth_year + 26),
            peak=world.year(birth_year + 26, birth_year + 40), late=world.year(birth_year + 40, birth_year + 52), school_year=world.year(birth_year + 17, birth_year + 19),
            child="儿子" if rng.random() < 0.5 else "女儿", number=str(rng.randint(2, 30)), goals=str(rng.randint(12, 160)))
        if birth_year < 1940:
            person.facts["died"] = world.year(birth_year + 55, birth_year + 90)
        link(place, "native", person)


def make_groups(world, count):
    """Companies, organizations and government bodies, with founders and heads."""
    rng = world.rng
    for number in range(count["company"]):
        # Publishers, studios and game houses come first: works need them.
        industry = (("出版", "影视", "游戏") * 2)[number] if number < 6 else rng.choice(tuple(names.INDUSTRIES))
        place, year = world.pick("place", level="市"), rng.randint(1982 if industry in MODERN else 1905, 2012)
        founder = world.pick("person", near=year - 32, trade="entrepreneur")
        name, short = names.unused(lambda: names.company_names(rng, industry, place.facts["stem"]), world.taken)
        short = None if short in world.taken else short
        company = world.add(
            "company", name, short, ("该公司", "公司"), place=place, region=place.facts["region"], street=place.facts["street"],
            founder=founder, head=world.pick("person", near=1970, trade="entrepreneur"), industry=industry, product=list(words.PRODUCTS[industry]),
            year=str(year), employees=f"{rng.randint(2, 98)},{rng.randint(100, 999)}", house=str(rng.randint(1, 300)),
            income=f"{rng.randint(2, 90)}.{rng.randint(1, 9)}亿", share=str(rng.randint(4, 45)), list_year=world.year(year + 5, year + 40),
            crisis=world.year(year + 3, year + 60), branch=world.pick("place", level="市"))
        world.taken.add(short)
        link(founder, "company", company)
        link(place, "company", company)
        rivals = [other for other in world.entities["company"][:-1] if other.facts["industry"] == industry]
        if rivals:
            company.facts["rival"] = rng.choice(rivals)
            link(company.facts["rival"], "rivals", company)
    for number in range(count["organization"]):
        place = world.pick("place", level="市")
        year = rng.randint(1890, 2005)
        facts = dict(place=place, region=place.facts["region"], street=place.facts["street"], year=str(year),
                     founder=world.pick("person", near=year - 40), members=str(rng.randint(40, 9800)), later=world.year(year + 8, year + 40),
                     award=rng.choice(words.AWARDS))
        if number % 5 < 2:
            sport = rng.choice(tuple(words.TEAM_SPORTS))
            animal = rng.choice(words.TEAM_ANIMALS)
            name = names.unused(lambda: place.facts["stem"] + rng.choice((animal, "")) + rng.choice(words.TEAM_SPORTS[sport]), world.taken)
            short = place.facts["stem"] + animal + "队"
            team = world.add("organization", name, short if short not in world.taken else None, ("球队", "该队"), sort="team", sport=sport,
                             head=world.pick("person", near=1972, trade="athlete"), titles=str(rng.randint(2, 14)), seats=f"{rng.randint(1, 6)}万", **facts)
            world.taken.add(short)
            team.facts["player"] = [person for person in world.entities["person"] if person.facts["trade"] == "athlete"
                                    and person.facts["job"].startswith(sport) and "team" not in person.facts][:4]
            for person in team.facts["player"]:
                person.facts["team"] = team
        else:
            sort = "大学" if number % 5 == 2 else rng.choice(tuple(words.GROUPS))
            name = names.unused(lambda: (place.facts["stem"] if rng.random() < 0.6 else names.place_stem(rng)) + sort, world.taken)
            school = sort in ("大学", "学院")
            world.add("organization", name, None, ("学校", "该校") if school else ("该组织", "该团体"), sort="school" if school else "group",
                      work=words.GROUPS[sort], head=world.pick("person", trade="scholar" if school else "musician"),
                      subject=rng.sample(words.SCHOOL_SUBJECTS, 3), **facts)
        link(place, "organization", world.entities["organization"][-1])
    for _ in range(count["government"]):
        place = world.pick("place", level="市")

        def bureau():
            sort = rng.choice(tuple(words.BUREAUS))
            return place.facts["stem"] + ("市" if not sort.startswith("市") else "") + sort, words.BUREAUS[sort]

        name, duty = names.unused(bureau, world.taken)
        head = world.pick("person", trade="official")
        year = rng.randint(1905, 1990)
        body = world.add("government", name, None, ("该机构", "该部门"), place=place, region=place.facts["region"], duty=duty, head=head,
                         street=place.facts["street"], house=str(rng.randint(1, 200)), year=str(year), staff=str(rng.randint(30, 900)),
                         later=world.year(year + 10, 2022), budget=f"{rng.randint(1, 30)}.{rng.randint(1, 9)}亿",
                         partner=world.pick("organization", sort="group"))
        link(place, "government", body)
        link(head, "office", body)


def make_works(world, count):
    rng = world.rng

    def work(kind, **facts):
        setting = world.pick("place")
        made = names.unused(lambda: names.title(rng, kind, setting.facts["stem"]), titles_of(kind))
        creator = facts["creator"]
        year = world.year(int(creator.facts["start"]) + 1, min(int(creator.facts["start"]) + 28, THIS_YEAR - 4))
        entity = world.add(kind, f"《{made}》", None, facts.pop("pronouns"), place=setting, region=setting.facts["region"], year=year,
                           theme=rng.sample(words.THEMES, 2), hero=rng.choice(words.HERO_JOBS), quest=rng.choice(words.QUESTS),
                           hero_name=world.pick("person").name[:1] + rng.choice(("小满", "阿福", "大川", "子墨", "秀英", "七")),
                           award=rng.choice(words.AWARDS), next_year=world.year(int(year) + 1, int(year) + 3), praise=rng.sample(words.MEDIA_WORDS, 2),
                           flaw=rng.choice(words.FLAWS), critic=world.pick("person", near=born(creator), trade="writer"), **facts)
        entity.facts["critic"] = None if entity.facts["critic"] is creator else entity.facts["critic"]
        link(creator, kind, entity)
        link(entity.facts["company"], kind, entity)
        link(setting, "work", entity)
        return entity

    used = {}

    def titles_of(kind):
        return used.setdefault(kind, set())

    for _ in range(count["book"]):
        work("book", pronouns=("该书", "这本书"), creator=world.pick("person", trade="writer"), company=world.pick("company", industry="出版"),
             genre=rng.choice(words.BOOK_GENRES), pages=str(rng.randint(120, 780)), copies=f"{rng.randint(2, 90)}万", chapters=str(rng.randint(8, 60)))
    for _ in range(count["movie"]):
        movie = work("movie", pronouns=("影片", "该片", "电影"), creator=world.pick("person", trade="director"), company=world.pick("company", industry="影视"),
                     genre=rng.choice(words.MOVIE_GENRES), minutes=str(rng.randint(82, 176)), box=f"{rng.randint(1, 20)}.{rng.randint(1, 9)}亿",
                     composer=world.pick("person", trade="musician"), scene=world.pick("scenic"), days=str(rng.randint(40, 200)))
        movie.facts["actor"] = [world.pick("person", near=born(movie.facts["creator"]), trade="actor") for _ in range(2)]
        for actor in movie.facts["actor"]:
            link(actor, "movie", movie)
        if rng.random() < 0.4:
            book = world.pick("book")
            if int(book.facts["year"]) < int(movie.facts["year"]):
                movie.facts["source"], book.facts["film"] = book, movie
    for _ in range(count["game"]):
        work("game", pronouns=("游戏", "该作"), creator=world.pick("person", trade="designer"), company=world.pick("company", industry="游戏"),
             genre=rng.choice(words.GAME_GENRES), platform=rng.sample(words.PLATFORMS, 2), players=f"{rng.randint(5, 900)}万",
             levels=str(rng.randint(12, 90)), price=str(rng.randrange(20, 300, 4)), scene=world.pick("scenic"),
             composer=world.pick("person", trade="musician"))


def finish_people(world):
    """What can only be said of people once there are schools and employers."""
    rng = world.rng
    for person in world.entities["person"]:
        friend = world.pick("person", near=born(person), trade=person.facts["trade"])
        person.facts["friend"] = friend if friend is not person else None
        spouse = world.pick("person", near=born(person))
        if spouse is not person and not {"spouse"} & (person.facts.keys() | spouse.facts.keys()) and rng.random() < 0.7:
            person.facts["spouse"], spouse.facts["spouse"] = spouse, person
        person.facts["school"] = world.pick("organization", sort="school")
        teacher = world.pick("person", near=born(person) - 25, trade="scholar")
        person.facts["teacher"] = teacher if teacher is not person else None
        person.facts["group"] = world.pick("organization", sort="group")
        person.facts.setdefault("office", world.pick("government") if person.facts["trade"] == "official" else None)
        if person.facts["trade"] in ("engineer", "scholar", "musician"):
            person.facts["employer"] = world.pick({"engineer": "company", "scholar": "organization", "musician": "organization"}[
                person.facts["trade"]], **({"sort": "school"} if person.facts["trade"] == "scholar" else
                                           {"sort": "group"} if person.facts["trade"] == "musician" else {}))
