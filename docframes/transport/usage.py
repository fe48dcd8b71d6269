"""What has been counted against a quota on this machine; reading it changes nothing."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from docframes.transport.limits import QuotaLimit


@dataclass(frozen=True)
class Usage:
    """Calls of one key in the window that ends now, as counted on this machine.

    account : a fingerprint, from which the key cannot be had.  free_at : when the next call is free, UTC; None is now.
    blocked_until : until when the vendor says that the key has no call left, UTC, or None.
    """

    account: str
    used: int
    left: int
    free_at: datetime | None = None
    blocked_until: datetime | None = None


@dataclass(frozen=True)
class Counted:
    """All that a file of counts says.

    latest : the latest moment in it, in seconds since 1970, or None.  note : why it cannot be read; empty where it can.
    """

    accounts: Mapping[str, Usage] = field(default_factory=dict)
    latest: float | None = None
    note: str = ""


def read(path: Path, limit: QuotaLimit, *, now: float | None = None) -> Counted:
    """What *path* counts of each account in the window of *limit*; nothing where the file is not there."""
    now = time.time() if now is None else now
    if not path.exists():
        return Counted()
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as connection:
            query = "SELECT account, count(*), min(at), max(at) FROM calls WHERE at > ? GROUP BY account"
            calls = {row[0]: row[1:] for row in connection.execute(query, (now - limit.seconds,))}
            query = "SELECT account, max(until) FROM blocks WHERE until > ? GROUP BY account"
            blocks = dict(connection.execute(query, (now,)).fetchall())
    except sqlite3.Error as error:
        return Counted(note=f"{type(error).__name__}: {error}")
    accounts = {
        account: _usage(account, calls.get(account, (0, None, None)), blocks.get(account), limit)
        for account in sorted({*calls, *blocks})
    }
    return Counted(accounts, max((latest for _, _, latest in calls.values()), default=None))


def none_of(account: str, limit: QuotaLimit) -> Usage:
    """The usage of a key of which nothing is counted."""
    return Usage(account, 0, limit.calls)


def _usage(
    account: str, calls: tuple[int, float | None, float | None], until: float | None, limit: QuotaLimit
) -> Usage:
    used, oldest, _ = calls
    left = max(0, limit.calls - used)
    waits = [until] if until is not None else []
    if not left and oldest is not None:
        waits.append(oldest + limit.seconds)
    return Usage(account, used, left, _moment(max(waits, default=None)), _moment(until))


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
