"""What came back for a call, and how its rows, its one object or its error are found in it."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NoReturn

import orjson
import requests

from docframes.errors import (
    AuthError,
    BadRequest,
    NotFound,
    RateLimited,
    ServerError,
    ShapeError,
    VendorError,
)
from docframes.settings import Settings
from docframes.transport import redact
from docframes.transport.api import Api, Assumed, Endpoint
from docframes.transport.journal import Used
from docframes.transport.paging import Params, dig
from docframes.transport.retry import retry_after
from docframes.transport.store import KEPT_HEADERS, answer_key

#: Members of an answer that are lists and yet never the rows asked for.
_NEVER_ROWS = frozenset({"errors", "error", "warnings", "messages", "links", "included", "permissions", "fields"})

_ERRORS: dict[int, type[VendorError]] = {
    400: BadRequest, 401: AuthError, 403: AuthError, 404: NotFound, 406: BadRequest, 409: BadRequest, 410: NotFound,
    413: BadRequest, 415: BadRequest, 422: BadRequest,
}  # fmt: skip


@contextmanager
def paused_collector() -> Iterator[None]:
    """The cyclic garbage collector off: decoding makes no cycles, and collections cost three times the decoding."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(frozen=True)
class Call:
    """One call to make: an endpoint and what fills it in."""

    endpoint: Endpoint
    path: Mapping[str, Any] = field(default_factory=dict)  #: values of the path's placeholders
    params: Params = field(default_factory=dict)
    version: str = ""  #: version of the thing asked for; another version is never answered from this one's entry
    json: Any = None  #: body, as JSON
    files: Any = None  #: body, as a multipart form: what ``requests`` takes
    headers: Mapping[str, str] = field(default_factory=dict)  #: of this call alone


@dataclass(frozen=True)
class Account:
    """Whose answer it is.  name : from which no credential can be had.  headers : that the cache keeps besides."""

    vendor: str
    name: str
    base_url: str
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What came back for one call."""

    call: Call
    url: str  #: without query
    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)  #: names in lower case
    from_cache: bool
    fetched_at: datetime
    key: str = ""  #: under which the cache keeps it
    asked: str = ""  #: the address with its query, redacted
    account: Account = Account("", "", "")  #: who asked

    @cached_property
    def sha256(self) -> str:
        """Of the body, without what is secret in it."""
        # Only an answer with links comes here with them; any other was redacted when it came.
        return hashlib.sha256(self.plain).hexdigest()

    @cached_property
    def plain(self) -> bytes:
        """The body without what is secret in it."""
        return redact.links(self.body) if self.call.endpoint.links else self.body

    @cached_property
    def used(self) -> Used:
        """The note of it."""
        call, keep = self.call, (*KEPT_HEADERS, *self.account.headers)
        return Used(
            vendor=self.account.vendor,
            account=self.account.name,
            base_url=self.account.base_url,
            endpoint=call.endpoint.name,
            path=dict(call.path),
            params=redact.arguments(call.params),
            version=call.version,
            method=call.endpoint.method,
            url=self.asked,
            key=self.key,
            status=self.status,
            headers=redact.headers(self.headers, keep=keep),
            fetched_at=self.fetched_at,
            sha256=self.sha256,
            from_cache=self.from_cache,
        )

    def json(self) -> Any:
        """The decoded body.  Raises ShapeError, with the first 200 characters, where it is no JSON."""
        try:
            with paused_collector():
                body = orjson.loads(self.body)
                noted = _decoded.get()
                if noted is not None:
                    noted.append((self, body))
                return body
        except orjson.JSONDecodeError:
            kind = self.headers.get("content-type", "no content type")
            text = excerpt(self.body)
            msg = f"{self.url}: wanted JSON, got {kind}, {len(self.body)} bytes, beginning: {text!r}. "
            msg += "Check base_url; a proxy or sign-in page may stand in between."
            # Not chained: the decoder's error holds the whole body.
            raise ShapeError(msg, url=self.url, excerpt=text) from None


_decoded: ContextVar[list[tuple[Answer, Any]] | None] = ContextVar("docframes_decoded", default=None)


@contextmanager
def decoded() -> Iterator[list[tuple[Answer, Any]]]:
    """Answers that are decoded within the block, in this thread, each with what was in it."""
    noted: list[tuple[Answer, Any]] = []
    token = _decoded.set(noted)
    try:
        yield noted
    finally:
        _decoded.reset(token)


def excerpt(body: bytes) -> str:
    """The first 200 characters, redacted."""
    return redact.text(body[:2000].decode("utf-8", "replace"))[:200]


def answer_of(call: Call, response: requests.Response, account: Account) -> Answer:
    """A response of the session, live or cached, as an Answer."""
    return Answer(
        call=call,
        url=redact.url(response.url),
        status=response.status_code,
        body=response.content,
        headers={name.lower(): value for name, value in response.headers.items()},
        from_cache=bool(getattr(response, "from_cache", False)),
        fetched_at=getattr(response, "created_at", None) or datetime.now(UTC),
        key=getattr(response, "cache_key", None) or answer_key(response.request),
        asked=redact.text(response.request.url or response.url),
        account=account,
    )


# --- rows and objects ---------------------------------------------------------------------------------------------


def rows_of(envelope: Any, answer: Answer, api: Api) -> list[Any]:
    """The rows of a list answer.

    They stand where the endpoint says, in any spelling; or the answer is a bare list; or one member of it, and one
    alone, is a list.  Raises ShapeError where none holds, naming the assumption that would mend it.
    """
    if isinstance(envelope, list):
        return envelope
    paths = _paths(answer.call.endpoint)
    for path in paths:
        rows = dig(envelope, path)
        if isinstance(rows, list):
            return rows
    lists = [value for name, value in _members(envelope) if isinstance(value, list) and name.lower() not in _NEVER_ROWS]
    if len(lists) == 1:
        return lists[0]
    refuse_shape(envelope, answer, api, f"a list at {' or '.join(map(repr, paths))}, or a bare list")


def object_of(envelope: Any, answer: Answer, api: Api) -> dict[str, Any]:
    """The one object of an answer.  Raises ShapeError where there is none."""
    paths = _paths(answer.call.endpoint) or [""]
    for path in paths:
        found = dig(envelope, path)
        if isinstance(found, dict):
            return found
    refuse_shape(envelope, answer, api, f"an object at {' or '.join(map(repr, paths))}")


def _members(envelope: Any) -> list[tuple[str, Any]]:
    return list(envelope.items()) if isinstance(envelope, dict) else []


def _paths(endpoint: Endpoint) -> list[str]:
    items = endpoint.items
    return [items] if isinstance(items, str) else list(items or ())


def refuse_shape(envelope: Any, answer: Answer, api: Api, wanted: str) -> NoReturn:
    """Say what was wanted, what came, and which assumption mends it."""
    came = (
        f"an object with the keys {sorted(envelope)}" if isinstance(envelope, dict) else f"a {type(envelope).__name__}"
    )
    items = api.endpoints[answer.call.endpoint.name].items
    name = items.name if isinstance(items, Assumed) else "columns"
    text = excerpt(answer.body)
    msg = f"{api.vendor} {answer.call.endpoint.name}, {answer.url}: wanted {wanted}, got {came}: {text!r}. "
    msg += f'That it stands there was assumed; if it stands elsewhere, say so: Client(assumptions={{"{name}": "..."}}).'
    raise ShapeError(msg, vendor=api.vendor, url=answer.url, excerpt=text)


# --- errors -------------------------------------------------------------------------------------------------------


def error_of(response: requests.Response, api: Api, settings: Settings) -> VendorError:
    """The error that a refusal stands for, with the vendor's own words and its handle for support."""
    status, url, body = response.status_code, redact.url(response.url), _error_body(response)
    said = next((str(text) for path in api.error_text if (text := dig(body, path))), "")
    said = redact.text(said or excerpt(response.content) or response.reason or "").strip()[:500]
    request_id = dig(body, api.request_id) or response.headers.get("x-request-id")
    code = (dig(body, api.error_code) if api.error_code else None) or _known_code(body, api)
    place = dig(body, api.error_place) if api.error_place else None
    told = {"code": code, "at": place, "request id": request_id}
    facts_told = "".join(f" ({name} {redact.text(str(value))[:200]})" for name, value in told.items() if value)
    facts: dict[str, Any] = {
        "vendor": api.vendor, "status": status, "url": url, "code": code,
        "request_id": None if request_id is None else str(request_id),
    }  # fmt: skip
    msg = f"{api.vendor} answered {status} for {url}: {said!r}{facts_told}. "
    if status == 429:
        asked = retry_after(response.headers, datetime.now(UTC))
        return RateLimited(msg + _after_429(asked, settings), retry_after=asked, **facts)
    kind = _ERRORS.get(status) or (ServerError if status >= 500 else VendorError)
    own = api.error_codes.get(str(code)) or api.advice.get(status)
    return kind(msg + (own or _advice(kind, api, settings)), **facts)


def _known_code(body: Any, api: Api) -> str | None:
    """The first of the codes that have advice of their own among the texts of *body*; whole texts before words."""
    if not api.error_codes:
        return None
    texts = list(_texts(body))
    words = (word.strip(".,:;()[]") for text in texts for word in text.split())
    return next((text for text in (*map(str.strip, texts), *words) if text in api.error_codes), None)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for member in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(member)


def _advice(kind: type[VendorError], api: Api, settings: Settings) -> str:
    variables = ", ".join(f"DOCFRAMES_{api.vendor.upper()}_{name.upper()}" for name in api.credentials)
    arguments = ", ".join(f"{name}=" for name in api.credentials)
    advice = {
        AuthError: f"Check {variables} or {arguments}; a key is made at {api.key_made_at}.",
        NotFound: "Check the id; another account's things are not found either.",
        BadRequest: "Check the arguments of the call.",
        ServerError: f"It failed {settings.tries} times; try later, or name the request id to support.",
    }
    return advice.get(kind, "This status is not in the vendor's documentation.")


def _after_429(asked: float | None, settings: Settings) -> str:
    if asked is not None and asked > settings.longest_wait:
        return (
            f"It asks to wait {asked:.0f} s, more than longest_wait ({settings.longest_wait:.0f} s); load again then."
        )
    return f"It said so on each of {settings.tries} tries; load again later: finished calls are in the cache."


def _error_body(response: requests.Response) -> Any:
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
