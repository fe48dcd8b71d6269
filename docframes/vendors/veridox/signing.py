"""Links to files: many at once, or to one asset.  They live in memory only, inside a SignedLink."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from docframes import spelling
from docframes.errors import (
    AuthError,
    ColumnError,
    ConfigError,
    DocframesError,
    IncompleteLoad,
    NotFound,
    OfflineMiss,
    SchemaDriftWarning,
    ShapeError,
    warn,
)
from docframes.tables.columns import as_text, read_moment
from docframes.tables.flatten import flatten
from docframes.tables.frames import to_frame
from docframes.tables.loads import Certificate, Load, attach, new_load_id
from docframes.tables.schema import Level
from docframes.transport import redact
from docframes.transport.answers import Answer, Call
from docframes.transport.download import ApiFile, SignedLink
from docframes.transport.paging import dig
from docframes.vendors.veridox.api import (
    ASSET_ID,
    ASSET_LIFETIME,
    DOWNLOAD_LIFETIME,
    FILE_KINDS,
    MOST_IDS,
    THE_FILE,
    VENDOR,
)
from docframes.vendors.veridox.client import Client, default_client
from docframes.vendors.veridox.tables import SIGNED_FILES

Record = dict[str, Any]

_NOT_SENT = "not sent: the id is no UUID of version 7, and one such id may fail a whole call; "
_NOT_SENT += 'Client(assumptions={"sent_id_pattern": ""}) sends every id'


def sign_files(
    file_ids: pd.DataFrame | Sequence[str],
    *,
    allow_partial: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per file id, in the order given, each once: vendor, kind, file_id, label, expires_at, error.

    Any number of ids, or a frame with ``file_id``: 25 a call, at most 20 calls a minute.  An id that Veridox does not
    sign has its reason in ``error``, and so has one that is not of the form it takes, which is never sent.  The links
    themselves are in no frame: ``files.save_all(frame, folder)`` and :func:`file_links` ask for fresh ones.
    expires_at : UTC; a link lives 60 minutes.
    Raises IncompleteLoad where a whole call failed, with the rows of the others (allow_partial=True accepts that);
    MissingKey, AuthError, ConfigError.
    Source: docs.veridox.ai, files-download-bulk.
    """
    client = client or default_client()
    ids = _texts(file_ids)
    began = time.perf_counter()
    signing = _sign(client, ids)
    if signing.broken and not signing.answers:
        raise next(iter(signing.broken.values()))
    certificate = _certificate(signing)
    frame: pd.DataFrame = _frame(client, signing, ids, certificate, began)
    if signing.broken and not allow_partial:
        msg = f"{client.vendor}.sign_files: {certificate.reason}. The rows that came are in .frame, the others with "
        msg += "their error; .resume() signs all again; allow_partial=True accepts what came."
        raise IncompleteLoad(
            msg,
            frame=frame,
            certificate=certificate,
            resume=lambda: sign_files(ids, allow_partial=allow_partial, client=client),
        ) from next(iter(signing.broken.values()))
    return frame


def file_links(
    kind: str, file_ids: Sequence[str], *, client: Client | None = None
) -> dict[str, SignedLink | ApiFile | DocframesError]:
    """A fresh link for each id, or the error of one that failed.

    kind : file_download (25 ids a call), thumbnail, pdf_report, log_output or ela_overlay (one call a file, at most 10
    a minute).  Raises ConfigError for another kind; AuthError, MissingKey, OfflineMiss.
    """
    client = client or default_client()
    _check_kind(kind)
    ids = _texts(file_ids)
    if kind == THE_FILE:
        signing = _sign(client, ids)
        return {file_id: signing.result(file_id) for file_id in ids}
    return {file_id: _asset_or_error(client, file_id, kind) for file_id in ids}


def asset(file_id: str, kind: str = THE_FILE, *, client: Client | None = None) -> SignedLink:
    """A link to one file of an analysis; it lives 30 minutes.

    kind : file_download, thumbnail, pdf_report, log_output or ela_overlay.
    Raises NotFound where the asset is not there yet: a report or overlay comes once the file is settled; ConfigError
    for another kind or an id that is no UUID.  At most 10 calls a minute are made.
    Source: docs.veridox.ai, files-asset-url-get.
    """
    client = client or default_client()
    _check_kind(kind)
    if not re.fullmatch(ASSET_ID, str(file_id), re.IGNORECASE):
        raise ConfigError(f"file_id is {str(file_id)!r:.80}; the address of an asset takes a UUID.")
    asked_at = datetime.now(UTC)
    call = Call(client.api.endpoint("asset"), params={"file_id": str(file_id), "asset": kind})
    answer = client.call(call)
    lifetime = float(client.api.value("thumbnail_lifetime")) if kind == "thumbnail" else ASSET_LIFETIME
    return _link(client, answer, answer.json(), "asset_url", f"{kind}/{file_id}", asked_at, lifetime)


def _asset_or_error(client: Client, file_id: str, kind: str) -> SignedLink | DocframesError:
    try:
        return asset(file_id, kind, client=client)
    except (AuthError, OfflineMiss):
        raise
    except DocframesError as error:
        return error


# --- many at once -------------------------------------------------------------------------------------------------


@dataclass
class _Signing:
    """What came of each id; ids in lower case, since two spellings of one are one file."""

    given: dict[str, str]  #: the id as it was given
    links: dict[str, SignedLink] = field(default_factory=dict)
    rows: dict[str, Record] = field(default_factory=dict)  #: as they came, links left out
    refused: dict[str, str] = field(default_factory=dict)  #: the vendor's reason, or ours
    broken: dict[str, DocframesError] = field(default_factory=dict)  #: ids of calls that failed as a whole
    answers: list[Answer] = field(default_factory=list)

    def result(self, file_id: str) -> SignedLink | DocframesError:
        """The link, or why there is none."""
        place = file_id.lower()
        if place in self.links:
            return self.links[place]
        if place in self.broken:
            return self.broken[place]
        return NotFound(f"Veridox does not sign {file_id}: {self.refused[place]}.", vendor=VENDOR)

    def why(self, place: str) -> str | None:
        """The reason as a frame has it."""
        return str(self.broken[place]) if place in self.broken else self.refused.get(place)


def _sign(client: Client, ids: Sequence[str]) -> _Signing:
    """Every id once, 25 a call; those that the vendor would not take are not sent."""
    signing = _Signing({file_id.lower(): file_id for file_id in reversed(ids)})
    pattern = str(client.api.value("sent_id_pattern") or "")
    sent = [file_id for file_id in dict.fromkeys(map(str.lower, ids)) if re.fullmatch(pattern or ".+", file_id, re.I)]
    for file_id in signing.given.keys() - set(sent):
        signing.refused[file_id] = _NOT_SENT
    batches = [sent[start : start + MOST_IDS] for start in range(0, len(sent), MOST_IDS)]
    key = str(client.api.value("download_ids"))
    endpoint = client.api.endpoint("download")
    calls = [Call(endpoint, json={key: [signing.given[file_id] for file_id in batch]}) for batch in batches]
    asked_at = datetime.now(UTC)
    for batch, outcome in zip(batches, client.outcomes(calls), strict=True):
        try:
            _take(client, signing, batch, outcome, asked_at)
        except (AuthError, OfflineMiss):
            raise
        except DocframesError as error:
            signing.broken |= dict.fromkeys(batch, error)
    return signing


def _take(
    client: Client, signing: _Signing, batch: Sequence[str], outcome: Answer | DocframesError, asked_at: datetime
) -> None:
    """Match one answer with the ids that were asked for: by id, never by position."""
    if isinstance(outcome, DocframesError):
        raise outcome
    links, errors = _entries(client, outcome)
    found: dict[str, tuple[SignedLink, Record]] = {}
    for entry in links:
        place = _id_of(client, entry, outcome)
        name = f"{THE_FILE}/{place}"
        found[place] = (_link(client, outcome, entry, "download_url", name, asked_at, DOWNLOAD_LIFETIME), entry)
    refused = {_id_of(client, entry, outcome): _reason(entry) for entry in errors}
    signing.answers.append(outcome)
    for place in batch:
        if place in refused or place not in found:
            signing.refused[place] = refused.get(place) or str(client.api.value("download_unanswered"))
        else:
            signing.links[place], entry = found[place]
            signing.rows[place] = _without_link(client, entry)


def _entries(client: Client, answer: Answer) -> tuple[list[Record], list[Record]]:
    """Links and errors of one answer; a bare array holds both.  Raises ShapeError where neither is there."""
    body = answer.json()
    if isinstance(body, list):
        entries = [entry for entry in body if isinstance(entry, dict)]
        good = [entry for entry in entries if _url_key(client, entry, "download_url")]
        return good, [entry for entry in entries if entry not in good]
    keys = [str(client.api.value(name)) for name in ("download_files", "download_errors")]
    for root in ("", "data.", "result."):
        files, errors = (dig(body, root + key) for key in keys)
        if isinstance(files, list) or isinstance(errors, list):
            return [*(files or ())], [*(errors or ())]
    came = sorted(body) if isinstance(body, dict) else type(body).__name__
    msg = f"{client.vendor} download: wanted a list at {keys[0]!r}, got {came}. If it stands elsewhere, say so: "
    raise ShapeError(msg + 'Client(assumptions={"download_files": "..."}).', vendor=client.vendor, url=answer.url)


def _id_of(client: Client, entry: Any, answer: Answer) -> str:
    name = spelling.find("file_id", entry, ("id",)) if isinstance(entry, dict) else None
    if name is None or entry[name] is None:
        came = sorted(entry) if isinstance(entry, dict) else type(entry).__name__
        msg = f"{client.vendor} download: wanted a file_id beside each link and error, got {came}. The documented key "
        msg += 'is missing; if the links stand elsewhere, say so: Client(assumptions={"download_files": "..."}).'
        raise ShapeError(msg, vendor=client.vendor, url=answer.url)
    return str(entry[name]).lower()


def _reason(entry: Record) -> str:
    name = spelling.find("error", entry, ("message", "error_message", "reason"))
    said = as_text(entry[name]) if name else None
    return redact.text(said or "no reason given")


def _without_link(client: Client, entry: Record) -> Record:
    url = _url_key(client, entry, "download_url")
    kept = {name: value for name, value in entry.items() if name != url}
    return {name: redact.text(value) if isinstance(value, str) else value for name, value in kept.items()}


def _url_key(client: Client, entry: Record, assumption: str) -> str | None:
    """The key of the link: as assumed, or one of the names that such a link bears elsewhere."""
    name = spelling.find(str(client.api.value(assumption)), entry, ("download_url", "url", "signed_url"))
    return name if name is not None and isinstance(entry[name], str) and entry[name] else None


def _link(
    client: Client, answer: Answer, entry: Any, assumption: str, name: str, asked_at: datetime, lifetime: float
) -> SignedLink:
    url = _url_key(client, entry, assumption) if isinstance(entry, dict) else None
    if url is None:
        came = sorted(entry) if isinstance(entry, dict) else f"a {type(entry).__name__}"
        msg = f"{client.vendor} {answer.call.endpoint.name}: wanted a link at {client.api.value(assumption)!r}, got an "
        msg += f'answer with {came}. If it bears another name, say so: Client(assumptions={{"{assumption}": "..."}}).'
        raise ShapeError(msg, vendor=client.vendor, url=answer.url)
    moment = spelling.find(str(client.api.value("expires_at")), entry)
    expires_at = read_moment(entry[moment]) if moment else None
    return SignedLink(name, entry[url], expires_at or asked_at + timedelta(seconds=lifetime), client.settings)


# --- the frame ----------------------------------------------------------------------------------------------------


def _certificate(signing: _Signing) -> Certificate:
    wanted, came = len(signing.given), len(signing.links)
    facts = {"declared_first": wanted, "declared_last": wanted, "received": came, "unique": came}
    if signing.broken:
        error = next(iter(signing.broken.values()))
        return Certificate("FAIL", f"{len(signing.broken)} of {wanted} ids were in calls that failed: {error}", **facts)
    refused = f", {len(signing.refused)} were refused, each with its error" if signing.refused else ""
    return Certificate("PASS", f"{wanted} asked for, {came} signed{refused}", **facts)


def _frame(client: Client, signing: _Signing, ids: Sequence[str], certificate: Certificate, began: float) -> Any:
    records = [
        {
            **{"label": None, "expires_at": None},
            **_plain_names(signing.rows.get(place, {})),
            "vendor": VENDOR,
            "kind": THE_FILE,
            "file_id": signing.given[place],
            "error": signing.why(place),
            **({"expires_at": signing.links[place].expires_at.isoformat()} if place in signing.links else {}),
        }
        for place in dict.fromkeys(map(str.lower, ids))
    ]
    flat = flatten(records, Level(SIGNED_FILES))[SIGNED_FILES.name]
    if flat.drift.unknown:
        keys = ", ".join(sorted(flat.drift.unknown))
        warn(f"{client.vendor}.sign_files: {keys} not declared, kept as columns.", SchemaDriftWarning)
    load = Load(
        load_id=new_load_id(client.vendor, SIGNED_FILES.name),
        vendor=client.vendor,
        loader="sign_files",
        table=SIGNED_FILES.name,
        arguments={"files": len(records)},
        calls=len(signing.answers),
        from_cache=0,
        fetched_from=min((answer.fetched_at for answer in signing.answers), default=None),
        fetched_to=max((answer.fetched_at for answer in signing.answers), default=None),
        rows=flat.rows,
        seconds=time.perf_counter() - began,
        certificate=certificate,
        unknown_keys=flat.drift.unknown,
        declared=SIGNED_FILES,
    )
    return attach(to_frame(flat.arrow()), load)


def _plain_names(row: Record) -> Record:
    """*row* with the keys that the frame has anyway in their own spelling, and without the id, which is given."""
    known = {spelling.plain(column.name): column.name for column in SIGNED_FILES.columns}
    named = {known.get(spelling.plain(name), name): value for name, value in row.items()}
    return {name: value for name, value in named.items() if name not in ("id", "file_id")}


def _texts(file_ids: pd.DataFrame | Sequence[str]) -> list[str]:
    """The ids as texts, in order."""
    if isinstance(file_ids, pd.DataFrame):
        if "file_id" not in file_ids.columns:
            msg = f"Signing needs the column 'file_id'; this frame has {list(file_ids.columns)}. "
            raise ColumnError(msg + "Rename yours first: frame.rename(columns={'id': 'file_id'}).")
        file_ids = list(file_ids["file_id"].dropna())
    if isinstance(file_ids, str):
        raise ConfigError("file_ids is one text; give a list of ids, or a frame with the column file_id.")
    return list(dict.fromkeys(str(file_id) for file_id in file_ids))


def _check_kind(kind: str) -> None:
    if kind not in FILE_KINDS:
        raise ConfigError(f"kind is {kind!r}; it must be one of {', '.join(FILE_KINDS)}.")
