"""How long the commands take that should answer at once (medians of five): python benchmarks/start_up.py

`dump2bert --help` should stay below half a second, `snakemake -n` within a few.
"""

import statistics
import subprocess
import time

for command in (["dump2bert", "--help"], ["dump2bert", "pretrain", "--help"], ["snakemake", "-n"]):
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    print(f"{' '.join(command)}: {statistics.median(seconds):.2f} s")
