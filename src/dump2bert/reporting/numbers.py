"""Numbers as text: as many digits as mean something, the same in tables and in figures."""

import math
import statistics

from scipy.special import stdtrit


def count(value):
    """1234567 -> "1,234,567"; None -> "–"."""
    return "–" if value is None else f"{value:,.0f}"


def short(value):
    """Four digits at the most, for axes and tables: 0.00003 -> "3e-5", 12345 -> "12.3k", 2.50 -> "2.5"."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size == 0:
        return "0"
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= limit:
            factor = {"G": 1e9, "M": 1e6, "k": 1e3}[unit]
            return f"{value / factor:.3g}{unit}" if size < 1000 * factor else f"{value:.3g}"
    if size < 1e-3:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return f"{value:.4g}"


def fraction(value):
    """A score from 0 to 1: four digits after the point."""
    return "–" if value is None else f"{value:.4f}"


def percent(value):
    """A share as percent: 0.1234 -> "12.3 %"; with more digits near none and all, so that something is not nothing."""
    if value is None:
        return "–"
    digits = 1 if value in (0, 1) or 0.0005 <= value < 0.9995 else 2 if value >= 0.9995 else 3
    return f"{100 * value:.{digits}f} %"


def duration(seconds):
    """Wall time: 0.4 -> "0.4 s", 75 -> "1 min 15 s", 3675 -> "1 h 01 min"."""
    if seconds is None:
        return "–"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def mean_and_spread(values):
    """(mean, sample standard deviation or None where there is one value)."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None


def interval(values):
    """Half the width of the 95 % confidence interval of the mean, by Student's t."""
    return float(stdtrit(len(values) - 1, 0.975)) * statistics.stdev(values) / math.sqrt(len(values))


def ticks(low, high, about=5):
    """Round numbers that cover [low, high]: multiples of 1, 2, 2.5 or 5 times a power of ten."""
    if not high > low:
        low, high = (low - 0.5, high + 0.5) if low == 0 or not math.isfinite(low) else \
            (low - abs(low) / 2, high + abs(low) / 2)
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]
