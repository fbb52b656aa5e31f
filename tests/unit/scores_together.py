"""Whether a precision, a recall and an F1 that were printed can be true together."""

import re


def together(precision, recall, f1, digits=6):
    """Whether the three, rounded to so many digits, can be one another's."""
    half = 0.5 * 10.0 ** -digits
    lowest, highest = (harmonic(precision + sign * half, recall + sign * half) for sign in (-1, 1))
    return lowest - half <= f1 <= highest + half


def harmonic(first, second):
    return 2 * first * second / (first + second) if first + second > 0 else 0.0


def printed(text):
    """[(precision, recall, f1)] of the lines of a command's output."""
    numbers = re.findall(r"^Precision (\S+)\s*\nRecall (\S+)\s*\nF1 (\S+)", text, flags=re.M)
    return [tuple(map(float, three)) for three in numbers]
