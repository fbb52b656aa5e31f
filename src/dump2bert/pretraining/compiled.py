"""Compiling kernels: plain loops over arrays that numba turns into machine code, without Python's interpreter lock.

Compiled code is kept in the user's cache folder under a digest of the source of all kernels, so it survives copies and
moves of the project, and a kernel is never run with an old version of another that was compiled into it. (numba itself
looks at the time or the content of one file.) The first use after a change takes about 20 seconds.
"""

import contextlib
import functools
import hashlib
import os
import stat
import tempfile
from pathlib import Path

import numba
from numba.core.caching import Cache, InTreeCacheLocator
from numba.core.runtime import rtsys
from numba.np import linalg

SOURCES = Path(__file__).parent


@functools.cache
def digest_of_sources():
    """Of all modules beside this one that hold kernels."""
    sources = (path.read_bytes() for path in sorted(SOURCES.glob("*.py")))
    return hashlib.sha256(b"\0".join(text for text in sources if b"@kernel" in text or b"@inlined" in text)).hexdigest()


class KernelCache(InTreeCacheLocator):
    """Where numba keeps compiled code, and what tells that it is still good."""

    def get_cache_path(self):
        return str(self.folder() / f"kernels-{digest_of_sources()[:16]}")

    def folder(self):
        """Ours in the user's cache folder; OSError where there is none."""
        try:
            return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dump2bert"
        except RuntimeError as error:
            raise FileNotFoundError(str(error)) from error

    def get_source_stamp(self):
        return digest_of_sources()


class TemporaryKernelCache(KernelCache):
    """The same for a user without a cache folder, as often in a container."""

    def folder(self):
        return Path(tempfile.gettempdir()) / f"dump2bert-{os.getuid()}"

    def ensure_cache_path(self):
        """Others may write where the folder lies, and what is in it is executed: so it must be ours alone."""
        self.folder().mkdir(mode=0o700, exist_ok=True)
        found = os.lstat(self.folder())
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise PermissionError(f"{self.folder()} is not this user's alone")
        super().ensure_cache_path()


class NoKernelCache(KernelCache):
    """Where nothing can be kept: below a file that is none there is nothing, and saving fails."""

    @classmethod
    def from_function(cls, function, file):
        return cls(function, file)

    def folder(self):
        return Path(os.devnull)


# In the order in which they are tried; not numba's folder of the user: where that can be written, ours can.
numba.config.CACHE_LOCATOR_CLASSES = ",".join([f"{__name__}.KernelCache", "InTreeCacheLocator",
                                               f"{__name__}.TemporaryKernelCache", f"{__name__}.NoKernelCache"])


def ensure_no_blas():
    """In the place of numba's ensure_blas, which imports SciPy's linear algebra: that takes as long as all of numba, and no
    kernel uses it."""
    raise ImportError


linalg.ensure_blas = ensure_no_blas


def load_overload(cache, signature, target_context):
    """In the place of numba's, which first fills its tables for compiling: that takes longer than to load all kernels,
    and a kernel that comes from the cache needs none of them. (The compiler fills them itself.)"""
    rtsys.initialize(target_context)
    with contextlib.suppress(OSError):
        return cache._load_overload(signature, target_context)


def save_overload(cache, signature, data):
    """In the place of numba's, with which a full disk is an error: what is not kept is compiled again."""
    with contextlib.suppress(OSError):
        cache._save_overload(signature, data)


Cache.load_overload = load_overload
Cache.save_overload = save_overload

kernel = numba.njit(cache=True, nogil=True, error_model="numpy")
"""What Python calls."""

inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)
"""What kernels call: becomes part of them, so arrays are handed on without counting references."""
