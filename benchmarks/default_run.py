"""How long each stage of a finished run took, from Snakemake's benchmark files: python benchmarks/default_run.py [RESULTS]

Prints a table of seconds, CPU seconds and peak memory. The numbers are of the machine and of what else ran on it.
"""

import csv
import sys
from pathlib import Path


def main(results="results"):
    folder = Path(results) / "benchmarks"
    files = sorted(folder.rglob("*.tsv"))
    if not files:
        sys.exit(f"error: {folder} holds no benchmark file: make the run first")
    print("| stage | seconds | CPU seconds | peak memory, MB |\n|---|---|---|---|")
    for file in files:
        with open(file, encoding="utf-8") as lines:
            [row] = csv.DictReader(lines, delimiter="\t")
        print(f"| {file.relative_to(folder).with_suffix('')} | {row['s']} | {row['cpu_time']} | {row['max_rss']} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
