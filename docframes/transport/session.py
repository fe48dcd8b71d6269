"""The session stack.  Its order is the point:

``SingleFlight -> CacheMixin -> Retry -> Sign -> LimiterMixin -> requests.Session``

A cache hit costs no permit, no credential and no retry.  Every attempt takes a permit.  Only the final answer is
stored, and it is redacted before.  The credential is added below the cache, to a copy of the request, for the
client's own host only.
"""

from __future__ import annotations

import functools
import http.cookiejar
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests_cache import CacheMixin
from requests_cache.backends import BaseCache
from requests_ratelimiter import LimiterMixin

from docframes.settings import Settings
from docframes.transport import network, redact
from docframes.transport.auth import Auth, Send, origin
from docframes.transport.limits import DEFAULT_RULE, Permits, RateLimit
from docframes.transport.retry import IDEMPOTENT, REFUSED_STATUSES, RETRY_STATUSES, backoff, retry_after
from docframes.transport.store import Store, answer_key

log = logging.getLogger("docframes.transport")

#: Faults below HTTP that are worth another try.
_BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)

#: The one status with which an answer is kept.
KEPT_STATUS = 200
#: Marks a request whose answer holds signed links: they are wanted as they are.
LINKS_HEADER = "X-Docframes-Links"
#: Marks a POST that changes nothing.
REPEATABLE_HEADER = "X-Docframes-Repeatable"
#: Names the rate the request falls under.
RULE_HEADER = "X-Docframes-Rule"
#: Headers that mean something to the layers of the stack, and nothing to a server.
_OWN_HEADERS = (LINKS_HEADER, REPEATABLE_HEADER, RULE_HEADER, "Cache-Control", "X-Actual-No-Cache")


class SingleFlight:
    """The same call from several threads at once is made once; the others find its answer in the cache."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._flights: dict[str, tuple[threading.RLock, list[None]]] = {}
        self._flights_guard = threading.Lock()
        super().__init__(*args, **kwargs)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send, one at a time for one key."""
        with self._flight(answer_key(request)):
            response: requests.Response = super().send(request, **kwargs)  # type: ignore[misc]
            return response

    @contextmanager
    def _flight(self, key: str) -> Iterator[None]:
        with self._flights_guard:
            lock, waiting = self._flights.setdefault(key, (threading.RLock(), []))
            waiting.append(None)
        try:
            with lock:
                yield
        finally:
            with self._flights_guard:
                waiting.pop()
                if not waiting:
                    self._flights.pop(key, None)


class Retry:
    """Another try after a broken connection, a 429 or a 5xx; ``Retry-After`` is obeyed."""

    settings_: Settings
    sleep: Callable[[float], None]

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send until an answer stands or the tries are used up; then redact it."""
        for attempt in range(1, self.settings_.tries + 1):
            wait = backoff(attempt)
            last = attempt == self.settings_.tries
            repeatable = request.method in IDEMPOTENT or REPEATABLE_HEADER in request.headers
            try:
                response: requests.Response = super().send(request, **kwargs)  # type: ignore[misc]
            except _BROKEN as error:
                if last or not repeatable:
                    raise
                log.debug(
                    "%s %s broke (%s), try %d",
                    request.method,
                    redact.url(request.url or ""),
                    type(error),
                    attempt,
                )
            else:
                asked = retry_after(response.headers, datetime.now(UTC))
                wait = wait if asked is None else asked
                again = RETRY_STATUSES if repeatable else REFUSED_STATUSES
                # A wait nobody would sit through is handed to the caller, who can see it and decide.
                if response.status_code not in again or last or wait > self.settings_.longest_wait:
                    return _redacted(request, response)
                log.debug("%s answered %d, try %d", redact.url(request.url or ""), response.status_code, attempt)
            self.sleep(wait * self.settings_.time_scale)
        raise AssertionError("unreachable: the last try returns or raises")


def _redacted(request: requests.PreparedRequest, response: requests.Response) -> requests.Response:
    if LINKS_HEADER not in request.headers:
        response._content = redact.body(response.content)
    return response


class Sign:
    """Counts the call, and puts the credential on a copy of the request, for the client's own host only."""

    auth_: Auth | None
    home: tuple[str, str, int | None]
    count: Callable[[], None]
    spend: Callable[[requests.PreparedRequest], None]

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a signed copy, once more where the credential could be renewed; the response names the unsigned one."""
        lower = functools.partial(self._below, request.headers.get(RULE_HEADER, DEFAULT_RULE), kwargs)
        signed, response = self._attempt(request, lower)
        if self.auth_ is not None and origin(signed.url or "") == self.home:
            if self.auth_.renewed(signed, response):
                signed, response = self._attempt(request, lower)
            self.auth_.observe(response)
        response.request = request
        return response

    def _attempt(
        self, request: requests.PreparedRequest, lower: Send
    ) -> tuple[requests.PreparedRequest, requests.Response]:
        signed = request.copy()
        for name in _OWN_HEADERS:
            signed.headers.pop(name, None)
        self.spend(request)
        # Counted before it is signed: where no call is left, another key may have some.
        self.count()
        if self.auth_ is not None and origin(signed.url or "") == self.home:
            self.auth_.sign(signed, functools.partial(self._counted, lower))
        return signed, lower(signed)

    def door(self, url: str, **kwargs: Any) -> Send:
        """A way to send a request to *url* as it is, counted, below cache and retry: for a token wanted by itself."""
        above: Any = self
        options = {**above.merge_environment_settings(url, {}, None, None, None), "allow_redirects": False, **kwargs}
        return functools.partial(self._counted, functools.partial(self._below, DEFAULT_RULE, options))

    def _counted(self, lower: Send, request: requests.PreparedRequest) -> requests.Response:
        self.count()
        return lower(request)

    def _below(self, rule: str, kwargs: dict[str, Any], request: requests.PreparedRequest) -> requests.Response:
        # A request for a token may fall under a rule of its own.
        request.rule = request.headers.pop(RULE_HEADER, rule)  # type: ignore[attr-defined]
        response: requests.Response = super().send(request, **kwargs)  # type: ignore[misc]
        return response


class ClientSession(SingleFlight, CacheMixin, Retry, Sign, LimiterMixin, requests.Session):  # type: ignore[misc]
    """One account's session: all the layers, in their order."""

    def _bucket_name(self, request: requests.PreparedRequest) -> str:
        return getattr(request, "rule", DEFAULT_RULE)


def make_session(
    *,
    base_url: str,
    auth: Auth | None,
    store: Store | None,
    settings: Settings,
    rates: Mapping[str, RateLimit] | None = None,
    count: Callable[[], None] = lambda: None,
    spend: Callable[[requests.PreparedRequest], None] = lambda request: None,
    sleep: Callable[[float], None] = time.sleep,
) -> ClientSession:
    """The stack over *store*, or over a memory that is never read where *store* is None.

    count : called before each request is sent; it raises where no call is left.  spend : likewise with the request,
    and not for a token; it raises where the load may cost no more.
    """
    redact.guard_logs()
    session = ClientSession(
        backend=store if store is not None else BaseCache(),
        # Lifetimes come with each call; an answer without one is not kept.
        expire_after=0,
        allowable_codes=(KEPT_STATUS,),
        allowable_methods=("GET",),
        ignored_parameters=(),
        key_fn=answer_key,
        limiter=Permits(rates or {}, settings.time_scale),
        per_host=False,
        # Retry obeys the vendor's own Retry-After; filling the bucket as well would wait twice.
        limit_statuses=(),
    )
    session.settings.disabled = store is None
    session.settings_ = settings
    session.sleep = sleep
    session.auth_ = auth
    session.count = count
    session.spend = spend
    session.home = origin(base_url)
    network.prepare(session, base_url)
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    # urllib3's own Retry would pass the limiter by, so it stays off.
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=settings.workers, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
