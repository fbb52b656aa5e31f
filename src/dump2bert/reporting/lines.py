"""Curves over training steps as SVG. Colours are classes that page.css fills, so a figure follows the theme."""

import math
from html import escape

from dump2bert.reporting.numbers import short, ticks

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 50, 10, 12, 36
BINS = 160
"""Points that one curve has at the most; more would only make the page heavy."""


def line_chart(title, series, unit="", x_label="step", reference=None, from_zero=False):
    """An SVG with one curve for each of `series`.

    `series`: a list of (name, colour class, points); a point is (x, y). Curves of more than BINS points are drawn as
    the mean of BINS equal ranges of x, over a band from minimum to maximum. `reference`: (y, text) of a dashed line.
    Returns "" where there is no finite point.
    """
    series = [(name, colour, [point for point in points if math.isfinite(point[1])]) for name, colour, points in series]
    curves = [(name, colour, binned(points)) for name, colour, points in series]
    curves = [curve for curve in curves if curve[2]]
    if not curves:
        return ""
    last_x = max(x for _, _, points in series for x, _ in points)
    x_ticks, y_ticks = limits(curves, last_x, reference, from_zero)
    x_of = scale(x_ticks[0], max(last_x, x_ticks[0] + 1e-9), LEFT, WIDTH - RIGHT)
    y_of = scale(y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP)

    def at(x, y):
        return f"{x_of(x):.1f},{y_of(min(max(y, y_ticks[0]), y_ticks[-1])):.1f}"

    parts = [opening(title, [name for name, _, _ in curves]), *frame(x_ticks, y_ticks, x_of, y_of, x_label, unit)]
    if reference and y_ticks[0] <= reference[0] <= y_ticks[-1]:
        y = y_of(reference[0])
        parts.append(f'<line class="reference" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                     f'<text class="label" x="{WIDTH - RIGHT}" y="{y - 5:.1f}" text-anchor="end">'
                     f'{escape(reference[1])}</text>')
    for name, colour, bins in curves:
        if any(high > low for _, _, low, high in bins):
            outline = [at(x, high) for x, _, _, high in bins] + [at(x, low) for x, _, low, _ in reversed(bins)]
            parts.append(f'<polygon class="band {colour}" points="{" ".join(outline)}"/>')
    for name, colour, bins in curves:
        points = " ".join(at(x, mean) for x, mean, _, _ in bins)
        values = " ".join(f"{short(x)}:{short(mean)}" for x, mean, _, _ in bins)
        parts.append(f'<polyline class="curve {colour}" data-name="{escape(name)}" data-values="{values}" '
                     f'points="{points}"/>')
        if len(bins) == 1:
            x, y = points.split(",")
            parts.append(f'<circle class="dot {colour}" r="2.5" cx="{x}" cy="{y}"/>')
    return "".join(parts) + "</svg>"


def limits(curves, last_x, reference, from_zero):
    """Ticks of both axes. Those of x begin at step 0 and may go beyond the last point, where the axis ends.

    Single spikes do not set the scale: the axis of y covers 98 % of the values with room for half as much again.
    """
    highs = sorted(high for _, _, bins in curves for _, _, _, high in bins)
    bottom, top = min(low for _, _, bins in curves for _, _, low, _ in bins), highs[-1]
    if len(highs) >= 20:
        most = highs[int(0.98 * len(highs))]
        top = min(top, most + (most - bottom) / 2)
    if reference and bottom - (top - bottom) / 2 <= reference[0] <= top + (top - bottom) / 2:
        bottom, top = min(bottom, reference[0]), max(top, reference[0])
    if from_zero:
        bottom, top = min(bottom, 0), max(top, 0) or 1
    return ticks(0, last_x, 5), ticks(bottom, top, 4)


def frame(x_ticks, y_ticks, x_of, y_of, x_label, unit):
    """Grid, axis, ticks and labels."""
    left, right, bottom = LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM
    for y in y_ticks:
        yield (f'<line class="grid" x1="{left}" x2="{right}" y1="{y_of(y):.1f}" y2="{y_of(y):.1f}"/>'
               f'<text class="tick" x="{left - 7}" y="{y_of(y) + 4:.1f}" text-anchor="end">{short(y)}</text>')
    for x in x_ticks:
        if x_of(x) <= right + 0.1:
            yield (f'<line class="axis" x1="{x_of(x):.1f}" x2="{x_of(x):.1f}" y1="{bottom}" y2="{bottom + 4}"/>'
                   f'<text class="tick" x="{x_of(x):.1f}" y="{bottom + 17}" text-anchor="middle">{short(x)}</text>')
    yield (f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'
           f'<text class="label" x="{right}" y="{HEIGHT - 3}" text-anchor="end">{escape(x_label)}</text>'
           f'<text class="label" x="{left}" y="{HEIGHT - 3}">{escape(unit)}</text>')


def binned(points):
    """Points (x, y) as at most BINS tuples (x, mean, minimum, maximum), x ascending and in the middle of its range."""
    points = sorted(points)
    if len(points) <= BINS:
        return [(x, y, y, y) for x, y in points]
    first, width = points[0][0], (points[-1][0] - points[0][0]) / BINS or 1
    ranges = {}
    for x, y in points:
        ranges.setdefault(min(int((x - first) / width), BINS - 1), []).append((x, y))
    result = []
    for _, members in sorted(ranges.items()):
        values = [y for _, y in members]
        result.append((sum(x for x, _ in members) / len(members), sum(values) / len(values), min(values), max(values)))
    return result


def scale(low, high, start, end):
    """The function that maps [low, high] to [start, end]."""
    factor = (end - start) / (high - low)
    return lambda value: start + (value - low) * factor


def opening(title, names, width=WIDTH, height=HEIGHT):
    """The start of an SVG that says to screen readers what it shows."""
    told = f"{title}: {', '.join(names)}" if names else title
    return (f'<svg class="figure" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(told)}">')
