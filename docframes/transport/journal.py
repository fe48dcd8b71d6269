"""Which answers were used: for the record of a load, and for a capsule that runs a notebook again.

Every answer that a client gives is noted, from the vendor or from the cache.  A note holds no body but that of an
answer which no cache keeps, redacted; notes of this process only, and nothing of them is written anywhere.  What comes
from a capsule is not noted: it is in a file already.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from docframes.transport import replay

#: Bytes, packed, of bodies that no cache keeps; what comes after is noted without its body.
MOST_KEPT = 256 * 1024 * 1024
#: Bytes up to which a file of an account is remembered as it was read: one of the same name may take its place.
_SMALL = 256 * 1024
#: What tells one answer from another: account, key and SHA-256.
Mark = tuple[str, str, str]


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
    path: Path | None  #: where it was; None for one that is nowhere but here
    ledger: str = ""  #: what its ledger is called; empty for anything but the archive of one
    content: bytes | None = field(default=None, repr=False)  #: as it was read; None for one that never changes
    archives: tuple[str, ...] = ()  #: SHA-256 of the archives that it names, or is
    size: int = 0  #: in bytes
    replaced: bool = False  #: it named other archives later
    made_of: frozenset[Mark] | None = field(default=None, repr=False)  #: answers of the load that wrote it before


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

    answers: dict[Mark, Used] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict, repr=False)  #: by SHA-256, packed
    states: dict[tuple[str, str], State] = field(default_factory=dict)
    files: dict[tuple[str, str, str, str], File] = field(default_factory=dict)
    #: By vendor and account, one for each folder that answers are kept in.
    clients: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict, repr=False)
    packed: int = 0
    _written: dict[tuple[str, str], frozenset[Mark]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    # --- noting ---------------------------------------------------------------------------------------------------

    def note(self, used: Used, client: Any, body: bytes | None = None) -> None:
        """Note one answer of *client*; *body* is given where no cache keeps it."""
        if replay.current() is not None:
            return
        with self._lock:
            self._meet(used.vendor, used.account, client)
            self.answers.setdefault((used.account, used.key, used.sha256), used)
        if body is not None:
            self.keep(used.sha256, body)

    def keep(self, sha256: str, body: bytes) -> None:
        """Keep the body of an answer that no cache keeps, or is to keep no longer."""
        if sha256 in self.bodies or self.packed >= MOST_KEPT:
            return
        packed = zlib.compress(body, 1)
        with self._lock:
            if sha256 not in self.bodies:
                self.bodies[sha256] = packed
                self.packed += len(packed)

    def note_state(self, client: Any, path: Path, *, ledger: str = "", archives: tuple[str, ...] = ()) -> None:
        """Note a file in the account's folder that a load read; what it holds then is what counts.

        ledger : what it is called, if it is the archive of one.  archives : SHA-256 of those that it names, or is.
        """
        if replay.current() is not None:
            return
        content, size = _read(path, whole=not ledger)
        state = State(client.vendor, client.account, _name(client, path), path, ledger, content, archives, size)
        self._note_state(client, state)

    def note_facts(self, client: Any, name: str, content: bytes) -> None:
        """Note a small file that a client without a cache would have read."""
        if replay.current() is None:
            state = State(client.vendor, client.account, name, None, content=content, size=len(content))
            self._note_state(client, state)

    def note_written(self, client: Any, path: Path, answers: Iterable[Used]) -> None:
        """Note a file that a load of *answers* writes: who has those need not have the file."""
        if replay.current() is None:
            marks = frozenset((used.account, used.key, used.sha256) for used in answers)
            with self._lock:
                self._written.setdefault((client.account, _name(client, path)), marks)

    def note_file(self, client: Any, file: File) -> None:
        """Note a file that was fetched by its link."""
        if replay.current() is not None:
            return
        with self._lock:
            self._meet(file.vendor, file.account, client)
            self.files.setdefault((file.vendor, file.account, file.kind, file.file_id), file)

    def _note_state(self, client: Any, state: State) -> None:
        place = (state.account, state.name)
        with self._lock:
            self._meet(state.vendor, state.account, client)
            before = self.states.get(place)
            if before is None:
                self.states[place] = replace(state, made_of=self._written.get(place))
            elif before.archives != state.archives:
                self.states[place] = replace(before, replaced=True)

    def _meet(self, vendor: str, account: str, client: Any) -> None:
        place = str(client.settings.cache_folder) if client.cached else ""
        self.clients.setdefault((vendor, account), {}).setdefault(place, client)

    # --- asking ---------------------------------------------------------------------------------------------------

    def used(self) -> list[Used]:
        """Every answer, in the order of first use."""
        with self._lock:
            return list(self.answers.values())

    def body(self, sha256: str) -> bytes | None:
        """The body of an answer that no cache keeps."""
        packed = self.bodies.get(sha256)
        return None if packed is None else zlib.decompress(packed)

    def clients_of(self, vendor: str, account: str) -> list[Any]:
        """The clients that an account's answers came by; empty where there was none in this process."""
        with self._lock:
            return list(self.clients.get((vendor, account), {}).values())


def _name(client: Any, path: Path) -> str:
    folder = client.frames_folder
    # A client that keeps nothing has what it reads in a folder for one load.
    inside = folder is not None and path.is_relative_to(folder)
    return path.relative_to(folder).as_posix() if inside else path.name


def _read(path: Path, *, whole: bool) -> tuple[bytes | None, int]:
    """What a small file holds now, where that is wanted, and its size."""
    try:
        size = path.stat().st_size
        return (path.read_bytes() if whole and size <= _SMALL else None), size
    except OSError:
        return None, 0


JOURNAL = Journal()


def forget() -> None:
    """Begin anew: what was used until now is forgotten, with the bodies that no cache keeps."""
    global JOURNAL
    # A frame that was loaded before names its answers, and a client has to fetch them from its cache.
    JOURNAL = Journal(clients=JOURNAL.clients)


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
