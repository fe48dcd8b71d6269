"""Fresh links to the bytes of documents: asked for when they are wanted, and never kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from docframes.errors import ConfigError, DocframesError, NotFound, ShapeError
from docframes.transport.answers import Answer, Call
from docframes.transport.download import ApiFile, SignedLink
from docframes.transport.paging import dig
from docframes.vendors.papershift.api import DOWNLOAD_URL, FILE_KINDS
from docframes.vendors.papershift.client import Client, default_client
from docframes.vendors.papershift.queries import metadata_parameters

Link = SignedLink | ApiFile | DocframesError


def sign_file(kind: str, file_id: str, *, client: Client | None = None) -> SignedLink:
    """A fresh link to the bytes of a document; ``.save(path)`` and ``.bytes()`` fetch them.

    kind : documents or account_documents.  file_id : the frame's column of that name; for a user's document it is
    ``user_id/document_id``.  The link lives for minutes and is a secret: it has no place in a repr, and is never kept.
    Raises NotFound where there is no such document, or no file yet.
    Source: pulse-docs.papershift.com/en/api/user-documents, download_url.
    """
    client = client or default_client()
    asked_at = datetime.now(UTC)
    return _link(client, client.call(_call(client, kind, file_id)), f"{kind}/{file_id}", asked_at)


def file_links(kind: str, file_ids: Sequence[str], *, client: Client | None = None) -> dict[str, Link]:
    """A fresh link for each id, one call each since the vendor signs one at a time; an error where one failed."""
    client = client or default_client()
    links: dict[str, Link] = {}
    calls: dict[str, Call] = {}
    for file_id in dict.fromkeys(file_ids):
        try:
            calls[file_id] = _call(client, kind, file_id)
        except DocframesError as error:
            links[file_id] = error
    asked_at = datetime.now(UTC)
    for file_id, outcome in zip(calls, client.outcomes(list(calls.values())), strict=True):
        try:
            links[file_id] = _link(client, outcome, f"{kind}/{file_id}", asked_at)
        except DocframesError as error:
            links[file_id] = error
    return links


def _call(client: Client, kind: str, file_id: str) -> Call:
    params = metadata_parameters([DOWNLOAD_URL], client.api)
    if kind == "account_documents":
        return client.ask("account_document", {"document_id": file_id}, params)
    if kind != "documents":
        raise ConfigError(f"kind is {kind!r}; Papershift has files of the kinds {', '.join(FILE_KINDS)}.")
    user_id, slash, document_id = file_id.partition("/")
    if not (slash and user_id and document_id):
        msg = f"{file_id!r} names no file: a user's document is only found by its user. "
        raise ConfigError(msg + "Give user_id/document_id, which is the column file_id of load_documents().")
    return client.ask("document", {"user_id": user_id, "document_id": document_id}, params)


def _link(client: Client, outcome: Answer | DocframesError, name: str, asked_at: datetime) -> SignedLink:
    if isinstance(outcome, DocframesError):
        raise outcome
    envelope = outcome.json()
    places = client.api.value("download_url")
    places = (places,) if isinstance(places, str) else places
    url = next((found for place in places if isinstance(found := dig(envelope, place), str) and found), None)
    if url is None:
        raise _no_link(client, envelope, outcome, name, places)
    lifetime = timedelta(seconds=float(client.api.value("link_lifetime")))
    return SignedLink(name, url, _end(url) or asked_at + lifetime, client.settings)


def _end(url: str) -> datetime | None:
    """When a link ends, where it says so itself, as those of S3 do."""
    query = {key.lower(): values[0] for key, values in parse_qs(urlsplit(url).query).items()}
    try:
        begin = datetime.strptime(query["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return begin + timedelta(seconds=int(query["x-amz-expires"]))
    except (KeyError, ValueError, OverflowError):
        return None


def _no_link(client: Client, envelope: Any, answer: Answer, name: str, places: Sequence[str]) -> DocframesError:
    status = dig(envelope, "data.attributes.upload_status") or dig(envelope, "attributes.upload_status")
    if status not in (None, "success"):
        msg = f"{name} has no file: its upload_status is {status!r}. There is one after success only."
        return NotFound(msg, vendor=client.vendor, url=answer.url)
    came = sorted(envelope) if isinstance(envelope, dict) else type(envelope).__name__
    msg = f"The answer for {name} holds no link at any of {', '.join(places)}; it has {came}. That it stands there was "
    msg += 'assumed; say where: Client(assumptions={"download_url": "..."}).'
    return ShapeError(msg, vendor=client.vendor, url=answer.url)
