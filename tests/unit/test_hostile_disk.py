"""Outputs that cannot be written and disks that fill in the middle, through the real command line: one sentence, exit
code 1, nothing half-written, nothing lost, and with room the same command works."""

import json
import os
import subprocess
import sys

import pytest

from dump2bert import cli
from tests.unit.hostile_world import COMMANDS, command, run
from tests.unit.test_hostile_input import files, refused

pytestmark = pytest.mark.xdist_group("hostile")

STAGES = [stage for stage in COMMANDS if stage != "clean text"]


@pytest.fixture
def folder(sound_inputs, tmp_path):
    (tmp_path / "in").symlink_to(sound_inputs)
    return tmp_path


class Disk:
    """A file system of a given size, in memory."""

    def __init__(self, folder):
        self.folder = folder

    def mount(self, options):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.folder],
                              capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no small file system can be mounted here: {done.stderr.strip()}")

    def change(self, options):
        subprocess.run(["mount", "-o", f"remount,{options}", self.folder], check=True)

    def fill(self, but=0):
        """Leave `but` bytes of room, more or less (files take whole pages)."""
        free = os.statvfs(self.folder)
        with open(self.folder / "ballast", "wb") as file:
            file.write(bytes(max(free.f_bavail * free.f_frsize - but, 0)))

    def make_room(self):
        (self.folder / "ballast").unlink()


@pytest.fixture
def disk(folder):
    (folder / "disk").mkdir()
    disk = Disk(folder / "disk")
    disk.mount("size=4m")
    yield disk
    subprocess.run(["umount", disk.folder], check=True)


def to(place, stage):
    """The flags that send a stage's outputs (and state) to `place`."""
    changes = {name: value.replace("OUT/", f"{place}/")
               for name, value in COMMANDS[stage][1].items() if "OUT/" in value}
    return {**changes, **({"state_dir": place / "state"} if stage == "pretrain" else {})}


@pytest.mark.parametrize("stage", STAGES)
def test_an_output_below_a_file_cannot_be_written(folder, capfd, stage):
    (folder / "file").write_text("a file")
    sentence = refused(capfd, stage, folder, **to(folder / "file" / "below", stage))
    assert str(folder / "file") in sentence and "Not a directory" in sentence
    assert (folder / "file").read_text() == "a file"


@pytest.mark.parametrize("stage", ["download", "extract", "pretraining_data", "report"])
def test_an_output_on_a_file_system_that_is_read_only_cannot_be_written(folder, disk, capfd, stage):
    disk.change("ro")
    sentence = refused(capfd, stage, folder, **to(disk.folder / "out", stage))
    assert str(disk.folder) in sentence and "Read-only file system" in sentence
    disk.change("rw")
    assert run(stage, folder, **to(disk.folder / "out", stage)) == 0


@pytest.mark.parametrize("stage", STAGES)
def test_a_disk_that_fills_leaves_nothing_half_written_and_the_command_works_with_room(folder, disk, capfd, stage):
    place = disk.folder / "out"
    place.mkdir()
    disk.fill()
    sentence = refused(capfd, stage, folder, **to(place, stage))
    assert str(disk.folder) in sentence and ("No space left on device" in sentence or "is full" in sentence)
    left = {name: content for name, content in files(place).items() if not name.startswith("state/")}
    if stage == "download":     # what has come is kept, and is known for a part
        assert all(name.split(".part")[0] != name for name in left)
    else:
        assert left == {}
    disk.make_room()
    assert run(stage, folder, **to(place, stage)) == 0
    assert not [name for name in files(place) if ".part" in name]


def test_a_disk_that_fills_while_training_loses_no_state(folder, disk, capfd):
    place = disk.folder / "out"
    assert run("pretrain", folder, **to(place, "pretrain"), train_steps=4) == 0
    before = {name: content for name, content in files(place).items() if "snapshot" in name or name == "model.ckpt"}
    assert len(before) == 3
    disk.fill(but=40_000)       # a snapshot takes some hundred kilobytes
    refused(capfd, "pretrain", folder, **to(place, "pretrain"), train_steps=8)
    after = files(place)
    assert {name: after.get(name) for name in before} == before
    assert not [name for name in after if ".part" in name]
    disk.make_room()
    capfd.readouterr()
    assert run("pretrain", folder, **to(place, "pretrain"), train_steps=8) == 0
    assert "goes on from step 4" in capfd.readouterr().err
    steps = [json.loads(line)["step"] for line in (place / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps)) and steps[-1] == 8


def test_a_disk_that_is_full_for_the_log_as_well(folder, disk):
    """As in a run of the pipeline, where log and outputs lie on one disk."""
    place = disk.folder / "out"
    place.mkdir()
    disk.fill()
    words = [sys.executable, "-m", "dump2bert.cli", "--log", str(place / "clean.log"),
             *command("clean", folder, **to(place, "clean"))]
    done = subprocess.run(words, capture_output=True, text=True)
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error"] and done.returncode == 1
    disk.make_room()
    assert subprocess.run(words).returncode == 0


def test_a_log_that_cannot_be_written_is_one_sentence(folder, capfd):
    (folder / "file").write_text("a file")
    sentence = refused_log(capfd, folder / "file" / "clean.log", folder)
    assert str(folder / "file") in sentence and "it is a file" in sentence


def refused_log(capfd, log, folder):
    assert cli.main(["--log", str(log), *command("clean", folder)]) == 1
    line, = capfd.readouterr().err.splitlines()
    assert line.startswith("error: ") and not (folder / "out").exists()
    return line
