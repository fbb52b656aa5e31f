"""Reads what a run has left in its results folder: only what the current configuration names, not leftovers of others.

Everything is optional: a page about one task is made without pretrain_eval, a page may be asked for while the run still
works. What is missing is None or empty, and the page leaves it out.
"""

import csv
from pathlib import Path

from dump2bert.files import read_json, read_json_lines, read_lines
from dump2bert.reporting.answers import read_answers
from dump2bert.reporting.examples import read_examples

STAGES = ("sample", "download", "cut", "templates", "extract", "clean", "split", "vocabulary", "pretraining_data",
          "schema", "pretrain", "pretrain_eval", "import", "export", "task_data", "finetune", "predict", "evaluate")
"""In the order in which data flows."""


def collect(results_dir, config, task=None):
    """What the pages show, as plain values.

    `config` is the whole configuration as plain values, or None: then everything found is shown. `task`: only this
    task, the networks that it uses, and nothing that it does not rest on.
    """
    results = Path(results_dir)
    config = config or found_config(results)
    tasks = {name: spec for name, spec in config.get("tasks", {}).items() if task in (None, name)}
    networks = list(config.get("networks", {}))
    if task:
        networks = [name for name in networks if any(name in networks_of(spec, networks) for spec in tasks.values())]
    return {
        "config": config,
        "networks": {name: read_network(results, name, config["networks"][name], not task) for name in networks},
        "tasks": {name: read_task(results, name, spec, networks_of(spec, networks)) for name, spec in tasks.items()},
        "corpus": None if task else optional_json(results / "corpus/statistics.json"),
        "sources": {} if task else read_sources(results, config),
        "pretraining_data": {} if task else read_pretraining_data(results, config),
        "vocabulary": read_vocabulary(results),
        "jobs": [job for job in read_jobs(results) if is_of_run(job, config, networks, tasks)
                 and not (task and job["stage"] == "pretrain_eval")],
    }


def found_config(results):
    """As much of a configuration as the folder tells."""
    networks = {path.name: {} for path in sorted(results.glob("networks/*")) if path.is_dir()}
    tasks = {}
    for path in sorted(results.glob("networks/*/tasks/*/seed-*/metrics.json")):
        variant, seed = path.parts[-3], int(path.parts[-2].removeprefix("seed-"))
        spec = tasks.setdefault(variant.removesuffix("-crf"), {"use_crf": [], "seeds": [], "networks": []})
        for key, value in (("use_crf", variant.endswith("-crf")), ("seeds", seed), ("networks", path.parts[-5])):
            if value not in spec[key]:
                spec[key].append(value)
    for name, spec in tasks.items():
        spec["kind"] = (optional_json(results / "tasks" / name / "statistics.json") or {}).get("kind", "ner")
    return {"networks": networks, "tasks": tasks}


def networks_of(spec, networks):
    """The networks of a task: those that it names, else all."""
    return [name for name in networks if not spec.get("networks") or name in spec["networks"]]


def variants_of(name, spec):
    """(name of the variant, whether it has a CRF) of a task."""
    return [(f"{name}-crf" if use_crf else name, use_crf) for use_crf in spec.get("use_crf", [False])]


def optional_json(path):
    return read_json(path) if Path(path).is_file() else None


def read_network(results, name, spec, with_evaluation):
    """phase1: what the folder of the first of two phases of pretraining holds, else None; held_out: the part of the
    pretraining data that it was evaluated on."""
    folder, start = results / "networks" / name, spec.get("start", "pretrain")
    imported = start not in ("pretrain", "random") and not spec.get("further_pretraining")
    first = folder / "pretrain/phase1"
    two = has_phase2(spec.get("pretrain")) and ("pretrain" in spec or first.is_dir())
    return {
        "start": start,
        "spec": spec,
        "network": optional_json(folder / ("import" if imported else "pretrain") / "network.json"),
        "steps": read_steps(folder / "pretrain/metrics.jsonl"),
        "phase1": {"network": optional_json(first / "network.json"), "steps": read_steps(first / "metrics.jsonl")}
        if two and not imported and start != "random" else None,
        "evaluation": optional_json(folder / "pretrain_eval/metrics.json") if with_evaluation else None,
        "held_out": "phase2/held_out" if two else "held_out",
    }


def has_phase2(section):
    """Whether a section of the configuration, None where that is not known, has a second phase."""
    return section is None or section.get("phase2") is not None


def read_steps(path):
    """The lines of a metrics.jsonl by step; where a resumed run did steps again, what it did last."""
    if not Path(path).is_file():
        return []
    steps = {line["step"]: line for _, line in read_json_lines(path)}
    return [steps[step] for step in sorted(steps)]


def read_task(results, name, spec, networks):
    """{"spec", "data": statistics of the records, "groups": one for each network and variant that has results}."""
    groups, examples_of = [], read_answers if spec.get("kind") == "squad" else read_examples
    for network in networks:
        for variant, use_crf in variants_of(name, spec):
            runs = []
            for seed in spec.get("seeds", [1]):
                folder = results / "networks" / network / "tasks" / variant / f"seed-{seed}"
                metrics = optional_json(folder / "metrics.json")
                if metrics:
                    runs.append({"seed": seed, "metrics": metrics, "folder": folder, "epochs": epochs_of(folder),
                                 "steps": read_steps(folder / "metrics.jsonl")})
            if runs:
                groups.append({"network": network, "variant": variant, "use_crf": use_crf, "runs": runs,
                               "examples": examples_of(runs[0]["folder"], runs[0]["metrics"])})
    return {"spec": spec, "groups": groups, "data": optional_json(results / "tasks" / name / "statistics.json")}


def epochs_of(folder):
    """"4 of 6": the epoch whose weights a finetuned network has."""
    task = (optional_json(folder / "network.json") or {}).get("task", {})
    return f"{task['best_epoch']} of {task['epoch_num']}" if "best_epoch" in task else "–"


def read_sources(results, config):
    """Statistics of each source's extraction and cleaning, by source and stage."""
    sources = {}
    for name, source in config.get("corpus", {}).get("sources", {}).items():
        count = config["extract"]["parts"] if source.get("index") else 0
        parts = {"extract": read_parts(results / "corpus/articles", name, count),
                 "clean": read_parts(results / "corpus/clean", name, count)}
        if any(parts.values()):
            sources[name] = parts
    return sources


def read_parts(folder, source, count):
    """The statistics of a source, SOURCE.json; those of its `count` parts, SOURCE-00000-of-00002.json, added up."""
    added = {}
    for path in sorted(folder.glob(f"{source}-*-of-{count:05}.json" if count else f"{source}.json")):
        statistics = read_json(path)
        for key, value in statistics.items():
            if isinstance(value, (int, list)) and not isinstance(value, bool):
                value = added.get(key, type(value)()) + value
            added[key] = value
    return added


def read_pretraining_data(results, config):
    splits = ["train", "held_out"]
    if has_phase2(config.get("pretraining_data")):
        splits += [f"phase2/{split}" for split in splits]
    parts = {split: optional_json(results / "pretraining_data" / split / "statistics.json") for split in splits}
    return {split: statistics for split, statistics in parts.items() if statistics}


def read_vocabulary(results):
    path = results / "vocabulary/vocab.txt"
    return sum(1 for _ in read_lines(path)) if path.is_file() else None


def read_jobs(results):
    """Snakemake's benchmark files benchmarks/STAGE.tsv and benchmarks/STAGE/WHAT.tsv, in the order of the stages.

    Each job: stage, what (parts of the path), seconds of wall time, peak memory in MB, mean load in percent of a core.
    """
    folder = results / "benchmarks"
    jobs = []
    for path in sorted(folder.rglob("*.tsv")):
        stage, *what = path.relative_to(folder).with_suffix("").parts
        if stage not in STAGES:
            continue
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        if rows:
            jobs.append({"stage": stage, "what": what, "seconds": figure(rows[-1].get("s")),
                         "memory": figure(rows[-1].get("max_rss")), "load": figure(rows[-1].get("mean_load"))})
    return sorted(jobs, key=lambda job: STAGES.index(job["stage"]))


def figure(text):
    """The number in a cell of a benchmark file; "-" and "NA" say that it was not measured."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def is_of_run(job, config, networks, tasks):
    """Whether a job belongs to what the page shows: a benchmark file stays when its network or task is renamed."""
    stage, what = job["stage"], job["what"]
    sources = config.get("corpus", {}).get("sources")
    if stage in ("pretrain", "pretrain_eval", "import", "export"):
        name = what[-1]    # of pretraining's first phase it is phase1/NETWORK
        return name in networks and (what == [name] or has_phase2(config["networks"][name].get("pretrain")))
    if stage in ("finetune", "predict", "evaluate"):
        return tuple(what) in {(network, f"{variant}-{seed}") for name, spec in tasks.items()
                               for network in networks_of(spec, networks) for variant, _ in variants_of(name, spec)
                               for seed in spec.get("seeds", [1])}
    if stage == "task_data":
        return what[0] in tasks
    if stage in ("cut", "templates", "extract", "clean") and sources is not None:
        return what[0].partition("-")[0] in sources
    if stage == "download" and sources is not None:
        return what[0] in {*sources, "vocabulary", *(f"{task}_{split}" for task in tasks for split in ("train", "dev"))}
    return True
