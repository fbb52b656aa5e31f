"""Which documents are no text, by rule and language."""

import unicodedata

import pytest

from dump2bert.corpus.quality import DocumentRules, document_rule, script_letters

RULES = DocumentRules(min_characters=20, min_script_share=0.2, max_digit_share=0.4, max_list_share=0.8)
ENGLISH = ["The cat sat on the mat, and it was 1914.", "Nobody knew why."]
CHINESE = ["北京是中华人民共和国的首都，位于华北平原的北部边缘。", "人口约二千二百万，面积16410平方千米。"]


@pytest.mark.parametrize("document, language, rule", [
    (ENGLISH, "en", None),
    (CHINESE, "zh", None),
    (ENGLISH, "zh", "other script"),
    (CHINESE, "en", "other script"),
    (CHINESE, "ja", None),
    (ENGLISH, "vi", "other script"),                        # in Latin letters, but without a mark
    (["Hà Nội là thủ đô của Việt Nam, có 8 triệu dân."], "vi", None),
    ([unicodedata.normalize("NFD", "Sông Hồng chảy qua thành phố này.")], "vi", None),
    (["Sjögren, Düsseldorf and Žižek are no Vietnamese names."], "vi", "other script"),
    (ENGLISH, "xx", None),                                  # a language of which no script is known
    (["Москва — столица России, город федерального значения."], "ru", None),
    (["서울특별시는 대한민국의 수도이자 최대 도시이다."], "ko", None),
    (["नई दिल्ली भारत की राजधानी है और एक बड़ा शहर है।"], "hi", None),
    (["It is so."], "en", "too short"),
    (["1999 12.5 13.0 87", "2000 11.5 14.0 88 total"], "en", "numbers"),
    (["姓名 12 34 56 78 90", "合计 11 22 33 44 55 66"], "zh", "numbers"),
    (["Paris", "Rome", "New York City", "Berlin", "London"], "en", "list"),
    (["北京市", "上海市", "广州市", "深圳市", "乌鲁木齐市区"] * 2, "zh", "list"),
    (["Paris", "Rome", "New York City"], "en", None),          # too few lines to tell
    (["a sentence that nobody has given any mark at its end"] * 9, "en", None),
    (["กรุงเทพ", "เชียงใหม่", "ภูเก็ต", "ขอนแก่น", "นครราชสีมา"], "th", None),     # sentences end without a mark
])
def test_the_rule_that_a_document_breaks(document, language, rule):
    assert document_rule(document, language, script_letters(language), RULES) == rule


def test_limits_beyond_the_possible_turn_rules_off():
    off = DocumentRules(0, 0, 1, 1)
    for document in (["1 2 3"], ["x"], CHINESE, ["a"] * 9, ["..."]):
        for language in ("en", "vi"):
            assert document_rule(document, language, script_letters(language), off) is None


def test_a_document_without_letters_or_digits_is_judged():
    assert document_rule(["-" * 30], "en", script_letters("en"), RULES) is None
