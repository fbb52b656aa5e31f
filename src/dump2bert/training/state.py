"""Training state that survives a kill at any moment: a folder with the last two snapshots, locked while in use.

The folder's name is a digest of all that the weights depend on, and the digest of the code. A snapshot is one .npz,
whose arrays carry checksums, written beside and renamed; so a torn one cannot come from us, but if one is found the one
before it is taken.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import time
from pathlib import Path

import numpy as np

from dump2bert.errors import BadInput
from dump2bert.files import atomic_write, make_folder, read_json, write_json
from dump2bert.progress import say
from dump2bert.training.arrays import write_arrays

SNAPSHOTS_KEPT = 2
NAMES = "/arrays"    # the key of `about` under which a snapshot lists its arrays
SECONDS_TO_WAIT = 120


class State:
    """The state folder of one training run.

    `key`: plain dict of all that the weights depend on but the code; `code`: digest of the code. Use as
    `with open_state(...) as state`. `folder` may hold other files of the run (metrics.jsonl).
    """

    def __init__(self, folder):
        self.folder = folder

    def snapshots(self):
        """Snapshot files, newest first."""
        return sorted(self.folder.glob("snapshot-*.npz"), key=step_of, reverse=True)

    def save(self, step, arrays, about):
        """Write a snapshot after `step` steps: arrays (name -> numpy) and `about` (plain dict). Keeps two."""
        with atomic_write(self.folder / f"snapshot-{step:09}.npz", "wb") as file:
            text = np.frombuffer(json.dumps({**about, NAMES: list(arrays)}).encode(), np.uint8)
            write_arrays(file, {"/about": text, **arrays})
        snapshots = self.snapshots()
        beyond = [path for path in snapshots if step_of(path) > step]    # torn ones, which the run went back before
        for path in beyond + snapshots[len(beyond) + SNAPSHOTS_KEPT:]:
            path.unlink()

    def load(self):
        """(step, arrays, about) of the newest snapshot that is whole, or None."""
        for path in self.snapshots():
            try:
                with np.load(path) as file:
                    arrays = {name: file[name] for name in file.files}
                about = json.loads(arrays.pop("/about").tobytes())
                # An archive whose table of contents is torn can look whole with fewer arrays.
                if about.pop(NAMES, list(arrays)) != list(arrays):
                    raise ValueError("arrays are missing")
                return step_of(path), arrays, about
            except Exception as error:    # what reading torn bytes raises is open to chance
                say(f"{path} is damaged ({error}); the snapshot before it is taken")
        return None

    def adopted(self):
        """The state folders, written by other code, that this one goes back to."""
        return read_json(self.folder / "key.json")["adopted"]

    def clear(self):
        for path in self.snapshots():
            path.unlink()


def step_of(path):
    return int(path.stem.removeprefix("snapshot-"))


def key_digest(key):
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]


@contextlib.contextmanager
def open_state(state_dir, key, code, adopt_state=None, fresh=False):
    """The locked State of the run with this key and code, in `state_dir`.

    A state of the same key that other code has written is BadInput, unless `adopt_state` names a state folder to go on
    from (it is copied), or `fresh` begins anew.
    """
    name = key_digest(key)
    folder = Path(state_dir) / f"{name}-{code}"
    with locked(folder):
        for leftover in folder.glob(".*.part"):
            leftover.unlink()
        state = State(folder)
        if not state.snapshots():
            others = [other for other in sorted(Path(state_dir).glob(f"{name}-*"))
                      if other != folder and State(other).snapshots()]
            if others and not adopt_state and not fresh:
                raise BadInput(f"{others[-1]} holds the state of this very run, written by other code: give "
                               f"--adopt_state {others[-1]} (in the configuration adopt_state) to go on from it, or "
                               "--fresh true (fresh) to begin anew")
            adopted = adoptable(Path(adopt_state), key) if adopt_state else []
            write_json(folder / "key.json", {"key": key, "code": code, "adopted": adopted})
            if adopt_state:
                adopt(Path(adopt_state), folder)
        yield state


def adoptable(source, key):
    """The state folders that adopting `source` goes back to, oldest first. BadInput where it is none, or of a run with
    another key."""
    if not State(source).snapshots():
        raise BadInput(f"--adopt_state {source} holds no snapshot: give a folder of the state_dir")
    theirs = read_json(source / "key.json")
    differing = sorted(name for name in {*key, *theirs["key"]} if key.get(name) != theirs["key"].get(name))
    if differing:
        raise BadInput(f"--adopt_state {source} is of another run, which differs in {', '.join(differing)}")
    return [*theirs["adopted"], {"path": str(source), "code": theirs["code"]}]


def adopt(source, folder):
    """Copy the snapshots, and what belongs to them, of another state folder."""
    for path in [*source.glob("*.jsonl"), *reversed(State(source).snapshots())]:
        with atomic_write(folder / path.name, "wb") as copy, open(path, "rb") as original:
            shutil.copyfileobj(original, copy)
    say(f"goes on from {source}")


@contextlib.contextmanager
def locked(folder):
    """Hold the lock of `folder`. If another process has it, say so and wait; BadInput names it after two minutes.

    The lock is the kernel's: it goes with the process that holds it, however that dies.
    """
    make_folder(folder)
    with open(folder / "lock", "a+") as file:
        deadline = time.monotonic() + SECONDS_TO_WAIT
        said = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                file.seek(0)
                holder = re.sub(r"\D", "", file.read()) or "unknown"
                if time.monotonic() > deadline:
                    raise BadInput(f"{folder} is in use by process {holder}: wait for it to end, or end it") from None
                if not said:
                    say(f"{folder} is in use by process {holder}; waiting for it (up to {SECONDS_TO_WAIT} s)")
                    said = True
                time.sleep(0.5)
        try:
            file.truncate(0)
            os.write(file.fileno(), f"{os.getpid()}\n".encode())
        except OSError as error:
            raise BadInput(f"{folder} cannot be written: {error.strerror}") from error
        yield
