"""Runs msrun so that it can be told to stop: `python -m dump2bert.launching.msrun LOG_DIR msrun WORDS...`.

msrun itself ends at once when it is told, and leaves its ranks behind, which are in sessions of their own. They notice
that it is gone (--stop_with_parent), save and stop; this process waits for that and then answers as a rank does, with
75. msrun overwrites its ranks' logs, so each start has a folder for them, LOG_DIR/msrun-NUMBER.
"""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from dump2bert.launching.commands import INTERRUPTED, SECONDS_TO_SAVE

SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_CLEAN_UP = 10    # before whoever told this process to stop kills it


def main(log_dir, msrun, *words):
    told, parent, started = [], os.getppid(), []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: told.append(number))
    process = subprocess.Popen([msrun, f"--log_dir={new_folder(Path(log_dir))}", *words], stdin=subprocess.DEVNULL,
                               process_group=0)    # at Ctrl-C it would kill its ranks, which are to save
    while True:
        code = process.poll()
        if told or os.getppid() != parent or code is not None and code < 0:    # below 0: msrun was killed by others
            return stop(process, started)
        if code is not None:
            return code
        started = children_of(process)    # they could not be found when it is gone
        time.sleep(SECONDS_BETWEEN_LOOKS)


def new_folder(log_dir):
    for number in itertools.count(1):
        folder = log_dir / f"msrun-{number}"
        with contextlib.suppress(FileExistsError):    # other servers may make theirs at the same time
            folder.mkdir(parents=True)
            return folder


def children_of(process):
    """The ranks, the scheduler, and what shows their logs."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children()
    return []


def stop(process, started):
    """End msrun and wait for its ranks -> exit code."""
    process.send_signal(signal.SIGSTOP)    # so that it starts no more of them
    started = children_of(process) or started
    process.kill()
    process.wait()
    ranks = [one for one in started if is_alive(one, in_own_session=True)]
    deadline = time.monotonic() + SECONDS_TO_SAVE - SECONDS_TO_CLEAN_UP
    while (late := any(map(is_alive, ranks))) and time.monotonic() < deadline:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    for one in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    if late:
        print(f"error: ranks did not stop within {SECONDS_TO_SAVE - SECONDS_TO_CLEAN_UP} s and were ended", flush=True)
    return 1 if late else INTERRUPTED


def is_alive(process, in_own_session=False):
    with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        return (process.is_running() and process.status() != psutil.STATUS_ZOMBIE
                and (not in_own_session or os.getsid(process.pid) == process.pid))
    return False


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
