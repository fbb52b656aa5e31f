"""Books, movies and games of the sample world."""

from dump2bert.sample import names
from dump2bert.sample import vocabulary as words
from dump2bert.sample.society import born

GIVEN_NAMES = ("小满", "阿福", "大川", "子墨", "秀英", "七郎")


def make_works(world, count):
    rng, pick = world.rng, world.pick
    taken = {"book": set(), "movie": set(), "game": set()}   # a title may be a book and a movie, but no two books
    for _ in range(count["book"]):
        make_work(world, taken, "book", ("该书", "这本书"), pick("person", trade="writer"), "出版",
                  genre=rng.choice(words.BOOK_GENRES), pages=str(rng.randint(120, 780)),
                  copies=f"{rng.randint(2, 90)}万", chapters=str(rng.randint(8, 60)))
    for _ in range(count["movie"]):
        director = pick("person", trade="director")
        movie = make_work(world, taken, "movie", ("影片", "该片"), director, "影视",
                          genre=rng.choice(words.MOVIE_GENRES), minutes=str(rng.randint(82, 176)),
                          box=f"{rng.randint(1, 20)}.{rng.randint(1, 9)}亿", days=str(rng.randint(40, 200)),
                          composer=pick("person", trade="musician"), scene=pick("scenic"),
                          actor=[pick("person", near=born(director), trade="actor") for _ in range(2)])
        for actor in movie.facts["actor"]:
            actor.link("movie", movie)
        book = pick("book")
        if rng.random() < 0.6 and int(book.facts["year"]) < int(movie.facts["year"]):
            movie.facts["source"], book.facts["film"] = book, movie
    for _ in range(count["game"]):
        make_work(world, taken, "game", ("游戏", "该作"), pick("person", trade="designer"), "游戏",
                  genre=rng.choice(words.GAME_GENRES), platform=rng.sample(words.PLATFORMS, 2),
                  players=f"{rng.randint(5, 900)}万", levels=str(rng.randint(12, 90)),
                  price=str(rng.randrange(20, 300, 4)), scene=pick("scenic"),
                  composer=pick("person", trade="musician"))


def make_work(world, taken, kind, pronouns, creator, industry, **facts):
    """A work of `creator`, brought out by a company of `industry`, with what all works have."""
    rng, start = world.rng, int(creator.facts["start"])
    setting, critic = world.pick("place"), world.pick("person", near=born(creator), trade="writer")
    title = names.unused(lambda: names.title(rng, kind, setting.facts["stem"]), taken[kind])
    year = world.year(start + 1, min(start + 28, words.THIS_YEAR - 4))
    work = world.add(
        kind, f"《{title}》", None, pronouns, creator=creator, company=world.pick("company", industry=industry),
        place=setting, region=setting.facts["region"], year=year, next_year=world.year(int(year) + 1, int(year) + 3),
        theme=rng.sample(words.THEMES, 2), hero=rng.choice(words.HERO_JOBS), quest=rng.choice(words.QUESTS),
        hero_name=rng.choice(names.SURNAMES) + rng.choice(GIVEN_NAMES), award=rng.choice(words.AWARDS),
        praise=rng.sample(words.MEDIA_WORDS, 2), flaw=rng.choice(words.FLAWS),
        critic=None if critic is creator else critic, **facts)
    creator.link(kind, work)
    work.facts["company"].link(kind, work)
    setting.link("work", work)
    return work
