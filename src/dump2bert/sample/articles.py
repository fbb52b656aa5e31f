"""Facts ordered into articles: per kind of entity a plan of sections, each a list of template keys.

A key "slot>kind.key" says something of a related entity ("birthplace>place.food": of the birthplace, its food), so that
the same facts come up in several articles and an article stays with a small circle of entities.
"""

from dataclasses import dataclass

from dump2bert.sample.sentences import Entity, say
from dump2bert.sample.templates import groups, people, places, works

TEMPLATES = {
    "region": places.REGION, "place": places.PLACE, "river": places.RIVER, "scenic": places.SCENIC,
    "person": people.PERSON,
    "company": groups.COMPANY, "government": groups.GOVERNMENT, "book": works.BOOK, "movie": works.MOVIE,
    "game": works.GAME,
    **{f"person.{trade}": {**people.PERSON, **templates} for trade, templates in people.TRADES.items()},
    **{f"organization.{sort}": templates for sort, templates in groups.ORGANIZATION.items()},
}

HOMETOWN = ["birthplace>place.lead", "birthplace>place.food", "home_gift", "street", "birthplace>place.festival",
            "birthplace>place.crop"]
PLANS = {
    "region": [("", ["lead", "size", "founded"]),
               ("地理", ["river", "scenic", "river", "river>river.course", "scenic>scenic.lead", "scenic>scenic.tree"]),
               ("经济", ["crop", "industry", "places", "capital>place.crop", "capital>place.industry",
                       "capital>place.company"]),
               ("首府", ["capital>place.lead", "capital>place.size", "capital>place.food", "capital>place.festival",
                       "capital>place.native"]),
               ("城镇", ["places", "place>place.lead", "place>place.terrain", "place>place.crop", "place>place.native"])],
    "place": [("", ["lead", "size", "founded"]),
              ("地理", ["terrain", "river", "neighbour", "climate", "river>river.width"]),
              ("历史", ["flood", "rail", "native", "native>person.award"]),
              ("经济", ["villages", "crop", "industry", "company", "company>company.product", "government"]),
              ("文化", ["organization", "food", "festival", "tree", "native", "work"]),
              ("旅游", ["scenic", "scenic>scenic.lead", "scenic>scenic.height", "scenic>scenic.season",
                      "scenic>scenic.visitors", "scenic>scenic.tree"])],
    "river": [("", ["lead", "basin"]),
              ("地理", ["course", "tributary", "width", "tributary>river.lead", "place>place.terrain"]),
              ("生态", ["fish", "bird", "clean", "place>place.climate"]),
              ("历史", ["flood", "dam", "place>place.flood"]),
              ("利用", ["farm", "ship", "place>place.crop", "place>place.industry", "place>place.food"])],
    "scenic": [("", ["lead", "area"]),
               ("历史", ["history", "fire", "open", "legend"]),
               ("风景", ["height", "tree", "animal", "season", "painter"]),
               ("旅游", ["visitors", "road", "protect"]),
               ("所在地", ["place>place.lead", "place>place.food", "place>place.festival", "place>place.river",
                        "place>place.scenic", "place>place.size", "place>place.native"])],
    "person": [("", ["lead", "first"]),
               ("早年", ["childhood", "talent", "school", "teacher", "school>organization.school.ground",
                       "school>organization.school.subject"]),
               ("{trade}", ["start", "first", "style", "place", "award", "habit"]),
               ("生活", ["marriage", "home", "hobby", "friend", "friend>person.award", "spouse>person.lead",
                       "spouse>person.award", "death"]),
               ("家乡", HOMETOWN)],
    "company": [("", ["lead", "founded"]),
                ("历史", ["founder", "listed", "crisis"]),
                ("业务", ["product", "size", "share", "book", "movie", "game", "rival", "rival>company.founded"]),
                ("管理", ["head", "office", "branch", "welfare"]),
                ("创始人", ["founder>person.lead", "founder>person.hobby", "founder>person.award", "founder>person.home",
                         "place>place.lead", "place>place.industry", "place>place.scenic"])],
    "organization.team": [("", ["lead", "founder"]), ("球场", ["ground", "fans", "youth"]),
                          ("成绩", ["titles", "loss", "player", "player>person.lead", "player>person.award"]),
                          ("教练", ["head", "head>person.lead", "head>person.hobby"]),
                          ("主场城市", ["place>place.lead", "place>place.food", "place>place.industry",
                                    "place>place.company"])],
    "organization.school": [("", ["lead", "founder"]), ("校园", ["ground", "library", "life"]),
                            ("学术", ["subject", "size", "later", "head", "head>person.lead", "head>person.award"]),
                            ("创办人", ["founder>person.lead", "founder>person.childhood", "founder>person.award"]),
                            ("所在城市", ["place>place.lead", "place>place.climate", "place>place.scenic"])],
    "organization.group": [("", ["lead", "founder"]), ("活动", ["work", "journal", "later"]),
                           ("组织", ["head", "size", "ground", "money", "head>person.lead"]),
                           ("创始人", ["founder>person.lead", "founder>person.hobby", "founder>person.award"]),
                           ("所在城市", ["place>place.lead", "place>place.food", "place>place.festival"])],
    "government": [("", ["lead", "founded"]), ("职能", ["service", "report", "partner", "dispute"]),
                   ("组织", ["head", "office", "staff", "budget", "later"]),
                   ("负责人", ["head>person.lead", "head>person.school", "head>person.hobby", "head>person.award",
                            "head>person.home"]),
                   ("所在城市", ["place>place.lead", "place>place.size", "place>place.industry", "place>place.rail",
                             "place>place.food"])],
    "book": [("", ["lead", "publish"]), ("内容", ["plot", "plot2", "end", "theme"]),
             ("创作", ["author", "draft", "creator>person.writer.style"]),
             ("评价", ["copies", "critic", "award", "reader", "film"]),
             ("作者", ["creator>person.lead", "creator>person.childhood", "creator>person.writer.habit"]),
             ("故事背景", ["place>place.lead", "place>place.terrain", "place>place.river", "place>place.food",
                       "place>place.tree"])],
    "movie": [("", ["lead", "cast"]), ("剧情", ["plot", "plot2", "end", "theme"]),
              ("制作", ["company", "source", "scene", "music", "shoot", "scene>scenic.lead"]),
              ("评价", ["box", "critic", "award"]),
              ("导演", ["creator>person.lead", "creator>person.director.style", "creator>person.director.habit"]),
              ("演员", ["actor>person.lead", "actor>person.actor.start", "actor>person.actor.style"])],
    "game": [("", ["lead", "platform"]), ("剧情", ["plot", "plot2", "theme"]), ("玩法", ["levels", "map", "players"]),
             ("制作", ["maker", "music", "update", "creator>person.lead", "creator>person.designer.style"]),
             ("评价", ["critic", "award", "match"]), ("公司", ["company>company.founded", "company>company.product",
                                                           "company>company.office", "company>company.size",
                                                           "company>company.head"])],
}
TRADE_HEADINGS = {"writer": "写作", "director": "电影", "actor": "演艺", "designer": "游戏设计", "entrepreneur": "经商",
                  "scholar": "学术",
                  "athlete": "运动生涯", "musician": "音乐", "official": "从政", "engineer": "工程"}
CHANCE_OF_A_STATEMENT = 0.93


@dataclass
class Section:
    heading: str   # empty for the lead section
    statements: list


def kind_of(entity):
    """The name of the entity's plan and templates: people by trade, organizations by sort."""
    if entity.kind == "person":
        return f"person.{entity.facts['trade']}"
    return f"organization.{entity.facts['sort']}" if entity.kind == "organization" else entity.kind


def article(rng, entity):
    """The entity's article: a list of Section."""
    kind = kind_of(entity)
    sections, said = [], set()
    for heading, keys in PLANS.get(kind) or PLANS["person"]:
        statements = []
        for key in keys:
            if key != "lead" and rng.random() > CHANCE_OF_A_STATEMENT:
                continue
            statement = state(rng, entity, key, "any" if statements else "name")
            if statement and statement.text not in said:
                said.add(statement.text)
                statements.append(statement)
        if statements:
            sections.append(Section(heading.format(trade=TRADE_HEADINGS.get(entity.facts.get("trade"))), statements))
    return sections


def all_statements(sections):
    return [statement for section in sections for statement in section.statements]


def state(rng, entity, key, mention):
    """One statement about the entity, or about the related one that the key names; None where facts are missing."""
    slot, _, other_key = key.rpartition(">")
    if not slot:
        return say(rng, TEMPLATES[kind_of(entity)], key, entity, mention)
    related = entity.facts.get(slot)
    if isinstance(related, list):
        related = rng.choice(related) if related else None
    kind, _, key = other_key.rpartition(".")
    if not isinstance(related, Entity) or not kind_of(related).startswith(kind):
        return None
    return say(rng, TEMPLATES[kind_of(related)], key, related)
