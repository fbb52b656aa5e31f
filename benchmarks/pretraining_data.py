"""Pretraining data beside Google's script: wall time, cores, cold start, memory, and what dynamic masking saves.

    python benchmarks/pretraining_data.py GOOGLE TEXT VOCABULARY [--turns 3] [--copies 1 10 50]

GOOGLE: a clone of google-research/bert. Its create_pretraining_data.py runs as it is, on real tensorflow (compat.v1). TEXT: one
sentence a line, a blank line between documents (.gz will do). The programs run in turns, each with as many cores as it is said
to have; numbers are medians, from the start of a process to its end: imports, tokenization and finished TFRecord files.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from dump2bert.files import opened, read_json
from dump2bert.tfrecord import find_shards
from dump2bert.training.data import Records
from dump2bert.training.dynamic_masking import Masking, masked

RUN_ORIGINAL = """
import runpy, sys, tensorflow.compat.v1
sys.modules["tensorflow"] = tensorflow.compat.v1
sys.path.insert(0, sys.argv[1])
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0] + "/create_pretraining_data.py", run_name="__main__")
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("google", type=Path)
    parser.add_argument("text", type=Path)
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--copies", type=int, nargs="*", default=[1, 10, 50])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        folder = Path(folder)
        text = folder / "text.txt"
        with opened(arguments.text, "rb") as file:
            text.write_bytes(file.read())
        print(f"{text.stat().st_size / 1e6:.1f} MB of text, {len(os.sched_getaffinity(0))} cores, load "
              f"{os.getloadavg()[0]:.1f}, {arguments.turns} turns")
        show_cold_start(folder, text, arguments.vocabulary)
        for dupe_factor in (1, 10):
            compare(folder, text, arguments, dupe_factor)
        show_memory(folder, text, arguments.vocabulary, arguments.copies)
        show_dynamic_masking(folder, text, arguments.vocabulary)


def original(google, folder, text, vocabulary, dupe_factor):
    return [sys.executable, "-c", RUN_ORIGINAL, str(google), f"--input_file={text}", f"--output_file={folder}/google.tfrecord",
            f"--vocab_file={vocabulary}", f"--dupe_factor={dupe_factor}"]


def ours(folder, text, vocabulary, mode, workers, dupe_factor, shards=2, **flags):
    outputs = [f"{folder}/part-{number}.tfrecord" for number in range(shards)]
    flags = {"mode": mode, "workers": workers, "dupe_factor": dupe_factor, **flags}
    return [str(Path(sys.executable).with_name("dump2bert")), "pretraining_data", "--input_file", str(text),
            "--output_file", ",".join(outputs), "--vocab_file", str(vocabulary),
            *(word for name, value in flags.items() for word in (f"--{name}", str(value)))]


def run(command, cores, **environment):
    """(wall seconds, peak memory in MB) of a command on so many cores."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               env={**os.environ, **environment}, preexec_fn=lambda: os.sched_setaffinity(0, allowed))
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{said}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def show_cold_start(folder, text, vocabulary):
    """The first run after an installation compiles the kernels."""
    for name in ("cold", "then"):
        seconds, _ = run(ours(folder, text, vocabulary, "fast", 1, 1), 1, XDG_CACHE_HOME=str(folder / "cache"))
        print(f"{'first run, compiling' if name == 'cold' else 'second run'}: {seconds:.1f} s")
    run(ours(folder, text, vocabulary, "google", 1, 1), 1)


def compare(folder, text, arguments, dupe_factor):
    """Seconds and ratios at a dupe_factor."""
    print(f"\ndupe_factor {dupe_factor:>2}              seconds      MB   times Google's speed")
    programs = {"Google's script": (original(arguments.google, folder, text, arguments.vocabulary, dupe_factor), 1)}
    for mode in ("google", "fast"):
        for workers in (1, 2):
            programs[f"mode {mode}, {workers} worker{'s' * (workers > 1)}"] = (
                ours(folder, text, arguments.vocabulary, mode, workers, dupe_factor), workers)
    found = {name: [] for name in programs}
    for _ in range(arguments.turns):
        for name, program in programs.items():
            found[name].append(run(*program))
    googles = statistics.median(seconds for seconds, _ in found["Google's script"])
    for name, runs in found.items():
        seconds, memory = (statistics.median(values) for values in zip(*runs))
        print(f"{name:24} {seconds:10.2f} {memory:7.0f} {googles / seconds:12.1f}")


def show_memory(folder, text, vocabulary, copies):
    """Peak memory and speed of fast mode on a text of so many copies, each of them changed."""
    print("\nfast mode, dupe_factor 1    MB of text   seconds (1 worker, 2)   times as fast   peak MB (1 worker, 2)")
    lines = text.read_bytes().split(b"\n")
    for count in copies:
        larger = folder / "larger.txt"
        with open(larger, "wb") as file:
            for copy in range(count):
                mark = f" {copy}".encode()
                file.write(b"\n".join(line + mark if line else line for line in lines) + b"\n\n")
        (one, memory), (two, memory_of_two) = (run(ours(folder, larger, vocabulary, "fast", workers, 1, shards=8), workers)
                                               for workers in (1, 2))
        print(f"{count:3} copies {larger.stat().st_size / 1e6:26.0f} {one:14.1f} {two:8.1f} {one / two:14.2f} {memory:15.0f} "
              f"{memory_of_two:7.0f}")


def show_dynamic_masking(folder, text, vocabulary):
    """Disk, making and reading of masked copies and of unmasked instances."""
    print("\nmasking                      disk MB   seconds to make   microseconds to read an instance")
    for masking in ("static", "dynamic"):
        place = folder / masking
        seconds, _ = run(ours(place, text, vocabulary, "fast", 1, 10, masking=masking), 1)
        size = sum(path.stat().st_size for path in find_shards(place))
        name = f"{masking}, dupe_factor 10" if masking == "static" else masking
        print(f"{name:24} {size / 1e6:11.1f} {seconds:14.2f} {reading_time(place, masking) * 1e6:20.0f}")


def reading_time(folder, masking, batch=128, batches=40):
    """Seconds to read an instance in random order, masked."""
    made = read_json(folder / "statistics.json")
    length, predictions = made["max_seq_length"], made["max_predictions_per_seq"]
    if masking == "static":
        columns = {"input_ids": length, "input_mask": length, "segment_ids": length, "next_sentence_labels": 1,
                   "masked_lm_positions": predictions, "masked_lm_ids": predictions, "masked_lm_weights": predictions}
    else:
        columns = {"input_ids": length, "segment_lengths": 2, "next_sentence_labels": 1}
    records = Records(find_shards(folder), columns)
    how = Masking(predictions, made["masked_lm_prob"], False, 30000, 103)
    order = np.random.default_rng(1).permutation(len(records))
    start = time.perf_counter()
    for number in range(batches):
        numbers = order[number * batch:(number + 1) * batch]
        read = records.batch(numbers)
        if masking == "dynamic":
            masked(read, numbers, how, 1, number)
    return (time.perf_counter() - start) / (batch * batches)


if __name__ == "__main__":
    main()
