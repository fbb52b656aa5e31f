"""Writing files: what is beside them meanwhile, what a kill leaves, and what is no file at all."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from dump2bert import files
from dump2bert.errors import BadInput
from dump2bert.files import atomic_write


def write(path, text="new"):
    with atomic_write(path) as file:
        file.write(text)


def parts(folder):
    return sorted(path for path in folder.iterdir() if path.suffix == ".part")


@contextlib.contextmanager
def writer(path):
    """The number of a process that is writing to `path`, with something written already."""
    child = os.fork()
    if child == 0:
        try:
            with atomic_write(path) as file:
                file.write("half")
                file.flush()
                signal.pause()
        finally:
            os._exit(1)
    deadline = time.monotonic() + 10
    while not any(part.stat().st_size for part in parts(path.parent)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield child


def test_what_a_killed_writer_left_is_removed_by_the_next_and_what_a_living_one_writes_is_not(tmp_path):
    path = tmp_path / "a [1]*.txt"
    with writer(path) as child:
        try:
            write(path)
            assert len(parts(tmp_path)) == 1 and path.read_text() == "new"
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    (tmp_path / ".a 1.txt.7.part").touch()      # another file's
    assert len(parts(tmp_path)) == 2
    write(path, "newer")
    assert [part.name for part in parts(tmp_path)] == [".a 1.txt.7.part"] and path.read_text() == "newer"


def test_processes_may_write_one_file_at_once_and_each_time_it_is_whole(tmp_path):
    code = ("import sys\nfrom dump2bert.files import atomic_write\n"
            "for _ in range(100):\n"
            "    with atomic_write(sys.argv[1]) as file:\n        file.write(sys.argv[2] * 1000)")
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "file"), letter]) for letter in "abc"]
    assert [process.wait() for process in writers] == [0, 0, 0]
    assert (tmp_path / "file").read_text() in {letter * 1000 for letter in "abc"}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_new_file_that_another_process_takes_for_a_leftover_is_made_again(tmp_path, monkeypatch):
    def locked(file, how):
        """Between opening and locking another one has removed it."""
        monkeypatch.undo()
        os.unlink(file.name)

    monkeypatch.setattr(files.fcntl, "flock", locked)
    write(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "new"


def test_a_disk_without_locks_is_written(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError

    (tmp_path / ".file.7.part").touch()
    monkeypatch.setattr(files.fcntl, "flock", refused)
    write(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "new" and len(parts(tmp_path)) == 1


@pytest.mark.parametrize("is_there", [True, False])
def test_a_symbolic_link_stays_and_what_it_names_is_written_on_its_disk(tmp_path, is_there):
    target, link = tmp_path / "elsewhere" / "file", tmp_path / "link"
    link.symlink_to("elsewhere/file")
    if is_there:
        write(target, "old")
    with atomic_write(link) as file:
        file.write("new")
        assert parts(target.parent) and not parts(tmp_path)
    assert link.is_symlink() and target.read_text() == "new" and not parts(target.parent)


def test_a_pipe_is_written_as_it_is(tmp_path):
    path, read = tmp_path / "pipe", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_text()), daemon=True)
    reader.start()
    write(path)
    reader.join(10)
    assert read == ["new"] and path.is_fifo() and list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    write(tmp_path / "file", "old")
    with pytest.raises(BadInput, match="file cannot be written: No space left"):
        with atomic_write(tmp_path / "file") as file:
            file.write("new")
            raise OSError(errno.ENOSPC, "No space left on device")
    assert (tmp_path / "file").read_text() == "old" and len(list(tmp_path.iterdir())) == 1
