"""A folder for what a stage needs while it runs, beside its outputs, where there should be room for it."""

import contextlib
import fcntl
import shutil
import tempfile
from pathlib import Path

from dump2bert.errors import BadInput
from dump2bert.files import make_folder


@contextlib.contextmanager
def working_folder(beside):
    """The path of a new folder in the folder of the file `beside`; gone in the end, whatever happens.

    Folders of processes that were killed are removed: nobody holds their lock any more. BadInput on a full disk.
    """
    parent = Path(beside).parent
    make_folder(parent)
    for left in parent.glob(".pretraining_data.*.part"):
        remove_if_dead(left)
    folder = parent
    try:
        # A name of its own, since other machines may share the parent; locked before anybody takes it for left behind.
        folder = Path(tempfile.mkdtemp(prefix=".pretraining_data.", dir=parent))
        with open(folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder = folder.rename(f"{folder}.part")
            yield folder
    except OSError as error:
        if error.filename is not None and Path(error.filename) != folder and folder not in Path(error.filename).parents:
            raise
        raise BadInput(f"{parent} cannot be written: {error.strerror} (working files of a few times the text's size are "
                       "kept beside the outputs)") from error
    finally:
        if folder != parent:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def naming(path):
    """Say in an error of the file system which file it is about."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise


def remove_if_dead(folder):
    """Remove a working folder unless its process is alive."""
    with contextlib.suppress(OSError), open(folder / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
