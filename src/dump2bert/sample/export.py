"""The sample world as a MediaWiki XML export (schema export-0.11), bzip2-compressed, as Wikimedia publishes it: in one
piece, and as a multistream dump with its index.

Pages of namespace 0 are the articles, a few pages that hold nothing but a template or a table (so their extracted
text is empty), and redirects; talk, user, project, template and category pages stand beside them as in a real dump.
"""

import bz2
import hashlib
from xml.sax.saxutils import escape, quoteattr

from opencc import OpenCC

from dump2bert.sample import wikitext
from dump2bert.sample.articles import article

NAMESPACES = {-2: "Media", -1: "Special", 0: "", 1: "Talk", 2: "User", 3: "User talk", 4: "Samplewiki",
              5: "Samplewiki talk",
              6: "File", 7: "File talk", 8: "MediaWiki", 9: "MediaWiki talk", 10: "Template", 11: "Template talk",
              12: "Help",
              13: "Help talk", 14: "Category", 15: "Category talk", 828: "Module", 829: "Module talk"}
SITE = "https://sample.invalid/wiki/"
SCHEMA = "http://www.mediawiki.org/xml/export-0.11/"
USERS = ("河边的树", "Norix", "三点一线", "老茶客", "Velella", "看云人")
COMMENTS = ("补充资料", "修正错字", "/* 历史 */ 增加来源", "整理格式", "加入图片")
YEARS_OF_EDITS = (2019, 2023)
TO_TRADITIONAL = OpenCC("s2t")


def pages(rng, world):
    """Yield (namespace, title, redirect target or None, wikitext) of every page, in the order of the dump."""
    for title, text in templates():
        yield 10, f"Template:{title}", None, text
    for kind in wikitext.INFOBOXES.values():
        yield 14, f"Category:{kind}", None, f"关于{kind}的条目。\n\n[[Category:全部]]"
    yield 4, "Samplewiki:首页", None, "欢迎来到'''样本百科'''。\n* [[Special:RecentChanges|最近更改]]"
    yield 2, "User:河边的树", None, "我是[[User:河边的树|河边的树]]，喜欢写地方条目。"
    entities = world.articles()
    # Kinds mixed, as in a real dump.
    rng.shuffle(entities)
    taken = set(world.titles)
    for number, entity in enumerate(entities):
        sections = article(rng, entity)
        # Some authors write traditional characters; readers see either, so links lead to the same titles.
        convert = TO_TRADITIONAL.convert if rng.random() < 0.04 else str
        yield 0, entity.title, None, wikitext.Writer(rng, entity).page(sections, convert)
        if entity.short and entity.short not in taken:
            taken.add(entity.short)
            yield 0, entity.short, entity.title, f"#重定向 [[{entity.title}]]"
        if rng.random() < 0.08:
            yield 1, f"Talk:{entity.title}", None, f"{entity.title}的资料应当补充来源。--[[User:{rng.choice(USERS)}]]\n:同意。"
        if number % 400 == 50:
            yield empty_page(world.entities["region"][number // 400 % len(world.entities["region"])], number)


def empty_page(region, number):
    """An article that is nothing but a table or a template: extraction leaves no text."""
    if number % 800 == 50:
        rows = "\n|-\n".join(f"| [[{place.title}]] || {place.facts['population']}" for place in region.facts["place"])
        return 0, f"{region.title}城镇列表", None, f'{{| class="wikitable"\n! 名称 !! 人口\n|-\n{rows}\n|}}'
    return 0, f"{region.title}导航", None, f"{{{{地区导航|{region.title}}}}}"


def templates():
    """Yield (title, wikitext) of the templates that the articles use."""
    for kind, name in wikitext.INFOBOXES.items():
        rows = "\n".join(f"|-\n! {parameter}\n| {{{{{{{parameter}|}}}}}}" for parameter in wikitext.PARAMETERS[kind])
        box = f'{{| class="infobox"\n! colspan="2" | {{{{{{名称}}}}}}\n{rows}\n|}}'
        yield f"{name}信息框", f"<includeonly>{box}</includeonly><noinclude>用于{name}条目。</noinclude>"
    yield "fact", '<sup class="noprint">[来源请求]</sup>'
    yield "reflist", "<references />"
    yield "地区导航", '{| class="navbox"\n! [[{{{1}}}]]\n|}'
    yield "cite news", "{{{title}}}，{{{work}}}，{{{date}}}"
    yield "noteTA", "<noinclude>字词转换</noinclude>"


def site_info():
    lines = [f'<mediawiki xmlns="{SCHEMA}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
             f'xsi:schemaLocation="{SCHEMA} http://www.mediawiki.org/xml/export-0.11.xsd" '
             'version="0.11" xml:lang="zh">',
             "  <siteinfo>", "    <sitename>样本百科</sitename>", "    <dbname>samplewiki</dbname>",
             f"    <base>{SITE}首页</base>",
             "    <generator>dump2bert sample</generator>", "    <case>first-letter</case>", "    <namespaces>"]
    for key, name in NAMESPACES.items():
        lines.append(f'      <namespace key="{key}" case="first-letter"' + (f">{name}</namespace>" if name else " />"))
    return "\n".join([*lines, "    </namespaces>", "  </siteinfo>", ""])


def page_xml(rng, number, namespace, title, redirect, text):
    revision = 5_000 + 7 * number
    stamp = (f"{rng.randint(*YEARS_OF_EDITS)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"
             f"T{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}Z")
    if rng.random() < 0.8:
        user = rng.randrange(len(USERS))
        contributor = f"        <username>{USERS[user]}</username>\n        <id>{user + 11}</id>"
    else:
        contributor = f"        <ip>192.0.2.{rng.randint(1, 254)}</ip>"
    digest = base36(int(hashlib.sha1(text.encode()).hexdigest(), 16))
    lines = ["  <page>", f"    <title>{escape(title)}</title>", f"    <ns>{namespace}</ns>", f"    <id>{number}</id>"]
    if redirect:
        lines.append(f"    <redirect title={quoteattr(redirect)} />")
    lines += ["    <revision>", f"      <id>{revision}</id>"]
    if rng.random() < 0.9:
        lines.append(f"      <parentid>{revision - rng.randint(1, 6)}</parentid>")
    lines += [f"      <timestamp>{stamp}</timestamp>", "      <contributor>", contributor, "      </contributor>"]
    if rng.random() < 0.5:
        lines.append(f"      <comment>{escape(rng.choice(COMMENTS))}</comment>")
    size = len(text.encode())
    lines += [f"      <origin>{revision}</origin>", "      <model>wikitext</model>",
              "      <format>text/x-wiki</format>",
              f'      <text bytes="{size}" sha1="{digest}" xml:space="preserve">{escape(text)}</text>',
              f"      <sha1>{digest}</sha1>", "    </revision>", "  </page>", ""]
    return "\n".join(lines)


def base36(number):
    """MediaWiki writes SHA-1 sums in base 36, 31 digits."""
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits.rjust(31, "0")


PAGES_OF_STREAM = 100    # Wikimedia's


def dumps(rng, world):
    """(dump, multistream dump, index), each compressed, as bytes; both dumps hold the same text."""
    head, end, texts, lines = site_info(), "</mediawiki>\n", [], []
    for number, page in enumerate(pages(rng, world), 1):
        texts.append(page_xml(rng, number, *page))
        lines.append(f"{number}:{escape(page[1])}\n")
    streams, index = [bz2.compress(head.encode())], []
    offset = len(streams[0])
    for start in range(0, len(texts), PAGES_OF_STREAM):
        stream = bz2.compress("".join(texts[start:start + PAGES_OF_STREAM]).encode())
        index += [f"{offset}:{line}" for line in lines[start:start + PAGES_OF_STREAM]]
        streams.append(stream)
        offset += len(stream)
    return (bz2.compress("".join([head, *texts, end]).encode()), b"".join([*streams, bz2.compress(end.encode())]),
            bz2.compress("".join(index).encode()))
