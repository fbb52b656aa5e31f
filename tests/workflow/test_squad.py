"""Span answering through Snakemake, on a reduced sample world and a network that starts at random."""

import json

import pytest

from dump2bert.digest import closure
from tests.workflow.conftest import new_workspace

pytestmark = pytest.mark.xdist_group("workflow")

OVERLAY = """
sample: {articles: 120, records: 60}
vocabulary: {vocab_size: 600}
networks:
  base: {hidden_size: 32, intermediate_size: 64, start: random}
  nezha: null
tasks:
  cluener: null
  tnews: null
  cola: null
  stsb: null
  squad:
    finetune: {max_seq_length: 64, doc_stride: 16, max_query_length: 24, epoch_num: 1}
"""


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """A workspace in which squad_report has been made."""
    workspace = new_workspace(tmp_path_factory.mktemp("squad"))
    (workspace.folder / "overlay.yaml").write_text(OVERLAY)
    workspace.run("squad_report", "--cores", "2")
    return workspace


def test_squad_report_makes_the_official_files_and_the_page(answered):
    results = answered.folder / "results"
    task, run = results / "tasks/squad", results / "networks/base/tasks/squad/seed-1"
    assert {path.name for path in task.iterdir()} == {"train.tfrecord", "dev.tfrecord", "schema_train.json",
                                                      "schema_eval.json", "statistics.json"}
    gold = json.loads((results / "sample/squad/dev-v1.1.json").read_text(encoding="utf-8"))
    ids = {question["id"] for article in gold["data"] for paragraph in article["paragraphs"]
           for question in paragraph["qas"]}
    for name in ("predictions.json", "predictions.nbest.json"):
        assert json.loads((run / name).read_text(encoding="utf-8")).keys() == ids
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["records"] == len(ids) and {"exact_match", "f1"} <= metrics["metrics"]["standard"].keys()
    assert "exact match" in (results / "report/squad.html").read_text(encoding="utf-8")
    assert answered.stale("squad_report") == {}


@pytest.mark.parametrize("old, new, stale", [
    ("doc_stride: 16", "doc_stride: 20", {"task_data_squad": 1, "finetune": 1, "predict_squad": 1, "evaluate": 1}),
    ("epoch_num: 1", "n_best_size: 5, epoch_num: 1", {"finetune": 1, "predict_squad": 1, "evaluate": 1}),
    ("epoch_num: 1", "forbid_illegal_labels: false, epoch_num: 1", {})])
def test_only_what_reads_an_option_is_stale(answered, old, new, stale):
    answered.edit("overlay.yaml", old, new)
    found = answered.stale("squad_report")
    answered.edit("overlay.yaml", new, old)
    assert {rule: count for rule, count in found.items() if rule not in ("task_page", "squad_report")} == stale


def test_every_module_that_a_stage_loads_is_in_its_digest(answered):
    outside = {f"dump2bert.{name}" for name in ("cli", "config", "config_corpus", "config_data", "config_tasks", "tasks",
                                                "tasks.datasets", "tasks.tables", "command_options", "option_types",
                                                "validation")}
    noted = [file.read_text().splitlines() for file in (answered.folder / "noted_modules").iterdir()]
    for stage in ("task_data", "finetune", "predict", "evaluate"):
        loaded = {module for words, *modules in noted if f" {stage} " in f" {words} " for module in modules}
        assert loaded and loaded - closure(f"stages.{stage}", f"tasks.squad.{stage}") <= outside, stage
