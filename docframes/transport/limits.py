"""What a vendor allows: rates, kept by the limiter of the session stack, and quotas, kept on disk."""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pyrate_limiter import Limiter, Rate

from docframes.transport.trouble import Trouble

#: Seconds to wait for a count that another process holds; and, where it cannot be used, until it is tried again.
BUSY_SECONDS, REST_SECONDS = 30.0, 60.0
#: The rule of every endpoint that names no other.
DEFAULT_RULE = "default"

T = TypeVar("T")


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
        """Wait for a permit of *rule*, or of each of several joined by ``+``; one without a rate gives it at once."""
        limiters = [(name, self._limiters[name]) for name in rule.split("+") if name in self._limiters]
        return all(bool(limiter.try_acquire(name, **options)) for name, limiter in limiters)


def _limiter(rate: RateLimit) -> Limiter:
    return Limiter(Rate(rate.calls, max(1, round(rate.seconds * 1000))), buffer_ms=5)


class Quota:
    """A rolling count of calls, in a file that all processes of the user share.

    A call is counted before it is sent: a process that is killed meanwhile has counted what the vendor counted.  A
    file that cannot be used gives one warning, and calls go on uncounted: the vendor counts them anyhow.
    """

    def __init__(
        self,
        path: Path,
        limit: QuotaLimit,
        *,
        clock: Callable[[], float] = time.time,
        trouble: Trouble | None = None,
    ) -> None:
        self.path = path
        self.limit = limit
        self._clock = clock
        self._trouble = trouble or Trouble()
        self._rests_until = -math.inf

    def take(self, account: str) -> float | None:
        """Count one call of *account*.  None is a permit; a number is the seconds until there is one."""
        return self._counted(lambda connection: self._take(connection, account, self._clock()), None)

    def _take(self, connection: sqlite3.Connection, account: str, now: float) -> float | None:
        connection.execute("DELETE FROM calls WHERE at <= ?", (now - self.limit.seconds,))
        connection.execute("DELETE FROM blocks WHERE until <= ?", (now,))
        (until,) = connection.execute("SELECT max(until) FROM blocks WHERE account = ?", (account,)).fetchone()
        used, oldest = self._used(connection, account, now)
        waits = [] if until is None else [float(until) - now]
        if used >= self.limit.calls:
            waits.append(float(oldest) + self.limit.seconds - now if oldest is not None else self.limit.seconds)
        if waits:
            return max(waits)
        connection.execute("INSERT INTO calls VALUES (?, ?)", (account, now))
        return None

    def used(self, account: str) -> int:
        """Calls of *account* in the window that ends now; 0 where the file cannot be read."""
        return self._counted(lambda connection: self._used(connection, account, self._clock())[0], 0)

    def block(self, account: str, seconds: float) -> None:
        """The vendor says that *account* has no call left for so long, whatever was counted here."""
        block = (account, self._clock() + seconds)
        self._counted(lambda connection: connection.execute("INSERT INTO blocks VALUES (?, ?)", block), None)

    def _counted(self, act: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What *act* gives; *otherwise* while the file cannot be used: not every call waits for it anew."""
        now = self._clock()
        if now < self._rests_until:
            return otherwise
        try:
            with self._opened() as connection:
                return act(connection)
        except (sqlite3.Error, OSError) as error:
            self._rests_until = now + REST_SECONDS
            self._trouble.of_count(self.path, error)
            return otherwise

    def _used(self, connection: sqlite3.Connection, account: str, now: float) -> tuple[int, Any]:
        query = "SELECT count(*), min(at) FROM calls WHERE account = ? AND at > ?"
        used, oldest = connection.execute(query, (account, now - self.limit.seconds)).fetchone()
        return int(used), oldest

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """A connection with the file locked for us: counting and deciding are one step for all processes."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        os.close(descriptor)
        with contextlib.closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.execute("CREATE TABLE IF NOT EXISTS calls (account TEXT NOT NULL, at REAL NOT NULL)")
                connection.execute("CREATE TABLE IF NOT EXISTS blocks (account TEXT NOT NULL, until REAL NOT NULL)")
                connection.execute("CREATE INDEX IF NOT EXISTS calls_by_account ON calls (account, at)")
                yield connection
            except BaseException:
                # A full disk has rolled it back already.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
