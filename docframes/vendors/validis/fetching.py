"""The files of extracts: asked for, downloaded without any credential, and kept under their SHA-256."""

from __future__ import annotations

import contextlib
import tempfile
import time
import zipfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from docframes.errors import DocframesError, NotFound, OfflineMiss, VendorError
from docframes.tables.columns import read_moment
from docframes.transport import journal, redact, replay
from docframes.transport.answers import Call
from docframes.transport.cache import is_offline
from docframes.transport.download import SignedLink, Stored, fetch_into
from docframes.transport.store import private_folder
from docframes.vendors.validis import kept
from docframes.vendors.validis.client import Client
from docframes.vendors.validis.kept import Extract, Piece
from docframes.vendors.validis.links import Link
from docframes.vendors.validis.waiting import ZIP_START, Asking, Line, Ready, Wait, extract_call, in_turns

T = TypeVar("T")


@dataclass(frozen=True)
class Fetched:
    """The files of an extract on this machine."""

    extract: Extract
    calls: int
    from_cache: int

    def source(self, folder: Path) -> Path | dict[str, Path]:
        """Where they are, as ledgers are opened: one path, or several by name."""
        pieces = self.extract.pieces
        return {piece.name: piece.path(folder) for piece in pieces} if len(pieces) > 1 else pieces[0].path(folder)


@dataclass(frozen=True)
class Book(Generic[T]):
    """What sets one extract apart from another: the general ledger, receivables, payables."""

    loader: str
    endpoint: str
    what: str  #: in words
    #: The files as frames, and the uploads that they name.
    read: Callable[[Wanted[T], Fetched, Path], tuple[T, list[str]]]
    #: The frames with their origin and their records; the last argument is how many seconds it took.
    told: Callable[[Wanted[T], T, Fetched, list[str], float], T]
    guess: str = ""  #: the assumption that its path is, where it is one

    @property
    def file(self) -> str:
        """The name of a zip that bears none."""
        return f"{self.what.replace(' ', '-')}.zip"


@dataclass(frozen=True)
class Wanted(Generic[T]):
    """What a caller asks for, of one engagement.  read : options of the book's reader."""

    client: Client
    engagement_id: str
    include_future_years: bool
    read: Mapping[str, Any]
    progress: bool | None
    book: Book[T]

    @property
    def call(self) -> Call:
        """The call for the extract."""
        return extract_call(self.client, self.book.endpoint, self.engagement_id, self.include_future_years)

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.book.what} of engagement {self.engagement_id}"

    def index(self, folder: Path) -> Path:
        """Where it is written down which files are here already."""
        call = self.call
        return kept.index(folder, call.endpoint.path, sorted(call.path.items()), sorted(call.params.items()))


@contextlib.contextmanager
def files_folder(client: Client) -> Iterator[Path]:
    """Where files are kept: beside the account's cache, or for this load only."""
    folder = _usable(client)
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="docframes-") as temporary:
        yield Path(temporary)


def fetch_each(
    wanted: Sequence[Wanted[T]], folder: Path, *, refresh: bool
) -> Generator[tuple[Wanted[T], Fetched | DocframesError], None, None]:
    """The files of each of *wanted*, or what went wrong, as they come; the waits pass at the same time."""
    first, alone = wanted[0], len(wanted) == 1
    steps = [_Fetching(one, folder, refresh=refresh, alone=alone) for one in wanted]
    line = Line(first.client, first.book.what, [one.engagement_id for one in wanted], first.progress)
    with line, contextlib.closing(in_turns(first.client, steps, line)) as outcomes:
        for place, outcome in outcomes:
            yield wanted[place], outcome


def fetch(wanted: Wanted[T], folder: Path, *, refresh: bool) -> Fetched:
    """The files of one extract."""
    ((_, outcome),) = fetch_each([wanted], folder, refresh=refresh)
    if isinstance(outcome, DocframesError):
        raise outcome
    return outcome


def signed(client: Client, link: Link, name: str) -> SignedLink:
    """*link* with the moment at which it ends, as its own address or else A28 says."""
    told = parse_qs(urlsplit(link.url).query).get("se", [""])[0]
    usual = datetime.now(UTC) + timedelta(seconds=float(client.api.value("A28.lifetime")))
    return SignedLink(name, link.url, read_moment(told) or usual, client.settings)


# --- one extract on its way -------------------------------------------------------------------------------------------


class _Fetching(Generic[T]):
    """The files of one extract on their way: each call asks for them once, and downloads them where they are ready.

    Links are renewed as A28 says.  alone : no other extract is under way, so its files may come side by side.
    """

    def __init__(self, wanted: Wanted[T], folder: Path, *, refresh: bool, alone: bool) -> None:
        self._wanted = wanted
        self._folder = folder
        self._alone = alone
        self._before = before = kept.read(wanted.index(folder))
        usable = () if refresh or before is None else before.pieces
        self._known = {one.where: one for one in usable if one.etag and one.where}
        self._renewals = int(wanted.client.api.value("A28.renewals"))
        self._calls = 0
        self._asking = self._ask()

    def __call__(self) -> Fetched | Wait:
        if is_offline(self._wanted.client.settings):
            return _from_disk(self._wanted, self._before, self._folder)
        try:
            came = self._asking()
        except NotFound as error:
            if self._wanted.book.guess:
                error.add_note(self._wanted.book.guess)
            raise
        if isinstance(came, Wait):
            return came
        self._calls += came.calls
        try:
            return self._kept(self._downloaded(came))
        except VendorError as error:
            if error.status not in tuple(self._wanted.client.api.value("A28.statuses")) or not self._renewals:
                raise
        self._renewals -= 1
        self._asking = self._ask()
        return Wait(0.0)

    def _ask(self) -> Asking:
        return Asking(self._wanted.client, self._wanted.call, self._wanted.name, self._folder)

    def _downloaded(self, came: Ready) -> list[Piece]:
        if came.file is not None:
            return [Piece(self._wanted.book.file, came.file.sha256, etag=came.file.etag)]
        client = self._wanted.client
        tasks = [partial(_download, client, link, self._known.get(_where(link)), self._folder) for link in came.links]
        if not self._alone:
            return [task() for task in tasks]
        pieces = []
        for outcome in client.side_by_side(tasks):
            if isinstance(outcome, Exception):
                raise outcome
            pieces.append(outcome)
        return pieces

    def _kept(self, pieces: list[Piece]) -> Fetched:
        same, before = sum(self._known.get(piece.where) is piece for piece in pieces), self._before
        unchanged = before is not None and same == len(pieces) == len(before.pieces)
        fetched_at = before.fetched_at if before is not None and unchanged else time.time()
        extract = Extract(tuple(pieces), fetched_at)
        kept.write(self._wanted.index(self._folder), extract)
        _note(self._wanted, extract, self._folder)
        return Fetched(extract, self._calls, same)


def _usable(client: Client) -> Path | None:
    """The account's folder, made if need be; None where there is none, or nothing can be written there."""
    folder = client.frames_folder
    if folder is None or is_offline(client.settings):
        return folder
    try:
        with tempfile.TemporaryFile(dir=private_folder(folder), prefix=".", suffix=".part"):
            return folder
    except OSError as error:
        client.trouble.of_files(folder, error)
        return None


def _note(wanted: Wanted[Any], extract: Extract, folder: Path) -> None:
    """Note the files for a capsule: the index, and the archives by the name of their ledger."""
    archives = tuple(piece.sha256 for piece in extract.pieces)
    journal.JOURNAL.note_state(wanted.client, wanted.index(folder), archives=archives)
    for piece in extract.pieces:
        name = f"{wanted.name}, {piece.name}"
        journal.JOURNAL.note_state(wanted.client, piece.path(folder), ledger=name, archives=(piece.sha256,))


def _from_disk(wanted: Wanted[T], before: Extract | None, folder: Path) -> Fetched:
    if before is None or not all(piece.is_whole(folder) for piece in before.pieces):
        msg = f"Offline, and the {wanted.name} is not here. Load it once while online."
        if replay.current() is not None:
            msg = f"The {wanted.name} is not in the capsule. Ledgers go in on request: capsule.save(..., ledgers=True)."
        raise OfflineMiss(msg, vendor="validis", url=redact.url(wanted.client.base_url))
    _note(wanted, before, folder)
    return Fetched(before, 0, len(before.pieces))


def _download(client: Client, link: Link, before: Piece | None, folder: Path) -> Piece:
    one = signed(client, link, link.name)
    if before is not None and before.is_whole(folder):
        stored = fetch_into(one, folder, etag=before.etag)
        if stored is None:
            return before
    else:
        stored = _required(fetch_into(one, folder))
    if _is_torn(stored.path):
        # A zip may be cut short on its way although its length was announced so.
        stored = _required(fetch_into(one, folder))
    return Piece(link.name, stored.sha256, _where(link), stored.etag)


def _required(stored: Stored | None) -> Stored:
    if stored is None:
        raise VendorError("The storage host says that a file is unchanged which nobody has.", vendor="validis")
    return stored


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(2)
    return start == ZIP_START and not zipfile.is_zipfile(path)


def _where(link: Link) -> str:
    return redact.url(link.url)
