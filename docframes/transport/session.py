"""The session stack.  Its order is the point:

``SingleFlight -> CacheMixin -> Retry -> Sign -> LimiterMixin -> requests.Session``

A cache hit costs no permit, no credential and no retry.  Every attempt takes a permit.  Only the final answer is
stored, and it is redacted before.  The credential is added below the cache, to a copy of the request, for the
client's own host only.
"""

from __future__ import annotations

import http.cookiejar
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import requests
from pyrate_limiter import Limiter, Rate
from requests.adapters import HTTPAdapter
from requests_cache import CacheMixin
from requests_cache.backends import BaseCache
from requests_ratelimiter import LimiterMixin

from docframes.settings import Settings
from docframes.transport import redact
from docframes.transport.auth import ApiKey, origin
from docframes.transport.cache import Store, answer_key
from docframes.transport.limits import RateLimit
from docframes.transport.retry import IDEMPOTENT, RETRY_STATUSES, backoff, retry_after

log = logging.getLogger("docframes.transport")

#: Faults below HTTP that are worth another try.
_BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)

#: Marks a request whose answer is a signed link: it is wanted as it is.
LINKS_HEADER = "X-Docframes-Links"
#: Headers that mean something to the layers of the stack, and nothing to a server.
_OWN_HEADERS = (LINKS_HEADER, "Cache-Control", "X-Actual-No-Cache")


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
            last = attempt == self.settings_.tries or request.method not in IDEMPOTENT
            try:
                response: requests.Response = super().send(request, **kwargs)  # type: ignore[misc]
            except _BROKEN as error:
                if last:
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
                # A wait nobody would sit through is handed to the caller, who can see it and decide.
                if response.status_code not in RETRY_STATUSES or last or wait > self.settings_.longest_wait:
                    return _redacted(request, response)
                log.debug("%s answered %d, try %d", redact.url(request.url or ""), response.status_code, attempt)
            self.sleep(wait * self.settings_.time_scale)
        raise AssertionError("unreachable: the last try returns or raises")


def _redacted(request: requests.PreparedRequest, response: requests.Response) -> requests.Response:
    if LINKS_HEADER not in request.headers:
        response._content = redact.body(response.content)
    return response


class Sign:
    """Puts the credential on a copy of the request, for the client's own host only."""

    auth_: ApiKey | None
    home: tuple[str, str, int | None]

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send the signed copy; the response names the unsigned request."""
        signed = request.copy()
        for name in _OWN_HEADERS:
            signed.headers.pop(name, None)
        if self.auth_ is not None and origin(signed.url or "") == self.home:
            self.auth_.sign(signed)
        response: requests.Response = super().send(signed, **kwargs)  # type: ignore[misc]
        response.request = request
        return response


class ClientSession(SingleFlight, CacheMixin, Retry, Sign, LimiterMixin, requests.Session):  # type: ignore[misc]
    """One account's session: all the layers, in their order."""


def make_session(
    *,
    base_url: str,
    auth: ApiKey | None,
    store: Store | None,
    settings: Settings,
    rate: RateLimit | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> ClientSession:
    """The stack over *store*, or over a memory that is never read where *store* is None."""
    redact.guard_logs()
    session = ClientSession(
        backend=store if store is not None else BaseCache(),
        # Lifetimes come with each call; an answer without one is not kept.
        expire_after=0,
        allowable_codes=(200,),
        allowable_methods=("GET",),
        ignored_parameters=(),
        key_fn=answer_key,
        limiter=_limiter(rate, settings.time_scale),
        per_host=False,
        bucket_name="calls",
        # Retry obeys the vendor's own Retry-After; filling the bucket as well would wait twice.
        limit_statuses=(),
    )
    session.settings.disabled = store is None
    session.settings_ = settings
    session.sleep = sleep
    session.auth_ = auth
    session.home = origin(base_url)
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    # urllib3's own Retry would pass the limiter by, so it stays off.
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=settings.workers, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class _Unlimited:
    """Stands where the limiter stands, for a vendor that publishes no rate."""

    def try_acquire(self, *_: Any, **__: Any) -> bool:
        """A permit, always."""
        return True


def _limiter(rate: RateLimit | None, time_scale: float) -> Limiter | _Unlimited:
    if rate is None:
        return _Unlimited()
    scaled = rate.scaled(time_scale)
    return Limiter(Rate(scaled.calls, max(1, round(scaled.seconds * 1000))), buffer_ms=5)
