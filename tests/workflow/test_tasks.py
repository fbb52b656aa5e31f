"""All kinds of task through Snakemake: the default run's, in the official files' forms, and one of one's own, on a reduced
sample world and a network that starts at random."""

import json

import pytest

from tests.workflow.conftest import new_workspace

pytestmark = pytest.mark.xdist_group("workflow")

OVERLAY = """
sample: {articles: 120, records: 60}
vocabulary: {vocab_size: 600}
finetune: {epoch_num: 1}
networks:
  base: {hidden_size: 32, intermediate_size: 64, start: random}
  nezha: null
tasks:
  cluener: {networks: [base], use_crf: [false]}
  tnews: {seeds: [1, 2], finetune: {epoch_num: null}}
  cola: {finetune: {epoch_num: null}}
  stsb: {finetune: {epoch_num: null}}
  squad: {finetune: {epoch_num: null}, test: sample:squad/dev-v1.1.json}
  mine:
    kind: classification
    train: mine.csv
    dev: mine.csv
    test: mine.csv
    fields: {text: question, text_pair: answer, label: verdict}
    labels: [wrong, right]
    assessment_method: f1
  people: {kind: ner, train: people.txt, dev: people.txt, fields: {text: 0, label: 1}}
  places: {kind: ner, train: places.tsv, dev: places.tsv, fields: {text: words, label: tags}}
"""
COLUMNS = "你 O\n在 O\n北 B-LOC\n京 I-LOC\n\n好 O\n"
TABLE = "words\ttags\n你 在 北 京\tO O B-LOC I-LOC\n"
OWN = 'question,answer,verdict\n"你好, 吗",好,right\n你在哪,北京,right\n几点,北京,wrong\n'


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """A workspace in which the report of all tasks has been made."""
    workspace = new_workspace(tmp_path_factory.mktemp("tasks"))
    (workspace.folder / "overlay.yaml").write_text(OVERLAY)
    (workspace.folder / "mine.csv").write_text(OWN, encoding="utf-8")
    (workspace.folder / "people.txt").write_text(COLUMNS, encoding="utf-8")
    (workspace.folder / "places.tsv").write_text(TABLE, encoding="utf-8")
    workspace.run("report", "--cores", "2")
    return workspace


def test_every_task_has_a_network_predictions_scores_and_a_page(answered):
    results = answered.folder / "results"
    metrics = {"cluener": "f1", "tnews": "accuracy", "cola": "matthews", "stsb": "spearman", "squad": "exact_match",
               "mine": "f1", "people": "f1", "places": "f1"}
    for task, metric in metrics.items():
        run = results / f"networks/base/tasks/{task}/seed-1"
        scores = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["metrics"]
        assert metric in scores["standard"] and scores["zoo"], task
        assert (run / f"predictions.{'tsv' if task in ('cola', 'stsb', 'mine') else 'json'}").is_file()
        assert task in (results / f"report/{task}.html").read_text(encoding="utf-8")
    page = (results / "report/index.html").read_text(encoding="utf-8")
    assert all(f'id="task-{task}"' in page for task in metrics) and "95 % interval" in page
    assert json.loads((results / "tasks/mine/labels.json").read_text()) == {"wrong": 0, "right": 1}
    assert answered.stale() == {}


def test_test_records_are_predicted_by_the_network_as_development_records_are(answered):
    for task, form in (("mine", "tsv"), ("squad", "json")):
        run = answered.folder / f"results/networks/base/tasks/{task}/seed-1"
        assert (run / f"test_predictions.{form}").read_bytes() == (run / f"predictions.{form}").read_bytes()


def test_a_task_report_asks_for_nothing_of_another_task(answered):
    answered.edit("overlay.yaml", "seeds: [1, 2]", "seeds: [1, 2, 3]")
    found = {task: answered.stale(f"{task}_report") for task in ("cola", "stsb", "mine", "tnews")}
    answered.edit("overlay.yaml", "seeds: [1, 2, 3]", "seeds: [1, 2]")
    assert found == {"cola": {}, "stsb": {}, "mine": {}, "tnews": {
        "finetune": 1, "predict": 1, "evaluate": 1, "task_page": 1, "tnews_report": 1}}


def test_the_labels_of_a_data_set_make_its_records_stale_and_nothing_else(answered):
    answered.edit("overlay.yaml", "labels: [wrong, right]", "labels: [right, wrong]")
    found = answered.stale()
    answered.edit("overlay.yaml", "labels: [right, wrong]", "labels: [wrong, right]")
    assert found == {"task_data": 1, "finetune": 1, "predict_table": 1, "predict_test_table": 1,
                     "evaluate": 1, "task_page": 1, "report": 1}
