"""What came for each id that was to be signed: batches out, answers matched by id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from docframes import spelling
from docframes.errors import AuthError, DocframesError, NotFound, OfflineMiss, ShapeError
from docframes.loading import Bar
from docframes.tables.columns import as_text, read_moment
from docframes.transport import redact
from docframes.transport.answers import Answer, Call
from docframes.transport.download import SignedLink
from docframes.transport.paging import dig
from docframes.vendors.veridox.api import DOWNLOAD_LIFETIME, MOST_IDS, THE_FILE, VENDOR
from docframes.vendors.veridox.client import Client

Record = dict[str, Any]

_NOT_SENT = "not sent: the id is no UUID of version 7, and one such id may fail a whole call; "
_NOT_SENT += 'Client(assumptions={"sent_id_pattern": ""}) sends every id'


@dataclass
class Signing:
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


def sign(client: Client, ids: Sequence[str], progress: bool | None) -> Signing:
    """Every id once, 25 a call; those that the vendor would not take are not sent."""
    signing = Signing({file_id.lower(): file_id for file_id in reversed(ids)})
    pattern = str(client.api.value("sent_id_pattern") or "")
    sent = [file_id for file_id in dict.fromkeys(map(str.lower, ids)) if re.fullmatch(pattern or ".+", file_id, re.I)]
    for file_id in signing.given.keys() - set(sent):
        signing.refused[file_id] = _NOT_SENT
    batches = [sent[start : start + MOST_IDS] for start in range(0, len(sent), MOST_IDS)]
    key = str(client.api.value("download_ids"))
    endpoint = client.api.endpoint("download")
    calls = [Call(endpoint, json={key: [signing.given[file_id] for file_id in batch]}) for batch in batches]
    asked_at = datetime.now(UTC)
    with Bar(f"{VENDOR} links", "calls", len(calls), progress) as bar:
        for batch, outcome in zip(batches, client.outcomes(calls), strict=True):
            bar.advance()
            try:
                _take(client, signing, batch, outcome, asked_at)
            except (AuthError, OfflineMiss):
                raise
            except DocframesError as error:
                signing.broken |= dict.fromkeys(batch, error)
    return signing


def _take(
    client: Client, signing: Signing, batch: Sequence[str], outcome: Answer | DocframesError, asked_at: datetime
) -> None:
    """Match one answer with the ids that were asked for: by id, never by position."""
    if isinstance(outcome, DocframesError):
        raise outcome
    links, errors = _entries(client, outcome)
    found: dict[str, tuple[SignedLink, Record]] = {}
    for entry in links:
        place = _id_of(client, entry, outcome)
        name = f"{THE_FILE}/{place}"
        found[place] = (link_of(client, outcome, entry, "download_url", name, asked_at, DOWNLOAD_LIFETIME), entry)
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
        if isinstance(errors, dict):
            errors = [{"file_id": file_id, "error": error} for file_id, error in errors.items()]
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


def link_of(
    client: Client, answer: Answer, entry: Any, assumption: str, name: str, asked_at: datetime, lifetime: float
) -> SignedLink:
    """The link in *entry*, where *assumption* says; *lifetime*, in seconds, where it does not say until when.

    Raises ShapeError where there is none.
    """
    url = _url_key(client, entry, assumption) if isinstance(entry, dict) else None
    if url is None:
        came = sorted(entry) if isinstance(entry, dict) else f"a {type(entry).__name__}"
        msg = f"{client.vendor} {answer.call.endpoint.name}: wanted a link at {client.api.value(assumption)!r}, got an "
        msg += f'answer with {came}. If it bears another name, say so: Client(assumptions={{"{assumption}": "..."}}).'
        raise ShapeError(msg, vendor=client.vendor, url=answer.url)
    moment = spelling.find(str(client.api.value("expires_at")), entry)
    expires_at = read_moment(entry[moment]) if moment else None
    return SignedLink(name, entry[url], expires_at or asked_at + timedelta(seconds=lifetime), client.settings)
