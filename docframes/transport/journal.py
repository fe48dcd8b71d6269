"""Which answers were used: for the record of a load, and for a capsule that runs a notebook again.

Every answer that a client gives is noted, from the vendor or from the cache.  A note holds no body but that of an
answer which no cache keeps, redacted; notes of this process only, and nothing of them is written anywhere.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

#: Bytes, packed, of bodies that no cache keeps; what comes after is noted without its body.
MOST_KEPT = 256 * 1024 * 1024


@dataclass(frozen=True)
class Used:
    """One answer as it was used; nothing secret in it."""

    vendor: str
    account: str
    base_url: str
    endpoint: str  #: its name in the room
    path: Mapping[str, Any]  #: what filled the placeholders of the address
    params: Mapping[str, Any]
    version: str
    method: str
    url: str  #: with its query, redacted
    key: str  #: under which the cache keeps it
    status: int
    headers: Mapping[str, str]  #: those that the cache keeps
    fetched_at: datetime
    sha256: str  #: of the body, redacted
    from_cache: bool

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def from_dicts(rows: list[dict[str, Any]]) -> tuple[Used, ...]:
    """Notes from their plain values; they come from the cache now."""
    return tuple(
        Used(**{**row, "fetched_at": datetime.fromisoformat(row["fetched_at"]), "from_cache": True}) for row in rows
    )


@dataclass(frozen=True)
class State:
    """A file of an account that a load read besides answers.  name : below the account's folder."""

    vendor: str
    account: str
    name: str
    path: Path
    ledger: str  #: what its ledger is called; empty for anything but the archive of one


@dataclass(frozen=True)
class File:
    """A file behind a link that was fetched."""

    vendor: str
    account: str
    kind: str
    file_id: str
    sha256: str
    size: int


@dataclass
class Journal:
    """All that this process has used, in the order of first use."""

    answers: dict[tuple[str, str, str], Used] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict, repr=False)  #: by SHA-256, packed
    states: dict[tuple[str, str], State] = field(default_factory=dict)
    files: dict[tuple[str, str, str, str], File] = field(default_factory=dict)
    clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)  #: by vendor and account
    packed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def note(self, used: Used, client: Any, body: bytes | None = None) -> None:
        """Note one answer of *client*; *body* is given where no cache keeps it."""
        with self._lock:
            self.clients.setdefault((used.vendor, used.account), client)
            self.answers.setdefault((used.account, used.key, used.sha256), used)
            if body is not None and used.sha256 not in self.bodies and self.packed < MOST_KEPT:
                self.bodies[used.sha256] = zlib.compress(body, 1)
                self.packed += len(self.bodies[used.sha256])

    def body(self, sha256: str) -> bytes | None:
        """The body of an answer that no cache keeps."""
        packed = self.bodies.get(sha256)
        return None if packed is None else zlib.decompress(packed)

    def note_state(self, client: Any, path: Path, *, ledger: str = "") -> None:
        """Note a file in the account's folder that a load read.  ledger : what it is called, if it is one's archive."""
        name = path.relative_to(client.frames_folder).as_posix()
        with self._lock:
            self.clients.setdefault((client.vendor, client.account), client)
            self.states[client.account, name] = State(client.vendor, client.account, name, path, ledger)

    def note_file(self, client: Any, file: File) -> None:
        """Note a file that was fetched by its link."""
        with self._lock:
            self.clients.setdefault((file.vendor, file.account), client)
            self.files.setdefault((file.vendor, file.account, file.kind, file.file_id), file)


JOURNAL = Journal()

_collecting: ContextVar[list[Used] | None] = ContextVar("docframes_collecting", default=None)


def note(used: Used, client: Any, body: bytes | None = None) -> None:
    """Note *used* for the process, and for whoever collects what is used meanwhile."""
    JOURNAL.note(used, client, body)
    collected = _collecting.get()
    if collected is not None:
        collected.append(used)


@contextmanager
def collected() -> Iterator[list[Used]]:
    """What is used within the block, in this thread."""
    found: list[Used] = []
    token = _collecting.set(found)
    try:
        yield found
    finally:
        _collecting.reset(token)


def to_json(answers: tuple[Used, ...]) -> bytes:
    """Notes as JSON."""
    return orjson.dumps([used.as_dict() for used in answers])
