"""Trouble with a cache, told once: a fault of one file once, a full or closed folder once for all that lies in it."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import threading
from pathlib import Path

from docframes.errors import CacheWarning, warn

#: No space is left, or no more of it for this user.
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_A_FEW_PAGES = 200_000  # bytes
#: Nothing can be written.
_CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
#: SQLite's codes for the same: full, read-only, no permission, cannot be opened, input or output failed.
_SQLITE_FULL, _SQLITE_CLOSED = {13}, {8, 3, 14, 10}


class Trouble:
    """What one client has met and told.  Each kind of file has a fault of its own; a folder's is all of theirs."""

    def __init__(self) -> None:
        self._told: set[Path] = set()
        self._lock = threading.Lock()
        self.everywhere = False  #: the folder itself is full or closed, so nothing more is tried in it

    def of_answers(self, path: Path, error: Exception) -> None:
        """The store of answers cannot be used."""
        msg = "Loading goes on without it, at full cost in calls. docframes.cache.clear() deletes it; "
        self._tell(path, error, f"The cache {path.name}", msg + "DOCFRAMES_CACHE_DIR names another folder.")

    def of_frames(self, path: Path, error: Exception) -> None:
        """Frames of a finished load cannot be kept, or cannot be read again."""
        msg = "The load is made from its answers, now and the next time. docframes.cache.clear() deletes it; "
        self._tell(path, error, f"The kept load {path.name}", msg + "DOCFRAMES_CACHE_DIR names another folder.")

    def of_count(self, path: Path, error: Exception) -> None:
        """Calls cannot be counted."""
        what = f"Calls cannot be counted, since {path.name}"
        msg = "They are made all the same, so the vendor's limit may be met without notice. Delete the file, or set "
        self._tell(path, error, what, msg + "DOCFRAMES_CACHE_DIR.")

    def of_files(self, path: Path, error: Exception) -> None:
        """A ledger, or the files it comes from, cannot be kept, or was kept and is damaged."""
        msg = "It is loaded all the same, at full cost. DOCFRAMES_CACHE_DIR names another folder."
        self._tell(path, error, f"The kept {path.name}", msg)

    def _tell(self, path: Path, error: Exception, what: str, what_now: str) -> None:
        where = next((one.parent for one in path.parents if one.suffix == ".frames"), path.parent)
        closed = _is(error, _CLOSED, _SQLITE_CLOSED) or not where.is_dir()
        full = is_full(error) or (closed and _has_no_room(where))
        with self._lock:
            if self.everywhere or (path in self._told and not (full or closed)):
                return
            self._told.add(path)
            self.everywhere = full or closed
        why = f"{type(error).__name__}: {error}"
        what = f"{what} in {where}"
        if full or closed:
            what = f"The cache folder {where}"
            what_now = "Loading goes on without it, at full cost in calls, and calls are not counted. "
            what_now += "Make room there" if full else "Make it writable"
            what_now += ", or name another folder: DOCFRAMES_CACHE_DIR."
        warn(f"{what} cannot be used ({why}). {what_now}", CacheWarning)


def _has_no_room(folder: Path) -> bool:
    """Whether the disk is full: SQLite calls that an input or output error where it cannot make its second file."""
    try:
        return shutil.disk_usage(folder).free < _A_FEW_PAGES
    except OSError:
        return False


def is_full(error: Exception) -> bool:
    """Whether no space is left."""
    return _is(error, _FULL, _SQLITE_FULL)


def _is(error: Exception, numbers: set[int], codes: set[int]) -> bool:
    if isinstance(error, sqlite3.Error):
        # An extended code holds the plain one in its last byte; errors that Python raises itself have none.
        return getattr(error, "sqlite_errorcode", -1) & 0xFF in codes
    causes = [error, error.__cause__]
    return any(isinstance(one, OSError) and one.errno in numbers for one in causes)
