"""Regions of the sample world and what lies in them: places with their streets, rivers and scenic spots."""

from dump2bert.sample import names
from dump2bert.sample import vocabulary as words


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
            industry=rng.sample(words.INDUSTRY_WORDS, 2), food=rng.choice(words.FOODS),
            festival=rng.choice(words.FESTIVALS),
            month=str(rng.randint(1, 12)), tree=rng.choice(words.TREES), year=world.year(1720, 1950),
            population=f"{rng.randint(2, 9) if level == '镇' else rng.randint(20, 300)}.{rng.randint(1, 9)}万",
            area=str(rng.randint(80, 950)), temperature=f"{rng.randint(8, 23)}.{rng.randint(0, 9)}",
            rain=str(rng.randint(400, 1900)), villages=str(rng.randint(6, 40)), distance=str(rng.randint(15, 180)),
            flood=world.year(1850, 1990), rail=world.year(1900, 2015))
        region.link("place", place)
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
                          length=str(rng.randint(30, 900)), width=str(rng.randint(40, 600)),
                          flood=world.year(1850, 1998),
                          basin=f"{rng.randint(2, 60)},{rng.randint(100, 999)}", dam_year=world.year(1950, 2015),
                          bird=rng.choice(words.BIRDS), flow=str(rng.randint(20, 980)), crop=rng.choice(words.CROPS))
        river.facts["place"] = rng.sample(region.facts["place"], min(4, len(region.facts["place"])))
        region.link("river", river)
        if len(world.entities["river"]) > 1:
            river.facts["tributary"] = world.pick("river")
            river.facts["tributary"] = None if river.facts["tributary"] is river else river.facts["tributary"]
        for place in river.facts["place"]:
            place.link("river", river)
    for _ in range(count["scenic"]):
        place = world.pick("place")
        sort = rng.choice(tuple(names.SCENIC_SUFFIXES))
        name = names.unused(lambda: (place.facts["stem"]
                                     if rng.random() < 0.25 else names.place_stem(rng)) + rng.choice(
            names.SCENIC_SUFFIXES[sort]), world.taken)
        spot = world.add("scenic", name, pronouns=("景区", "这里"), place=place, region=place.facts["region"], sort=sort,
                         height=str(rng.randint(200, 3200)), area=str(rng.randint(2, 90)), year=world.year(1700, 1990),
                         open_year=world.year(1975, 2020), price=str(rng.randrange(10, 160, 5)),
                         visitors=f"{rng.randint(5, 400)}万",
                         tree=rng.choice(words.TREES), bird=rng.choice(words.BIRDS), animal=rng.choice(words.ANIMALS),
                         month=str(rng.randint(3, 10)), distance=str(rng.randint(2, 40)), fire=world.year(1800, 1970),
                         hours=str(rng.randint(2, 6)))
        place.link("scenic", spot)
        place.facts["region"].link("scenic", spot)
