"""Histograms and the dot plot of scores as SVG, coloured by page.css."""

from html import escape

from dump2bert.reporting.lines import opening, scale
from dump2bert.reporting.numbers import count, fraction, percent, short, ticks


def histogram(title, bins, unit):
    """An SVG of bars of equal width, ticks where they begin; "" where it is empty.

    `bins`: a list of (low, high, count), both ends inclusive, ascending; the last `high` may be None (no upper bound).
    """
    total = sum(number for _, _, number in bins)
    if not total:
        return ""
    width, height, left, right, top, bottom = 420, 190, 50, 10, 12, 36
    y_ticks = ticks(0, max(number for _, _, number in bins), 3)
    x_of, y_of = scale(0, len(bins), left, width - right), scale(0, y_ticks[-1], height - bottom, top)
    every = -(-len(bins) // 14)
    parts = [opening(title, [], width, height)]
    for y in y_ticks:
        parts.append(f'<line class="grid" x1="{left}" x2="{width - right}" y1="{y_of(y):.1f}" y2="{y_of(y):.1f}"/>'
                     f'<text class="tick" x="{left - 7}" y="{y_of(y) + 4:.1f}" text-anchor="end">{short(y)}</text>')
    for place, (low, high, number) in enumerate(bins):
        x, end = x_of(place), x_of(place + 1)
        label = f"{low} or more" if high is None else f"{low}" if low == high else f"{low} to {high}"
        parts.append(f'<rect class="bar" x="{x + 0.8:.1f}" width="{end - x - 1.6:.1f}" y="{y_of(number):.1f}" '
                     f'height="{height - bottom - y_of(number):.1f}">'
                     f"<title>{escape(unit)} {label}: {count(number)} ({percent(number / total)})</title></rect>")
        if place % every == 0:
            parts.append(f'<text class="tick" x="{x:.1f}" y="{height - bottom + 16}" text-anchor="middle">'
                         f"{f'{low // 1000}k' if low and low % 1000 == 0 else low}</text>")
    parts.append(f'<line class="axis" x1="{left}" x2="{width - right}" y1="{height - bottom}" y2="{height - bottom}"/>'
                 f'<text class="label" x="{width - right}" y="{height - 3}" text-anchor="end">{escape(unit)}</text>')
    return "".join(parts) + "</svg>"


def dot_plot(title, rows, series, unit):
    """Scores from 0 to 1, one row for each name, one dot for each series: what differs is seen at a glance.

    `rows`: a list of (name, note). `series`: a list of (name, colour class, {row name: [value of each seed]}). The dot
    is the mean of the seeds, the line behind it their range.
    """
    line, width, left, right, top = 26, 620, 128, 66, 24
    height = top + line * len(rows) + 26
    x_of = scale(0, 1, left, width - right)
    parts = [opening(title, [name for name, _, _ in series], width, height)]
    for x in (0, 0.2, 0.4, 0.6, 0.8, 1):
        parts.append(f'<line class="grid" x1="{x_of(x):.1f}" x2="{x_of(x):.1f}" y1="{top - 6}" y2="{height - 26}"/>'
                     f'<text class="tick" x="{x_of(x):.1f}" y="{height - 9}" text-anchor="middle">{x:g}</text>')
    parts.append(f'<text class="label" x="{width}" y="{top - 10}" text-anchor="end">support</text>'
                 f'<text class="label" x="{left}" y="{top - 10}">{escape(unit)}</text>')
    for number, (row, note) in enumerate(rows):
        y = top + line * (number + 0.5)
        parts.append(f'<text class="row" x="{left - 12}" y="{y + 4.5:.1f}" text-anchor="end">{escape(row)}</text>'
                     f'<text class="tick" x="{width}" y="{y + 4.5:.1f}" text-anchor="end">{escape(note)}</text>')
        for place, (name, colour, scores) in enumerate(series):
            values = scores.get(row)
            if not values:
                continue
            # Series that would hide one another stand a little apart.
            y_dot = y + (place - (len(series) - 1) / 2) * min(4.5, 16 / len(series))
            mean = sum(values) / len(values)
            if len(values) > 1:
                parts.append(f'<line class="range {colour}" x1="{x_of(min(values)):.1f}" '
                             f'x2="{x_of(max(values)):.1f}" y1="{y_dot:.1f}" y2="{y_dot:.1f}"/>')
            parts.append(f'<circle class="dot {colour}" cx="{x_of(mean):.1f}" cy="{y_dot:.1f}" r="4">'
                         f"<title>{escape(row)}, {escape(name)}: {fraction(mean)}</title></circle>")
    return "".join(parts) + "</svg>"
