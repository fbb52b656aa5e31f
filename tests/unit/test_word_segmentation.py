"""Chinese whole-word masking: words of the segmenter are masked together, and nothing but the grouping changes."""

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dump2bert import cli
from dump2bert.pretraining.tokenized_corpus import tokenize_corpus
from dump2bert.pretraining.word_segmentation import characters_within_words
from dump2bert.tfrecord import decode_example, read_records
from dump2bert.tokenization import SPECIAL_TOKENS
from tests.unit.pretraining_world import make_data, write_vocabulary

WORDS = "南京市 长江大桥 北京大学 学生 研究 自然语言 处理 便宜 历史 建筑 城市 人民".split()
SENTENCES = ["北京大学的学生在研究自然语言处理。", "南京市长江大桥很便宜，bertology！", "他说ABC和T恤，龘。"]
CHARACTERS = sorted({character for text in [*WORDS, *SENTENCES] for character in text if not character.isascii()} - {"龘"})
PIECES = [*SPECIAL_TOKENS, *CHARACTERS, "bert", "##ology", "abc", "t", ",", ".", "!"]


def marked(text):
    """The text with | before each character that begins a word of Chinese, or is none."""
    data = text.encode()
    within = characters_within_words(data)
    assert not within[np.frombuffer(data, np.uint8) & 0xC0 == 0x80].any()
    starts = np.cumsum([0] + [len(character.encode()) for character in text])[:-1]
    return "".join(character if within[start] else f"|{character}" for character, start in zip(text, starts))


@pytest.mark.parametrize("text, expected", [
    ("北京大学的学生", "|北京大学|的|学生"),
    ("南京市长江大桥。\n北京", "|南京市|长江大桥|。|\n|北京"),
    ("3.14和C++", "|3|.|1|4|和|C|+|+"),           # only Chinese characters are joined to what stands before them
    ("", ""),
])
def test_characters_within_a_word_are_marked_at_their_first_byte(text, expected):
    assert marked(text) == expected


@pytest.fixture
def vocabulary(tmp_path):
    return write_vocabulary(tmp_path / "vocab.txt", PIECES)


def tokenized(folder, text, segment):
    (folder / "text.txt").write_text(text, encoding="utf-8")
    (folder / "work").mkdir(exist_ok=True)
    ids = {piece: number for number, piece in enumerate(PIECES)}
    with ThreadPoolExecutor(1) as pool:
        arrays = tokenize_corpus([folder / "text.txt"], folder / "work", ids, True, True, False, pool, 1, segment).arrays
    return arrays.tokens.tolist(), arrays.continues.tolist()


def test_ids_stay_and_tokens_go_on_with_the_segmenters_words(tmp_path):
    text = "\n".join(SENTENCES) + "\n"
    plain_ids, plain = tokenized(tmp_path, text, None)
    ids, continues = tokenized(tmp_path, text, characters_within_words)
    assert ids == plain_ids
    shown = "".join(("" if on else "|") + PIECES[number] for number, on in zip(ids, continues))
    assert shown == ("|北京大学|的|学生|在|研究|自然语言|处理|。|南京市|长江大桥|很|便宜|，|bert##ology|！"
                     "|他|说|abc|和|t恤|，|[UNK]|。")
    assert sum(plain) == 1 and PIECES[ids[plain.index(1)]] == "##ology"


def write_chinese(path, documents=60):
    choose = random.Random(1)
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(documents):
            for _ in range(choose.randint(3, 9)):
                file.write("的".join(choose.choices(WORDS, k=choose.randint(2, 6))) + "。\n")
            file.write("\n")
    return path


def unmasked(path):
    """(ids with the masks undone, positions to predict) of each record."""
    for record in map(decode_example, read_records(path)):
        count = int(record["masked_lm_weights"].sum())
        ids = record["input_ids"].copy()
        ids[record["masked_lm_positions"][:count]] = record["masked_lm_ids"][:count]
        yield ids.tolist(), set(record["masked_lm_positions"][:count].tolist())


@pytest.mark.parametrize("mode", ["google", "fast"])
def test_words_are_predicted_as_a_whole_or_not_at_all(tmp_path, vocabulary, mode):
    text = write_chinese(tmp_path / "text.txt")
    options = {"mode": mode, "do_whole_word_mask": True, "word_segmenter": "jieba", "masked_lm_prob": 0.3,
               "max_predictions_per_seq": 20}
    shard, = make_data(tmp_path, text, vocabulary, shards=1, **options)
    whole = 0
    for ids, positions in unmasked(shard):
        shown = "".join(PIECES[number] if len(PIECES[number]) == 1 else " " for number in ids)
        for word in WORDS:
            start = shown.find(f"的{word}的")     # within a sentence, so that no end of a span cuts it
            if start >= 0:
                inside = positions & set(range(start + 1, start + 1 + len(word)))
                assert len(inside) in (0, len(word)), (word, shown)
                whole += len(inside) > 1
    assert whole > 50


def test_a_segmenter_without_whole_words_is_refused(tmp_path, vocabulary, capsys):
    code = cli.main(["pretraining_data", "--input_file", "a", "--output_file", "b", "--vocab_file", str(vocabulary),
                     "--word_segmenter", "jieba"])
    assert code == 1 and "do_whole_word_mask" in capsys.readouterr().err
