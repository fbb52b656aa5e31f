"""From what WikiExtractor leaves to clean sentences, in several languages."""

import gzip
import json

import pytest

from dump2bert.corpus.cleaning import clean
from dump2bert.corpus.markup import plain_characters, tidy_punctuation, without_tags, without_wiki_marks
from dump2bert.corpus.sentences import split_sentences
from dump2bert.corpus.variants import converter
from dump2bert.errors import BadInput


@pytest.mark.parametrize("markup, none, simplified, traditional", [
    ("-{zh-hans:信息; zh-hant:資訊;}-學", "信息學", "信息学", "資訊學"),
    ("-{zh-cn:域;zh-tw:體}-", "域", "域", "體"),
    ("-{zh-tw:體;zh-cn:域}-", "體", "域", "體"),
    ("由-{于}-發現", "由于發現", "由于发现", "由于發現"),              # never converted
    ("-{A|zh-hans:计算机;zh-hant:電腦}-發展", "计算机發展", "计算机发展", "電腦發展"),
    ("-{H|zh-cn:甲;zh-tw:乙}-在", "在", "在", "在"),
    ("-{T|zh-cn:甲;zh-tw:乙}-在", "在", "在", "在"),
    ("-{R|計}-算", "計算", "計算", "計算"),
    ("-{zh-cn:程序（-{于}-）;zh-tw:程式}-", "程序（于）", "程序（于）", "程式"),
    ("-{zh-hk:電單車; zh-mo:電單車}-", "電單車", "电单车", "電單車"),       # another variant's word is converted
    ("-{zh-hant:; zh-hans:;}-無-{}-", "無", "无", "無"),
    ("-{zh-hans:见 http://a.b/c;d;zh-hant:見}-", "见 http://a.b/c;d", "见 http://a.b/c;d", "見"),
    ("乾隆年間頭髮", "乾隆年間頭髮", "乾隆年间头发", "乾隆年間頭髮"),
    ("他看著所著的顯著名著", "他看著所著的顯著名著", "他看着所著的显著名著", "他看著所著的顯著名著"),
    ("-{沒有結束", "-{沒有結束", "-{没有结束", "-{沒有結束"),
])
def test_variant_markup_shows_what_a_reader_of_the_variant_sees(markup, none, simplified, traditional):
    assert converter("none")(markup) == none
    assert converter("simplified")(markup) == simplified
    assert converter("traditional")(markup) == traditional


@pytest.mark.parametrize("function, dirty, tidy", [
    (plain_characters, "a\u00a0\u2003b\u200b\ufeff\u00adc\x00\t d", "a bc d"),
    (plain_characters, "м\u200dяч Auf\u200clage и\u034f\u0306 \u061cأ", "мяч Auflage й أ"),
    (plain_characters, "e\u0301\r\nf\u2028g", "é\nf\ng"),
    (plain_characters, "می\u200cخواهم 👨\u200d👩", "می\u200cخواهم 👨\u200d👩"),      # joiners carry meaning
    (without_tags, "&lt;b&gt;x&lt;/b&gt; <br/>y<!-- no\n -->", "x \ny"),
    (without_tags, "a < b > c, 1<2, <non-tag>, R&amp;D", "a < b > c, 1<2, <non-tag>, R&D"),
    (without_tags, "a&shy;b, zero&#8203;width, cafe&#769;.&#8232;x&nbsp;y", "ab, zerowidth, café.\nx y"),
    (without_tags, '<span style="x">a</span><ref name="q"/>', "a"),
    (without_wiki_marks, "[[File:x.jpg|thumb|a]] [[A (b)|c]] [https://x.y label] '''d''' __NOTOC__ __无目录__ e[12]",
     " c label d   e"),
    (without_wiki_marks, "the method __init__ and [1] in 1'30''", "the method __init__ and [1] in 1'30"),
    (tidy_punctuation, "數學（；；德語、法語：；）是", "數學（德語、法語）是"),
    (tidy_punctuation, "首都である。。次。。。", "首都である。次。。。"),
    (tidy_punctuation, "Ohio (, tiếng Anh: x) is ( , ; ) here ().", "Ohio (tiếng Anh: x) is here."),
    (tidy_punctuation, "（，，）文學「」和、、、比魯尼，，等、。", "文學和、比魯尼，等。"),
    (tidy_punctuation, "Algeria ('; \"Dzayer\") and \"\" (ANSI,) .", "Algeria (\"Dzayer\") and (ANSI)."),
    (tidy_punctuation, "Afghanistan (Pashto |افغانستان) with P(A |B), (the |x| |yy|)",
     "Afghanistan (Pashto افغانستان) with P(A |B), (the |x| |yy|)"),
    (tidy_punctuation, "。工作方法 (a) (?) (!) (b (c))", "工作方法 (a) (?) (!) (b (c))"),
    (tidy_punctuation, "f(x), 3.5, .NET, 12:30, e.g. this; that...", "f(x), 3.5, .NET, 12:30, e.g. this; that..."),
])
def test_what_wikiextractor_leaves_is_mended(function, dirty, tidy):
    assert function(dirty) == tidy


@pytest.mark.parametrize("language, sentences", [
    ("zh", ["他说：“你好。我走了！”", "然后离开了。", "北京（人口2000万。2010年）是首都。", "真的吗？！", "好……不知道。", "见3.5节。"]),
    ("zh", ["《你好！世界》是一本书；", "作者不详。", "在“你好。”的意思上说。", "A. B. 史密斯说了。"]),
    ("zh", ["回答「為何？」、「如何判决？」等抽象问题。", "「什麼？」他問。"]),
    ("zh", ["这个（没有关闭。", "第二句。", "最后一句没有句号"]),
    ("zh", ["孔子曰：「學而時習之，不亦說乎？有朋自遠方來。」", "又曰：「巧言令色。」"]),
    ("ja", ["「私は行く。君は？」と彼は言った。", "東京は首都である（人口は1300万人。2010年現在）。", "本当か！？", "そうだ。"]),
    ("en", ["Dr. J. R. Smith went to Washington, D.C. on Jan. 5, 1999.", "He paid $3.50, e.g. for tea.",
            "The U.S. Army left.", 'He said "Go away. Now!" and left.', "What?!", "See Fig. 3 for more."]),
    ("vi", ["Ông sinh tại TP. Hồ Chí Minh.", "Ông là GS. TS. Nguyễn Văn An.", "Dân số là 1.234.567 người.",
            "Xem tr. 5."]),
    ("uk", ["Він народився 5 січня 1900 р. у м. Києві.", "Т. Г. Шевченко — поет.", "Це ст. 5 Конституції.",
            "Повість «Камо грядеши?», де він пише.", "Кабінет Й. Вірта пав."]),
    ("bg", ["Роден е през 1900 г. в гр. София.", "Проф. д-р Иванов дойде.", "Населението е 5 млн. души."]),
    ("ru", ["В 1900 г. в г. Москве жил А. С. Пушкин.", "Это т. е. всё."]),
    ("de", ["Er kam am 5. Mai 1900.", "Es gab z. B. Brot."]),
])
def test_sentences_are_those_that_a_reader_of_the_language_sees(language, sentences):
    joint = "" if language in ("zh", "ja") else " "
    assert split_sentences(joint.join(sentences), language) == sentences


def cleaned(folder, text, language="en", variant="none", title="T"):
    articles = folder / "articles.jsonl.gz"
    texts = [text] if isinstance(text, str) else text
    with gzip.open(articles, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"id": "1", "url": "u", "title": title, "text": text}) + "\n" for text in texts)
    statistics = clean(articles, "articles", folder / "part.txt", language, variant)
    return statistics, (folder / "part.txt").read_text(encoding="utf-8")


def test_an_english_article_becomes_its_sentences(tmp_path):
    statistics, text = cleaned(tmp_path, "\n".join([
        "Anna (; ) is a village. It&nbsp;lies in [[Bohemia]], e.g. near the U.S. border.", "History and use.",
        "It was founded in 1200 by Dr. Black. The value is formula_1 here. It burned.", "{| class=x", "| 1 || 2",
        "File:Anna.jpg|thumb|The village", "These are its parts:", "* The upper village is old and has a church.",
        "Upper town", "1200", "External links.", "Anna"]))
    assert text == ("Anna is a village.\nIt lies in Bohemia, e.g. near the U.S. border.\n"
                    "It was founded in 1200 by Dr. Black.\nIt burned.\nThe upper village is old and has a church.\n")
    counts = {rule: entry["count"] for rule, entry in statistics["dropped"].items()}
    assert counts == {"heading": 2, "formula or markup": 1, "table": 2, "file": 1, "announces a list": 1, "fragment": 2,
                      "no letters": 1}
    assert statistics["dropped"]["heading"]["examples"] == ["History and use.", "External links."]
    assert {key: statistics[key] for key in ("input_documents", "documents", "sentences", "characters")} == {
        "input_documents": 1, "documents": 1, "sentences": 5, "characters": len(text) - 5}


def test_a_paragraph_that_lost_its_head_is_dropped_up_to_its_next_sentence(tmp_path):
    lines = ["is an art of Japan, made by one man. It is young.",
             "eBay, which is a firm, is known all over the country, and now in others beside it, too.",
             "15th-century Prague, among others, has one, too."]
    statistics, text = cleaned(tmp_path, "\n".join(lines))
    assert text.splitlines() == ["It is young.", *lines[1:]]
    assert statistics["dropped"]["headless"]["count"] == 1


def test_headings_that_an_article_names_are_dropped_and_short_paragraphs_are_kept(tmp_path):
    text = "Anna is a village.\nHistory.\nShe is old.\nU.S. Army: an \"Iliad\".\nIt left."
    articles = tmp_path / "articles.jsonl"
    articles.write_text(json.dumps({"text": text, "headings": ["History", "U.S. Army: an Iliad"]}) + "\n")
    statistics = clean(articles, "articles", tmp_path / "part.txt", "en", "none")
    assert (tmp_path / "part.txt").read_text() == "Anna is a village.\nShe is old.\nIt left.\n"
    assert statistics["dropped"]["heading"]["count"] == 2


def test_a_chinese_article_is_converted_by_choice(tmp_path):
    text = "數學（）是-{zh-hans:信息; zh-hant:資訊;}-學。它很美。公式formula_1是這樣。\n歷史.\n數學有著久遠的歷史。"
    assert cleaned(tmp_path, text, "zh", "none")[1] == "數學是信息學。\n它很美。\n數學有著久遠的歷史。\n"
    assert cleaned(tmp_path, text, "zh", "simplified")[1] == "数学是信息学。\n它很美。\n数学有着久远的历史。\n"
    assert cleaned(tmp_path, text, "zh", "traditional")[1] == "數學是資訊學。\n它很美。\n數學有著久遠的歷史。\n"


def test_other_languages_are_not_converted_to_a_chinese_script(tmp_path):
    assert cleaned(tmp_path, "東京は日本の首都である。", "ja", "simplified")[1] == "東京は日本の首都である。\n"
    assert cleaned(tmp_path, "東京係一個首都。", "zh-yue", "simplified")[1] == "东京系一个首都。\n"


def test_documents_stand_apart_by_one_blank_line_and_empty_ones_are_counted(tmp_path):
    statistics, text = cleaned(tmp_path, ["One sentence.", "Only:", "#REDIRECT [[x]]", "Two. Sentences here."])
    assert text == "One sentence.\n\nTwo.\nSentences here.\n"
    assert statistics["input_documents"] == 4 and statistics["documents"] == 2
    assert statistics["dropped"]["empty document"]["count"] == 2 and statistics["dropped"]["redirect"]["count"] == 1


def test_no_line_holds_a_line_end_of_another_kind(tmp_path):
    _, text = cleaned(tmp_path, "First, one is here.\u2028Second, one is.\x0bThird, it is.\x85Fourth, it is.")
    assert text.splitlines() == text.split("\n")[:-1]


def test_text_keeps_its_sentences_and_documents(tmp_path):
    source = tmp_path / "source.txt"
    source.write_bytes(("\ufeffEine Zeile. Noch eine.\r\n  zwei\u00a0 drei\x00 \r\n\r\n \u200b \r\n\r\n"
                        "數學\n\n\n").encode())
    statistics = clean(source, "text", tmp_path / "out.txt", "zh", "simplified")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "Eine Zeile. Noch eine.\nzwei drei\n\n数学\n"
    assert statistics["documents"] == statistics["input_documents"] == 2 and statistics["sentences"] == 3


def test_a_line_of_nothing_but_entities_of_what_is_invisible_is_no_sentence(tmp_path):
    (tmp_path / "source.txt").write_text("&#8203;\n\nEin Satz.\n&shy; &zwnj;\nNoch&shy; einer.\n")
    statistics = clean(tmp_path / "source.txt", "text", tmp_path / "out.txt", "de", "none")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "Ein Satz.\nNoch einer.\n"
    counts = {rule: entry["count"] for rule, entry in statistics["dropped"].items()}
    assert counts == {"empty document": 1, "invisible": 2}


def test_a_carriage_return_alone_ends_a_line_of_a_text_too(tmp_path):
    (tmp_path / "source.txt").write_bytes(b"Eine Zeile.\rNoch eine.\r\rNeu.\r")
    statistics = clean(tmp_path / "source.txt", "text", tmp_path / "out.txt", "de", "none")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8") == "Eine Zeile.\nNoch eine.\n\nNeu.\n"
    assert statistics["documents"] == 2


def test_text_is_mended_and_freed_of_tables_by_the_rules_of_articles(tmp_path):
    lines = ["《戰國無雙3》（）是由[[光榮]]和''ω-force''開發的。它很好。", '! scope="col" style="width:11em;"| 发行日期! scope="col"| 名',
             '」|-style="text-align: center; background: #FFE4E1;"', "对于formula_2，空间相等。", "。",
             "-{zh-hans:信息; zh-hant:資訊;}-，1949", "为辐鳍鱼纲|鲈形目|鲈亚目的其中一个种", "", "| 1 || 2", "", "末"]
    (tmp_path / "source.txt").write_text("\n".join(lines), encoding="utf-8")
    statistics = clean(tmp_path / "source.txt", "text", tmp_path / "out.txt", "zh", "simplified")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8").split("\n") == [
        "《战国无双3》是由光荣和ω-force开发的。它很好。", "信息，1949", "为辐鳍鱼纲|鲈形目|鲈亚目的其中一个种", "", "末", ""]
    assert {rule: entry["count"] for rule, entry in statistics["dropped"].items()} == {
        "empty document": 1, "formula or markup": 1, "no letters": 1, "table": 3}
    assert statistics["input_documents"] == 3 and statistics["documents"] == 2


@pytest.mark.parametrize("language, line, kept", [
    ("zh", "但他不认同笛卡尔的二元论，认为精神和物质不过是唯一实体的两种属性", True),
    ("zh", "中华人民共和国、日本、大韩民国、越南社会主义共和国和其他", False),
    ("zh", "张三，李四，王五，赵六，孙七，周八，吴九，郑十，钱二", False),
    ("zh", "北京，中国的首都", False),
    ("ja", "彼は東京で生まれたが、その後京都に移り住んで長く暮らした", True),
    ("ja", "東京都庁の所在地の一覧と歴史に関する資料の目録と索引", False),
    ("en", "(1) Logic;", False),
    ("en", "(2) Moral philosophy;", False),
    ("en", "(1) Logic is the first of its parts;", True),
])
def test_a_fragment_is_told_from_a_sentence_without_its_end(tmp_path, language, line, kept):
    ended = "这是一句话。" if language != "en" else "This is the first sentence of the text, and it stands here alone."
    statistics, text = cleaned(tmp_path, f"{ended}\n{line}", language)
    assert text.splitlines() == [ended, line][:1 + kept]
    assert ("fragment" in statistics["dropped"]) == (not kept)


@pytest.mark.parametrize("form, content, said", [
    ("text", b"good\nb\xffd\n", "line 2 is not UTF-8"),
    ("text", gzip.compress(b"good\n", mtime=0), "holds data packed with gz: a text must be UTF-8, plain or packed once"),
    ("text", b"\n\n \n", "has no sentence that could be kept"),
    ("articles", b'{"text": "Good enough."}\n{"title": 1}\n', "line 2 is no article"),
    ("articles", b'{"text": "Good enough."}\n{"text":\n', "line 2 is not valid JSON"),
])
def test_bad_input_is_named_and_nothing_is_written(tmp_path, form, content, said):
    source = tmp_path / "source"
    source.write_bytes(content)
    with pytest.raises(BadInput, match=f"{source}.*{said}"):
        clean(source, form, tmp_path / "out.txt", "en", "none")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
