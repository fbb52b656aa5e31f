"""Picking one member out of a zip or tar archive (tar also compressed: gzip, bzip2, xz)."""

import contextlib
import lzma
import shutil
import tarfile
import zipfile
import zlib

from dump2bert.corpus.checksum import some
from dump2bert.errors import BadInput
from dump2bert.files import atomic_write

BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError)


class Damaged(BadInput):
    """The archive cannot be unpacked."""


def pick_member(archive, member, output):
    """Write the content of `member` of the archive to `output`. BadInput where it is not there (says what is)."""
    with opened_member(archive, member) as content, atomic_write(output, "wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)


@contextlib.contextmanager
def opened_member(archive, member):
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as file:
                names = [info.filename for info in file.infolist() if not info.is_dir()]
                with file.open(found(member, names, archive)) as content:
                    yield content
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as file:
                names = [info.name for info in file if info.isfile()]
                while file.fileobj.read(1 << 20):    # to its end, where the checksum of what was compressed stands
                    pass
                with file.extractfile(found(member, names, archive)) as content:
                    yield content
        else:
            raise Damaged(f"{archive} is no sound zip or tar archive, so {member} cannot be taken out of it")
    except BROKEN as error:
        raise Damaged(f"{archive} cannot be unpacked: {error}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise Damaged(f"{archive} cannot be unpacked: {error}") from error    # of gzip and bzip2


def found(member, names, archive):
    """The archive's name of `member`; a leading `./` does not matter."""
    for name in names:
        if name.removeprefix("./") == member.removeprefix("./"):
            return name
    raise BadInput(f"{archive} has no member {member}; it holds {some(names, 20)}")
