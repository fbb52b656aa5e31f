"""Articles as Chinese wikitext, with what real pages are full of: infoboxes, links (also nested in files), references,
tables, lists, galleries, comments, math, nowiki, variant markup, categories.
"""

import re

from dump2bert.sample.names import STREET_FIRST
from dump2bert.sample.sentences import Entity

INFOBOXES = {"region": "地区", "place": "城镇", "river": "河流", "scenic": "景点", "person": "人物", "company": "公司",
             "organization": "组织", "government": "政府机构", "book": "书籍", "movie": "电影", "game": "电子游戏"}
# Facts shown in infoboxes, per kind: parameter name -> slot.
PARAMETERS = {
    "region": {"首府": "capital", "面积": "area", "人口": "population"},
    "place": {"地区": "region", "人口": "population", "面积": "area", "设立": "year"},
    "river": {"地区": "region", "长度": "length", "流域面积": "basin"},
    "scenic": {"所在地": "place", "面积": "area", "门票": "price", "开放": "open_year"},
    "person": {"出生地": "birthplace", "出生": "born", "职业": "job", "母校": "school", "配偶": "spouse"},
    "company": {"创始人": "founder", "总部": "place", "成立": "year", "员工": "employees"},
    "organization": {"所在地": "place", "成立": "year", "负责人": "head"},
    "government": {"所在地": "place", "成立": "year", "负责人": "head"},
    "book": {"作者": "creator", "出版社": "company", "出版": "year", "页数": "pages"},
    "movie": {"导演": "creator", "出品": "company", "上映": "year", "片长": "minutes"},
    "game": {"设计师": "creator", "公司": "company", "推出": "year", "类型": "genre"},
}
# Words that differ between mainland and Taiwan, as editors mark them: -{zh-hans:..;zh-hant:..}-.
VARIANT_WORDS = {"软件": "軟體", "网络": "網路", "出租车": "計程車", "公共汽车": "公車", "芯片": "晶片", "摩托车": "機車",
                 "半导体": "半導體", "数据库": "資料庫", "屏幕": "螢幕", "质量": "品質", "信息": "資訊", "个人电脑": "個人電腦"}
VARIANT_WORD = re.compile("|".join(sorted(VARIANT_WORDS, key=len, reverse=True)))
PRESS = ("晨报", "日报", "晚报", "地方志", "年鉴", "统计公报")
MATHS = (r"<math>S = a \times b</math>", r"<math>\frac{n(n+1)}{2}</math>", r"<math>v = \frac{s}{t}</math>")


def target(entity):
    """The link to an entity, shown as `entity.name`; titles of works keep their brackets outside."""
    shown = entity.name.strip("《》")
    inner = f"[[{shown}]]" if shown == entity.title else f"[[{entity.title}|{shown}]]"
    return f"《{inner}》" if entity.name.startswith("《") else inner


class Writer:
    """Writes one article; remembers what has been linked, since only first mentions are."""

    def __init__(self, rng, entity):
        self.rng, self.entity, self.linked, self.references = rng, entity, {entity.title}, 0

    def sentence(self, statement):
        text = "".join(self.segment(segment) for segment in statement.segments)
        dice = self.rng.random()
        if dice < 0.10:
            text += self.reference()
        elif dice < 0.115:
            text += "<!-- 此处需要补充来源 -->"
        elif dice < 0.13:
            text += "{{fact}}"
        return text

    def segment(self, segment):
        entity = segment.entity
        if entity is None or entity.kind == "street" or entity.title in self.linked:
            return segment.text if entity else VARIANT_WORD.sub(self.variants, segment.text)
        self.linked.add(entity.title)
        if segment.text == entity.name:
            return target(entity)
        return f"[[{entity.title}|{segment.text}]]"

    def variants(self, match):
        """Half of the time, the word as editors mark words that differ from place to place."""
        word, dice = match.group(), self.rng.random()
        if dice < 0.3:
            return f"-{{zh-hans:{word};zh-hant:{VARIANT_WORDS[word]}}}-"
        return f"-{{zh-cn:{word}; zh-tw:{VARIANT_WORDS[word]};}}-" if dice < 0.5 else word

    def reference(self):
        self.references += 1
        place = self.rng.choice(STREET_FIRST)
        work, year = place + self.rng.choice(PRESS), self.rng.randint(1998, 2023)
        cite = f"{{{{cite news |title={self.entity.title}介绍 |work={work} |date={year}年}}}}"
        if self.references > 1 and self.rng.random() < 0.4:
            return '<ref name="a" />'
        return f'<ref name="a">{cite}</ref>' if self.references == 1 else f"<ref>{cite}</ref>"

    def infobox(self):
        lines = [f"{{{{{INFOBOXES[self.entity.kind]}信息框", f"| 名称 = {self.entity.name}"]
        for parameter, slot in PARAMETERS[self.entity.kind].items():
            value = self.entity.facts.get(slot)
            if value:
                lines.append(f"| {parameter} = {value if isinstance(value, str) else target(value)}")
        return "\n".join([*lines, "}}"])

    def picture(self, section):
        place = self.entity.facts.get("place") or self.entity.facts.get("birthplace")
        place = place[0] if isinstance(place, list) else place
        where = f"，摄于[[{place.title}]]" if place else ""
        title = self.entity.title
        return f"[[File:{title} {len(section.statements)}.jpg|thumb|right|220px|[[{title}]]{where}]]"

    def body(self, sections):
        rng, blocks = self.rng, []
        for number, section in enumerate(sections):
            lines = [f"== {section.heading} =="] if section.heading else []
            if rng.random() < 0.25:
                lines.append(self.picture(section))
            sentences = [self.sentence(statement) for statement in section.statements]
            if number == 0:
                # An article's subject is bold where it is first named.
                shown = self.entity.name.strip("《》")
                sentences[0] = sentences[0].replace(shown, f"'''{shown}'''", 1)
            cut = rng.randint(2, 4)
            paragraphs = ["".join(sentences[start:start + cut]) for start in range(0, len(sentences), cut)]
            lines.append("\n\n".join(paragraphs))
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)

    def page(self, sections, convert):
        """The whole page; `convert` maps the body's text (to traditional characters, where the article is in these)."""
        rng = self.rng
        parts = []
        if rng.random() < 0.06:
            parts.append("{{noteTA|G1=" + INFOBOXES[self.entity.kind] + "}}")
        if rng.random() < 0.7:
            parts.append(self.infobox())
        parts.append(convert(self.body(sections)))
        extra = rng.random()
        if extra < 0.12:
            parts.append(self.table())
        elif extra < 0.18:
            parts.append(self.gallery())
        elif extra < 0.22:
            parts.append(f"== 计算 ==\n计算{self.entity.name}的有关数字时使用公式{rng.choice(MATHS)}，"
                         "''其中各项''以<nowiki>[[</nowiki>实测<nowiki>]]</nowiki>为准。")
        if self.references:
            parts.append("== 参考资料 ==\n{{reflist}}")
        related = [entity for value in self.entity.facts.values()
                   for entity in (value if isinstance(value, list) else [value])
                   if isinstance(entity, Entity) and entity.kind != "street"]
        if related and rng.random() < 0.5:
            parts.append("== 参见 ==\n" + "\n".join(f"* {target(entity)}" for entity in related[:4]))
        region = self.entity.facts.get("region", self.entity)
        parts.append(f"[[Category:{INFOBOXES[self.entity.kind]}]]\n[[Category:{region.title}]]")
        return "\n\n".join(parts)

    def table(self):
        year = self.rng.randint(1950, 2000)
        rows = "\n|-\n".join(f"| {year + step}年 || {self.rng.randint(10, 999)}" for step in (0, 5, 10, 15))
        return f'== 统计 ==\n{{| class="wikitable sortable"\n! 年份 !! 数量\n|-\n{rows}\n|}}'

    def gallery(self):
        lines = "\n".join(f"File:{self.entity.title} {number}.jpg|{self.entity.title}的[[照片]]" for number in range(1, 4))
        return f"== 图片 ==\n<gallery>\n{lines}\n</gallery>"
