"""Reading with errors that name file and line; writing so that nothing half-written is ever an output."""

import contextlib
import fcntl
import glob
import gzip
import hashlib
import json
import os
import re
import stat
import sys
import zlib
from pathlib import Path

from dump2bert.errors import BadInput

# How a packed file begins.
PACKINGS = {b"BZh": "bz2", b"\x1f\x8b": "gz", b"7z\xbc\xaf": "7z", b"\xfd7zX": "xz", b"PK\x03\x04": "zip",
            b"\x28\xb5\x2f\xfd": "zstd"}


# JSON writes characters beyond the first 65,536 as pairs, which are well; in the group is a half that stands alone.
HALVES = re.compile(r"\\(?:\\|u[dD][89abAB]..\\u[dD][c-fC-F]|(u[dD][89a-fA-F]..))")


@contextlib.contextmanager
def atomic_write(path, mode="w"):
    """Open a file beside `path` for writing; on success fsync it and rename it to `path`, on any error remove it.

    What killed writers of `path` left beside it is removed. Of a symbolic link, what it names is written; a device or
    pipe is opened as it is. Text is UTF-8 with "\\n" line ends. Errors of the file system (no space, no permission)
    become BadInput.
    """
    target = Path(os.path.realpath(path)) if os.path.islink(path) else Path(path)
    # The random part: processes on several machines or in containers may have the same number.
    beside = target.with_name(f".{target.name}.{os.getpid()}-{os.urandom(3).hex()}.part")
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    try:
        if is_device(path):
            with open(path, mode, **text) as file:
                yield file
            return
        make_folder(target.parent)
        remove_leftovers(target)
        with opened_locked(beside, mode, **text) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.replace(beside, target)     # before the lock is free, or others would remove it
        sync_folder(target.parent)
    except OSError as error:
        # Only errors about this very file (or a full disk) are ours to explain.
        if error.filename not in (None, str(path), *map(str, (beside, target, target.parent))):
            raise
        raise BadInput(f"{path} cannot be written: {error.strerror}") from error
    finally:
        # A folder that cannot be reached cannot hold a leftover either.
        with contextlib.suppress(OSError):
            beside.unlink()


def is_device(path):
    """Whether a device, a pipe or a socket is there: nothing that another file may replace."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def opened_locked(path, mode, **text):
    """Open a new file and lock it, so that it is not taken for a leftover."""
    while True:
        file = open(path, mode, **text)
        with contextlib.suppress(OSError):     # not every network disk has locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.path.exists(path):               # or it was removed before it was locked
            return file
        file.close()


def remove_leftovers(path):
    """Remove what killed writers of `path` left beside it: files whose lock nobody holds any more."""
    for name in glob.glob(f".{glob.escape(path.name)}.*.part", root_dir=path.parent):
        with contextlib.suppress(OSError), open(path.parent / name, "r+b") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its writer may have removed or renamed it since it was opened here.
            if os.path.samestat(os.fstat(left.fileno()), os.stat(left.name)):
                os.unlink(left.name)


def make_folder(folder):
    """Make `folder` and those above it where they are missing. BadInput where that cannot be."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise BadInput(f"{folder} cannot be written: it is a file, where a folder is needed") from error
    except OSError as error:
        raise BadInput(f"{folder} cannot be written: {error.strerror}") from error


def sync_folder(folder):
    """Make renames inside `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path, value):
    """Write `value` as indented JSON, atomically. NaN and infinity are refused (they are no JSON)."""
    with atomic_write(path) as file:
        json.dump(value, file, ensure_ascii=False, indent=1, allow_nan=False)
        file.write("\n")


def read_json(path):
    """The value of a JSON file. BadInput names file, line and what is wrong."""
    with opened(path) as file:
        return parsed(file.read(), path)


def parsed(text, where):
    """The value of a JSON text; BadInput, which begins with `where`, if it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where} is not valid JSON: {error}") from error
    half = next((found for found in HALVES.finditer(text) if found[1]), None)
    if half:
        number = text.count("\n", 0, half.start()) + 1
        line = f" line {number}" if "\n" in text.strip() else ""
        raise BadInput(f"{where}{line} holds half a character, \\{half[1]}, which no text can have")
    return value


def read_lines(path):
    """Yield (line number from 1, line without its line end) of a UTF-8 text, plain or .gz.

    Only "\\n" and "\\r\\n" end a line; a byte order mark is dropped. BadInput where the text is not UTF-8.
    """
    with opened(path, "rb") as file:
        yield from decoded_lines(file, path)


def decoded_lines(file, name):
    """read_lines of an open binary file; name: what errors call it."""
    for number, line in enumerate(file, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            packing = next((PACKINGS[magic] for magic in PACKINGS if line.startswith(magic)), None)
            if number == 1 and packing:
                raise BadInput(f"{name} holds data packed with {packing}: a text must be UTF-8, plain or packed once "
                               "with gzip and called .gz") from error
            raise BadInput(f"{name} line {number} is not UTF-8 (byte {error.start + 1}): convert the file, "
                           "for example with iconv") from error
        yield number, text.removesuffix("\n").removesuffix("\r")


class Given(str):
    """A text given on the command line, in the place of a file."""


def name_of(source):
    """What errors call a file, standard input (-) or a given text."""
    return "the given text" if isinstance(source, Given) else "standard input" if str(source) == "-" else source


def input_lines(source):
    """read_lines of records: of a file, of standard input (-) or of a Given text. Here "\\r" alone ends a line, too."""
    if isinstance(source, Given):
        lines = enumerate(source.removesuffix("\n").split("\n"))
    elif str(source) == "-":
        lines = decoded_lines(sys.stdin.buffer, name_of(source))
    else:
        lines = read_lines(source)
    # rstrip: what was given Windows' line ends twice ("\r\r\n") has no blank line after each.
    yield from enumerate((part for _, line in lines for part in line.rstrip("\r").split("\r")), 1)


def documents_of(lines):
    """Yield documents: lists of the non-blank lines between blank ones."""
    document = []
    for line in lines:
        if line:
            document.append(line)
        elif document:
            yield document
            document = []
    if document:
        yield document


def read_json_lines(path):
    """Yield (line number from 1, value) of a file with one JSON value a line; blank lines are skipped."""
    yield from json_lines(read_lines(path), path)


def json_lines(lines, name):
    """read_json_lines of numbered lines; name: what errors call their file."""
    for number, line in lines:
        if line.strip():
            yield number, parsed(line, f"{name} line {number}")


def sha256_of(path):
    """Hex SHA-256 of a file's content."""
    with opened(path, "rb", compressed=False) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def opened(path, mode="r", compressed=True):
    """Open for reading, .gz transparently, text as UTF-8 with or without a byte order mark; BadInput where the file is missing, unreadable or a broken .gz."""
    path, text = Path(path), {} if "b" in mode else {"encoding": "utf-8-sig"}
    try:
        if compressed and path.suffix == ".gz":
            file = gzip.open(path, mode + ("t" if text else ""), **text)
        else:
            file = open(path, mode, **text)
        with file:
            yield file
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise BadInput(f"{error.filename or path} cannot be read: {error.strerror}") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(f"{path} is no complete gzip file: {error}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 (byte {error.start + 1})") from error
