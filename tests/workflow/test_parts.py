"""Work that is shared out: a multistream dump in parts (a part that is gone is made again alone), shards to several jobs. The
results are the same."""

import json
import shutil

import pytest

from tests.unit.pretraining_world import write_text, write_vocabulary
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


def test_shards_written_by_several_jobs_are_those_of_one(tmp_path):
    workspace, found = new_workspace(tmp_path), []
    data = "results/pretraining_data/train"
    for jobs in (1, 2):
        (workspace.folder / "overlay.yaml").write_text(json.dumps({
            "corpus": {"sources": {"wiki": None, "own": {"text": "own.txt"}}, "language": "en"},
            "split": {"max_list_share": 1, "max_digit_share": 1},
            "vocabulary": {"source": "vocab.txt"},
            "pretraining_data": {"dupe_factor": 1, "shards": 3, "jobs": jobs}}))
        write_text(workspace.folder / "own.txt", documents=200)
        write_vocabulary(workspace.folder / "vocab.txt")
        workspace.run(f"{data}/schema.json", "--cores", "2")
        found.append(json.loads((workspace.folder / data / "statistics.json").read_text()))
    assert found[0] == found[1] and list(found[0]["shards"]) == [f"part-0000{number}-of-00003.tfrecord" for number in range(3)]
    assert workspace.stale(f"{data}/schema.json") == {}
    # As after a run in which one job has failed.
    for name in ("part-00001-of-00003.tfrecord", "statistics-00001-of-00002.json", "statistics.json", "schema.json"):
        (workspace.folder / data / name).unlink()
    assert workspace.stale(f"{data}/schema.json") == {"pretraining_data_2_of_2": 1, "pretraining_data_join": 1, "schema": 1}
