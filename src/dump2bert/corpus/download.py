"""Fetching a file: several mirrors in order, transfers that go on where they stopped, checksums, archives.

While a file is on its way it lies beside the output as `<name>.part`, with `<name>.part.json` saying what it is a part
of. The next run goes on from there if the server still has the same file (If-Range). Nothing gets the output's name
before its checksum is right.
"""

import errno
import http.client
import json
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from dump2bert import __version__
from dump2bert.corpus.archive import Damaged, pick_member
from dump2bert.corpus.checksum import checksum_of, file_checksum, find_sum
from dump2bert.errors import BadInput
from dump2bert.files import make_folder, sync_folder
from dump2bert.progress import SECONDS_BETWEEN_LINES, duration, say

TIMEOUT = 60                      # seconds without a byte
PAUSES = (1, 5, 15, 30)           # seconds before the next try after a failure that may pass
BLOCK = 1 << 20                   # bytes
PASSING = {408, 425, 429, 500, 502, 503, 504}


class Unreachable(Exception):
    """One mirror does not serve the file. The message says why."""


class Dropped(Exception):
    """The transfer ended early; it may go on with another try."""


def download(urls, output, sha256=None, sums_url=None, member=None):
    """Fetch the file that all `urls` (mirrors; https, http, file or a path) hold and write it, or its `member`, to
    `output`.

    sha256, sums_url: what the download's checksum must be, or where the mirror lists it. The checksum is that of the
    archive where a member is taken. BadInput where no mirror serves the file, or where the checksum is wrong.
    """
    for url in (*urls, *([sums_url] if sums_url else [])):
        check_address(url)
    output = Path(output)
    part = output.with_name(output.name + ".part")
    reasons = []
    for url in urls:
        try:
            expected = checksum_of(sha256) if sha256 else listed_sum(sums_url, url, part) if sums_url else None
            fetch(url, part)
            check(part, expected, url)
        except Unreachable as reason:
            say(f"{reason}")
            reasons.append(str(reason))
            continue
        finish(part, output, member)
        return
    raise BadInput("; ".join(reasons))


def check_address(url):
    """BadInput where an address cannot be one."""
    try:
        parts = urlsplit(str(url))
        host, _ = parts.hostname, parts.port    # read, since the port is looked at only then
    except ValueError as error:
        raise BadInput(f"{url} is no address: {error}") from error
    if parts.scheme in ("http", "https") and not host:
        raise BadInput(f"{url} is no address: it names no host")


def listed_sum(sums_url, url, part):
    """The checksum that the sums file at `sums_url` lists for the file at `url`."""
    sums = part.with_name(part.name + ".sums")
    forget(sums)     # an old one may list sums of another day
    fetch(sums_url, sums)
    text = sums.read_text(encoding="utf-8", errors="replace")
    forget(sums)
    return find_sum(text, unquote(urlsplit(url).path).rsplit("/", 1)[-1], sums_url)


def check(part, expected, url):
    """Compare checksums; a wrong download is removed, since nothing of it can be trusted."""
    if expected is None:
        return
    actual = file_checksum(part, expected.algorithm)
    if actual != expected.hex:
        forget(part)
        raise Unreachable(f"{url} has the {expected.algorithm} {actual}, but {expected.hex} is expected: "
                          "nothing was kept")


def finish(part, output, member):
    if member:
        try:
            pick_member(part, member, output)
        except Damaged as error:
            forget(part)
            raise BadInput(f"{error}; nothing was kept, the same command fetches it anew") from error
    else:
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        os.replace(part, output)
        sync_folder(output.parent)
    forget(part)


def identity_file(part):
    return part.with_name(part.name + ".json")


def forget(part):
    part.unlink(missing_ok=True)
    identity_file(part).unlink(missing_ok=True)


def fetch(url, part):
    """Bring the whole file to `part`, going on where an earlier try stopped. Only tries that bring nothing count."""
    most, pauses = size(part), iter(PAUSES)
    while True:
        before = size(part)
        try:
            return transfer(url, part)
        except Dropped as reason:
            if size(part) > most:
                most, pauses = size(part), iter(PAUSES)
            pause = next(pauses, None)
            if pause is None:
                kept = f"; the {size(part)} bytes so far are kept in {part}" if size(part) else ""
                raise Unreachable(f"{reason}{kept}") from reason
            say(f"{reason}; {size(part) - before} bytes came, trying again in {pause} s")
            time.sleep(pause)


def size(part):
    return part.stat().st_size if part.exists() else 0


def transfer(url, part):
    """One try. Raises Dropped where another may help, Unreachable where not."""
    start, headers = resumption(url, part)
    try:
        answer = connected(url, headers)
    except urllib.error.HTTPError as error:      # 416: the range lies beyond the file's end
        with error:
            if error.headers.get("Content-Range", "").rpartition("/")[2] == str(start):
                return
        forget(part)
        raise Dropped(f"{url} is another file than the part that lies here") from error
    with answer:
        total = answer.length
        if answer.status == 206:
            first, total = content_range(answer.headers.get("Content-Range", ""))
            if first != start:
                forget(part)
                raise Dropped(f"{url} sent another range than asked for")
        else:
            start = 0
        make_folder(part.parent)
        try:
            if not start:     # or a kill before it is empty would leave the old one with the new identity
                part.unlink(missing_ok=True)
            identity_file(part).write_text(json.dumps(identity(url, answer.headers, total)), encoding="utf-8")
            with open(part, "ab" if start else "wb") as file:
                copy(answer, file, start, total, url)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise BadInput(f"the disk of {part.parent} is full; the {size(part)} bytes so far are kept: make room "
                               "and give the same command again") from error
            if error.filename:
                raise BadInput(f"{error.filename} cannot be written: {error.strerror}") from error
            raise Dropped(f"{url}: {why(error, url)}") from error
    if total is not None and size(part) != total:
        raise Dropped(f"{url} ended after {size(part)} of {total} bytes")
    if not size(part):
        forget(part)
        raise Unreachable(f"{url} is empty")


def copy(answer, file, start, total, url):
    """Copy the body, saying how far it is."""
    said = began = time.monotonic()
    done = start
    say(f"{url}: {megabytes(total)}" + (f", going on after {megabytes(start)}" if start else ""))
    while True:
        try:
            block = answer.read(BLOCK)
        except (http.client.HTTPException, ssl.SSLError) as error:
            raise Dropped(f"{url}: the connection broke ({error})") from error
        if not block:
            break
        file.write(block)
        done += len(block)
        now = time.monotonic()
        if now - said >= SECONDS_BETWEEN_LINES:
            said = now
            rate = (done - start) / (now - began)
            left = f" ({done / total:.0%}), {duration((total - done) / rate)} left" if total else ""
            say(f"{megabytes(done)} of {megabytes(total)}, {rate / 1e6:.1f} MB/s{left}")


def megabytes(count):
    return "unknown size" if count is None else f"{count / 1e6:.1f} MB"


def identity(url, headers, total):
    """What must stay the same for a part to be continued."""
    return {"url": url, "etag": headers.get("ETag"), "last_modified": headers.get("Last-Modified"), "length": total}


def resumption(url, part):
    """(bytes that are there, headers that ask for the rest). Nothing is there where it cannot be told what it is."""
    try:
        known = json.loads(identity_file(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    etag = known.get("etag") or ""
    # A weak ETag (W/) says "equivalent", not "the same bytes": no ground for joining two pieces.
    validator = etag if etag and not etag.startswith("W/") else known.get("last_modified")
    there = size(part)
    if known.get("url") != url or not validator or not there:
        return 0, {}
    return there, {"Range": f"bytes={there}-", "If-Range": validator}


def content_range(value):
    """"bytes 5-9/10" -> (5, 10); None where the server does not say."""
    span, _, total = value.removeprefix("bytes ").partition("/")
    return tuple(int(number) if number.isdecimal() else None for number in (span.partition("-")[0], total))


def connected(url, headers=None):
    """The answer of a server, or an opened file. HTTPError only for 416; all else is Unreachable or Dropped."""
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return opened_file(Path(unquote(parts.path) if parts.scheme else url))
    if parts.scheme not in ("http", "https"):
        raise BadInput(f"{url} cannot be fetched: only https, http, file and paths are known")
    # Addresses are ASCII; what is escaped already stays so.
    request = urllib.request.Request(quote(url, safe="%/:=&?~#+!$,;'@()*[]"), headers={
        "User-Agent": f"dump2bert/{__version__}", "Accept-Encoding": "identity", **(headers or {})})
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416:
            raise
        kind = Dropped if error.code in PASSING else Unreachable
        raise kind(f"{url} answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise reason_of(error.reason, url) from error
    except (OSError, http.client.HTTPException) as error:
        raise reason_of(error, url) from error


def reason_of(error, url):
    lasting = (socket.gaierror, ConnectionRefusedError, ssl.SSLCertVerificationError)
    return (Unreachable if isinstance(error, lasting) else Dropped)(f"{url}: {why(error, url)}")


def why(error, url):
    """A failure in words that help."""
    host = urlsplit(url).netloc
    if isinstance(error, socket.gaierror):
        return f"the host {host} is not known (is there a network?)"
    if isinstance(error, ConnectionRefusedError):
        return f"{host} refuses the connection"
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT} s"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def opened_file(path):
    """A local file, with what `transfer` asks of an answer."""
    try:
        file = open(path, "rb")
    except OSError as error:
        raise Unreachable(f"{path} cannot be read: {error.strerror}") from error
    file.status, file.headers, file.length = 200, {}, path.stat().st_size
    return file
