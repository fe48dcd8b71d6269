"""Where Arrow takes the pieces of a ledger from, and gives them back to, soon and often.

jemalloc keeps them for the next piece; with Arrow's own choice up to a quarter of the time goes into pages that the
system hands out anew.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pyarrow as pa

_lock = threading.Lock()
_inside: list[pa.MemoryPool] = []


@contextlib.contextmanager
def from_pool() -> Iterator[None]:
    """Within the block Arrow takes its memory from jemalloc, where it was built with it.

    The choice is one for the whole process, so the last block that ends puts Arrow's own back.
    """
    with _lock:
        _inside.append(pa.default_memory_pool() if not _inside else _inside[0])
        with contextlib.suppress(NotImplementedError):
            pa.set_memory_pool(pa.jemalloc_memory_pool())
    try:
        yield
    finally:
        with _lock:
            usual = _inside.pop()
            if not _inside:
                pa.set_memory_pool(usual)
