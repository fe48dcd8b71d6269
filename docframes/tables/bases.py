"""What a load with ``updated_after="last"`` goes on from: all rows of the last one, and the moment to ask from.

Each load makes a base: a small file that names another one with the rows.  Neither is ever changed: they are named by
what is in them, written under a temporary name and renamed.  One more file says which base is the present one, so two
processes at once leave one of two good states.  Bases do not expire with the answers; one that cannot be read counts as
not there, and the next load is a full one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from docframes.folders import replacing
from docframes.tables.kept import Tell

SUFFIX, ROWS, POINTER = ".base", ".rows", ".last"
#: Seconds for which a base that is neither the present nor the one before stays: a session that read it may yet
#: put it into a capsule, and another process may be about to name it.
SPARED = 24 * 3600.0


@dataclass(frozen=True)
class Base:
    """All rows as of a load, and how the next load goes on."""

    table: pa.Table
    mark: datetime | None  #: changes after it, by the vendor's clock, may not be in the rows; None: load in full
    doubt: str  #: why it is not proven that these are all rows; empty where it is
    generation: int = 0  #: loads between it and the first one
    rows: str = ""  #: name of the file with the rows, where there is one
    name: str = ""  #: of its own file, where there is one
    facts: Mapping[str, Any] | None = None  #: the record of the load that gave it, as plain values

    @property
    def files(self) -> tuple[str, str]:
        """The names of both."""
        return self.name, self.rows


def find(folder: Path, key: str, tell: Tell) -> Base | None:
    """The present base of *key*, or the one before where that cannot be read; None where there is none.

    Where nothing says which is the present one, it is the oldest: what follows from it can be loaded again.
    tell : called with the folder and the error where a file is there and cannot be read.
    """
    said = _said(folder, key, tell)
    for name in (said.get("present"), said.get("before")):
        found = _read(folder, name, tell)
        if found is not None:
            return dataclasses.replace(found, facts=said.get("facts") if name == said["present"] else None)
    return None if said else min(_all(folder, key, tell), key=lambda base: base.generation, default=None)


def keep(folder: Path, key: str, base: Base, facts: Mapping[str, Any]) -> tuple[str, str]:
    """Make *base* the present one, and give the names of its files; rows that have a file are not written again.

    Raises OSError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    rows = base.rows
    if not rows or not (folder / rows).exists():
        rows = _write_once(folder, key, ROWS, _rows_bytes(base.table))
    mark = None if base.mark is None else base.mark.isoformat()
    told = {"rows": rows, "mark": mark, "doubt": base.doubt, "generation": base.generation}
    name = _write_once(folder, key, SUFFIX, orjson.dumps(told))
    said = _said(folder, key, _say_nothing)
    before = said.get("before") if said.get("present") == name else said.get("present")
    with replacing(folder / pointer(key)) as file:
        file.write(orjson.dumps({"present": name, "before": before, "facts": facts}, default=str))
    _forget(folder, key, {name, before})
    return name, rows


def used(folder: Path, name: str) -> Path:
    """The file of that name, which stays for a day from now."""
    path = folder / name
    with contextlib.suppress(OSError):
        os.utime(path)
    return path


def pointer(key: str) -> str:
    """The name of the file that says which base is the present one."""
    return f"{key}{POINTER}"


# --- reading ------------------------------------------------------------------------------------------------------


def _say_nothing(folder: Path, error: Exception) -> None:
    """What was met when a base was looked for was told then."""


def _said(folder: Path, key: str, tell: Tell) -> dict[str, Any]:
    try:
        said = orjson.loads((folder / pointer(key)).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        tell(folder, error)
        return {}
    return said if isinstance(said, dict) and isinstance(said.get("present"), str) else {}


def _all(folder: Path, key: str, tell: Tell) -> Iterator[Base]:
    for path in folder.glob(f"{key}.*{SUFFIX}"):
        found = _read(folder, path.name, tell)
        if found is not None:
            yield found


def _read(folder: Path, name: Any, tell: Tell) -> Base | None:
    if not isinstance(name, str):
        return None
    try:
        told = orjson.loads((folder / name).read_bytes())
        mark = None if told["mark"] is None else datetime.fromisoformat(told["mark"])
        rows = (folder / told["rows"]).read_bytes()
        table = pa.ipc.open_file(pa.py_buffer(rows)).read_all()
        return Base(table, mark, told["doubt"], told["generation"], told["rows"], name)
    except FileNotFoundError:
        return None
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        tell(folder, error)
        return None


# --- writing ------------------------------------------------------------------------------------------------------


def _rows_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def _write_once(folder: Path, key: str, suffix: str, data: bytes) -> str:
    """The name of the file with just these bytes."""
    name = f"{key}.{hashlib.sha256(data).hexdigest()[:16]}{suffix}"
    if not (folder / name).exists():
        with replacing(folder / name) as file:
            file.write(data)
    used(folder, name)
    return name


def _forget(folder: Path, key: str, wanted: set[str | None]) -> None:
    """Delete the bases that nobody comes back to, and then the rows that no base names."""
    _delete_old(folder, f"{key}.*{SUFFIX}", wanted)
    named: set[str | None] = set()
    for path in folder.glob(f"{key}.*{SUFFIX}"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            named.add(orjson.loads(path.read_bytes())["rows"])
    _delete_old(folder, f"{key}.*{ROWS}", named)


def _delete_old(folder: Path, pattern: str, wanted: set[str | None]) -> None:
    limit = time.time() - SPARED
    for path in folder.glob(pattern):
        with contextlib.suppress(OSError):
            if path.name not in wanted and path.stat().st_mtime < limit:
                path.unlink()
