"""Frames of finished loads, kept on disk so that the same load opens at once.

A kept load is no older than the oldest answer it was made of, and never holds what an answer in the cache may not.
Files are written under a temporary name and renamed; one that cannot be read counts as not there.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from docframes.folders import replacing

#: What is done about a folder that cannot be used, and why it cannot.
Tell = Callable[[Path, Exception], None]

#: Part of every key: another layout of kept files is another key.
LAYOUT = 2
#: Seconds after which a kept load is deleted.
LONGEST_KEPT = 30 * 24 * 3600.0
_META = b"docframes"
_ANSWERS = ".answers.json"


def _say_nothing(folder: Path, error: Exception) -> None:
    """Whoever gives no *tell* wants nothing told."""


@dataclass(frozen=True)
class Kept:
    """A finished load as it was kept."""

    tables: dict[str, pa.Table]
    facts: dict[str, Any]
    answers: list[dict[str, Any]]
    expires: datetime


def key_of(**parts: Any) -> str:
    """The name of a load: a digest of everything that decides what its frames hold."""
    text = orjson.dumps({"layout": LAYOUT, **parts}, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.sha256(text).hexdigest()[:32]


def keep(
    folder: Path,
    key: str,
    tables: Mapping[str, pa.Table],
    facts: Mapping[str, Any],
    answers: bytes,
    expires: datetime,
    *,
    tell: Tell = _say_nothing,
) -> None:
    """Write *tables* and *facts*; a folder that cannot be written costs the next load its speed, nothing else.

    answers : the notes of the answers that the load was made of, a JSON list.  tell : called with the folder and the
    error where it cannot be written.
    """
    digest = hashlib.sha256(answers).hexdigest()
    told = {"facts": facts, "expires": expires.isoformat(), "tables": list(tables), "answers": digest}
    header = orjson.dumps(told, default=str)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _forget_old(folder)
        with replacing(folder / f"{key}{_ANSWERS}") as file:
            file.write(answers)
        for name, table in tables.items():
            _write(folder / f"{key}.{name}.arrow", table.replace_schema_metadata({_META: header}))
    except FileNotFoundError:
        pass  # cleared meanwhile
    except OSError as error:
        tell(folder, error)


def _forget_old(folder: Path) -> None:
    """Delete what was kept so long ago that nobody comes back to it: each moved list leaves a file behind."""
    limit = time.time() - LONGEST_KEPT
    for path in (*folder.glob("*.arrow"), *folder.glob(f"*{_ANSWERS}")):
        if path.stat().st_mtime < limit:
            path.unlink(missing_ok=True)


def _write(path: Path, table: pa.Table) -> None:
    with replacing(path) as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def find(
    folder: Path, key: str, names: list[str], *, however_old: bool = False, tell: Tell = _say_nothing
) -> Kept | None:
    """The load kept as *key*, with the tables *names*; None where it is not there, cannot be read or has expired.

    tell : called with the folder and the error where it is there and cannot be read.
    """
    try:
        tables = {name: _read(folder / f"{key}.{name}.arrow") for name in names}
        headers = {table.schema.metadata[_META] for table in tables.values()}
        # Two processes may have kept the same load at once; tables of different loads are not mixed.
        if len(headers) != 1:
            return None
        header = orjson.loads(headers.pop())
        expires = datetime.fromisoformat(header["expires"])
        answers = (folder / f"{key}{_ANSWERS}").read_bytes()
        if hashlib.sha256(answers).hexdigest() != header["answers"]:
            return None
        notes = orjson.loads(answers)
    except FileNotFoundError:
        return None
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        tell(folder, error)
        return None
    if expires <= datetime.now(UTC) and not however_old:
        return None
    return Kept(tables, header["facts"], notes, expires)


def _read(path: Path) -> pa.Table:
    # Read, not mapped: another process may replace the file while the frame is in use.
    with path.open("rb") as file:
        return pa.ipc.open_file(pa.py_buffer(file.read())).read_all()
