"""The state folder: two snapshots, torn ones, other code, the lock."""

import itertools
import subprocess
import sys
import time

import numpy as np
import pytest

from dump2bert.errors import BadInput
from dump2bert.training import state as module
from dump2bert.training.state import open_state

KEY = {"data": "d", "network": {"hidden_size": 8}, "seed": 1}


def arrays(value):
    return {"bert.weight": np.full((3, 2), value, np.float32), "updates": np.array(value, np.int32)}


def write(state_dir, *steps, code="code", **options):
    with open_state(state_dir, KEY, code, **options) as state:
        for step in steps:
            state.save(step, arrays(step), {"updates": step})
    return state.folder


def test_newest_snapshot_is_loaded_and_two_are_kept(tmp_path):
    folder = write(tmp_path, 8, 9, 10, 11)
    kept = sorted(path.name for path in folder.glob("snapshot*"))
    assert kept == ["snapshot-000000010.npz", "snapshot-000000011.npz"]
    with open_state(tmp_path, KEY, "code") as state:
        step, found, about = state.load()
    assert step == 11 and about == {"updates": 11}
    assert found.keys() == arrays(0).keys()
    for name, value in arrays(11).items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == value.dtype


def test_nothing_is_loaded_from_an_empty_folder(tmp_path):
    with open_state(tmp_path, KEY, "code") as state:
        assert state.load() is None


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied"])
def test_torn_snapshot_is_recognised_and_the_one_before_is_taken(tmp_path, damage):
    folder = write(tmp_path, 5, 6)
    newest = folder / "snapshot-000000006.npz"
    data = bytearray(newest.read_bytes())
    if damage == "flipped":
        place = data.index(np.full((3, 2), 6, np.float32).tobytes())
        data[place] ^= 1
    newest.write_bytes({"cut": data[:-40], "emptied": b""}.get(damage, data))
    with open_state(tmp_path, KEY, "code") as state:
        assert state.load()[0] == 5


def test_any_flipped_byte_is_recognised_or_harmless(tmp_path):
    folder = write(tmp_path, 5, 6)
    newest = folder / "snapshot-000000006.npz"
    whole = newest.read_bytes()
    with open_state(tmp_path, KEY, "code") as state:
        for place, mask in itertools.product(range(len(whole)), (0x01, 0x40, 0xff)):
            newest.write_bytes(whole[:place] + bytes([whole[place] ^ mask]) + whole[place + 1:])
            step, found, about = state.load()
            assert about == {"updates": step} and found.keys() == arrays(0).keys()
            assert all(np.array_equal(found[name], value) for name, value in arrays(step).items()), place


def test_two_whole_snapshots_are_kept_beside_a_torn_one(tmp_path):
    folder = write(tmp_path, 5, 9)
    (folder / "snapshot-000000009.npz").write_bytes(b"torn")
    with open_state(tmp_path, KEY, "code") as state:
        assert state.load()[0] == 5
        state.save(7, arrays(7), {"updates": 7})
        assert [path.name for path in state.snapshots()] == ["snapshot-000000007.npz", "snapshot-000000005.npz"]


def test_leftovers_of_a_killed_writer_are_removed(tmp_path):
    folder = write(tmp_path, 5)
    (folder / ".snapshot-000000006.npz.123.part").write_bytes(b"half")
    write(tmp_path)
    assert not list(folder.glob(".*part"))


def test_state_of_other_code_stops_with_the_two_ways_on(tmp_path):
    old = write(tmp_path, 5)
    with pytest.raises(BadInput, match=f"--adopt_state {old} .*--fresh true"):
        write(tmp_path, code="newer")
    with open_state(tmp_path, KEY, "newer", fresh=True) as state:
        assert state.load() is None
    assert (old / "snapshot-000000005.npz").exists()


def test_adopted_state_is_copied_and_remembered(tmp_path):
    old = write(tmp_path, 4, 5)
    (old / "metrics.jsonl").write_text('{"step": 5}\n')
    with open_state(tmp_path, KEY, "newer", adopt_state=str(old)) as state:
        assert state.load()[0] == 5
        assert (state.folder / "metrics.jsonl").read_text() == '{"step": 5}\n'
        state.save(6, arrays(6), {"updates": 6})
    with open_state(tmp_path, KEY, "newer", adopt_state=str(old)) as state:
        assert state.load()[0] == 6      # its own state is newer than the adopted one
        assert state.adopted() == [{"path": str(old), "code": "code"}]
    with open_state(tmp_path, KEY, "newest", adopt_state=str(state.folder)) as third:
        assert [entry["code"] for entry in third.adopted()] == ["code", "newer"]


def test_state_of_another_run_cannot_be_adopted(tmp_path):
    old = write(tmp_path, 5)
    with pytest.raises(BadInput, match="another run, which differs in network, seed"):
        with open_state(tmp_path, {**KEY, "seed": 2, "network": {}}, "code", adopt_state=str(old)):
            pass
    with pytest.raises(BadInput, match="holds no snapshot"):
        with open_state(tmp_path, {**KEY, "seed": 2}, "code", adopt_state=str(tmp_path / "nowhere")):
            pass


HOLDER = """
import sys, time
from dump2bert.training.state import open_state
with open_state(sys.argv[1], {"data": "d", "network": {"hidden_size": 8}, "seed": 1}, "code"):
    print("locked", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(folder, seconds):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder), str(seconds)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"locked\n"
    return process


def test_newcomer_waits_for_the_holder(tmp_path):
    process = holder(tmp_path, 1.0)
    write(tmp_path, 5)
    assert process.wait(5) == 0


def test_newcomer_gives_up_and_names_the_holder(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SECONDS_TO_WAIT", 0.6)
    process = holder(tmp_path, 60)
    try:
        with pytest.raises(BadInput, match=f"in use by process {process.pid}"):
            write(tmp_path)
    finally:
        process.kill()
        process.wait()
    started = time.monotonic()
    write(tmp_path)      # the lock went with the process
    assert time.monotonic() - started < 0.5
