"""Held-out documents, duplicates, and that the order of parts does not matter."""

import json
import random
import re

import pytest

from dump2bert.corpus.duplicates import normalised, text_hash
from dump2bert.corpus.quality import DocumentRules
from dump2bert.corpus.splitting import Gates, choose_held_out, documents, split
from dump2bert.errors import BadInput

KEEP_ALL = DocumentRules(min_characters=0, min_script_share=0, max_digit_share=1, max_list_share=1)
SHUT_NONE = Gates(min_sentences_per_document=1, max_dropped_share=1, max_duplicate_share=1)


def make_parts(folder, parts):
    """{name: [document as text]} -> (text files, statistics files)."""
    texts, statistics = [], []
    for name, contents in parts.items():
        texts.append(folder / f"{name}.txt")
        texts[-1].write_text("\n\n".join(contents) + "\n", encoding="utf-8")
        statistics.append(folder / f"{name}.json")
        statistics[-1].write_text(json.dumps({"documents": len(contents), "dropped": {
            "heading": {"count": 2, "examples": [f"{name} one", f"{name} two"]}}}))
    return texts, statistics


def run(folder, parts, share=0.02, backwards=False, near=1.0, rules=KEEP_ALL, gates=SHUT_NONE, language="en"):
    texts, statistics = make_parts(folder, parts)
    if backwards:
        texts, statistics = texts[::-1], statistics[::-1]
    total = split(texts, statistics, folder / "train", folder / "held_out", language, share, near, rules, gates)
    return total, {f"{path.parent.name}/{path.name}": path.read_text(encoding="utf-8")
                   for side in ("train", "held_out") for path in sorted((folder / side).iterdir())}


MANY = {"a": [f"Document {number} of a.\nIt has two sentences." for number in range(1000)],
        "b": [f"Document {number} of b." for number in range(500)]}


def test_every_document_is_on_one_side_and_the_share_is_about_right(tmp_path):
    statistics, files = run(tmp_path, MANY, 0.1)
    for name, contents in MANY.items():
        both = files[f"train/{name}.txt"].strip().split("\n\n") + files[f"held_out/{name}.txt"].strip().split("\n\n")
        assert sorted(both) == sorted(contents)
    assert 110 < statistics["total"]["held_out"]["documents"] < 190
    assert statistics["total"]["train"]["documents"] + statistics["total"]["held_out"]["documents"] == 1500


def test_the_order_of_parts_does_not_matter(tmp_path):
    parts = {**MANY, "b": MANY["b"] + MANY["a"][:9]}
    assert run(tmp_path, parts) == run(tmp_path, parts, backwards=True)


def test_which_documents_are_held_out_depends_on_their_text_alone(tmp_path):
    one = run(tmp_path, MANY, 0.1)[1]
    other = run(tmp_path, {"c": MANY["b"] + MANY["a"]}, 0.1)[1]
    held = "\n\n".join(one[f"held_out/{name}.txt"].strip() for name in MANY)
    assert sorted(held.split("\n\n")) == sorted(other["held_out/c.txt"].strip().split("\n\n"))


def test_the_first_of_equal_documents_is_kept_over_all_parts(tmp_path):
    parts = {"b": ["Same TEXT\nhere", "other"], "a": ["same  text here", "x", "ｓame text here"]}
    statistics, files = run(tmp_path, parts)
    assert statistics["total"]["duplicates_dropped"] == 2
    assert statistics["parts"]["a"]["duplicates_dropped"] == statistics["parts"]["b"]["duplicates_dropped"] == 1
    text = "\n\n".join(content.strip() for content in files.values() if content)
    assert sorted(text.split("\n\n")) == ["other", "same  text here", "x"]


def test_one_document_is_held_out_and_one_is_left_whatever_the_share(tmp_path):
    for share in (0.0000001, 0.9999999):
        statistics, files = run(tmp_path, {"a": ["one", "two"], "b": ["three"]}, share)
        sides = statistics["total"]
        assert min(sides["train"]["documents"], sides["held_out"]["documents"]) == 1
    assert set(files) == {"train/a.txt", "train/b.txt", "held_out/a.txt", "held_out/b.txt"}
    assert "" in files.values()                # a part may have nothing on one side; its file is there


def test_the_smallest_hash_is_the_one_held_out(tmp_path):
    _, files = run(tmp_path, {"a": ["one", "two", "three"]}, 1e-9)
    assert files["held_out/a.txt"].strip() == min(("one", "two", "three"), key=lambda text: text_hash(normalised([text])))


def test_statistics_count_what_is_in_the_files(tmp_path):
    statistics, files = run(tmp_path, MANY, 0.1)
    for side in ("train", "held_out"):
        lines = [line for name in MANY for line in files[f"{side}/{name}.txt"].splitlines() if line]
        counts = statistics["total"][side]
        assert counts["sentences"] == len(lines) == sum(counts["length_histogram"])
        assert counts["characters"] == sum(map(len, lines))
        edges = statistics["length_edges"]
        assert counts["length_histogram"][1] == sum(edges[1] <= len(line) < edges[2] for line in lines)
    assert statistics["total"]["dropped"] == {"heading": {"count": 4, "examples": ["a one", "a two", "b one", "b two"]}}


@pytest.mark.parametrize("parts", [{"a": ["one"]}, {"a": ["one", "ONE"], "b": ["one"]}])
def test_fewer_than_two_documents_are_an_error(tmp_path, parts):
    with pytest.raises(BadInput, match="at least two are needed"):
        run(tmp_path, parts)
    assert not (tmp_path / "train").exists()


def test_two_parts_of_one_name_are_an_error(tmp_path):
    (tmp_path / "x").mkdir()
    texts, statistics = make_parts(tmp_path, {"a": ["one", "two"]})
    with pytest.raises(BadInput, match="same name"):
        split([*texts, tmp_path / "x" / "a.txt"], statistics * 2, tmp_path / "train", tmp_path / "held_out", "en", 0.02, 1.0, KEEP_ALL,
              SHUT_NONE)


def test_a_written_side_reads_back_as_the_same_documents(tmp_path):
    run(tmp_path, MANY, 0.1)
    assert all(len(document) == 2 for document in documents(tmp_path / "train" / "a.txt"))


def test_two_of_four_documents_are_held_out(tmp_path):
    statistics, _ = run(tmp_path, {"a": ["one", "two", "three", "four"]}, 1e-9)
    assert (statistics["total"]["held_out"]["documents"], statistics["total"]["train"]["documents"]) == (2, 2)


def test_shares_near_one_do_not_overflow():
    import numpy as np
    hashes = np.array([1, 2**63, 2**64 - 1], np.uint64)
    assert choose_held_out(hashes, np.ones(3, bool), 1 - 1e-18).tolist() == [True, True, False]


# ------------------------------------------------------------------------------------------ near duplicates, rules, gates

WORDS = "river mountain village school painter station winter harbour letter garden window market teacher island".split()


def sentences(seed, count=12):
    choose = random.Random(seed)
    return [" ".join(choose.choices(WORDS, k=9)) + "." for _ in range(count)]


def changed(document, seed):
    """The document with one word of it replaced."""
    choose = random.Random(seed)
    lines = [line.split() for line in document]
    lines[choose.randrange(len(lines))][choose.randrange(1, 8)] = f"changed{seed}"
    return [" ".join(words) for words in lines]


def world(documents=120, copies=3):
    """Documents, each with near duplicates of it, all mixed."""
    texts = []
    for seed in range(documents):
        document = sentences(seed)
        texts += [document, *(changed(document, seed * copies + copy) for copy in range(copies))]
    random.Random(1).shuffle(texts)
    return texts


def test_of_near_duplicates_the_first_one_is_kept(tmp_path):
    texts = world()
    statistics, files = run(tmp_path, {"a": ["\n".join(text) for text in texts]}, near=0.8)
    assert statistics["total"]["documents"] == 120
    assert statistics["total"]["near_duplicates_dropped"] == len(texts) - 120
    assert files["train/a.txt"].startswith("\n".join(texts[0])) or files["held_out/a.txt"].startswith("\n".join(texts[0]))


def test_no_near_duplicate_of_a_held_out_document_is_trained_on(tmp_path):
    run(tmp_path, {"a": ["\n".join(text) for text in world()]}, 0.3, near=0.8)
    shingles = {side: [set(zip(*(" ".join(document)[shift:] for shift in range(8))))
                       for document in documents(tmp_path / side / "a.txt")] for side in ("train", "held_out")}
    assert len(shingles["held_out"]) > 20
    for held in shingles["held_out"]:
        assert max(len(held & other) / len(held | other) for other in shingles["train"]) < 0.7


@pytest.mark.parametrize("cuts", [1, 2, 7])
def test_what_is_kept_does_not_depend_on_how_a_source_is_cut_into_parts(tmp_path, cuts):
    texts = ["\n".join(text) for text in world(20)] + ["1 2 3", "\n".join(sentences(1))]
    rules = DocumentRules(5, 0.2, 0.4, 0.8)
    (tmp_path / "whole").mkdir()
    whole, files = run(tmp_path / "whole", {"wiki": texts}, 0.2, near=0.8, rules=rules)
    size = -(-len(texts) // cuts)
    parts = {f"wiki-{number:05}-of-{cuts:05}": texts[number * size:(number + 1) * size] for number in range(cuts)}
    statistics, same = run(tmp_path, parts, 0.2, backwards=True, near=0.8, rules=rules)
    assert same == files
    whole["parts"]["wiki"].pop("cleaning"), statistics["parts"]["wiki"].pop("cleaning")
    whole["total"].pop("dropped"), statistics["total"].pop("dropped")
    assert statistics == whole


def test_a_dropped_document_is_shown_with_its_rule_and_what_it_is_like(tmp_path):
    document = sentences(1)
    texts = [document, sentences(2), changed(document, 3), document, ["1914 1915 1916 1917 1918"] * 5, ["Short."],
             ["Это написано на другом языке.", "И это тоже написано на другом языке."],
             ["New York", "Paris", "Rome", "London", "Berlin"]]
    statistics, _ = run(tmp_path, {"a": ["\n".join(text) for text in texts]}, near=0.8,
                        rules=DocumentRules(20, 0.2, 0.4, 0.8))
    dropped = statistics["total"]["dropped_documents"]
    assert {rule: entry["count"] for rule, entry in dropped.items()} == {
        "numbers": 1, "too short": 1, "other script": 1, "list": 1, "equal to another": 1, "nearly equal to another": 1}
    assert dropped["too short"]["examples"] == [{"text": "Short."}]
    near = dropped["nearly equal to another"]["examples"][0]
    assert near["text"].startswith(changed(document, 3)[0]) and near["like"].startswith(document[0])
    assert statistics["total"]["dropped_by_rules"] == 4
    assert statistics["parts"]["a"]["documents"] == 2


@pytest.mark.parametrize("parts, message", [
    ({"b": [" ".join(sentences(seed)) for seed in range(30)], "a": ["\n".join(sentences(90))]},
     "source b: its 30 documents have 1.00 sentences on average; is there a blank line after every sentence.*"
     "min_sentences_per_document: 1.0"),
    ({"a": ["Это написано на\nдругом языке." + "ы" * seed for seed in range(30)]},
     "other script: 30.*max_dropped_share: 1.0"),
    ({"a": ["\n".join(sentences(1))] * 30 + ["\n".join(sentences(2))]}, "29 equal ones, 0 near ones.*max_duplicate_share: 0.94"),
])
def test_a_gate_says_what_is_wrong_and_what_passes_it(tmp_path, parts, message):
    gates, rules = Gates(1.1, 0.5, 0.5), DocumentRules(20, 0.2, 0.4, 0.8)
    with pytest.raises(BadInput, match=message) as error:
        run(tmp_path, parts, near=0.8, rules=rules, gates=gates)
    assert not (tmp_path / "train").exists()
    key, value = re.search(r"gates: {(\w+): ([\d.]+)}", str(error.value)).groups()
    try:
        run(tmp_path, parts, near=0.8, rules=rules, gates=gates._replace(**{key: float(value)}))
    except BadInput as other:
        assert key not in str(other)
