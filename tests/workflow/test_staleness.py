"""Only stale stages rerun: what makes which stage stale, and what does not."""

import json
import os
import shutil
import time

import pytest

from dump2bert.digest import closure

pytestmark = pytest.mark.xdist_group("workflow")

PAGES = {"task_page": 1, "report": 1}
CRF_VARIANT = {"finetune": 1, "predict": 1, "evaluate": 1}
FROM_VOCABULARY_ON = {"vocabulary": 1, "pretraining_data": 1, "pretraining_data_held_out": 1, "schema": 2, "pretrain": 2,
                      "pretrain_eval": 2, "task_data": 1, "finetune": 2, "predict": 2, "evaluate": 2, **PAGES}


def test_after_a_complete_run_nothing_is_to_be_done(finished):
    assert finished.stale() == {}
    assert finished.stale("pretrain_all") == {}
    assert finished.stale("cluener_report") == {}


def test_touching_every_source_and_every_result_makes_nothing_stale(workspace):
    files = [path for path in workspace.folder.rglob("*") if path.is_file() and ".snakemake" not in path.parts]
    now = time.time()
    for index, path in enumerate(sorted(files, reverse=True)):
        os.utime(path, (now + index, now + index))
    assert workspace.stale() == {}


def test_times_of_a_fresh_clone_make_nothing_stale(workspace):
    for path in workspace.folder.rglob("*"):
        if path.is_file() and "results" not in path.parts and ".snakemake" not in path.parts:
            os.utime(path)
    assert workspace.stale() == {}


def test_comments_docstrings_and_formatting_make_nothing_stale(workspace):
    for path in (workspace.folder / "src").rglob("*.py"):
        path.write_text(path.read_text(encoding="utf-8") + "\n\n# One more comment.\n", encoding="utf-8")
    workspace.edit("src/dump2bert/stages/clean.py", '"""', '"""Said otherwise. ')
    assert workspace.stale() == {}


def test_the_number_of_cores_makes_nothing_stale(finished):
    assert finished.stale("--cores", "1") == {}


def test_moving_the_folder_makes_nothing_stale(finished, tmp_path):
    copied = finished.copy(tmp_path / "copied")
    moved = tmp_path / "some" / "where" / "else"
    moved.parent.mkdir(parents=True)
    shutil.move(copied.folder, moved)
    assert type(finished)(moved).stale() == {}


def test_the_finetuning_rate_of_a_task_makes_its_finetuning_stale(workspace):
    workspace.edit("config.yaml", "    kind: ner\n",
                   "    kind: ner\n    finetune: {AdamWeightDecay: {learning_rate: 3.0e-4}}\n")
    assert workspace.stale() == {"finetune": 2, "predict": 2, "evaluate": 2, **PAGES}


def test_the_finetuning_rate_of_one_task_leaves_another_task_alone(workspace):
    other = ("  persons:\n    train: sample:cluener/train.json\n    dev: sample:cluener/dev.json\n    networks: [base]\n"
             "    finetune: {AdamWeightDecay: {learning_rate: 5.0e-4}}\n")
    workspace.edit("config.yaml", "tasks:\n", "tasks:\n" + other)
    workspace.run("--cores", "2")
    workspace.edit("config.yaml", "learning_rate: 5.0e-4", "learning_rate: 4.0e-4")
    assert workspace.stale("cluener_report") == {}
    assert workspace.stale() == {"finetune": 1, "predict": 1, "evaluate": 1, **PAGES}


def test_options_of_an_optimizer_that_is_not_used_make_nothing_stale(workspace):
    workspace.edit("config.yaml", "pretrain:\n", "pretrain:\n  Lamb: {learning_rate: 0.5}\n")
    assert workspace.stale() == {}


def test_the_vocabulary_size_makes_everything_from_the_vocabulary_on_stale(workspace):
    workspace.edit("overlay.yaml", "vocab_size: 800", "vocab_size: 700")
    assert workspace.stale() == FROM_VOCABULARY_ON


def test_logic_of_the_crf_makes_the_crf_variant_stale_and_nothing_else(workspace):
    path = workspace.folder / "src/dump2bert/nets/crf.py"
    path.write_text(path.read_text(encoding="utf-8") + "\nONE_MORE_FACT = 1\n", encoding="utf-8")
    assert workspace.stale() == {**CRF_VARIANT, **PAGES}


def test_logic_of_the_tokenizer_reaches_all_that_use_it(workspace):
    path = workspace.folder / "src/dump2bert/tokenization.py"
    path.write_text(path.read_text(encoding="utf-8") + "\nONE_MORE_FACT = 1\n", encoding="utf-8")
    assert set(workspace.stale()) >= {"pretraining_data", "task_data", "predict"}
    assert not set(workspace.stale()) & {"sample", "extract", "clean", "split"}


def test_the_state_folder_and_the_number_of_threads_make_nothing_stale(workspace):
    workspace.edit("config.yaml", "threads:\n  pretrain: 1", "state: elsewhere\n\nthreads:\n  pretrain: 2")
    assert workspace.stale() == {}


def test_a_model_that_is_gone_is_made_again(workspace):
    (workspace.folder / "results/networks/base/tasks/cluener-crf/seed-1/model.ckpt").unlink()
    assert workspace.stale("cluener_report") == {**CRF_VARIANT, "task_page": 1, "cluener_report": 1}
    (workspace.folder / "results/networks/base/pretrain/model.ckpt").unlink()
    assert workspace.stale("pretrain_all") == {"pretrain": 1, "pretrain_eval": 1, "pretrain_all": 1}


@pytest.mark.parametrize("old, new, said", [
    ("dump: sample:samplewiki-pages-articles.xml.bz2", "dump: nowhere.xml.bz2", "corpus.sources.wiki names nowhere.xml.bz2"),
    ("dump: sample:samplewiki-pages-articles.xml.bz2", "dump: sample:other.xml", "corpus.sources.wiki names sample:other.xml"),
    ("train: sample:cluener/train.json", "train: nowhere.json", "tasks.cluener.train names nowhere.json"),
    ("    kind: ner\n", "    kind: ner\n    archive: nowhere.zip\n", "tasks.cluener.archive names nowhere.zip"),
    ("  vocab_size: 2000", "  source: nowhere.txt", "vocabulary.source names nowhere.txt"),
    ("    bert_network: base", "    bert_network: base\n    start: nowhere.ckpt", "networks.base.start names nowhere.ckpt"),
])
def test_a_configured_file_that_is_not_there_is_one_sentence_although_older_results_are(workspace, old, new, said):
    workspace.edit("config.yaml", old, new)
    done = workspace.run("-n", check=False)
    assert done.returncode != 0
    assert f"error: config: {said}" in done.stdout and "Traceback" not in done.stdout


def test_paths_may_hold_spaces(finished, tmp_path):
    workspace = finished.copy(tmp_path / "a copy")
    workspace.edit("config.yaml", "device_target: CPU", "results: other results\nstate: its state\n\ndevice_target: CPU")
    models = ["other results/networks/base/pretrain/model.ckpt", "other results/networks/base/tasks/cluener/seed-1/metrics.json"]
    workspace.run("--cores", "2", *models)
    assert all((workspace.folder / model).exists() for model in models)


RESOURCES = """
include: "Snakefile"

import json

with open("accelerators.json", "w") as file:
    json.dump({rule.name: rule.resources.get("accelerator").value or 0 for rule in workflow.rules}, file)
"""


@pytest.mark.parametrize("device, asked", [("Ascend", 1), ("CPU", 0)])
def test_jobs_that_run_a_network_ask_for_the_accelerator(fresh, device, asked):
    (fresh.folder / "Snakefile.resources").write_text(RESOURCES)
    fresh.edit("config.yaml", "device_target: CPU", f"device_target: {device}")
    fresh.run("-n", "--snakefile", "Snakefile.resources")
    found = json.loads((fresh.folder / "accelerators.json").read_text())
    networks = {name for name in found if name.startswith(("pretrain", "finetune", "predict"))} - {
        name for name in found if name.startswith("pretraining_data")} - {"pretrain_all", "pretrain_eval_all"}
    assert {"pretrain", "pretrain_eval", "finetune", "predict", "predict_squad"} <= networks
    assert {name: value for name, value in found.items() if value} == dict.fromkeys(networks, asked) if asked else not any(
        found.values())


TURNS = """
import json, time

configfile: "config.yaml"
include: "rules/common.smk"

rule all:
    input: "a.txt", "b.txt"

rule turn:
    output: "{name}.txt"
    resources: accelerator=ACCELERATORS
    run:
        began = time.time()
        time.sleep(1)
        with open(output[0], "w") as file:
            json.dump([began, time.time()], file)
"""


def test_jobs_that_ask_for_the_accelerator_take_turns(fresh):
    (fresh.folder / "Snakefile.turns").write_text(TURNS)
    fresh.edit("config.yaml", "device_target: CPU", "device_target: GPU")
    fresh.run("--cores", "2", "--snakefile", "Snakefile.turns", "all")
    (_, first_ended), (second_began, _) = sorted(json.loads((fresh.folder / name).read_text()) for name in ("a.txt", "b.txt"))
    assert second_began >= first_ended


def test_a_state_to_go_on_from_is_given_to_the_network_in_whose_folder_it_lies(workspace):
    [state] = (workspace.folder / "state/base").iterdir()
    with open(workspace.folder / "overlay.yaml", "a") as file:
        file.write(f"adopt_state: state/base/{state.name}\n")
    printed = workspace.run("-n", "-p", "--forcerun", "pretrain", "pretrain_all").stdout
    commands = [line for line in printed.splitlines() if "dump2bert --log" in line and " pretrain --network" in line]
    assert len(commands) == 2
    assert ["--adopt_state" in command for command in commands] == ["--state_dir state/base" in command for command in commands]


def test_a_state_to_go_on_from_that_is_no_networks_is_refused(workspace):
    with open(workspace.folder / "overlay.yaml", "a") as file:
        file.write("adopt_state: [state/base/x, elsewhere/base/x]\n")
    done = workspace.run("-n", check=False)
    assert done.returncode != 0
    assert "error: config: adopt_state names elsewhere/base/x: name a folder in state/base or" in done.stdout


def test_another_number_of_shards_leaves_none_of_the_earlier_ones_behind(workspace):
    workspace.edit("overlay.yaml", "shards: 2", "shards: 3")
    workspace.run("--cores", "2", "results/pretraining_data/train/schema.json")
    names = sorted(path.name for path in (workspace.folder / "results/pretraining_data/train").glob("*.tfrecord"))
    assert names == [f"part-{number:05}-of-00003.tfrecord" for number in range(3)]


@pytest.mark.parametrize("stage", ["sample", "extract", "clean", "split", "vocabulary", "pretraining_data", "schema",
                                   "pretrain", "pretrain_eval", "task_data", "finetune", "predict", "evaluate", "report"])
def test_every_module_that_a_stage_loads_is_in_its_digest(finished, stage):
    runs = [path.read_text().splitlines() for path in (finished.folder / "noted_modules").iterdir()]
    runs = [(words.split(), set(modules)) for words, *modules in runs if f" {stage} " in f" {words} "]
    assert runs, f"{stage} has not run"
    for words, modules in runs:
        roots = [f"stages.{stage}"]
        if stage in ("task_data", "finetune", "predict", "evaluate"):
            roots.append(f"tasks.ner.{stage}")
        if "--use_crf true" in " ".join(words) or any("-crf/" in word for word in words):
            roots.append("nets.crf")
        # The command line is loaded always and stands outside: a stage receives plain values.
        outside = ("cli", "config", "config_corpus", "config_data", "config_tasks", "tasks", "tasks.datasets", "tasks.tables",
                   "command_options", "option_types", "validation")
        assert modules - closure(*roots) <= {f"dump2bert.{name}" for name in outside}
