"""Watching the losses for what must not go on: values that are not finite, spikes, a loss scale that can fall no
further.

`LossWatch.judge` sees the numbers of every step once, in order, and names the first step that went wrong. The run then
goes back to its last good snapshot and leaves that step's batch out (training/pretraining.py); `Rollbacks` is the
record of it.
"""

import json
import math
from collections import deque
from typing import NamedTuple

import numpy as np

from dump2bert.files import atomic_write, read_json_lines


class Trouble(NamedTuple):
    """step: the number (from 0) of the step that went wrong; reason: half a sentence; loss, loss_scale: its numbers."""

    step: int
    reason: str
    loss: float
    loss_scale: float


class LossWatch:
    """spike_factor: a loss above it times the running median is a spike (0: never); spike_window: good losses that the
    median is of; before there are so many, nothing is a spike."""

    def __init__(self, spike_factor, spike_window):
        self.spike_factor = spike_factor
        self.losses = deque(maxlen=spike_window)

    def judge(self, steps, outcomes):
        """steps: numbers of steps; outcomes: for each (loss, overflow, loss scale) -> the first Trouble, or None."""
        for step, (loss, overflow, loss_scale) in zip(steps, outcomes):
            reason = self.trouble_with(loss, overflow, loss_scale)
            if reason:
                return Trouble(step, reason, loss, loss_scale)
            if not overflow:
                self.losses.append(loss)
        return None

    def trouble_with(self, loss, overflow, loss_scale):
        if not math.isfinite(loss):
            return f"the loss is not finite ({loss})"
        if overflow and loss_scale <= 1:
            return f"the gradients are not finite at loss scale {loss_scale:g}, its floor (loss {loss:.4g})"
        if self.spike_factor and len(self.losses) == self.losses.maxlen:
            median = float(np.median(self.losses))
            if loss > self.spike_factor * median:
                return (f"the loss {loss:.4g} is {loss / median:.3g} times the median of the last {len(self.losses)} "
                        f"({median:.4g})")
        return None


class Rollbacks:
    """The rollbacks of a run: a line of rollbacks.jsonl each. A step that is named there is never trained on again, so
    what happens after a kill is what would have happened without it."""

    def __init__(self, path=None):
        self.path = path    # None where another rank keeps the record
        self.lines = [line for _, line in read_json_lines(path)] if path and path.is_file() else []

    @property
    def left_out(self):
        """{step (from 0): its line}."""
        return {line["step"] - 1: line for line in self.lines}

    def add(self, line):
        self.lines.append(line)
        if not self.path:
            return
        with atomic_write(self.path) as file:
            file.writelines(json.dumps(line) + "\n" for line in self.lines)

    def clear(self):
        self.lines = []
        self.path.unlink(missing_ok=True)
