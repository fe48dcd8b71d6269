"""A general ledger from its extract: asked for, downloaded without any credential, read, and of one upload only."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd

from docframes.errors import ConfigError, IncompleteLoad, LedgerError, OfflineMiss, VendorError
from docframes.ledger import ROLES, GeneralLedger, read_ledger
from docframes.ledger.roles import fold
from docframes.tables.columns import read_moment
from docframes.tables.loads import Certificate, Load, attach, new_load_id
from docframes.tables.schema import Column, Kind, Table
from docframes.transport import redact
from docframes.transport.answers import Call
from docframes.transport.cache import is_offline
from docframes.transport.download import ApiFile, SignedLink, Stored, fetch_into
from docframes.transport.store import private_folder
from docframes.vendors.validis import kept
from docframes.vendors.validis.client import Client
from docframes.vendors.validis.kept import Extract, Piece
from docframes.vendors.validis.links import Link
from docframes.vendors.validis.waiting import ZIP_START, Ready, extract_call, ready

UPLOAD_COLUMN = "UPLOAD_ID"
_KINDS: Mapping[str, Kind] = {"text": "str", "date": "date", "moment": "date", "amount": "float64"}
_GRAINS = {
    "transactions": "one row per line of a transaction",
    "period_balances": "one row per account and period",
    "period_balances_summarised": "one row per category, tag and period",
    "company": "the company that made the upload",
}


_MENDS = (
    "load_gl_extract() takes roles= and dates= as read_ledger() does. For every load of this account: "
    'Client(assumptions={"A31": {role: header}}), and likewise A29 (members), A35 (delimiter), A36 (encoding), '
    "A37 (dates), A38 (decimal, thousands)."
)


@dataclass(frozen=True)
class ExtractLoad(Load):
    """The record of a ledger's frame, with what it was read from."""

    upload_id: str = ""  #: of every file; empty where no file says it
    files: Mapping[str, str] = field(default_factory=dict)  #: name to SHA-256


@dataclass(frozen=True)
class _Fetched:
    """The files of an extract on this machine."""

    extract: Extract
    calls: int
    from_cache: int


@dataclass(frozen=True)
class Wanted:
    """What a caller asks for."""

    client: Client
    engagement_id: str
    include_future_years: bool
    read: Mapping[str, Any]  #: options of ``read_ledger``
    progress: bool | None

    @property
    def call(self) -> Call:
        """The call for the extract."""
        return extract_call(self.client, self.engagement_id, self.include_future_years)


def load(wanted: Wanted, *, refresh: bool) -> GeneralLedger:
    """The ledger, restarted once where its files are of two uploads.

    Raises IncompleteLoad, with the mixed ledger, where they are again.
    """
    began = time.perf_counter()
    with _folder(wanted.client) as folder:
        fetched = _fetch(wanted, folder, refresh=refresh)
        ledger, uploads = _read(wanted, fetched, folder)
        if len(uploads) > 1 and not is_offline(wanted.client.settings):
            # A new upload came in between; the vendor drops what it had prepared and begins anew.
            again = _fetch(wanted, folder, refresh=True)
            fetched = dataclasses.replace(again, calls=again.calls + fetched.calls)
            ledger, uploads = _read(wanted, fetched, folder)
        if len(uploads) > 1:
            kept.forget(_index(wanted, folder))
    ledger = _told(wanted, ledger, fetched, uploads, time.perf_counter() - began)
    if len(uploads) > 1:
        raise _mixed(wanted, ledger, uploads)
    return ledger


def sign(client: Client, engagement_id: str) -> SignedLink | ApiFile:
    """A fresh link to the extract of an engagement, or the way to its bytes where the API sends them itself."""
    call = extract_call(client, engagement_id, False)
    name = f"general-ledger/{engagement_id}"
    came = ready(client, call, None, progress=False)
    if not came.links:
        return ApiFile(name, lambda: client.stream(call))
    if len(came.links) > 1:
        files = ", ".join(link.name for link in came.links)
        msg = f"The general ledger of engagement {engagement_id} comes in {len(came.links)} files ({files}). "
        raise ConfigError(msg + "load_gl_extract() reads them together.")
    return _signed(client, came.links[0], name)


# --- fetching ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _folder(client: Client) -> Iterator[Path]:
    """Where files are kept: beside the account's cache, or for this load only."""
    folder = _private(client.frames_folder)
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="docframes-") as temporary:
        yield Path(temporary)


def _private(folder: Path | None) -> Path | None:
    """The folder, made if need be; None where there is none, or it cannot be made."""
    try:
        return None if folder is None else private_folder(folder)
    except OSError:
        return None


def _index(wanted: Wanted, folder: Path) -> Path:
    call = wanted.call
    return kept.index(folder, call.endpoint.path, sorted(call.path.items()), sorted(call.params.items()))


def _fetch(wanted: Wanted, folder: Path, *, refresh: bool) -> _Fetched:
    path = _index(wanted, folder)
    before = kept.read(path)
    if is_offline(wanted.client.settings):
        return _from_disk(wanted, before, folder)
    known = {} if refresh or before is None else {one.where: one for one in before.pieces if one.etag and one.where}
    pieces, calls, same = _pieces(wanted, known, folder)
    unchanged = before is not None and same == len(pieces) == len(before.pieces)
    fetched_at = before.fetched_at if before is not None and unchanged else time.time()
    extract = Extract(tuple(pieces), fetched_at)
    kept.write(path, extract)
    return _Fetched(extract, calls, same)


def _from_disk(wanted: Wanted, before: Extract | None, folder: Path) -> _Fetched:
    if before is None or not all(piece.is_whole(folder) for piece in before.pieces):
        msg = f"Offline, and the general ledger of engagement {wanted.engagement_id} is not here. Load it once while "
        raise OfflineMiss(msg + "online.", vendor="validis", url=redact.url(wanted.client.base_url))
    return _Fetched(before, 0, len(before.pieces))


def _pieces(wanted: Wanted, known: Mapping[str, Piece], folder: Path) -> tuple[list[Piece], int, int]:
    """The files, the calls they took, and how many the host said are here already; links are renewed as A28 says."""
    client = wanted.client
    renewals, statuses = int(client.api.value("A28.renewals")), tuple(client.api.value("A28.statuses"))
    calls = 0
    for renewal in range(renewals + 1):
        came = ready(client, wanted.call, folder, progress=wanted.progress)
        calls += came.calls
        try:
            pieces = _downloaded(client, came, known, folder)
        except VendorError as error:
            if error.status not in statuses or renewal == renewals:
                raise
        else:
            return pieces, calls, sum(known.get(piece.where) is piece for piece in pieces)
    raise AssertionError("unreachable: the last renewal returns or raises")


def _downloaded(client: Client, came: Ready, known: Mapping[str, Piece], folder: Path) -> list[Piece]:
    if came.file is not None:
        return [Piece("general-ledger.zip", came.file.sha256, etag=came.file.etag)]
    tasks = [partial(_download, client, link, known.get(_where(link)), folder) for link in came.links]
    pieces = []
    for outcome in client.side_by_side(tasks):
        if isinstance(outcome, Exception):
            raise outcome
        pieces.append(outcome)
    return pieces


def _download(client: Client, link: Link, before: Piece | None, folder: Path) -> Piece:
    signed = _signed(client, link, link.name)
    if before is not None and before.is_whole(folder):
        stored = fetch_into(signed, folder, etag=before.etag)
        if stored is None:
            return before
    else:
        stored = _required(fetch_into(signed, folder))
    if _is_torn(stored.path):
        # A zip may be cut short on its way although its length was announced so.
        stored = _required(fetch_into(signed, folder))
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


def _signed(client: Client, link: Link, name: str) -> SignedLink:
    told = parse_qs(urlsplit(link.url).query).get("se", [""])[0]
    usual = datetime.now(UTC) + timedelta(seconds=float(client.api.value("A28.lifetime")))
    return SignedLink(name, link.url, read_moment(told) or usual, client.settings)


# --- reading ----------------------------------------------------------------------------------------------------------


def _read(wanted: Wanted, fetched: _Fetched, folder: Path) -> tuple[GeneralLedger, list[str]]:
    pieces = fetched.extract.pieces
    path = {piece.name: piece.path(folder) for piece in pieces} if len(pieces) > 1 else pieces[0].path(folder)
    try:
        ledger = read_ledger(path, **wanted.read)
    except LedgerError as error:
        error.add_note(_MENDS)
        raise
    return ledger, sorted(_uploads(ledger))


def _uploads(ledger: GeneralLedger) -> set[str]:
    """Every upload that a file names."""
    found: set[str] = set()
    for frame in [*_frames(ledger).values(), *ledger.others.values()]:
        for column in frame.columns:
            if fold(str(column)) == UPLOAD_COLUMN:
                found |= {str(value) for value in frame[column].dropna().unique() if value != ""}
    return found


def _frames(ledger: GeneralLedger) -> dict[str, pd.DataFrame]:
    return {name: getattr(ledger, name) for name in _GRAINS}


def _told(
    wanted: Wanted, ledger: GeneralLedger, fetched: _Fetched, uploads: list[str], seconds: float
) -> GeneralLedger:
    """The ledger, which says where it comes from, and whose frames have their record."""
    when = datetime.fromtimestamp(fetched.extract.fetched_at, UTC)
    certificate = _certificate(ledger, uploads)
    for name, frame in _frames(ledger).items():
        load = ExtractLoad(
            load_id=new_load_id("validis", name),
            vendor="validis",
            loader="load_gl_extract",
            table=name,
            arguments={
                "engagement_id": wanted.engagement_id,
                "include_future_years": wanted.include_future_years,
            },
            calls=fetched.calls,
            from_cache=fetched.from_cache,
            fetched_from=when,
            fetched_to=when,
            rows=len(frame),
            seconds=seconds,
            certificate=dataclasses.replace(certificate, received=len(frame), unique=len(frame)),
            declared=_table(name, ledger),
            upload_id=", ".join(uploads),
            files={piece.name: piece.sha256 for piece in fetched.extract.pieces},
        )
        attach(frame, load)
    origin = {"engagement": wanted.engagement_id, **({"upload": ", ".join(uploads)} if uploads else {})}
    named = {piece.sha256 for piece in fetched.extract.pieces} | {piece.name for piece in fetched.extract.pieces}
    name = f"engagement {wanted.engagement_id}" if ledger.name in named or not ledger.name else ledger.name
    return dataclasses.replace(ledger, name=name, origin=origin)


def _certificate(ledger: GeneralLedger, uploads: list[str]) -> Certificate:
    lines = ledger.totals.lines
    if len(uploads) > 1:
        return Certificate(
            "FAIL", f"the files are of {len(uploads)} uploads, {', '.join(uploads)}; of each some are missing"
        )
    of = f"of the upload {uploads[0]}" if uploads else "of an upload that no file names"
    reason = (
        f"{len(ledger.sources)} files {of}, each whole; {lines:,} lines; the extract declares no total, so compare "
    )
    return Certificate("CANNOT_PROVE", reason + "the lines with the period balances")


def _table(name: str, ledger: GeneralLedger) -> Table:
    roles = [role for role in ROLES.values() if role.name in ledger.roles.get(name, {})]
    columns = tuple(
        Column(role.name, _KINDS[role.kind], role.meaning, source=" + ".join(ledger.roles[name][role.name]))
        for role in roles
    )
    return Table(name, _GRAINS[name], (), columns, "developer.validis.com, extracts; roles assumed, A31")


def _mixed(wanted: Wanted, ledger: GeneralLedger, uploads: list[str]) -> IncompleteLoad:
    msg = f"validis.load_gl_extract: the files of engagement {wanted.engagement_id} are of several uploads "
    msg += (
        f"({', '.join(uploads)}), and were so again after a restart: data is being uploaded now. The mixed ledger is "
    )
    msg += "in .frame; .resume() loads again."
    certificate = _certificate(ledger, uploads)
    return IncompleteLoad(msg, frame=ledger, certificate=certificate, resume=lambda: load(wanted, refresh=True))
