"""Real runs from the outside: every recipe can be planned offline; archives are unpacked; what is not kept is freed."""

import functools
import hashlib
import http.server
import json
import re
import threading
import zipfile

import pytest

from tests.conftest import PROJECT
from tests.workflow.conftest import new_workspace

pytestmark = pytest.mark.xdist_group("workflow")

CORPUS = "results/corpus/statistics.json"
SAMPLE = "sample: {articles: 120, records: 20}\n"


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    workspace = new_workspace(tmp_path_factory.mktemp("planned"))
    for file in ("data/texts.txt", "data/task/train.json", "data/task/dev.json"):    # what own-texts.yaml wants
        path = workspace.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return workspace


@pytest.mark.parametrize("recipe", sorted(path.name for path in (PROJECT / "workflow" / "recipes").glob("*.yaml")))
def test_a_recipe_is_planned_without_a_network(planned, recipe):
    jobs = planned.stale("pretrain_all", "--configfile", f"workflow/recipes/{recipe}")
    assert {"clean", "split", "vocabulary", "schema", "pretrain", "pretrain_eval"} <= set(jobs)
    phases = 2 if recipe == "enwiki-bert-base.yaml" else 1
    # Evaluated is the last phase's network, on the held-out records of that phase.
    assert "sample" not in jobs and jobs["pretrain"] == phases and jobs["schema"] == phases + 1
    # The dump and its index (but for own texts), and a vocabulary where it is not trained.
    assert jobs.get("download", 0) == {"own-texts.yaml": 1, "another-language.yaml": 2}.get(recipe, 3)
    # Some hundred jobs for the largest dump, not tens of thousands.
    parts = {"own-texts.yaml": 1, "enwiki-bert-base.yaml": 100}.get(recipe, 20)
    assert jobs["clean"] == parts and jobs.get("extract", 1) == parts


@pytest.mark.parametrize("recipe", sorted(path.name for path in (PROJECT / "workflow/recipes/small").glob("*.yaml")))
def test_a_small_recipe_is_planned_to_its_report_with_what_it_says_lies_under_data(planned, recipe):
    text = (PROJECT / "workflow/recipes/small" / recipe).read_text(encoding="utf-8")
    for file in re.findall(r": (data/\S+)", text):
        path = planned.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    jobs = planned.stale("report", "--configfile", f"workflow/recipes/small/{recipe}")
    assert jobs["report"] == 1 and jobs.get("finetune") == jobs.get("evaluate") and not {"sample", "download"} & set(jobs)


def test_without_keep_intermediate_articles_and_text_are_freed_and_nothing_is_to_be_done(fresh):
    (fresh.folder / "overlay.yaml").write_text(SAMPLE + "keep_intermediate: false\n")
    fresh.run(CORPUS, "--cores", "2")
    corpus = fresh.folder / "results/corpus"
    assert sorted(path.name for path in corpus.rglob("*") if path.is_file()) == [
        "statistics.json", "wiki.json", "wiki.json", "wiki.txt", "wiki.txt"]
    assert not (corpus / "articles/wiki.jsonl.gz").exists() and not (corpus / "clean/wiki.txt").exists()
    assert fresh.stale(CORPUS) == {}
    # The next stages need no more than what was kept.
    assert not {"sample", "extract", "clean", "split"} & set(fresh.stale("pretrain_all"))
    # Kept or not: that is no property of the results.
    fresh.edit("overlay.yaml", "keep_intermediate: false", "keep_intermediate: true")
    assert fresh.stale(CORPUS) == {}


def test_files_kept_so_far_need_not_be_made_again_when_they_are_kept_no_more(finished, tmp_path):
    workspace = finished.copy(tmp_path / "copy")
    with open(workspace.folder / "overlay.yaml", "a") as file:
        file.write("keep_intermediate: false\n")
    assert workspace.stale() == {}
    for file in ("articles/wiki.jsonl.gz", "clean/wiki.txt"):
        (workspace.folder / "results/corpus" / file).unlink()
    assert workspace.stale() == {}


def test_a_tasks_files_are_members_of_its_archive(fresh):
    records = {split: json.dumps({"text": f"{split}银", "label": {}}) + "\n" for split in ("train", "dev")}
    with zipfile.ZipFile(fresh.folder / "task.zip", "w") as file:
        for split, text in records.items():
            file.writestr(f"inner/{split}.json", text)
    sha256 = hashlib.sha256((fresh.folder / "task.zip").read_bytes()).hexdigest()
    overlay = ("tasks: {cluener: {archive: task.zip, sha256: %s, train: inner/train.json, "
               "dev: inner/dev.json}}")
    (fresh.folder / "overlay.yaml").write_text(overlay % sha256)
    places = {split: f"results/downloads/cluener_{split}/{split}.json" for split in records}
    fresh.run(*places.values(), "--cores", "2")
    for split, place in places.items():
        assert (fresh.folder / place).read_text() == records[split]
    assert fresh.stale(*places.values()) == {}
    (fresh.folder / "overlay.yaml").write_text(overlay % ("f" * 64))
    done = fresh.run(*places.values(), "--cores", "2", check=False)
    assert done.returncode and "but ffffff" in done.stdout


def test_an_archive_is_fetched_once_for_all_its_members(fresh):
    with zipfile.ZipFile(fresh.folder / "task.zip", "w") as file:
        for split in ("train", "dev"):
            file.writestr(f"{split}.json", json.dumps({"text": f"{split}银", "label": {}}) + "\n")
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, form, *words):
            asked.append(self.command)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=fresh.folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/task.zip"
    (fresh.folder / "overlay.yaml").write_text(
        f"tasks: {{cluener: {{archive: {address}, train: train.json, dev: dev.json}}}}\n")
    places = [f"results/downloads/cluener_{split}/{split}.json" for split in ("train", "dev")]
    fresh.run(*places, "--cores", "2")
    server.shutdown()
    assert asked == ["GET"]
    assert all((fresh.folder / place).is_file() for place in places) and fresh.stale(*places) == {}
