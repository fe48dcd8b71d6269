"""What a vendor allows: rates, kept by the limiter of the session stack, and quotas, kept on disk."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyrate_limiter import Limiter, Rate

#: The rule of every endpoint that names no other.
DEFAULT_RULE = "default"


@dataclass(frozen=True)
class RateLimit:
    """At most *calls* in any window of *seconds*."""

    calls: int
    seconds: float

    def scaled(self, time_scale: float) -> RateLimit:
        """The same rate where a second lasts *time_scale* seconds (sandbox and tests)."""
        return RateLimit(self.calls, self.seconds * time_scale)


@dataclass(frozen=True)
class QuotaLimit:
    """At most *calls* of one key in any window of *seconds*, over all processes."""

    calls: int
    seconds: float


class Permits:
    """One pacer per rule.  It stands where requests-ratelimiter has its limiter, which knows one rule only."""

    def __init__(self, rates: Mapping[str, RateLimit], time_scale: float = 1.0) -> None:
        self._limiters = {name: _limiter(rate.scaled(time_scale)) for name, rate in rates.items()}

    def try_acquire(self, rule: str, **options: Any) -> bool:
        """Wait for a permit of *rule*; a rule without a rate gives one at once."""
        limiter = self._limiters.get(rule)
        return True if limiter is None else bool(limiter.try_acquire(rule, **options))


def _limiter(rate: RateLimit) -> Limiter:
    return Limiter(Rate(rate.calls, max(1, round(rate.seconds * 1000))), buffer_ms=5)


class Quota:
    """A rolling count of calls, in a file that all processes of the user share.

    A call is counted before it is sent: a process that is killed meanwhile has counted what the vendor counted.
    """

    def __init__(self, path: Path, limit: QuotaLimit, *, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.limit = limit
        self._clock = clock

    def take(self, account: str) -> float | None:
        """Count one call of *account*.  None is a permit; a number is the seconds until there is one."""
        with contextlib.closing(self._connect()) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            now = self._clock()
            connection.execute("DELETE FROM calls WHERE at <= ?", (now - self.limit.seconds,))
            used, oldest = self._used(connection, account)
            if used >= self.limit.calls:
                return float(oldest) + self.limit.seconds - now
            connection.execute("INSERT INTO calls VALUES (?, ?)", (account, now))
            return None

    def used(self, account: str) -> int:
        """Calls of *account* in the window that ends now."""
        with contextlib.closing(self._connect()) as connection:
            return self._used(connection, account)[0]

    def spend(self, account: str) -> None:
        """The vendor says that nothing is left: count as many calls as are missing to the limit."""
        with contextlib.closing(self._connect()) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            missing = self.limit.calls - self._used(connection, account)[0]
            now = self._clock()
            connection.executemany("INSERT INTO calls VALUES (?, ?)", [(account, now)] * max(0, missing))

    def _used(self, connection: sqlite3.Connection, account: str) -> tuple[int, Any]:
        query = "SELECT count(*), min(at) FROM calls WHERE account = ? AND at > ?"
        used, oldest = connection.execute(query, (account, self._clock() - self.limit.seconds)).fetchone()
        return int(used), oldest

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        self.path.chmod(0o600)
        connection.execute("CREATE TABLE IF NOT EXISTS calls (account TEXT NOT NULL, at REAL NOT NULL)")
        connection.execute("CREATE INDEX IF NOT EXISTS calls_by_account ON calls (account, at)")
        return connection
