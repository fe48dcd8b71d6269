"""Links to files: many at once, or to one asset.  They live in memory only, inside a SignedLink."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from docframes import spelling
from docframes.errors import (
    AuthError,
    ColumnError,
    ConfigError,
    DocframesError,
    IncompleteLoad,
    OfflineMiss,
    SchemaDriftWarning,
    warn,
)
from docframes.tables.certificates import Certificate
from docframes.tables.flatten import flatten
from docframes.tables.frames import to_frame
from docframes.tables.loads import Load, attach, new_load_id
from docframes.tables.schema import Level
from docframes.transport.answers import Call
from docframes.transport.download import ApiFile, SignedLink
from docframes.vendors.veridox.api import ASSET_ID, ASSET_LIFETIME, FILE_KINDS, THE_FILE, VENDOR
from docframes.vendors.veridox.client import Client, default_client
from docframes.vendors.veridox.links import Record, Signing, link_of, sign
from docframes.vendors.veridox.tables import SIGNED_FILES


def sign_files(
    file_ids: pd.DataFrame | Sequence[str],
    *,
    progress: bool | None = None,
    allow_partial: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """One row per file id, in the order given, each once: vendor, kind, file_id, label, expires_at, error.

    Any number of ids, or a frame with ``file_id``: 25 a call, at most 20 calls a minute.  An id that Veridox does not
    sign has its reason in ``error``, and so has one that is not of the form it takes, which is never sent.  The links
    themselves are in no frame: ``files.save_all(frame, folder)`` and :func:`file_links` ask for fresh ones.
    expires_at : UTC; a link lives 60 minutes.  progress : None shows a bar after a second.
    Raises IncompleteLoad where a whole call failed, with the rows of the others (allow_partial=True accepts that);
    MissingKey, AuthError, ConfigError.
    Source: docs.veridox.ai, files-download-bulk.
    """
    client = client or default_client()
    ids = _texts(file_ids)
    began = time.perf_counter()
    signing = sign(client, ids, progress)
    if signing.broken and not signing.answers:
        raise next(iter(signing.broken.values()))
    certificate = _certificate(client, signing)
    frame: pd.DataFrame = _frame(client, signing, ids, certificate, began)
    if signing.broken and not allow_partial:
        msg = f"{client.vendor}.sign_files: {certificate.reason}. The rows that came are in .frame, the others with "
        msg += "their error; .resume() signs all again; allow_partial=True accepts what came."
        raise IncompleteLoad(
            msg,
            frame=frame,
            certificate=certificate,
            resume=lambda: sign_files(ids, progress=progress, allow_partial=allow_partial, client=client),
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
        signing = sign(client, ids, progress=False)
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
    return link_of(client, answer, answer.json(), "asset_url", f"{kind}/{file_id}", asked_at, lifetime)


def _asset_or_error(client: Client, file_id: str, kind: str) -> SignedLink | DocframesError:
    try:
        return asset(file_id, kind, client=client)
    except (AuthError, OfflineMiss):
        raise
    except DocframesError as error:
        return error


# --- the frame ----------------------------------------------------------------------------------------------------


def _certificate(client: Client, signing: Signing) -> Certificate:
    wanted, came = len(signing.given), len(signing.links)
    facts: dict[str, Any] = {"declared_first": wanted, "declared_last": wanted, "received": came, "unique": came}
    if signing.broken:
        error = next(iter(signing.broken.values()))
        return Certificate("FAIL", f"{len(signing.broken)} of {wanted} ids were in calls that failed: {error}", **facts)
    silent = sum(why == str(client.api.value("download_unanswered")) for why in signing.refused.values())
    refused = f", {len(signing.refused)} were refused, each with its error" if signing.refused else ""
    if silent:
        # A refusal is an answer; an id that nobody speaks of may as well have been lost.
        reason = f"{wanted} asked for, {came} signed{refused}; of {silent} the vendor said nothing at all"
        return Certificate("CANNOT_PROVE", reason, **facts)
    return Certificate("PASS", f"{wanted} asked for, {came} signed{refused}", **facts)


def _frame(client: Client, signing: Signing, ids: Sequence[str], certificate: Certificate, began: float) -> Any:
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
        calls=sum(not answer.from_cache for answer in signing.answers),
        from_cache=sum(answer.from_cache for answer in signing.answers),
        fetched_from=min((answer.fetched_at for answer in signing.answers), default=None),
        fetched_to=max((answer.fetched_at for answer in signing.answers), default=None),
        rows=flat.rows,
        seconds=time.perf_counter() - began,
        certificate=certificate,
        unknown_keys=flat.drift.unknown,
        declared=SIGNED_FILES,
        answers=tuple(answer.used for answer in signing.answers),
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
