"""The time an import takes, in a new interpreter: medians of several, since one is short."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

TIMES = 5


def ours(facts: dict[str, Any]) -> Callable[[], Any]:
    """``import docframes``, and pandas with it, as every use of docframes does."""
    return lambda: _timed("import docframes, pandas")


def peer(facts: dict[str, Any]) -> Callable[[], Any]:
    """``import pandas``."""
    return lambda: _timed("import pandas")


def _timed(statement: str) -> dict[str, Any]:
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)
        times.append(time.perf_counter() - began)
    return {"seconds": sorted(times)[TIMES // 2]}
