"""What long work says while it runs: a line to the terminal and to the stage's log every few seconds."""

import logging
import time

logger = logging.getLogger("dump2bert")
SECONDS_BETWEEN_LINES = 10


def say(message):
    """One line for the person who watches."""
    logger.info(message)


def duration(seconds):
    """75 -> "1:15", 3675 -> "1:01:15"."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Progress:
    """Counts towards a total and says so every few seconds: share, rate, time left, and what the caller adds.

    `done` is where the count starts (work that an earlier run has finished does not count into the rate).
    """

    def __init__(self, total, unit, what="", done=0):
        self.total, self.unit, self.what, self.done = total, unit, what, done
        self.first, self.started = done, time.monotonic()
        self.said = self.started

    def update(self, count=1, **values):
        """`count` more units are done. `values` are shown as given, floats with four digits."""
        self.done += count
        now = time.monotonic()
        if now - self.said >= SECONDS_BETWEEN_LINES or self.done == self.total:
            self.said = now
            say(self.line(now, values))

    def line(self, now, values):
        rate = (self.done - self.first) / max(now - self.started, 1e-9)
        parts = [f"{self.what + ' ' if self.what else ''}{self.unit} {self.done}/{self.total} "
                 f"({self.done / max(self.total, 1):.0%})"]
        parts += [f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                  for name, value in values.items()]
        parts.append(f"{rate:.3g}/s")
        if rate and self.done < self.total:
            parts.append(f"{duration((self.total - self.done) / rate)} left")
        return ", ".join(parts)
