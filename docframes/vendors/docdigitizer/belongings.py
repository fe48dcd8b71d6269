"""What belongs to a document: its reviews, its original files, and links to those."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from docframes import spelling
from docframes.errors import BrokenCursor, ConfigError, DocframesError, NotFound, ShapeError
from docframes.tables.columns import read_moment
from docframes.tables.provenance import Made
from docframes.transport import redact
from docframes.transport.answers import Answer, Call, rows_of
from docframes.transport.api import Api
from docframes.transport.client import Client
from docframes.transport.download import ApiFile, SignedLink
from docframes.transport.paging import Page, dig
from docframes.vendors.docdigitizer.api import FILE_KINDS
from docframes.vendors.docdigitizer.documents import Wanted
from docframes.vendors.docdigitizer.fields import Record
from docframes.vendors.docdigitizer.links import file_endpoint, own_path

#: Members of an asset that may hold a link, which has no place in a frame.
_LINKS = ("links", "url", "href", "link", "download_url", "signed_url")


def all_rows(client: Client, answer: Answer) -> Made:
    """The rows of a list of one document, and of the pages that follow it; from the start again, once, where the
    vendor loses the place.  Raises BrokenCursor."""
    try:
        return _rows(client, answer)
    except BrokenCursor:
        call = Call(answer.call.endpoint, answer.call.path, _first_params(answer.call))
        return _rows(client, client.call(call, refresh=True))


def _first_params(call: Call) -> dict[str, Any]:
    paging = call.endpoint.paging
    return {name: value for name, value in call.params.items() if name != getattr(paging, "cursor", None)}


def _rows(client: Client, answer: Answer) -> Made:
    paging = answer.call.endpoint.paging
    before: list[Page] = []
    rows = Made()
    while True:
        envelope = answer.json()
        page = Page(answer.call.params, rows_of(envelope, answer, client.api), envelope, answer.headers)
        paging.check(page)
        rows += page.items
        rows.origins.extend((page.items, place) for place in range(len(page.items)))
        params = paging.following(page, before)
        if params is None:
            return rows
        before.append(page)
        answer = client.call(Call(answer.call.endpoint, answer.call.path, params))


def reviews_record(client: Client) -> Callable[[Answer], Record]:
    """Makes the record of one document's reviews."""

    def made(answer: Answer) -> Record:
        return {"document_id": answer.call.path["document_id"], "reviews": all_rows(client, answer)}

    return made


def assets_record(client: Client) -> Callable[[Answer], Record]:
    """Makes the record of one document's assets, without their links."""

    def made(answer: Answer) -> Record:
        document_id = str(answer.call.path["document_id"])
        assets = _assets(client, answer)
        return {"document_id": document_id, "assets": Made(map(_bare, assets), assets.origins)}

    return made


def _assets(client: Client, answer: Answer) -> Made:
    """The assets of an answer, each with the id by which it is asked for.

    An answer that is no JSON is the file itself: the one asset there is.
    """
    document_id = str(answer.call.path["document_id"])
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    if "json" not in kind and answer.body[:1] not in (b"{", b"["):
        return Made([{"file_id": f"{document_id}/1", "media_type": kind or None, "itself": True}], [()])
    rows = all_rows(client, answer)
    found = Made(origins=rows.origins)
    for place, asset in enumerate(rows, start=1):
        if isinstance(asset, Mapping):
            record = dict(asset)
        else:
            record = {"url": asset} if isinstance(asset, str) else {"asset": asset}
        key = spelling.find("id", record, ("asset_id",))
        own = record[key] if key and record[key] is not None else place
        found.append({**record, "file_id": f"{document_id}/{own}"})
    return found


def _bare(asset: Record) -> Record:
    """Without links, and without what signs one, wherever it stands."""
    left_out = {spelling.plain(name) for name in (*_LINKS, "itself")}
    kept = {key: value for key, value in asset.items() if spelling.plain(key) not in left_out}
    return {key: _without_query(value) for key, value in kept.items()}


def _without_query(value: Any) -> Any:
    if isinstance(value, str):
        return redact.url(value) if value.startswith(("http://", "https://")) else value
    if isinstance(value, Mapping):
        return {key: _without_query(member) for key, member in value.items()}
    return [_without_query(member) for member in value] if isinstance(value, list) else value


# --- links --------------------------------------------------------------------------------------------------------


def file_links(
    kind: str, file_ids: Sequence[str], *, client: Client
) -> dict[str, SignedLink | ApiFile | DocframesError]:
    """A way to the bytes of each asset; an error in place of one that failed.  One call for each document."""
    if kind not in FILE_KINDS:
        raise ConfigError(f"kind is {kind!r}; DocDigitizer has files of the kinds {', '.join(FILE_KINDS)}.")
    of_document: dict[str, list[str]] = {}
    for file_id in file_ids:
        of_document.setdefault(file_id.rpartition("/")[0], []).append(file_id)
    asked_at = datetime.now(UTC)
    calls = [Wanted(document_id).call(client, "assets") for document_id in of_document]
    links: dict[str, SignedLink | ApiFile | DocframesError] = {}
    for call, names, outcome in zip(calls, of_document.values(), client.outcomes(calls), strict=True):
        links |= _links_of(client, call, names, outcome, asked_at)
    return {file_id: links[file_id] for file_id in file_ids}


def _links_of(
    client: Client, call: Call, names: list[str], outcome: Answer | DocframesError, asked_at: datetime
) -> dict[str, SignedLink | ApiFile | DocframesError]:
    try:
        if isinstance(outcome, DocframesError):
            raise outcome
        assets = {asset["file_id"]: asset for asset in _assets(client, outcome)}
    except DocframesError as error:
        return dict.fromkeys(names, error)
    links: dict[str, SignedLink | ApiFile | DocframesError] = {}
    for name in names:
        try:
            links[name] = _link(client, call, name, assets.get(name), asked_at)
        except DocframesError as error:
            links[name] = error
    return links


def _link(client: Client, call: Call, name: str, asset: Record | None, asked_at: datetime) -> SignedLink | ApiFile:
    if asset is None:
        raise NotFound(f"docdigitizer has no asset {name!r}; load_assets() lists them.", vendor="docdigitizer")
    told = f"assets/{name}"
    if asset.get("itself"):
        return ApiFile(told, lambda: client.stream(call))
    url = _url(asset, client.api)
    if url is None:
        msg = f"The asset {name!r} names no file; it is an object with the keys {sorted(_bare(asset))}. "
        raise ShapeError(msg + 'Say where: Client(assumptions={"asset_url": "..."}).', vendor="docdigitizer")
    target = own_path(client, url)
    if target is not None:
        file = Call(file_endpoint(target[0]), params=target[1])
        return ApiFile(told, lambda: client.stream(file))
    return SignedLink(told, url, _expiry(asset, url, client.api, asked_at), client.settings)


def _url(asset: Record, api: Api) -> str | None:
    paths = api.value("asset_url")
    for path in [paths] if isinstance(paths, str) else paths:
        found = dig(asset, path)
        found = found.get("href") if isinstance(found, Mapping) else found
        if isinstance(found, str) and found:
            return found
    return None


def _expiry(asset: Record, url: str, api: Api, asked_at: datetime) -> datetime:
    """As the asset says, or its link; else as long as is assumed."""
    key = spelling.find("expires_at", asset, ("expires",))
    moment = read_moment(asset[key]) if key else None
    if moment is not None:
        return moment
    signed = {name.lower(): values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    seconds = signed.get("x-amz-expires", "")
    return asked_at + timedelta(seconds=int(seconds) if seconds.isdecimal() else float(api.value("asset_lifetime")))
