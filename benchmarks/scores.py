"""The scores of a finished run as the tables of the README: python benchmarks/scores.py [RESULTS]

Pretraining: MLM and NSP accuracy on the held-out documents, and the seconds that pretraining took. Tasks: the mean over
the seeds ± the standard deviation of a sample of that many, and the seconds of one finetuning run (mean).
"""

import csv
import json
import statistics
import sys
from pathlib import Path

from dump2bert.reporting.scores import ASSESSED, HEADLINES
from dump2bert.tasks.datasets import DATASETS


def seconds(file):
    """Wall time in a benchmark file of Snakemake's."""
    with open(file, encoding="utf-8") as lines:
        return float(next(csv.DictReader(lines, delimiter="\t"))["s"])


def spread(values):
    values = list(values)
    deviation = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{deviation}"


def pretraining(results):
    print("| network | MLM accuracy | commonest token | NSP accuracy | seconds |\n|---|---|---|---|---|")
    for file in sorted(results.glob("networks/*/pretrain_eval/metrics.json")):
        network, found = file.parts[-3], json.loads(file.read_text(encoding="utf-8"))
        print(f"| {network} | {found['mlm_accuracy']:.3f} | {found['majority_mlm_accuracy']:.3f} | {found['nsp_accuracy']:.3f} "
              f"| {seconds(results / f'benchmarks/pretrain/{network}.tsv'):.0f} |")


def tasks(results):
    groups = {}
    for file in sorted(results.glob("networks/*/tasks/*/seed-*/metrics.json")):
        found = json.loads(file.read_text(encoding="utf-8"))
        groups.setdefault((found["network"], found["variant"]), []).append(found)
    print("\n| network | variant | standard | zoo | seeds | records | finetune, s |\n|---|---|---|---|---|---|---|")
    for (network, variant), runs in groups.items():
        task = variant.removesuffix("-crf")
        kind = json.loads((results / f"tasks/{task}/statistics.json").read_text(encoding="utf-8"))["kind"]
        chosen, other = HEADLINES[kind]
        if kind == "classification" and task in DATASETS:
            chosen = ASSESSED.get(DATASETS[task].assessment_method, chosen)
        times = [seconds(results / f"benchmarks/finetune/{network}/{variant}-{run['seed']}.tsv") for run in runs]
        print(f"| {network} | {variant} | {chosen} {spread(run['metrics']['standard'][chosen] for run in runs)} "
              f"| {other} {spread(run['metrics']['zoo'][other] for run in runs)} | {len(runs)} | {runs[0]['records']} "
              f"| {statistics.mean(times):.0f} |")


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "results")
    if not any(folder.glob("networks/*")):
        sys.exit(f"error: {folder} has no networks/: make the run first")
    pretraining(folder)
    tasks(folder)
