"""People of the sample world, and the companies, organizations and government bodies that they founded and lead."""

from dump2bert.sample import names
from dump2bert.sample import vocabulary as words

# Trades that are no older than computers, about.
MODERN = ("软件", "游戏", "电子", "能源")
# There were no game designers before there were games.
FIRST_BORN = {"designer": 1955, "athlete": 1930}


def make_people(world, count):
    rng = world.rng
    trades = [trade for trade, share in words.TRADE_SHARES.items() for _ in range(share)]
    for number in range(count):
        gender = rng.choice("男女")
        name = names.unused(lambda: names.person_name(rng, gender), world.taken)
        # The first ones go round all trades, so that the smallest world has writers and officials too.
        trade = list(words.TRADE_SHARES)[number] if number < len(words.TRADE_SHARES) else rng.choice(trades)
        birth_year = rng.randint(FIRST_BORN.get(trade, 1880), 1980)
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
            subject=rng.choice(words.SCHOOL_SUBJECTS), hobby=rng.choice(words.HOBBIES),
            character=rng.choice(words.CHARACTERS),
            childhood=rng.choice(words.CHILDHOODS), award=rng.choice(words.AWARDS),
            start=world.year(birth_year + 21, birth_year + 26),
            peak=world.year(birth_year + 26, birth_year + 40), late=world.year(birth_year + 40, birth_year + 52),
            school_year=world.year(birth_year + 17, birth_year + 19),
            child="儿子" if rng.random() < 0.5 else "女儿", number=str(rng.randint(2, 30)), goals=str(rng.randint(12, 160)))
        if birth_year < 1940:
            person.facts["died"] = world.year(birth_year + 55, birth_year + 90)
        place.link("native", person)


def make_companies(world, count):
    rng = world.rng
    for number in range(count):
        # Publishers, studios and game houses come first: works need them.
        industry = (("出版", "影视", "游戏") * 2)[number] if number < 6 else rng.choice(tuple(names.INDUSTRIES))
        place, year = world.pick("place", level="市"), rng.randint(1982 if industry in MODERN else 1905, 2012)
        founder = world.pick("person", near=year - 32, trade="entrepreneur")
        name, short = names.unused(lambda: names.company_names(rng, industry, place.facts["stem"]), world.taken)
        short = None if short in world.taken else short
        world.taken.add(short)
        company = world.add(
            "company", name, short, ("该公司", "公司"), place=place, region=place.facts["region"], founder=founder,
            street=place.facts["street"], house=str(rng.randint(1, 300)), branch=world.pick("place", level="市"),
            head=world.pick("person", near=1970, trade="entrepreneur"), industry=industry,
            product=list(words.PRODUCTS[industry]), employees=f"{rng.randint(2, 98)},{rng.randint(100, 999)}",
            income=f"{rng.randint(2, 90)}.{rng.randint(1, 9)}亿", share=str(rng.randint(4, 45)), year=str(year),
            list_year=world.year(year + 5, year + 40), crisis=world.year(year + 3, year + 60))
        founder.link("company", company)
        place.link("company", company)
        rivals = [other for other in world.entities["company"][:-1] if other.facts["industry"] == industry]
        if rivals:
            company.facts["rival"] = rng.choice(rivals)


def make_organizations(world, count):
    """Of every five two teams, one university, and two of any sort."""
    rng = world.rng
    for number in range(count):
        place, year = world.pick("place", level="市"), rng.randint(1890, 2005)
        facts = {"place": place, "region": place.facts["region"], "street": place.facts["street"], "year": str(year),
                 "founder": world.pick("person", near=year - 40), "members": str(rng.randint(40, 9800)),
                 "later": world.year(year + 8, year + 40), "award": rng.choice(words.AWARDS)}
        if number % 5 < 2:
            organization = make_team(world, facts)
        else:
            sort = "大学" if number % 5 == 2 else rng.choice(tuple(words.GROUPS))
            name = names.unused(lambda: rng.choice((place.facts["stem"], names.place_stem(rng))) + sort, world.taken)
            school = sort in ("大学", "学院")
            organization = world.add(
                "organization", name, None, ("学校", "该校") if school else ("该组织", "该团体"), **facts,
                sort="school" if school else "group", work=words.GROUPS[sort],
                head=world.pick("person", trade="scholar" if school else "musician"),
                subject=rng.sample(words.SCHOOL_SUBJECTS, 3))
        place.link("organization", organization)


def make_team(world, facts):
    rng, stem = world.rng, facts["place"].facts["stem"]
    sport, animal = rng.choice(tuple(words.TEAM_SPORTS)), rng.choice(words.TEAM_ANIMALS)
    name = names.unused(lambda: stem + rng.choice((animal, "")) + rng.choice(words.TEAM_SPORTS[sport]), world.taken)
    short = f"{stem}{animal}队"
    short = None if short in world.taken else short
    world.taken.add(short)
    players = [person for person in world.entities["person"] if person.facts["trade"] == "athlete"
               and person.facts["job"].startswith(sport) and "team" not in person.facts][:4]
    team = world.add("organization", name, short, ("球队", "该队"), sort="team", sport=sport, player=players,
                     head=world.pick("person", near=1972, trade="athlete"), titles=str(rng.randint(2, 14)),
                     seats=f"{rng.randint(1, 6)}万", **facts)
    for person in players:
        person.facts["team"] = team
    return team


def make_governments(world, count):
    rng = world.rng
    for _ in range(count):
        place, year = world.pick("place", level="市"), rng.randint(1905, 1990)

        def bureau(stem=place.facts["stem"]):
            sort = rng.choice(tuple(words.BUREAUS))
            return stem + ("" if sort.startswith("市") else "市") + sort, words.BUREAUS[sort]

        name, duty = names.unused(bureau, world.taken)
        head = world.pick("person", trade="official")
        body = world.add(
            "government", name, None, ("该机构", "该部门"), place=place, region=place.facts["region"], duty=duty, head=head,
            street=place.facts["street"], house=str(rng.randint(1, 200)), year=str(year),
            staff=str(rng.randint(30, 900)),
            later=world.year(year + 10, 2022), budget=f"{rng.randint(1, 30)}.{rng.randint(1, 9)}亿",
            partner=world.pick("organization", sort="group"))
        place.link("government", body)
        head.link("office", body)


EMPLOYERS = {"engineer": ("company", {}), "scholar": ("organization", {"sort": "school"}),
             "musician": ("organization", {"sort": "group"})}


def finish_people(world):
    """What can only be said of people once there are all the others, schools and employers."""
    for person in world.entities["person"]:
        facts, trade = person.facts, person.facts["trade"]
        friend = world.pick("person", near=born(person), trade=trade)
        facts["friend"] = friend if friend is not person else None
        spouse = world.pick("person", near=born(person))
        if spouse is not person and "spouse" not in facts and "spouse" not in spouse.facts and world.rng.random() < 0.7:
            facts["spouse"], spouse.facts["spouse"] = spouse, person
        facts["school"] = world.pick("organization", sort="school")
        teacher = world.pick("person", near=born(person) - 25, trade="scholar")
        facts["teacher"] = teacher if teacher is not person else None
        if trade == "official":
            facts.setdefault("office", world.pick("government"))
        if trade in EMPLOYERS:
            kind, wanted = EMPLOYERS[trade]
            facts["employer"] = world.pick(kind, **wanted)


def born(person):
    return int(person.facts["born"])
