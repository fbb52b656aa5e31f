"""Where a page comes from: code, versions, machine, time."""

import datetime
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import dump2bert

PACKAGES = ("mindspore", "numpy", "tensorflow-cpu", "tokenizers", "wikiextractor", "opencc", "snakemake")

CODE = (":/src", ":/rules", ":/Snakefile")
"""What of the checkout can change a result."""


def provenance():
    """What is true while the page is made, as plain values: when, commit, versions, machine."""
    return {
        "when": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "versions": {"dump2bert": dump2bert.__version__, "Python": platform.python_version(), **versions()},
        "machine": machine(),
    }


def commit():
    """"1a2b3c4d5e6f", with a note where tracked files differ from it, or None outside a checkout.

    Looked for beside the package (an editable installation), then in the working folder, from which Snakemake runs.
    """
    for folder, file in ((Path(__file__).parent, Path(__file__).name),
                         (Path.cwd(), "src/dump2bert/reporting/provenance.py")):
        if git(folder, "ls-files", "--error-unmatch", file):
            changed = git(folder, "status", "--porcelain", "--untracked-files=no", "--", *CODE)
            return git(folder, "rev-parse", "--short=12", "HEAD") + (" with uncommitted changes" if changed else "")
    return None


def git(folder, *arguments):
    """The output of a git command, or "" where it fails or there is no git."""
    try:
        result = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def versions():
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine():
    """Processor, cores that this process may use, memory, system; no host name, which is nobody else's business."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2 ** 30
    return f"{processor()}, {cores} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}"


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
