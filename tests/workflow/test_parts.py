"""A multistream dump goes through the workflow in parts: the same corpus, and a part that is gone is made again alone."""

import shutil

import pytest

from tests.workflow.conftest import new_workspace

pytestmark = pytest.mark.xdist_group("workflow")

CORPUS = "results/corpus/statistics.json"
MULTISTREAM = """
sample: {articles: 150, records: 20}
extract: {parts: 2, processes: 1}
corpus:
  sources:
    wiki:
      dump: sample:samplewiki-pages-articles-multistream.xml.bz2
      index: sample:samplewiki-pages-articles-multistream-index.txt.bz2
"""
IN_ONE_PIECE = "sample: {articles: 150, records: 20}\n"


def texts(workspace):
    return {str(path.relative_to(workspace.folder)): path.read_text(encoding="utf-8")
            for path in (workspace.folder / "results/corpus/text").rglob("*.txt")}


def test_a_dump_in_parts_gives_the_same_corpus_and_a_part_is_made_again_alone(tmp_path):
    workspace = new_workspace(tmp_path)
    (workspace.folder / "overlay.yaml").write_text(MULTISTREAM)
    workspace.run(CORPUS, "--cores", "2")
    in_parts = texts(workspace)
    assert workspace.stale(CORPUS) == {}
    # As after a run in which one part has failed: neither its files are there nor what needs them.
    shutil.rmtree(workspace.folder / "results/corpus/text")
    for file in ("statistics.json", "articles/wiki-00001-of-00002.json", "articles/wiki-00001-of-00002.jsonl.gz",
                 "clean/wiki-00001-of-00002.json", "clean/wiki-00001-of-00002.txt"):
        (workspace.folder / "results/corpus" / file).unlink()
    assert workspace.stale(CORPUS) == {"extract": 1, "clean": 1, "split": 1}
    workspace.run(CORPUS, "--cores", "2")
    assert texts(workspace) == in_parts
    (workspace.folder / "overlay.yaml").write_text(IN_ONE_PIECE)
    workspace.run(CORPUS, "--cores", "2")
    assert texts(workspace) == in_parts and all(in_parts.values())
