"""The record of every call that reached the sandbox."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Call:
    """One request and how it was answered.

    vendor : the room.  host : ``api`` or ``storage``.  path : on the API, what follows the vendor's base URL;
    on the storage host, all of it.  headers : of the request, names in lower case.  Query and headers may hold
    secrets, so they are not shown.
    """

    vendor: str
    host: str
    method: str
    path: str
    query: dict[str, str] = field(repr=False)
    status: int
    headers: dict[str, str] = field(repr=False)


class CallLog:
    """Calls in the order of their answers; safe to use from many threads."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    def add(self, call: Call) -> None:
        """Append a call."""
        with self._lock:
            self._calls.append(call)

    def all(self) -> list[Call]:
        """A copy of what was recorded so far."""
        with self._lock:
            return list(self._calls)

    def clear(self) -> None:
        """Forget every call."""
        with self._lock:
            self._calls.clear()
