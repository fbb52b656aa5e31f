"""What a person sees while long work runs."""

import io
import os
import pty
import subprocess
import sys

import pytest

from dump2bert import progress
from dump2bert.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def said(caplog):
    caplog.set_level("INFO", "dump2bert")
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_log_has_a_line_after_ten_seconds_then_one_a_minute_and_the_last(clock, said, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    bar = Progress(1000, "step", seconds_between_lines=60)
    for _ in range(400):
        clock[0] += 0.5
        bar.update(loss=2.5, mlm_accuracy=0.25, tokens_per_second=1e4)
    assert len(said()) == 1 + 3      # at 10, 70, 130 and 190 s
    assert said()[0] == ("step 20/1000 (2%), loss 2.5, mlm_accuracy 0.25, tokens_per_second 1e+04, 2/s, 8:10 left")
    bar.update(600)
    assert said()[-1].startswith("step 1000/1000 (100%)") and "left" not in said()[-1]
    assert sys.stderr.getvalue() == ""


def test_what_was_done_before_a_restart_does_not_count_into_the_rate(clock):
    bar = Progress(100, "step", done=50)
    clock[0] += 20       # a compiler's time
    bar.update()
    bar.restart()
    clock[0] += 2
    bar.update(4)
    assert bar.line(clock[0], {}) == "step 55/100 (55%), 2/s, 0:22 left"


SCRIPT = """
import logging, sys
from dump2bert import progress
logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stderr)
now = [0.0]
progress.time.monotonic = lambda: now[0]
bar = progress.Progress(4, "step")
for step in range(4):
    now[0] += 1
    bar.update(loss=float(step))
    if step == 1:
        progress.say("a sentence")
"""


def test_a_terminal_has_a_bar_that_sentences_take_the_place_of():
    terminal, end = pty.openpty()
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, stderr=end, env={**os.environ, "COLUMNS": "60", "LINES": "20"})
    os.close(end)
    written = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:      # nothing more
            break
        if not part:
            break
        written += part
    lines = [line.rpartition("\r\x1b[K")[2] for line in written.decode().replace("\r\n", "\n").split("\n")]
    assert lines == ["a sentence", "step 4/4 (100%), loss 3, 1/s", ""]
    assert "[#####               ] step 1/4 (25%), loss 0, 1/s" in written.decode()
