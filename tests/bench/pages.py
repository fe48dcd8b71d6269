"""A hundred pages of a list, from a server that takes its time for each."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

PAGES, SIZE, DELAY = 100, 100, 0.05


@contextmanager
def prepared(folder: Path, quick: bool) -> Iterator[dict[str, Any]]:
    """The sandbox in a process of its own, so that server and client do not share an interpreter."""
    pages = 10 if quick else PAGES
    # Not round, and not one less: at 999, 1,000 or 10,000 rows servers stop, and no certificate says PASS.
    rows = pages * SIZE - 3
    command = [sys.executable, "-m", "tests.bench.server", str(rows), str(DELAY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url, key = server.stdout.readline().split()
        yield {"url": url, "key": key, "rows": rows, "cache": str(folder / "cache")}
        server.communicate("stop\n")


def _environment(facts: dict[str, Any], cache: str) -> None:
    os.environ["DOCFRAMES_VALIDOCX_BASE_URL"] = facts["url"]
    os.environ["DOCFRAMES_VALIDOCX_API_KEY"] = facts["key"]
    os.environ["DOCFRAMES_CACHE_DIR"] = cache


def cold(facts: dict[str, Any]) -> Callable[[], Any]:
    """``validocx.load_jobs()`` with an empty cache."""
    _environment(facts, tempfile.mkdtemp(dir=Path(facts["cache"]).parent))
    from docframes import validocx
    from docframes.tables.loads import load_record

    def work() -> Any:
        jobs = validocx.load_jobs(page_size=SIZE, progress=False)
        assert load_record(jobs).certificate.verdict == "PASS"
        return partial(_digest, jobs["job_id"])

    return work


def warm(facts: dict[str, Any]) -> Callable[[], Any]:
    """The same in a new process, after a load by another one filled the cache; no call is made."""
    _environment(facts, facts["cache"])
    from docframes import validocx
    from docframes.tables.loads import load_record

    filled = subprocess.run(
        [sys.executable, "-c", f"from docframes import validocx; validocx.load_jobs(page_size={SIZE})"], check=False
    )
    assert filled.returncode == 0

    def work() -> Any:
        jobs = validocx.load_jobs(page_size=SIZE, progress=False)
        assert load_record(jobs).calls == 0
        return partial(_digest, jobs["job_id"])

    return work


def loop(facts: dict[str, Any]) -> Callable[[], Any]:
    """What one would write: a session, a page after the other, a frame at the end."""
    import pandas as pd
    import requests

    def work() -> Any:
        rows: list[dict[str, Any]] = []
        with requests.Session() as session:
            session.headers["x-api-key"] = facts["key"]
            page, pages = 1, 1
            while page <= pages:
                params = {"page": page, "limit": SIZE, "sort_by": "created_at", "sort_order": "asc"}
                body = session.get(f"{facts['url']}/jobs", params=params, timeout=30).json()
                rows += body["data"]
                pages = body["pagination"]["total_pages"]
                page += 1
        return partial(_digest, pd.DataFrame(rows)["id"])

    return work


def _digest(ids: Any) -> dict[str, Any]:
    return {"rows": len(ids), "ids": hashlib.sha256("\n".join(ids).encode()).hexdigest()}
