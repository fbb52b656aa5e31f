"""Held-out documents, duplicates, and that the order of parts does not matter."""

import json

import pytest

from dump2bert.corpus.splitting import choose_held_out, document_hash, documents, split
from dump2bert.errors import BadInput


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


def run(folder, parts, share=0.02, backwards=False):
    texts, statistics = make_parts(folder, parts)
    if backwards:
        texts, statistics = texts[::-1], statistics[::-1]
    total = split(texts, statistics, folder / "train", folder / "held_out", share)
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
    assert files["held_out/a.txt"].strip() == min(("one", "two", "three"), key=lambda text: document_hash([text]))


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
        split([*texts, tmp_path / "x" / "a.txt"], statistics * 2, tmp_path / "train", tmp_path / "held_out", 0.02)


def test_a_written_side_reads_back_as_the_same_documents(tmp_path):
    run(tmp_path, MANY, 0.1)
    assert all(len(document) == 2 for document in documents(tmp_path / "train" / "a.txt"))


def test_shares_near_one_do_not_overflow():
    import numpy as np
    hashes = np.array([1, 2**63, 2**64 - 1], np.uint64)
    assert choose_held_out(hashes, np.ones(3, bool), 1 - 1e-18).tolist() == [True, True, False]
