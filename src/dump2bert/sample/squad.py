"""Question answering data about the sample world in the form of SQuAD v1.1: contexts are sections of articles, answers
are the facts that their sentences were made from. The articles of dev are not in train.
"""

import hashlib

from dump2bert.sample.articles import article, kind_of
from dump2bert.sample.sentences import MissingFact, fill

DEV_SHARE = 0.2              # dev questions per train question
QUESTIONS_AN_ARTICLE = 4
# Per kind and template key: (question, slot that answers it).
QUESTIONS = {
    "region": {
        "lead": [("{name}的首府是哪里？", "capital")],
        "size": [("{name}的面积是多少平方公里？", "area"), ("{name}有多少人口？", "population")],
        "founded": [("{name}设立于哪一年？", "year")],
    },
    "place": {
        "lead": [("{name}属于哪个地区？", "region"), ("{name}在{region}的哪个方位？", "direction")],
        "size": [("{name}有多少人口？", "population"), ("{name}的面积是多少平方公里？", "area")],
        "founded": [("{name}的历史从哪一年开始？", "year")],
        "climate": [("{name}的年平均气温是多少度？", "temperature"), ("{name}一年降水多少毫米？", "rain")],
        "flood": [("{name}在哪一年遭到洪水？", "flood")],
        "rail": [("哪一年{name}通了铁路？", "rail")],
        "food": [("到{name}可以品尝什么？", "food")],
        "festival": [("{name}每年{month}月举办什么活动？", "festival"), ("{name}的{festival}在几月举行？", "month")],
        "tree": [("{name}常见的树是什么？", "tree")],
        "villages": [("{name}有多少个村？", "villages"), ("{name}的政府在哪条街上？", "street")],
    },
    "river": {
        "lead": [("{name}有多长？", "length"), ("{name}流经哪个地区？", "region")],
        "basin": [("{name}的流域面积是多少平方公里？", "basin")],
        "width": [("{name}最宽处约有多少米？", "width")],
        "flood": [("{name}在哪一年发生洪水？", "flood")],
        "dam": [("{name}上的水坝建于哪一年？", "dam_year")],
    },
    "scenic": {
        "lead": [("{name}在什么地方？", "place")],
        "height": [("{name}海拔多少米？", "height")],
        "fire": [("{name}在哪一年失火？", "fire")],
        "open": [("{name}哪一年对游客开放？", "open_year"), ("{name}的门票多少钱？", "price")],
        "visitors": [("每年有多少人游览{name}？", "visitors")],
        "history": [("{name}的历史最早见于哪一年？", "year")],
    },
    "person": {
        "lead": [("{name}出生于哪一年？", "born"), ("{name}出生在哪里？", "birthplace"), ("{name}的职业是什么？", "job")],
        "school": [("{name}在哪所学校读书？", "school"),
                   ("{name}哪一年考入{school}？", "school_year"),
                   ("{name}在{school}学习什么？", "subject")],
        "teacher": [("{name}在{school}的老师是谁？", "teacher")],
        "marriage": [("{name}和谁结婚？", "spouse")],
        "hobby": [("{name}业余喜欢什么？", "hobby")],
        "award": [("{name}获得了什么奖？", "award"), ("{name}哪一年获奖？", "late")],
        "death": [("{name}在哪一年去世？", "died"), ("{name}在哪里去世？", "residence")],
        "start": [("{name}从哪一年开始工作？", "start")],
        "childhood": [("{name}在哪里长大？", "birthplace")],
    },
    "company": {
        "founded": [("谁创办了{name}？", "founder"), ("{name}成立于哪一年？", "year")],
        "head": [("{name}的董事长是谁？", "head")],
        "listed": [("{name}在哪一年上市？", "list_year")],
        "size": [("{name}有多少员工？", "employees"), ("{name}的年收入是多少？", "income")],
        "crisis": [("{name}在哪一年亏损？", "crisis")],
        "rival": [("{name}的对手是哪家企业？", "rival")],
        "branch": [("{name}在哪里有分公司？", "branch")],
    },
    "organization": {
        "lead": [("{name}成立于哪一年？", "year"), ("{name}在什么地方？", "place")],
        "founder": [("谁发起成立了{name}？", "founder")],
        "head": [("{name}由谁负责？", "head")],
        "titles": [("{name}得过多少次联赛冠军？", "titles")],
        "ground": [("{name}在哪条街上？", "street")],
        "size": [("{name}有多少人？", "members")],
    },
    "government": {
        "lead": [("{name}负责什么？", "duty")],
        "head": [("{name}的负责人是谁？", "head")],
        "staff": [("{name}有多少职员？", "staff")],
        "budget": [("{name}一年的预算是多少？", "budget")],
        "founded": [("{name}设立于哪一年？", "year")],
    },
    "book": {
        "lead": [("{name}的作者是谁？", "creator")],
        "publish": [("{name}由哪家公司出版？", "company"), ("{name}有多少页？", "pages"), ("{name}哪一年出版？", "year")],
        "plot": [("{name}的主人公叫什么名字？", "hero_name"), ("{name}的故事发生在哪里？", "place")],
        "copies": [("{name}卖了多少册？", "copies")],
    },
    "movie": {
        "lead": [("{name}的导演是谁？", "creator"), ("{name}哪一年上映？", "year")],
        "cast": [("{name}片长多少分钟？", "minutes")],
        "company": [("{name}由哪家公司出品？", "company")],
        "scene": [("{name}在哪里拍摄？", "scene"), ("{name}拍摄用了多少天？", "days")],
        "music": [("谁为{name}创作了音乐？", "composer")],
        "box": [("{name}的票房是多少？", "box")],
    },
    "game": {
        "maker": [("{name}由谁设计？", "creator")],
        "levels": [("{name}有多少关？", "levels")],
        "players": [("{name}有多少玩家？", "players")],
        "platform": [("{name}的售价是多少元？", "price")],
        "plot": [("{name}的主人公叫什么？", "hero_name")],
        "music": [("谁为{name}创作了音乐？", "composer")],
    },
}


def data(rng, world, count):
    """(train, dev): SQuAD v1.1 documents of `count` and `count * DEV_SHARE` questions (fewer if the world is small)."""
    entities = world.articles()
    rng.shuffle(entities)
    dev = articles_with_questions(rng, entities[::6], max(1, round(count * DEV_SHARE)))
    train = articles_with_questions(rng, [entity for number, entity in enumerate(entities) if number % 6], count)
    return train, dev


def articles_with_questions(rng, entities, count):
    made, left = [], count
    for entity in entities:
        if not left:
            break
        paragraphs = ask(rng, article(rng, entity), min(left, QUESTIONS_AN_ARTICLE))
        if paragraphs:
            left -= sum(len(paragraph["qas"]) for paragraph in paragraphs)
            made.append({"title": entity.title, "paragraphs": paragraphs})
    return {"version": "1.1", "data": made}


def ask(rng, sections, count):
    """The sections that have questions, as SQuAD paragraphs with at most `count` questions together."""
    found = []
    for number, section in enumerate(sections):
        offset = 0
        for statement in section.statements:
            found += [(number, *question) for question in questions(rng, statement, offset)]
            offset += len(statement.text)
    chosen = sorted(rng.sample(found, min(count, len(found))))
    paragraphs = []
    for number in sorted({question[0] for question in chosen}):
        context = "".join(statement.text for statement in sections[number].statements)
        qas = [{"answers": [{"answer_start": start, "text": answer}], "question": question,
                "id": hashlib.sha256(f"{question} {context}".encode()).hexdigest()[:24]}
               for where, question, start, answer in chosen if where == number]
        paragraphs.append({"context": context, "qas": qas})
    return paragraphs


def questions(rng, statement, offset):
    """Yield (question, answer_start, answer) for what the statement, which begins at `offset`, can answer."""
    subject = statement.subject
    known = QUESTIONS[kind_of(subject).split(".")[0]].get(statement.key, [])
    for question, slot in known:
        # The first place where the fact stands; the subject's own facts, not those of a list (which were drawn).
        where = [(start, stop) for start, stop, segment in statement.spans() if segment.slot == slot]
        if where and not isinstance(subject.facts[slot], list):
            start, stop = where[0]
            try:
                asked = fill(rng, "question", question, {**subject.facts, "name": subject}).text
            except MissingFact:
                continue
            if statement.text[start:stop] not in asked:   # a name may tell: 环境保护局 sees to 环境保护
                yield asked, offset + start, statement.text[start:stop]
