"""One account at one vendor: the only door through which docframes reaches an API."""

from __future__ import annotations

import gc
import logging
import math
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, urljoin

import orjson
import requests
from requests_cache import DO_NOT_CACHE

from docframes.errors import (
    AuthError,
    BadRequest,
    ConfigError,
    DocframesError,
    MissingKey,
    NoAnswer,
    NotFound,
    OfflineMiss,
    RateLimited,
    ServerError,
    ShapeError,
    VendorError,
)
from docframes.settings import Settings
from docframes.transport import cache, redact
from docframes.transport.api import Api, Endpoint
from docframes.transport.auth import ApiKey, origin
from docframes.transport.paging import Page, Params, dig
from docframes.transport.retry import retry_after
from docframes.transport.session import LINKS_HEADER, ClientSession, make_session

log = logging.getLogger("docframes.transport")

_ERRORS: dict[int, type[VendorError]] = {
    400: BadRequest, 401: AuthError, 403: AuthError, 404: NotFound, 409: BadRequest, 410: NotFound, 422: BadRequest,
}  # fmt: skip
_MOST_REDIRECTS = 5

C = TypeVar("C", bound="Client")


@dataclass(frozen=True)
class Call:
    """One call to make: an endpoint and what fills it in."""

    endpoint: Endpoint
    path: Mapping[str, str] = field(default_factory=dict)  #: values of the path's placeholders
    params: Params = field(default_factory=dict)
    version: str = ""  #: version of the thing asked for; another version is never answered from this one's entry


@dataclass(frozen=True)
class Answer:
    """What came back for one call."""

    call: Call
    url: str  #: without query
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    from_cache: bool
    fetched_at: datetime

    def json(self) -> Any:
        """The decoded body.  Raises ShapeError, with the first 200 characters, where it is no JSON."""
        try:
            with paused_collector():
                return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            excerpt = redact.text(self.body[:800].decode("utf-8", "replace"))[:200]
            kind = self.headers.get("content-type", "no content type")
            msg = f"{self.url}: wanted JSON, got {kind}, {len(self.body)} bytes, beginning: {excerpt!r}. "
            msg += "Check base_url; a proxy or sign-in page may stand in between."
            raise ShapeError(msg, url=self.url, excerpt=excerpt) from error


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


class Client:
    """One account at one vendor, with its cache, limits and assumptions.

    api_key : None looks in ``DOCFRAMES_<VENDOR>_API_KEY``, then in the keyring if that package is installed.
    base_url : None looks in ``DOCFRAMES_<VENDOR>_BASE_URL``, then takes the vendor's own.
    assumptions : corrections of guesses, by name; ``client.assumptions`` lists them all.
    api : a changed :class:`.Api`, for corrections that no assumption covers.
    cached : False keeps nothing on disk and reads nothing from it.
    settings : None reads the environment.

    Raises MissingKey where no key is found.
    """

    def __init__(
        self,
        api: Api,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        assumptions: Mapping[str, Any] | None = None,
        cached: bool = True,
        settings: Settings | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.api = api.with_assumptions(assumptions or {})
        self.settings = settings or Settings.from_environment()
        self.base_url = _base_url(self.api, base_url)
        self._auth = _with_key(self.api, api_key)
        self.account = cache.fingerprint(self.api.vendor, self.base_url, self._auth.value)
        redact.remember(self._auth.value)
        self._cached = cached
        self._sleep = sleep
        self._lock = threading.Lock()
        self._session_: ClientSession | None = None
        self._store: cache.Store | None = None

    def __repr__(self) -> str:
        return f"<{self.vendor} client at {redact.url(self.base_url)}, key {self._auth.masked()}>"

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def vendor(self) -> str:
        """The room's name."""
        return self.api.vendor

    @property
    def assumptions(self) -> dict[str, Any]:
        """Every guess about this API that is in force, by name."""
        return {name: assumption.value for name, assumption in self.api.assumptions.items()}

    @property
    def frames_folder(self) -> Path | None:
        """Where frames of finished loads are kept; None where nothing is kept."""
        return self._store_path().with_suffix(".frames") if self._cached else None

    def close(self) -> None:
        """Close connections and the cache file; the next call opens them again."""
        with self._lock:
            if self._session_ is not None:
                self._session_.close()
                self._session_ = None
                self._store = None

    # --- calls --------------------------------------------------------------------------------------------------

    def call(self, call: Call, *, refresh: bool = False) -> Answer:
        """One answer.  refresh : go past the cache, and keep the new answer in it.

        Raises AuthError, NotFound, BadRequest, RateLimited or ServerError as the vendor says; NoAnswer where
        nothing came; OfflineMiss offline.
        """
        if cache.is_offline(self.settings):
            return self._from_cache(call)
        try:
            response = self._send(call, refresh)
        except requests.RequestException as error:
            raise self._no_answer(call, error) from None
        if response.status_code != 200:
            raise self._error(response)
        return _answer(call, response)

    def outcomes(self, calls: Sequence[Call], *, refresh: bool = False) -> Iterator[Answer | DocframesError]:
        """Answers, or what went wrong, in the order of *calls*; up to ``settings.workers`` under way at once.

        A caller that stops listening gives up the calls not yet begun.
        """
        if len(calls) < 2 or self.settings.workers == 1:
            yield from (self._outcome(call, refresh) for call in calls)
            return
        with ThreadPoolExecutor(min(self.settings.workers, len(calls)), thread_name_prefix="docframes") as pool:
            futures = [pool.submit(copy_context().run, self._outcome, call, refresh) for call in calls]
            yield from _in_order(futures)

    def _outcome(self, call: Call, refresh: bool) -> Answer | DocframesError:
        try:
            return self.call(call, refresh=refresh)
        except DocframesError as error:
            return error

    def pages(
        self, call: Call, *, size: int | None = None, refresh: bool = False, most: int | None = None
    ) -> Iterator[tuple[Page, Answer]]:
        """Every page of a list, in order; all but the first in parallel where their number is declared.

        most : rows wanted in total, so that pages past them are not asked for.
        """
        paging = call.endpoint.paging
        first = self._page(self.call(_turned(call, paging.first(call.params, size)), refresh=refresh))
        yield first
        page = first[0]
        rest = [_turned(call, params) for params in paging.rest(page) or ()]
        if most is not None and page.items:
            rest = rest[: max(0, math.ceil(most / len(page.items)) - 1)]
        for outcome in self.outcomes(rest, refresh=refresh):
            if isinstance(outcome, DocframesError):
                raise outcome
            page, _ = last = self._page(outcome)
            yield last
        # Where the number of pages is not declared, and where the list grew meanwhile.
        while (params := paging.following(page)) is not None:
            before = page.items
            page, _ = last = self._page(self.call(_turned(call, params), refresh=refresh))
            yield last
            if page.items == before:
                return

    def _page(self, answer: Answer) -> tuple[Page, Answer]:
        envelope = answer.json()
        items = rows_of(envelope, answer, self.api)
        return Page(answer.call.params, items, None if isinstance(envelope, list) else envelope, answer.headers), answer

    # --- one request --------------------------------------------------------------------------------------------

    def _send(self, call: Call, refresh: bool) -> requests.Response:
        """Send, following redirects within the vendor's own host only: another host's answer is no API answer."""
        endpoint, session = call.endpoint, self._session()
        url, params = self._url(call), call.params
        for _ in range(_MOST_REDIRECTS):
            response: requests.Response = session.request(  # type: ignore[call-arg]
                endpoint.method,
                url,
                params=params or None,
                headers=_headers(endpoint),
                timeout=(self.settings.connect_timeout, self.settings.read_timeout),
                allow_redirects=False,
                expire_after=round(endpoint.lifetime) or DO_NOT_CACHE,
                force_refresh=refresh,
            )
            target = urljoin(url, response.headers.get("Location", ""))
            if not response.is_redirect or origin(target) != origin(self.base_url):
                return response
            url, params = target, {}
        return response

    def _from_cache(self, call: Call) -> Answer:
        request = requests.Request(call.endpoint.method, self._url(call), params=call.params or None).prepare()
        store = self._open_store()
        cached = store.get_response(cache.answer_key(request)) if store else None
        if cached is None:
            msg = f"Offline, and this answer is not in the cache: {self._told(call)}. Load it once while online."
            raise OfflineMiss(msg, vendor=self.vendor, url=redact.url(self._url(call)))
        return _answer(call, cached)

    def _url(self, call: Call) -> str:
        values = {name: quote(str(value), safe="") for name, value in call.path.items()}
        url = self.base_url + call.endpoint.path.format_map(values)
        return f"{url}#{quote(call.version, safe='')}" if call.version else url

    def _told(self, call: Call) -> str:
        params = redact.arguments(call.params)
        told = "&".join(f"{name}={value}" for name, value in params.items())
        return f"{call.endpoint.method} {redact.url(self._url(call))}" + (f" ({told})" if told else "")

    # --- errors -------------------------------------------------------------------------------------------------

    def _no_answer(self, call: Call, error: Exception) -> NoAnswer:
        # The cause is told redacted and not chained: its own text may hold a signed URL.
        why = redact.text(f"{type(error).__name__}: {error}")[:300]
        msg = f"{self._told(call)}: no answer in {self.settings.tries} tries ({why}). Check the network and base_url; "
        return NoAnswer(
            msg + "calls that succeeded are in the cache.",
            vendor=self.vendor,
            url=redact.url(self._url(call)),
        )

    def _error(self, response: requests.Response) -> VendorError:
        status, url = response.status_code, redact.url(response.url)
        body = _error_body(response)
        said = str(body.get(self.api.error_text) or response.reason or "").strip()
        request_id = body.get(self.api.request_id) or response.headers.get("x-request-id")
        facts: dict[str, Any] = {
            "vendor": self.vendor,
            "status": status,
            "url": url,
            "request_id": request_id,
        }
        handle = f" (request id {request_id})" if request_id else ""
        msg = f"{self.vendor} answered {status} for {url}: {redact.text(said)[:200]!r}{handle}. "
        if status == 429:
            asked = retry_after(response.headers, datetime.now(UTC))
            return RateLimited(msg + _after_429(asked, self.settings), retry_after=asked, **facts)
        kind = _ERRORS.get(status) or (ServerError if status >= 500 else VendorError)
        return kind(msg + self._advice(kind), **facts)

    def _advice(self, kind: type[VendorError]) -> str:
        advice = {
            AuthError: f"Check {_variable(self.api, 'API_KEY')} or api_key=; a key is made at {self.api.key_made_at}.",
            NotFound: "Check the id; another account's things are not found either.",
            BadRequest: "Check the arguments of the call.",
            ServerError: f"It failed {self.settings.tries} times; try later, or name the request id to support.",
        }
        return advice.get(kind, "This status is not in the vendor's documentation.")

    # --- the session --------------------------------------------------------------------------------------------

    def _session(self) -> ClientSession:
        store = self._open_store()
        with self._lock:
            if self._session_ is None:
                self._session_ = make_session(
                    base_url=self.base_url,
                    auth=self._auth,
                    store=store,
                    settings=self.settings,
                    rate=self.api.rate,
                    sleep=self._sleep,
                )
            return self._session_

    def _open_store(self) -> cache.Store | None:
        with self._lock:
            if self._store is None and self._cached:
                self._store = cache.open_store(self._store_path())
                self._cached = self._store is not None
            return self._store

    def _store_path(self) -> Path:
        return cache.location(self.settings) / f"{self.vendor}-{self.account}.sqlite"


def rows_of(envelope: Any, answer: Answer, api: Api) -> list[Any]:
    """The rows of a list answer.  A bare array is a list without totals.

    Raises ShapeError where neither holds, naming the assumption that would mend it.
    """
    items = answer.call.endpoint.items
    rows = envelope if isinstance(envelope, list) else dig(envelope, items)
    if isinstance(rows, list):
        return rows
    _refuse_shape(envelope, answer, api, f"a list at {items!r}, or a bare list")


def object_of(envelope: Any, answer: Answer, api: Api) -> dict[str, Any]:
    """The one object of an answer.  Raises ShapeError where there is none."""
    found = dig(envelope, answer.call.endpoint.items)
    if isinstance(found, dict):
        return found
    _refuse_shape(envelope, answer, api, f"an object at {answer.call.endpoint.items!r}")


def _refuse_shape(envelope: Any, answer: Answer, api: Api, wanted: str) -> NoReturn:
    came = (
        f"an object with the keys {sorted(envelope)}" if isinstance(envelope, dict) else f"a {type(envelope).__name__}"
    )
    excerpt = redact.text(answer.body[:800].decode("utf-8", "replace"))[:200]
    name = _assumption_behind(answer.call.endpoint.name, api)
    msg = f"{answer.url}: wanted {wanted}, got {came}: {excerpt!r}. "
    msg += f'If the rows stand elsewhere, say so: Client(assumptions={{"{name}": "..."}}).'
    raise ShapeError(msg, vendor=api.vendor, url=answer.url, excerpt=excerpt)


def _assumption_behind(endpoint: str, api: Api) -> str:
    items = api.endpoints[endpoint].items
    return getattr(items, "name", "list_items")


def _turned(call: Call, params: Params) -> Call:
    return Call(call.endpoint, call.path, params, call.version)


def _in_order(futures: list[Future[Answer | DocframesError]]) -> Iterator[Answer | DocframesError]:
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


def _answer(call: Call, response: requests.Response) -> Answer:
    created = getattr(response, "created_at", None) or datetime.now(UTC)
    return Answer(
        call=call,
        url=redact.url(response.url),
        body=response.content,
        headers={name.lower(): value for name, value in response.headers.items()},
        from_cache=bool(getattr(response, "from_cache", False)),
        fetched_at=created,
    )


def _headers(endpoint: Endpoint) -> dict[str, str]:
    headers = {"Accept": "application/json"}
    if endpoint.links:
        headers[LINKS_HEADER] = "1"
    return headers


def _error_body(response: requests.Response) -> Mapping[str, Any]:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _after_429(asked: float | None, settings: Settings) -> str:
    if asked is not None and asked > settings.longest_wait:
        return (
            f"It asks to wait {asked:.0f} s, more than longest_wait ({settings.longest_wait:.0f} s); load again then."
        )
    return f"It said so on each of {settings.tries} tries; load again later: finished calls are in the cache."


# --- where credentials and addresses come from ---------------------------------------------------------------------


def _variable(api: Api, what: str) -> str:
    return f"DOCFRAMES_{api.vendor.upper()}_{what}"


def _base_url(api: Api, given: str | None) -> str:
    url = (given or os.environ.get(_variable(api, "BASE_URL")) or api.base_url).rstrip("/")
    scheme, host, _ = origin(url)
    if scheme not in ("http", "https") or not host:
        raise ConfigError(f"base_url is {redact.url(url)!r}; it must begin with https:// and name a host.")
    if scheme == "http" and host not in ("127.0.0.1", "localhost", "::1"):
        raise ConfigError(
            f"base_url is {redact.url(url)!r}; a key goes over https only, but for this machine's own servers."
        )
    return url


def _with_key(api: Api, given: str | None) -> ApiKey:
    key = given or os.environ.get(_variable(api, "API_KEY"), "") or _from_keyring(api)
    key = key.strip()
    if not key:
        msg = f"{api.vendor} needs an API key, and none was found. Set {_variable(api, 'API_KEY')} in the environment, "
        msg += f"or pass {api.vendor}.Client(api_key=...). A key is made at {api.key_made_at}."
        raise MissingKey(msg)
    return ApiKey(api.auth.header, api.auth.scheme, api.auth.visible, key)


def _from_keyring(api: Api) -> str:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return ""
    try:
        return keyring.get_password("docframes", f"{api.vendor}_api_key") or ""
    except keyring.errors.KeyringError as error:
        warnings.warn(f"The keyring could not be asked for a key: {type(error).__name__}.", stacklevel=3)
        return ""


# --- the account of the environment ---------------------------------------------------------------------------------

_defaults: dict[tuple[str, ...], Any] = {}
_defaults_lock = threading.Lock()


def default_client(vendor: str, make: Callable[[], C]) -> C:
    """The client that *make* gives, made once for each state of the environment variables it reads."""
    prefix = f"DOCFRAMES_{vendor.upper()}_"
    names = sorted(
        name for name in os.environ if name.startswith((prefix, "DOCFRAMES_CACHE", "DOCFRAMES_OFF", "DOCFRAMES_W"))
    )
    state = (vendor, *(f"{name}={os.environ[name]}" for name in names))
    with _defaults_lock:
        if state not in _defaults:
            _defaults[state] = make()
        client: C = _defaults[state]
        return client
