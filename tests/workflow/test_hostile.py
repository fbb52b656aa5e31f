"""Broken input through Snakemake: the stage's sentence, exit code 1, no output, and the same command works once the cause
is mended. What each stage says of each fault is in tests/unit/test_hostile_input.py."""

import os
import re

import pytest

pytestmark = pytest.mark.xdist_group("workflow")

VOCABULARY = "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"这是一句话。"]) + "\n"
RECORD = '{"text": "银行在北京", "label": {"address": {"北京": [[3, 4]]}}}\n'
OVERLAY = """
corpus: {sources: {wiki: null, own: {text: in/text.txt}}}
vocabulary: {source: in/vocab.txt, vocab_size: null}
tasks: {cluener: {train: in/train.json, dev: in/dev.json}}
"""
SOUND = {"text.txt": "这是一句话。\n这是一句话。\n", "vocab.txt": VOCABULARY, "train.json": RECORD * 9, "dev.json": RECORD}
BROKEN = {
    "text that is not UTF-8": ("text.txt", b"\xff\xfe\n", "results/corpus/clean/own.txt", "line 1 is not UTF-8"),
    "a vocabulary without [MASK]": ("vocab.txt", VOCABULARY.replace("[MASK]\n", "").encode(),
                                    "results/vocabulary/vocab.txt", r"lacks \[MASK\]"),
    "a span outside the text": ("train.json", (RECORD * 4 + RECORD.replace("[3, 4]", "[30, 31]")).encode(),
                                "results/tasks/cluener/train.tfrecord", "line 5: .* lies outside the text"),
}


@pytest.fixture
def project(fresh):
    (fresh.folder / "in").mkdir()
    for name, content in SOUND.items():
        (fresh.folder / "in" / name).write_text(content, encoding="utf-8")
    (fresh.folder / "overlay.yaml").write_text(OVERLAY)
    return fresh


def sentence_of(done):
    assert done.returncode == 1
    sentence, = {line for line in done.stdout.splitlines() if line.startswith("error: ")}
    assert "Traceback" not in done.stdout
    return sentence


@pytest.mark.parametrize("name", BROKEN)
def test_broken_input_is_one_sentence_leaves_nothing_and_can_be_mended(project, name):
    file, content, target, said = BROKEN[name]
    (project.folder / "in" / file).write_bytes(content)
    sentence = sentence_of(project.run(target, "--cores", "1", check=False))
    assert f"in/{file}" in sentence and re.search(said, sentence)
    assert not list((project.folder / target).parent.glob("*"))
    (project.folder / "in" / file).write_text(SOUND[file], encoding="utf-8")
    project.run(target, "--cores", "1")
    assert (project.folder / target).is_file()


def test_a_stage_that_failed_fails_again_until_the_cause_is_mended_though_later_outputs_stand_from_before(project):
    text, later = project.folder / "in/text.txt", "results/corpus/text/train/own.txt"
    sound = "\n".join("".join(f"{city}{said}。\n" for city in ("北京", "台湾", "广州", "成都")) for said in (
        "的银行每天早上九点开门", "有一条很长的河流经过市中心", "的学校放了三个星期的假", "出土了许多古代的青铜器"))
    text.write_text(sound, encoding="utf-8")
    project.run(later, "--cores", "1")
    text.write_bytes(b"\xff\xfe\n")
    for _ in range(2):
        assert "line 1 is not UTF-8" in sentence_of(project.run(later, "--cores", "1", check=False))
    text.write_text(sound.replace("广州", "上海"), encoding="utf-8")
    project.run(later, "--cores", "1")
    assert "上海" in (project.folder / later).read_text(encoding="utf-8")


def test_results_below_a_file_or_in_a_folder_that_cannot_be_written_are_refused_before_anything_runs(project):
    sentence = sentence_of(project.run("--cores", "1", "--config", "results=in/vocab.txt/below", check=False))
    assert re.fullmatch(r"error: config: results is in/vocab.txt/below, but .*/in/vocab.txt is a file: name a folder",
                        sentence)
    locked = project.folder / "locked"
    locked.mkdir(mode=0o500)
    if os.access(locked, os.W_OK):
        pytest.skip("this user may write everywhere")
    assert "cannot be written" in sentence_of(project.run("--cores", "1", "--config", "state=locked/s", check=False))
