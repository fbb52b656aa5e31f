"""What long work says while it runs: a bar on a terminal; else a line to the terminal and to the stage's log now and
then."""

import logging
import math
import shutil
import sys
import time

logger = logging.getLogger("dump2bert")
SECONDS_BETWEEN_LINES = 10
SECONDS_BETWEEN_BARS = 0.5
BAR = 20                       # characters
CLEAR_LINE = "\r\x1b[K"


def say(message):
    """One line for the person who watches (in place of the bar, if one stands there)."""
    if sys.stderr.isatty():
        sys.stderr.write(CLEAR_LINE)
    logger.info(message)


def duration(seconds):
    """75 -> "1:15", 3675 -> "1:01:15"."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Progress:
    """Counts towards a total and says so: share, rate, time left, and what the caller adds. On a terminal that is a
    bar, elsewhere a line every `seconds_between_lines` (the first one after ten).

    `done` is where the count starts (work that an earlier run has finished does not count into the rate).
    """

    def __init__(self, total, unit, what="", done=0, seconds_between_lines=SECONDS_BETWEEN_LINES):
        self.total, self.unit, self.what, self.done = total, unit, what, done
        self.first, self.started = done, time.monotonic()
        self.next_line, self.seconds_between_lines = self.started + SECONDS_BETWEEN_LINES, seconds_between_lines
        self.next_bar = 0.0 if sys.stderr.isatty() else math.inf

    def restart(self):
        """What was done so far does not count into the rate."""
        self.first, self.started = self.done, time.monotonic()

    def update(self, count=1, **values):
        """`count` more units are done. `values` are shown as given, floats with four digits."""
        self.done += count
        now = time.monotonic()
        if self.next_bar < math.inf and self.done < self.total:
            if now >= self.next_bar:
                self.next_bar = now + SECONDS_BETWEEN_BARS
                show_bar(f"[{'#' * int(BAR * self.done / self.total):{BAR}}] {self.line(now, values)}")
        elif now >= self.next_line or self.done == self.total:
            self.next_line = now + self.seconds_between_lines
            say(self.line(now, values))

    def line(self, now, values):
        rate = (self.done - self.first) / max(now - self.started, 1e-9)
        parts = [f"{self.what + ' ' if self.what else ''}{self.unit} {self.done}/{self.total} "
                 f"({self.done / max(self.total, 1):.0%})"]
        parts += [f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
                  for name, value in values.items()]
        if rate > 0:
            parts.append(f"{rate:.3g}/s")
        if rate > 0 and self.done < self.total:
            parts.append(f"{duration((self.total - self.done) / rate)} left")
        return ", ".join(parts)


def show_bar(text):
    """Put `text` on the terminal's last line, in place of what stands there; cut to its width, for a bar that wraps
    would leave lines behind."""
    width = shutil.get_terminal_size().columns - 1
    sys.stderr.write(f"{CLEAR_LINE}{text[:width]}")
    sys.stderr.flush()
