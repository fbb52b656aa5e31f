"""A complete run of a reduced sample world in a copy of the project, made once for all workflow tests."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

# Small enough for a minute or two; every stage, both networks and both variants are in it. Of the tasks only one:
# test_tasks.py has the others.
OVERLAY = """
sample: {articles: 200, records: 200}
vocabulary: {vocab_size: 800}
pretraining_data: {dupe_factor: 1, shards: 2}
pretrain: {train_steps: 12, batch_size: 16, save_checkpoint_steps: 4, data_sink_steps: 2}
finetune: {epoch_num: 1}
tasks: {tnews: null, cola: null, stsb: null, squad: null, cluener: {networks: [base]}}
networks:
  base: {hidden_size: 32, intermediate_size: 64}
  nezha: {hidden_size: 32, intermediate_size: 64}
"""

# Imported by every Python process of the run: notes at its end which modules of the package it has loaded.
NOTE_MODULES = """
import atexit, os, sys
def note():
    loaded = sorted(name for name in sys.modules if name.split(".")[0] == "dump2bert")
    words = [word for word in sys.argv[1:]]
    if loaded and "dump2bert.cli" in loaded:
        with open(os.path.join(os.environ["NOTED_MODULES"], str(os.getpid())), "w") as file:
            file.write(" ".join(words).replace("\\n", " ") + "\\n" + "\\n".join(loaded))
atexit.register(note)
"""


class Workspace:
    """A copy of the project in which tests run Snakemake."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def run(self, *arguments, check=True, **options):
        done = subprocess.run(self.command(*arguments), cwd=self.folder, env=self.environment(), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
        assert not check or done.returncode == 0, done.stdout[-6000:]
        return done

    def start(self, *arguments):
        """Begin a run in a process group of its own, its output in a file."""
        output = open(self.folder / "started.log", "w")
        return subprocess.Popen(self.command(*arguments), cwd=self.folder, env=self.environment(), text=True,
                                stdout=output, stderr=subprocess.STDOUT, start_new_session=True)

    def command(self, *arguments):
        overlay = [] if "--configfile" in arguments else ["--configfile", "overlay.yaml"]
        return [sys.executable, "-m", "snakemake", *arguments, *overlay]

    def environment(self):
        noted = self.folder / "noted_modules"
        return {**os.environ, "PYTHONPATH": f"{self.folder / 'src'}{os.pathsep}{self.folder / 'note'}",
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "NOTED_MODULES": str(noted), "PYTHONDONTWRITEBYTECODE": "1"}

    def stale(self, *arguments):
        """{rule: number of jobs} that a dry run would run."""
        printed = self.run("-n", *arguments).stdout
        if "Nothing to be done" in printed:
            return {}
        table = printed.partition("Job stats:")[2].partition("\n\n")[0]
        return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.M) if rule != "total"}

    def copy(self, folder):
        """The same workspace elsewhere, times and all."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Workspace(folder)

    def edit(self, file, old, new):
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")


def new_workspace(folder):
    """The project's files, tracked or new, without what it ignores."""
    files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=PROJECT,
                           check=True, capture_output=True, text=True).stdout.split("\0")
    for file in filter(None, files):
        if (PROJECT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / file, folder / file)
    (folder / "overlay.yaml").write_text(OVERLAY)
    (folder / "note").mkdir()
    (folder / "note" / "sitecustomize.py").write_text(NOTE_MODULES)
    (folder / "noted_modules").mkdir()
    return Workspace(folder)


@pytest.fixture
def fresh(tmp_path):
    """A workspace in which nothing has been made."""
    return new_workspace(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A workspace in which everything has been made. Tests that change it work on a copy."""
    workspace = new_workspace(tmp_path_factory.mktemp("workflow") / "project")
    workspace.run("--cores", "2")
    return workspace


@pytest.fixture
def workspace(finished, tmp_path):
    return finished.copy(tmp_path / "copy")
