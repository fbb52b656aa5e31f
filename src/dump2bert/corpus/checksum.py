"""Checksums of downloads: given, or looked up in the sums file that a mirror publishes beside its files."""

import hashlib
import re
from typing import NamedTuple

from dump2bert.errors import BadInput

ALGORITHM_OF_LENGTH = {32: "md5", 40: "sha1", 64: "sha256"}
SUMS_LINE = re.compile(r"([0-9a-fA-F]+)\s+\*?(\S.*)")


class Checksum(NamedTuple):
    algorithm: str
    hex: str


def checksum_of(hex_digits):
    """The Checksum that a text of hex digits means, its algorithm told by the length."""
    digits = hex_digits.strip().lower()
    if len(digits) not in ALGORITHM_OF_LENGTH or not re.fullmatch("[0-9a-f]+", digits):
        raise BadInput(f"{hex_digits!r} is no checksum: give 64 hex digits (sha256), 40 (sha1) or 32 (md5)")
    return Checksum(ALGORITHM_OF_LENGTH[len(digits)], digits)


def find_sum(sums, name, sums_url):
    """The Checksum of the file `name` in the text of a sums file (lines `<hex>  <name>`).

    The sums file of Wikimedia's latest/ folder lists dated names (zhwiki-20240101-...), while the files there are
    called zhwiki-latest-...: a date stands for `latest`.
    """
    listed = {match[2].strip().rsplit("/", 1)[-1]: match[1]
              for match in map(SUMS_LINE.fullmatch, sums.splitlines()) if match}
    if name in listed:
        return checksum_of(listed[name])
    if "latest" in name:
        dated = re.compile(re.escape(name).replace("latest", r"\d{8}", 1))
        found = {listed[other] for other in listed if dated.fullmatch(other)}
        if len(found) == 1:
            return checksum_of(found.pop())
    raise BadInput(f"{sums_url} has no sum for {name}; it lists {some(listed)}")


def some(names, most=8):
    """`a, b, c` of up to `most` names, and how many more there are."""
    names = sorted(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "nothing") + more


def file_checksum(path, algorithm):
    """Hex digest of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
