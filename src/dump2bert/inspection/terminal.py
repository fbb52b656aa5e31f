"""Tables and histograms of plain characters."""

BAR = 40    # columns of the longest bar
PARTS = " ▏▎▍▌▋▊▉█"


def table(rows, right=()):
    """Rows of texts as aligned lines; right: numbers of the columns that are aligned to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  " + "  ".join(cell.rjust(width) if place in right else cell.ljust(width)
                             for place, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows]


def histogram(title, counts):
    """A bar for each (label, count), as long as its share of the longest."""
    most, total = max((count for _, count in counts), default=0), sum(count for _, count in counts)
    if not total:
        return []
    rows = [(label, f"{count:,}", f"{count / total:.1%}", bar(count / most)) for label, count in counts]
    return ["", f"{title}:", *table(rows, right=(0, 1, 2))]


def bar(share):
    """A bar of eighths of a character."""
    eighths = round(share * BAR * 8)
    return "█" * (eighths // 8) + PARTS[eighths % 8].strip()


def binned(values, bins=10):
    """[(label, count)] of whole numbers in about `bins` ranges of equal width."""
    if not len(values):
        return []
    low, high = int(min(values)), int(max(values))
    width = max(1, -(-(high - low + 1) // bins))
    counts = {}
    for value in values:
        counts[(int(value) - low) // width] = counts.get((int(value) - low) // width, 0) + 1
    starts = range(low, high + 1, width)
    ends = [min(start + width - 1, high) for start in starts]
    return [(str(start) if start == end else f"{start}-{end}", counts.get(place, 0))
            for place, (start, end) in enumerate(zip(starts, ends))]


def size(number):
    """Bytes for people."""
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.1f} {unit}" if unit != "bytes" else f"{number} bytes"
        number /= 1000
    return f"{number:.1f} GB"
