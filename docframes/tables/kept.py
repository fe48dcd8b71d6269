"""Frames of finished loads, kept on disk so that the same load opens at once.

A kept load is no older than the oldest answer it was made of, and never holds what an answer in the cache may not.
Files are written under a temporary name and renamed; one that cannot be read counts as not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

#: Part of every key: another layout of kept files is another key.
LAYOUT = 1
#: Seconds after which a kept load is deleted.
LONGEST_KEPT = 30 * 24 * 3600.0
_META = b"docframes"


@dataclass(frozen=True)
class Kept:
    """A finished load as it was kept."""

    tables: dict[str, pa.Table]
    facts: dict[str, Any]
    expires: datetime


def key_of(**parts: Any) -> str:
    """The name of a load: a digest of everything that decides what its frames hold."""
    text = orjson.dumps({"layout": LAYOUT, **parts}, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(text).hexdigest()[:32]


def keep(folder: Path, key: str, tables: Mapping[str, pa.Table], facts: Mapping[str, Any], expires: datetime) -> None:
    """Write *tables* and *facts*; a folder that cannot be written costs the next load its speed, nothing else."""
    header = orjson.dumps({"facts": facts, "expires": expires.isoformat(), "tables": list(tables)}, default=str)
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _forget_old(folder)
        for name, table in tables.items():
            _write(folder / f"{key}.{name}.arrow", table.replace_schema_metadata({_META: header}))


def _forget_old(folder: Path) -> None:
    """Delete what was kept so long ago that nobody comes back to it: each moved list leaves a file behind."""
    limit = time.time() - LONGEST_KEPT
    for path in folder.glob("*.arrow"):
        if path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)


def _write(path: Path, table: pa.Table) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def find(folder: Path, key: str, names: list[str], *, however_old: bool = False) -> Kept | None:
    """The load kept as *key*, with the tables *names*; None where it is not there, cannot be read or has expired."""
    try:
        tables = {name: _read(folder / f"{key}.{name}.arrow") for name in names}
        headers = {table.schema.metadata[_META] for table in tables.values()}
        # Two processes may have kept the same load at once; tables of different loads are not mixed.
        if len(headers) != 1:
            return None
        header = orjson.loads(headers.pop())
        expires = datetime.fromisoformat(header["expires"])
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException):
        return None
    if expires <= datetime.now(UTC) and not however_old:
        return None
    return Kept(tables, header["facts"], expires)


def _read(path: Path) -> pa.Table:
    # Read, not mapped: another process may replace the file while the frame is in use.
    with path.open("rb") as file:
        return pa.ipc.open_file(pa.py_buffer(file.read())).read_all()
