"""Compiling kernels: plain loops over arrays that numba turns into machine code, without Python's interpreter lock.

Compiled code is kept in the user's cache folder under a digest of the source of all kernels, so it survives copies and
moves of the project, and a kernel is never run with an old version of another that was compiled into it. (numba itself
looks at the time or the content of one file.) The first use after a change takes about 20 seconds.
"""

import functools
import hashlib
import os
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
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return str(Path(cache) / "dump2bert" / f"kernels-{digest_of_sources()[:16]}")

    def get_source_stamp(self):
        return digest_of_sources()


# Where the cache folder cannot be written numba's own places are tried.
numba.config.CACHE_LOCATOR_CLASSES = f"{__name__}.KernelCache,InTreeCacheLocator,UserWideCacheLocator"


def ensure_no_blas():
    """In the place of numba's ensure_blas, which imports SciPy's linear algebra: that takes as long as all of numba, and no
    kernel uses it."""
    raise ImportError


linalg.ensure_blas = ensure_no_blas


def load_overload(cache, signature, target_context):
    """In the place of numba's, which first fills its tables for compiling: that takes longer than to load all kernels,
    and a kernel that comes from the cache needs none of them. (The compiler fills them itself.)"""
    rtsys.initialize(target_context)
    with cache._guard_against_spurious_io_errors():
        return cache._load_overload(signature, target_context)


Cache.load_overload = load_overload

kernel = numba.njit(cache=True, nogil=True, error_model="numpy")
"""What Python calls."""

inlined = numba.njit(nogil=True, error_model="numpy", forceinline=True)
"""What kernels call: becomes part of them, so arrays are handed on without counting references."""
