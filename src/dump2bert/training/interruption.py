"""Noticing that it is time to stop: a signal, or a parent process that is gone."""

import os
import signal


class Interruption:
    """In its context SIGTERM and SIGINT are only noted; `reason` says so, or that the parent has gone, or is None."""

    def __init__(self, watch_parent):
        self.parent = os.getppid() if watch_parent else None
        self.signal = None

    def __enter__(self):
        self.before = {number: signal.signal(number, self.note) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_):
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def note(self, number, _):
        self.signal = number

    @property
    def reason(self):
        if self.signal:
            return signal.Signals(self.signal).name
        if self.parent is not None and os.getppid() != self.parent:
            return "the process that started this one is gone"
        return None
