"""Running the ranks of this server: all live or all end. A rank that dies would leave the others waiting for it."""

import contextlib
import os
import signal
import subprocess
import time

from dump2bert.errors import BadInput, Interrupted
from dump2bert.files import make_folder
from dump2bert.launching.commands import INTERRUPTED, SCHEDULER, SECONDS_TO_SAVE
from dump2bert.progress import say

TRAINER_SAYS = b"pretrain: "    # so its lines begin; the others are of libraries
SECONDS_BETWEEN_LOOKS = 0.2


def run(ranks, log_dir, stop_with_parent=False):
    """Start all `ranks` (commands.Rank) and wait, saying what the first one says. BadInput names the rank that failed;
    Interrupted when all have saved their state because we were told to stop, or because the process that started this
    one is gone (stop_with_parent)."""
    told, parent = [], os.getppid()
    before = {number: signal.signal(number, lambda number, _: told.append(number))
              for number in (signal.SIGTERM, signal.SIGINT)}
    processes = []     # (rank, process)
    echo = Echo(next(rank.log for rank in ranks if rank.name != SCHEDULER))
    try:
        for rank in ranks:
            processes.append((rank, start(rank)))
        say(f"{len(ranks)} processes are started; logs in {log_dir}")
        watch(processes, lambda: told or (stop_with_parent and os.getppid() != parent), echo)
    finally:
        echo.close()
        for _, process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
        for number, handler in before.items():
            signal.signal(number, handler)


def start(rank):
    make_folder(rank.log.parent)
    try:
        with open(rank.log, "ab") as log:
            return subprocess.Popen(rank.words, env={**os.environ, **rank.environment}, stdin=subprocess.DEVNULL,
                                    stdout=log, stderr=subprocess.STDOUT, process_group=0)
    except OSError as error:
        raise BadInput(f"{rank.name} cannot be started: {error.filename or rank.words[0]}: {error.strerror}") from error


class Echo:
    """Says what the trainer adds to a log from now on."""

    def __init__(self, log):
        make_folder(log.parent)
        self.file, self.rest = open(log, "a+b"), b""
        self.file.seek(0, os.SEEK_END)

    def go_on(self):
        *lines, self.rest = (self.rest + self.file.read()).split(b"\n")
        for line in lines:
            if line.startswith(TRAINER_SAYS):
                say(line.removeprefix(TRAINER_SAYS).decode("utf-8", "replace"))

    def close(self):
        self.go_on()
        self.file.close()


def watch(processes, is_told, echo):
    """Until all have ended well, or one has not."""
    deadline = None
    while True:
        echo.go_on()
        if deadline is None and is_told():
            deadline = time.monotonic() + SECONDS_TO_SAVE
            for rank, process in processes:
                if rank.name != SCHEDULER and process.poll() is None:
                    process.terminate()
        ended = [(rank, process.poll()) for rank, process in processes if rank.name != SCHEDULER]
        failed = [(rank, code) for rank, code in ended if code not in (None, 0, INTERRUPTED)]
        if failed:
            rank, code = failed[0]
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise BadInput(f"{rank.name} has ended with {how}, so all ranks were ended; the state is kept, and the "
                           f"same command goes on from it: {last_words(rank.log)} ({rank.log})")
        codes = {code for _, code in ended}
        if None not in codes:
            if INTERRUPTED in codes:
                raise Interrupted("all ranks have saved their state; the same command goes on from it")
            return
        if deadline and time.monotonic() > deadline:
            raise BadInput(f"ranks did not stop within {SECONDS_TO_SAVE} s and were ended; the last state is kept")
        time.sleep(SECONDS_BETWEEN_LOOKS)


def last_words(log):
    """The last line of a log that says what was wrong, else its last line."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-200:]
    said = [line for line in lines if "error:" in line or "Error" in line] or [line for line in lines if line.strip()]
    return said[-1].strip()[:300] if said else "it said nothing"
