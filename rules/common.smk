# Loads and validates the configuration, and holds the helpers of the rules: functions named get_<thing>.

import fcntl
import json
import os
import shlex
import shutil
import sys
from pathlib import Path

from dump2bert.config import load_config, plain
from dump2bert.config_corpus import CorpusGates, DataGates
from dump2bert.digest import code_digest
from dump2bert.errors import BadInput

try:
    CONFIG = load_config(config)
except BadInput as error:
    sys.exit(f"error: {error}")

RESULTS = CONFIG.results.rstrip("/")
# The sample world's files, as configurations name them: sample:FILE.
SAMPLE_FILES = ["samplewiki-pages-articles.xml.bz2", "samplewiki-pages-articles-multistream.xml.bz2",
                "samplewiki-pages-articles-multistream-index.txt.bz2", "samplewiki-sha1sums.txt",
                "cluener/train.json", "cluener/dev.json", "tnews/train.json", "tnews/dev.json",
                "squad/train-v1.1.json", "squad/dev-v1.1.json", "cola/train.tsv", "cola/dev.tsv",
                "stsb/sts-train.tsv", "stsb/sts-dev.tsv"]


wildcard_constraints:
    source="[a-z][a-z0-9_]*",
    part=r"[a-z][a-z0-9_]*(-\d{5}-of-\d{5})?",
    network="[a-z][a-z0-9_]*",
    task="[a-z][a-z0-9_]*",
    variant="[a-z][a-z0-9_-]*",
    split="(phase2/)?(train|held_out)",
    phase="(phase1/)?",
    seed="[0-9]+",


def remove_stale_lock():
    """After kill -9 Snakemake's lock stays and the next run would want --unlock. An flock ends with its process, so
    whoever gets ours knows that no other Snakemake works in this folder, and that a lock still lying there is stale."""
    if not workflow.is_main_process or workflow.dryrun:
        return None
    Path(".snakemake").mkdir(exist_ok=True)
    lock = open(".snakemake/dump2bert.lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(".snakemake/locks", ignore_errors=True)
    except BlockingIOError:
        pass  # Another run is alive: Snakemake itself will say that the folder is locked.
    return lock


FOLDER_LOCK = remove_stale_lock()


def check_writable(key, folder):
    """Snakemake itself makes the folders of outputs, and would fail with a trace."""
    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    if not place.is_dir():
        sys.exit(f"error: config: {key} is {folder}, but {place} is a file: name a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        sys.exit(f"error: config: {key} is {folder}, but {place} cannot be written: name another folder, or get leave to")


if workflow.is_main_process and not workflow.dryrun:
    check_writable("results", CONFIG.results)
    check_writable("state", CONFIG.state)


def get_flags(values):
    """["--name", "value", ...] for the shell. What is None is left out: it is the command's own default."""
    flags = []
    for name, value in values.items():
        if isinstance(value, bool):
            value = str(value).lower()
        elif isinstance(value, dict):
            value = json.dumps(value)
        elif isinstance(value, list):
            value = ",".join(map(str, value))
        if value is not None:
            flags += [f"--{name}", str(value)]
    return flags


def get_optimizing(section):
    """A section's values with the options of the chosen optimizer only: those of the others make nothing stale."""
    others = {"Lamb", "AdamWeightDecay", "Momentum"} - {section.optimizer}
    return {name: value for name, value in plain(section).items() if name not in others}


def get_gates(section, *more):
    """The values of the gates that one stage looks at."""
    gates = plain(CONFIG.gates)
    return {name: gates[name] for name in (*section.model_fields, *more)}


def get_memory(mem_mb):
    """Memory of a job; each retry asks for as much again."""

    def ask(wildcards, attempt):
        return mem_mb * attempt

    return ask


# Jobs with networks take turns where there is an accelerator: profiles/default says that a machine has one for them. Counted
# on this machine alone, not over a cluster.
ACCELERATORS = 0 if CONFIG.device_target == "CPU" else 1


resource_scopes: accelerator="local"


def get_intermediate(path):
    """A file that nothing needs any more once the next stage has read it."""
    return path if CONFIG.keep_intermediate else temp(path)


# Whatever is fetched, by its file name below results/downloads; rules that need one call get_place.
DOWNLOADS = {}


def get_existing(path, key):
    """A file that must be there before anything starts: Snakemake would take older results for it in silence."""
    if not Path(path).is_file():
        sys.exit(f"error: config: {key} names {path}, which is not there")
    return path


def get_place(places, key, name, sha256=None, sums_url=None, member=None):
    """Where a file that `key` of the configuration names will lie: a sample file, a download below `name`, or a path as
    it stands."""
    first = places[0]
    if first.startswith("sample:"):
        if first.removeprefix("sample:") not in SAMPLE_FILES:
            sys.exit(f"error: config: {key} names {first}; the sample world has {', '.join(SAMPLE_FILES)}")
        return f"{RESULTS}/sample/{first.removeprefix('sample:')}"
    for place in places:
        if "://" not in place and place.removeprefix(f"{RESULTS}/downloads/") not in DOWNLOADS:
            get_existing(place, key)
    options = {"sha256": sha256, "sums_url": sums_url, "member": member}
    if "://" not in first and not any(options.values()):
        return first
    file_name = (member or first).rsplit("/", 1)[-1].partition("?")[0]
    DOWNLOADS[f"{name}/{file_name}"] = {"url": places, **options}
    return f"{RESULTS}/downloads/{name}/{file_name}"


def get_fetched(section):
    """The options of get_place that a section of the kind Fetched holds."""
    return {"sha256": section.sha256, "sums_url": section.sums_url, "member": section.member}
