"""Networks from elsewhere and networks that are not pretrained, through Snakemake."""

import json
import shutil

import numpy as np
import pytest

from dump2bert.digest import closure
from dump2bert.training.checkpoints import read_weights

pytestmark = pytest.mark.xdist_group("workflow")

NETWORKS = """  brought: {start: elsewhere}
  untrained: {like: base, start: random}
"""
EXPORT = "results/networks/base/export/model.safetensors"
FURTHER = """  brought: {start: elsewhere}
  adapted: {like: brought, further_pretraining: true, pretrain: {train_steps: 3}}
"""


def test_a_network_goes_out_and_comes_in_and_is_finetuned_beside_its_like_and_an_untrained_one(workspace):
    workspace.run("--cores", "2", EXPORT)
    results = workspace.folder / "results"
    shutil.copytree(results / "networks/base/export", workspace.folder / "elsewhere")
    overlay = workspace.folder / "overlay.yaml"
    tasks = overlay.read_text().replace("networks: [base]", "networks: [base, brought, untrained], use_crf: [false]")
    overlay.write_text(tasks + NETWORKS)
    assert workspace.stale("pretrain_all") == {}
    assert workspace.stale("cluener_report") == {"import": 1, "finetune": 2, "predict": 2, "evaluate": 2, "task_page": 1,
                                                 "cluener_report": 1}
    workspace.run("--cores", "2", "cluener_report")
    networks = results / "networks"
    pretrained, brought = (read_weights(networks / path / "model.ckpt") for path in ("base/pretrain", "brought/import"))
    assert pretrained.keys() == brought.keys()
    assert all(np.array_equal(pretrained[name], brought[name]) for name in pretrained)
    finetuned = {name: read_weights(networks / name / "tasks/cluener/seed-1/model.ckpt")
                 for name in ("base", "brought", "untrained")}
    assert all(np.array_equal(value, finetuned["brought"][name]) for name, value in finetuned["base"].items())
    words = "bert.embeddings.word_embeddings.weight"
    assert finetuned["untrained"][words].shape == pretrained[words].shape
    starts = {name: json.loads((networks / name / "tasks/cluener/seed-1/network.json").read_text())["provenance"][
        "initial_weights"] for name in finetuned}
    assert starts["untrained"] is None and starts["brought"]["path"].endswith("brought/import/model.ckpt")
    page = (results / "report/cluener.html").read_text()
    assert "random weights" in page and "elsewhere" in page
    assert workspace.stale("cluener_report") == {}
    config = workspace.folder / "elsewhere/config.json"
    config.write_text(config.read_text().replace('"hidden_dropout_prob": 0.0', '"hidden_dropout_prob": 0.1'))
    assert workspace.stale("cluener_report") == {"import": 1, "finetune": 1, "predict": 1, "evaluate": 1, "task_page": 1,
                                                 "cluener_report": 1}
    # The command line is loaded always and stands outside: a stage receives plain values.
    outside = {f"dump2bert.{name}" for name in ("cli", "config", "config_corpus", "config_data", "config_tasks", "tasks",
                                                "tasks.datasets", "tasks.tables", "command_options", "option_types",
                                                "validation")}
    noted = [file.read_text().splitlines() for file in (workspace.folder / "noted_modules").iterdir()]
    for stage, more in (("import", ()), ("export", ("interop.huggingface",))):
        loaded = {name for words, *names in noted if f" {stage} " in f" {words} " for name in names}
        assert loaded and loaded - closure(f"stages.{stage}", *more) <= outside, stage


def test_an_imported_network_is_evaluated_and_pretrained_further(workspace):
    networks, overlay = workspace.folder / "results/networks", workspace.folder / "overlay.yaml"
    shutil.copytree(networks / "base/pretrain", workspace.folder / "elsewhere")
    overlay.write_text(overlay.read_text() + FURTHER)
    assert workspace.stale("pretrain_all") == {"import": 1, "pretrain": 1, "pretrain_eval": 1, "pretrain_all": 1}
    workspace.run("--cores", "2", "pretrain_eval_all")

    scores = {name: json.loads((networks / name / "pretrain_eval/metrics.json").read_text())
              for name in ("base", "brought", "adapted")}
    same = ("mlm_loss", "nsp_loss", "mlm_accuracy", "nsp_accuracy", "instances", "data")
    assert [scores["brought"][key] for key in same] == [scores["base"][key] for key in same]
    assert scores["adapted"]["mlm_loss"] != scores["base"]["mlm_loss"] and scores["adapted"]["step"] == 3

    given = read_weights(workspace.folder / "elsewhere/model.ckpt")
    [snapshot] = workspace.folder.glob("state/adapted/*/snapshot-000000000.npz")
    with np.load(snapshot) as first:
        assert all(np.array_equal(first[name], value) for name, value in given.items())
    trained = json.loads((networks / "adapted/pretrain/network.json").read_text())
    assert trained["provenance"]["initial_weights"] == "results/networks/adapted/import/model.ckpt"
    assert trained["provenance"]["updates"] == 3

    assert workspace.stale("pretrain_eval_all", "pretrain_all") == {}
    workspace.edit("overlay.yaml", "train_steps: 3", "train_steps: 5")
    assert workspace.stale("pretrain_all") == {"pretrain": 1, "pretrain_eval": 1, "pretrain_all": 1}
    workspace.edit("overlay.yaml", "train_steps: 5", "train_steps: 3")
    description = workspace.folder / "elsewhere/network.json"
    description.write_text(description.read_text().replace('"hidden_dropout_prob": 0.0', '"hidden_dropout_prob": 0.1'))
    assert workspace.stale("pretrain_eval_all") == {"import": 2, "pretrain": 1, "pretrain_eval": 2, "pretrain_eval_all": 1}
