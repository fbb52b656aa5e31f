"""Names for the things of the sample world, put together from invented morphemes.

Suffixes are typical of a type (市, 公司, 队) without giving it away: places, families, companies and titles share
characters, short forms drop the suffix, and one title can be a book, a film or a game. So context decides.
"""

from dump2bert.errors import BadInput

PLACE_FIRST = "岚枫雁鹭苇棠槐芦霜澄翠砚墨琴鸢梧荻萤暮晨霁沐虹楠桦椿桑云青石柳松梅白"
PLACE_SECOND = "浦陵渡屏汀崖洲津坞岗亭堤坪湾桥塘川原溪泉岭林"
RIVER_FIRST = "澄霁沐虹碧漓浣泠涟青白墨玉银金长曲清凉"
RIVER_SECOND = ("", "水", "沙", "石", "源", "云", "川", "南")
SCENIC_SUFFIXES = {
    "山": ("山", "峰", "岭"), "湖": ("湖", "潭"), "寺": ("寺", "塔"), "公园": ("公园", "植物园", "湿地公园"),
    "古城": ("古城", "古镇", "老街"), "峡谷": ("峡谷", "瀑布", "溶洞"), "博物馆": ("博物馆", "美术馆"),
}
STREET_FIRST = ("青石", "长春", "学府", "河滨", "钟楼", "望湖", "新华门", "梧桐", "铁桥", "丰收", "朝阳门", "书院", "码头", "天桥",
                "东风桥", "灯市", "锦绣", "百花", "春晖", "和平桥")
STREET_SUFFIXES = ("路", "街", "大道", "巷")

SURNAMES = ("林", "沈", "陆", "顾", "叶", "苏", "程", "许", "韩", "冯", "唐", "宋", "秦", "江", "白", "温", "柯", "季", "尹", "骆",
            "纪", "祁", "阮", "舒", "庄", "石", "梅", "柳", "云", "桑", "欧阳", "司徒", "慕容", "上官")
GIVEN = {
    "男": "远明澄川岚霁晨松恒毅川文景书然平峰舟凯航志宏伟建国立新仲伯庭柏桐楠",
    "女": "霜萤棠枫琴梅兰雪雯月晴莹雅婷静怡若清荷菲芸秋春蓉虹翠柳宁安",
}
FOREIGN_SYLLABLES = ("艾", "洛", "维", "森", "塔", "米", "尔", "雷", "科", "诺", "亚", "贝", "卡", "德", "伦", "莉", "菲", "奥", "罗", "萨",
                     "兰", "丁", "蒂", "克", "莫", "巴", "伊", "尤")
LATIN_FIRST = ("Nor", "Vel", "Tam", "Kor", "Lun", "Zer", "Mio", "Pax", "Ori", "Fen", "Bra", "Sil", "Dra", "Hal", "Que",
               "Yon")
LATIN_LAST = ("ix", "on", "ia", "tek", "sy", "net", "ar", "us", "ella", "um", "is", "era")

COMPANY_FIRST = "恒拓锐晶启鸿卓维盛瑞联创嘉泰源信金银"
COMPANY_SECOND = "帆云石梭禾澜砚鹭岚川桥驰光达远通湖松"
INDUSTRIES = {
    "银行": ("银行", "支付"), "软件": ("软件", "科技"), "汽车": ("汽车", "车业"), "影视": ("影业", "传媒"), "出版": ("出版社", "书局"),
    "游戏": ("互动", "网络"), "制药": ("制药", "生物"), "食品": ("食品", "乳业"), "地产": ("地产", "置业"), "证券": ("证券", "基金"),
    "航空": ("航空", "航运"), "能源": ("能源", "电力"), "电子": ("电子", "半导体"),
}
COMPANY_SUFFIXES = ("公司", "集团", "有限公司", "股份有限公司", "")

TITLE_NOUNS = ("灯塔", "月光", "渡口", "钟楼", "列车", "信使", "麦田", "群岛", "迷宫", "琴声", "雪夜", "花园", "航线", "孤城", "影子", "骑士",
               "王座", "深渊", "星辰", "风暴", "沙丘", "铁桥", "邮差", "旅人", "长夜", "归途", "废墟", "远山", "河流", "雨季", "剑客", "银河")
TITLE_BUILDINGS = ("灯塔", "钟楼", "花园", "孤城", "铁桥", "远山", "废墟", "沙丘")
TITLE_ADJECTIVES = ("沉默", "遥远", "最后", "消失", "燃烧", "漂浮", "无名", "破碎", "古老", "看不见", "永恒", "孤独", "温柔", "第七")
TITLE_TAILS = {"book": ("传", "史话", "札记", "往事"), "movie": ("往事", "之恋", "风云", "2"),
               "game": ("传说", " 2", "OL", " Online", "3", "物语", "风云")}

# Positions by who has them, and the prefixes that go with each.
POSITIONS = {
    "boss": ("董事长", "总经理", "总裁", "首席执行官", "经理", "分析师", "店长", "财务总监", "董事", "工程师", "CEO", "CFO"),
    "official": ("市长", "局长", "处长", "法官", "科长", "秘书长", "主任", "发言人"),
    "player": ("教练", "主教练", "队长", "门将", "前锋", "后卫", "中锋", "队医"),
    "academic": ("校长", "教授", "研究员", "院长", "讲师", "博士"),
    "artist": ("导演", "演员", "作家", "编辑", "主编", "诗人", "画家", "歌手", "编剧", "制片人", "设计师", "主持人", "摄影师"),
    "worker": ("律师", "医生", "导游", "警察", "飞行员", "翻译", "馆长", "会长", "司机", "护士", "记者"),
}
POSITION_PREFIXES = {"boss": ("副", "高级", "执行"), "official": ("副", "代理"), "player": ("前", "代理", "助理"),
                     "academic": ("副", "名誉", "前"), "artist": ("前", "副", "首席"), "worker": ("前", "见习", "高级")}


def place_stem(rng):
    """Two characters such as 岚浦, seldom three."""
    return (rng.choice(PLACE_FIRST) if rng.random() < 0.08 else "") + rng.choice(PLACE_FIRST) + rng.choice(PLACE_SECOND)


def river_name(rng):
    return "".join((rng.choice(RIVER_FIRST), rng.choice(RIVER_SECOND), rng.choice(("江", "河", "河", "溪"))))


def person_name(rng, gender):
    """A Chinese name; now and then a transliterated or a Latin one (with a space)."""
    dice = rng.random()
    if dice < 0.08:
        first, last = (rng.sample(FOREIGN_SYLLABLES, rng.choice((2, 2, 3))) for _ in range(2))
        return "".join(first) + "·" + "".join(last)
    if dice < 0.11:
        return latin_word(rng) + " " + latin_word(rng)
    given = GIVEN[gender]
    return rng.choice(SURNAMES) + "".join(rng.sample(given, rng.choice((1, 2, 2, 2))))


def latin_word(rng):
    return rng.choice(LATIN_FIRST) + rng.choice(LATIN_LAST)


def company_names(rng, industry, city):
    """Full name and short name."""
    dice = rng.random()
    if dice < 0.12:
        return latin_word(rng) + rng.choice(("", " " + str(rng.randint(2, 9)), " Tech", "公司")), None
    stem = rng.choice(COMPANY_FIRST) + rng.choice(COMPANY_SECOND)
    if dice < 0.3:
        stem = city
    trade = rng.choice(INDUSTRIES[industry])
    # A publisher or a bank is called so without 公司.
    suffix = "" if trade in ("出版社", "书局", "银行", "基金") else rng.choice(COMPANY_SUFFIXES)
    return stem + trade + suffix, (stem + trade if suffix else (stem if stem != city else None))


def title(rng, kind, place):
    """The title of a book, movie or game, without its brackets."""
    noun, other = rng.sample(TITLE_NOUNS, 2)
    adjective = rng.choice(TITLE_ADJECTIVES)
    dice = rng.random()
    if kind == "game" and dice < 0.25:
        return latin_word(rng) + rng.choice((" Online", " " + str(rng.randint(2, 6)), " Story", "X", ""))
    if dice < 0.45:
        return adjective + "的" + noun
    if dice < 0.62:
        return noun + rng.choice(("与", "和", "之")) + other
    if dice < 0.75:
        return place + rng.choice(TITLE_TAILS[kind])
    if dice < 0.9:
        return noun + rng.choice(TITLE_TAILS[kind])
    return rng.choice(("三", "五", "七", "九", "十二", "100")) + "座" + rng.choice(TITLE_BUILDINGS)


def positions():
    """All positions as (word, role), plain and with each fitting prefix."""
    for role, words in POSITIONS.items():
        for word in words:
            yield word, role
            yield from ((prefix + word, role) for prefix in POSITION_PREFIXES[role] if not word.isascii())


def unused(make, taken):
    """Call `make` until it gives a name (or a tuple that begins with one) that is not in `taken`; remember it."""
    for _ in range(10_000):
        made = make()
        name = made[0] if isinstance(made, tuple) else made
        if name not in taken:
            taken.add(name)
            return made
    raise BadInput("the sample world has run out of names: ask for fewer articles")
