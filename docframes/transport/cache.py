"""Where answers are kept, and how a user looks after them: location, info, clear, offline."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import math
import re
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from docframes.errors import ConfigError
from docframes.settings import Settings
from docframes.transport import replay
from docframes.transport.store import BUSY_SECONDS
from docframes.transport.trouble import Trouble, is_full

#: The rooms, by name: what a cache file may be of.
VENDORS = ("docdigitizer", "papershift", "validis", "validocx", "veridox")
#: What stands for a vendor where a ledger was read from files.
READ_LEDGER = "read_ledger"
#: What stands for a vendor where something else lies in the folder, such as counts of calls.
OTHER = "other"

_offline: ContextVar[bool] = ContextVar("docframes_offline", default=False)


# --- where it is --------------------------------------------------------------------------------------------------


def location(settings: Settings | None = None) -> Path:
    """The folder of all caches; it need not exist yet."""
    settings = Settings.from_environment() if settings is None else settings
    return settings.cache_folder


def fingerprint(vendor: str, base_url: str, credential: str) -> str:
    """A short name for one account at one vendor, from which the credential cannot be had back."""
    return hashlib.sha256(f"docframes\0{vendor}\0{base_url}\0{credential}".encode()).hexdigest()[:12]


# --- offline ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Within this block every load is answered from the cache, however old, and no socket is opened.

    Raises :class:`.OfflineMiss`, naming the call, where the cache has no answer.
    """
    token = _offline.set(True)
    try:
        yield
    finally:
        _offline.reset(token)


def is_offline(settings: Settings) -> bool:
    """Whether the block or the setting says offline, or a capsule is open."""
    return settings.offline or _offline.get() or replay.current() is not None


# --- looking after it ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _File:
    path: Path
    vendor: str
    account: str

    @property
    def frames(self) -> Path:
        return self.path.with_suffix(".frames")

    def parts(self) -> list[Path]:
        """The database, and what SQLite puts beside it."""
        return [self.path, *self.path.parent.glob(f"{self.path.name}-*")]


def _files(settings: Settings | None, vendor: str | None) -> list[_File]:
    folder, found = location(settings), []
    # Kept frames may lie there without their answers, which somebody deleted.
    for stem in sorted({path.stem for kind in ("*.sqlite", "*.frames") for path in folder.glob(kind)}):
        match = re.fullmatch(r"([a-z]+)-([0-9a-f]{12})", stem)
        if match and vendor in (None, match[1]):
            found.append(_File(folder / f"{stem}.sqlite", match[1], match[2]))
    return found


def _ledgers(settings: Settings | None, vendor: str | None) -> list[Path]:
    """The stores of ledgers that ``read_ledger`` keeps; those of a vendor are with its frames."""
    stores = (path for path in location(settings).glob("ledgers/*") if not path.name.startswith("."))
    return sorted(stores) if vendor in (None, READ_LEDGER) else []


def info(*, settings: Settings | None = None) -> pd.DataFrame:
    """One row per vendor and account: answers kept, how many are past their lifetime, bytes on disk, oldest, newest.

    ``bytes`` counts frames, files and ledgers that are kept for the account too.  Ledgers that ``read_ledger`` keeps
    have a row each, under that name; ``other`` is whatever else takes space there.  ``note`` says why a file cannot be
    read.  Nothing of what the files hold is shown.
    """
    columns: dict[str, Any] = {
        "vendor": "str", "account": "str", "answers": "int64", "expired": "int64", "bytes": "int64",
        "oldest": "datetime64[us, UTC]", "newest": "datetime64[us, UTC]", "path": "str", "note": "str",
    }  # fmt: skip
    files, ledgers = _files(settings, None), _ledgers(settings, None)
    rows = [*map(_describe, files), *map(_describe_ledger, ledgers), *_describe_others(location(settings), files)]
    return pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=kind) for name, kind in columns.items()})


def _describe(file: _File) -> dict[str, Any]:
    row = _row(file.vendor, file.account, _size(file), file.path)
    if not file.path.exists():
        return row
    try:
        with contextlib.closing(sqlite3.connect(f"{file.path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            query = "SELECT count(*), total(expires <= ?), min({0}), max({0}) FROM responses"
            made = "json_extract(value, '$.created_at')"
            answers, expired, oldest, newest = connection.execute(query.format(made), (time.time(),)).fetchone()
    except sqlite3.Error as error:
        return row | {"note": f"{type(error).__name__}: {error}"}
    times = {"oldest": _moment(oldest), "newest": _moment(newest)}
    # Counted anew: looking into it may make SQLite put a file beside it, or take one away.
    return row | {"answers": answers, "expired": int(expired), "bytes": _size(file), **times}


def _describe_ledger(path: Path) -> dict[str, Any]:
    made = _moment(path.stat().st_mtime)
    row = _row(READ_LEDGER, path.name[:12], _bytes(path.iterdir() if path.is_dir() else [path]), path)
    return row | {"answers": 1, "oldest": made, "newest": made}


def _describe_others(folder: Path, files: list[_File]) -> list[dict[str, Any]]:
    """What lies in the folder itself, and drafts of ledgers; not below others' folders, which may be anything."""
    ours = {part for file in files for part in file.parts()}
    drafts = [part for path in folder.glob("ledgers/.*") for part in (path, *path.rglob("*"))]
    size = _bytes(part for part in (*folder.glob("*"), *drafts) if part not in ours)
    return [_row(OTHER, "", size, folder)] if size else []


def _row(vendor: str, account: str, size: int, path: Path) -> dict[str, Any]:
    return {
        "vendor": vendor, "account": account, "answers": 0, "expired": 0, "bytes": size,
        "oldest": pd.NaT, "newest": pd.NaT, "path": str(path), "note": "",
    }  # fmt: skip


def _moment(seconds: float | None) -> Any:
    return pd.NaT if seconds is None else pd.Timestamp(seconds, unit="s", tz="UTC")


def _size(file: _File) -> int:
    return _bytes((*file.parts(), *file.frames.rglob("*")))


def _bytes(paths: Iterable[Path]) -> int:
    """The size of those that are files; one may vanish meanwhile."""
    total = 0
    for path in paths:
        with contextlib.suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def clear(
    *,
    vendor: str | None = None,
    older_than: timedelta | None = None,
    dry_run: bool = False,
    settings: Settings | None = None,
) -> pd.DataFrame:
    """Forget kept answers: of one *vendor* or all, all or only those fetched longer ago than *older_than*.

    vendor : ``"read_ledger"`` is the ledgers that were read from files.

    Returns what was forgotten, one row per vendor and account; with ``dry_run=True`` what would be.  While a capsule is
    open nothing is forgotten: the notebook that runs in it is not about this cache.
    Raises ConfigError for a vendor that there is not, or a length of time below zero.
    """
    _check_vendor(vendor)
    if older_than is not None and older_than < timedelta(0):
        raise ConfigError(f"older_than is {older_than}; it must be a length of time from 0 up.")
    dry_run = dry_run or replay.current() is not None
    rows = []
    for file in _files(settings, vendor):
        answers = _clear_file(file, older_than, dry_run)
        rows.append({"vendor": file.vendor, "account": file.account, "answers": answers})
    for path in _ledgers(settings, vendor):
        old = older_than is None or path.stat().st_mtime < time.time() - older_than.total_seconds()
        if old and not dry_run:
            shutil.rmtree(path, ignore_errors=True)
        rows.append({"vendor": READ_LEDGER, "account": path.name[:12], "answers": int(old)})
    types = {"vendor": "str", "account": "str", "answers": "int64"}
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def _check_vendor(vendor: str | None) -> None:
    known = (*VENDORS, READ_LEDGER)
    if vendor is None or vendor in known:
        return
    near = difflib.get_close_matches(str(vendor).lower(), known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    msg = f"vendor is {vendor!r}, and nothing is kept under that name.{hint} "
    raise ConfigError(f"{msg}It is one of {', '.join(known)}.")


def _clear_file(file: _File, older_than: timedelta | None, dry_run: bool) -> int:
    # Emptied and not deleted: a client that has the file open, here or in another process, would go on reading it.
    limit = math.inf if older_than is None else time.time() - older_than.total_seconds()
    old = "json_extract(value, '$.created_at') < ?"
    answers = 0
    if not dry_run:
        # First, since a full disk lets nothing be deleted from a database before there is room.
        shutil.rmtree(file.frames, ignore_errors=True)
    if not file.path.exists():
        return 0
    try:
        with contextlib.closing(sqlite3.connect(file.path, timeout=BUSY_SECONDS)) as connection:
            answers = connection.execute(f"SELECT count(*) FROM responses WHERE {old}", (limit,)).fetchone()[0]  # noqa: S608
            if not dry_run:
                connection.execute(f"DELETE FROM responses WHERE {old}", (limit,))  # noqa: S608
                connection.commit()
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        if dry_run or older_than is not None or not is_full(error):
            Trouble().of_answers(file.path, error)
            return 0
        _delete(file)
    except (sqlite3.DatabaseError, OSError):
        # Not a cache any more, so there is nothing in it to keep.
        if not dry_run:
            _delete(file)
        return 0
    return int(answers)


def _delete(file: _File) -> None:
    for part in file.parts():
        part.unlink(missing_ok=True)
    shutil.rmtree(file.frames, ignore_errors=True)
