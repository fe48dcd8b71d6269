"""One account at one vendor: the only door through which docframes reaches an API."""

from __future__ import annotations

import dataclasses
import math
import shutil
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, urljoin

import requests
from requests_cache import DO_NOT_CACHE, CachedResponse

from docframes.errors import (
    BrokenCursor,
    ConfigError,
    DocframesError,
    NoAnswer,
    OfflineMiss,
    QuotaExhausted,
    ShapeError,
)
from docframes.settings import Settings
from docframes.transport import cache, credentials, journal, planning, redact, replay, store
from docframes.transport.answers import Account, Answer, Call, answer_of, error_of, rows_of
from docframes.transport.api import Api
from docframes.transport.auth import Auth, origin
from docframes.transport.limits import Quota
from docframes.transport.paging import Page, Params
from docframes.transport.retry import IDEMPOTENT
from docframes.transport.session import (
    KEPT_STATUS,
    LINKS_HEADER,
    REPEATABLE_HEADER,
    RULE_HEADER,
    ClientSession,
    make_session,
)
from docframes.transport.trouble import Trouble

_MOST_REDIRECTS = 5
#: Statuses by which a vendor says that a thing is not there, or not for this account.
_REFUSALS = (400, 403, 404, 409, 410, 422)

T = TypeVar("T")

#: Answers that are given again, by key, and nothing else.
_again: ContextVar[Mapping[str, journal.Used] | None] = ContextVar("docframes_again", default=None)


class Client:
    """One account at one vendor, with its cache, limits and assumptions.

    api_key : None looks in ``DOCFRAMES_<VENDOR>_API_KEY``, then in the keyring if that package is installed.
    base_url : None looks in ``DOCFRAMES_<VENDOR>_BASE_URL``, then takes the vendor's own.
    assumptions : corrections of guesses, by name; ``client.assumptions`` lists them all.
    auth : another way of signing than a key in a header; a room's own Client gives it.
    cached : False keeps nothing on disk and reads nothing from it.
    settings : None reads the environment.

    Raises MissingKey where no key is found.
    """

    def __init__(
        self,
        api: Api,
        *,
        api_key: str | None = None,
        auth: Auth | None = None,
        base_url: str | None = None,
        assumptions: Mapping[str, Any] | None = None,
        cached: bool = True,
        settings: Settings | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.api = api.with_assumptions(assumptions or {})
        self.settings = settings or Settings.from_environment()
        self.base_url = credentials.base_url(self.api, base_url)
        self.auth: Auth = auth if auth is not None else credentials.api_key(self.api, api_key)
        self._capsule = replay.current()
        self._fingerprint = cache.fingerprint(self.vendor, self.base_url, self.auth.identity())
        if self._capsule is not None:
            # Where it is not clear which account is meant, that is said at once.
            self._capsule.account(self.vendor, self.base_url, self._fingerprint)
        for secret in self.auth.secrets():
            redact.remember(secret)
        self.trouble = Trouble()
        self.cached = self._cached = cached
        self._sleep = sleep
        self._lock = threading.RLock()
        self._session_: ClientSession | None = None
        self._store: store.Store | None = None

    def __repr__(self) -> str:
        return f"<{self.vendor} client at {redact.url(self.base_url)}, key {self.auth.masked()}>"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        msg = f"A {self.vendor} client holds a key, so it is neither pickled nor copied. Make one where it is needed; "
        raise TypeError(msg + "it finds its key there in the environment or the keyring.")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def vendor(self) -> str:
        """The room's name."""
        return self.api.vendor

    @property
    def account(self) -> str:
        """A name for the account, from which the credential cannot be had; in a capsule that of the one it stands for.

        Raises ConfigError for a client that was made within a capsule which is closed now.
        """
        held = replay.current()
        if held is not None:
            return held.account(self.vendor, self.base_url, self._fingerprint)
        if self._capsule is not None:
            msg = (
                f"This {self.vendor} client was made within the capsule {self._capsule.name}, which is closed: it has "
            )
            raise ConfigError(msg + f"no account of its own. Make one anew: {self.vendor}.Client().")
        return self._fingerprint

    @property
    def _who(self) -> Account:
        return Account(self.vendor, self.account, redact.url(self.base_url), self.api.answer_headers)

    @property
    def assumptions(self) -> dict[str, Any]:
        """Every guess about this API that is in force, by name."""
        return {name: assumption.value for name, assumption in self.api.assumptions.items()}

    @property
    def frames_folder(self) -> Path | None:
        """Where frames of finished loads are kept; None where nothing is kept."""
        held = replay.current()
        if held is not None:
            return held.folder(self.vendor, self.account)
        usable = self._cached and not self.trouble.everywhere
        return self._store_path().with_suffix(".frames") if usable else None

    @cached_property
    def quota(self) -> Quota | None:
        """The count of calls, where the vendor allows so many in a window."""
        if self.api.quota is None:
            return None
        return Quota(cache.location(self.settings) / f"{self.vendor}.quota", self.api.quota, trouble=self.trouble)

    def quota_left(self) -> int | None:
        """Calls that are left in the window that ends now, as counted on this machine; None without an allowance."""
        quota = self.quota
        return None if quota is None else max(0, quota.limit.calls - quota.used(self._spender(self.auth.spender())))

    def close(self) -> None:
        """Close connections and the cache file; the next call opens them again."""
        with self._lock:
            if self._session_ is not None:
                self._session_.close()
            elif self._store is not None:
                self._store.close()
            self._session_ = self._store = None

    def sleep(self, seconds: float) -> None:
        """Wait, as long as a second lasts here."""
        self._sleep(seconds * self.settings.time_scale)

    # --- calls --------------------------------------------------------------------------------------------------

    def call(self, call: Call, *, refresh: bool = False) -> Answer:
        """One answer.  refresh : go past the cache, and keep the new answer in it.

        Raises AuthError, NotFound, BadRequest, RateLimited or ServerError as the vendor says; NoAnswer where
        nothing came; OfflineMiss offline; QuotaExhausted where the calls of the window are spent.
        """
        again = _again.get()
        if again is not None:
            return self._given_again(call, again)
        planner = planning.current()
        if planner is not None:
            return self._planned(planner, call, refresh)
        if cache.is_offline(self.settings):
            answer = self._from_cache(call)
            self._note(answer, kept=True)
            return answer
        return self._answered(call, refresh)

    def _answered(self, call: Call, refresh: bool) -> Answer:
        try:
            response = self._send(call, refresh)
        except requests.RequestException as error:
            self._no_answer(call, error)
        answer = answer_of(call, response, self._who)
        # After a redirect the cache keeps the answer under another address than the one that was asked.
        moved = redact.url(self._url(call)) != answer.url
        if moved or call.files is not None:
            answer = dataclasses.replace(answer, key=self._key(call))
        if response.status_code in call.endpoint.accepts:
            self._note(answer, kept=call.endpoint.kept and not moved and answer.status == KEPT_STATUS and self._keeps)
            return answer
        if response.status_code in _REFUSALS:
            # A load may go on without it, and has to be told the same again.
            journal.JOURNAL.note(answer.used, self, answer.plain)
        raise error_of(response, self.api, self.settings)

    @property
    def _keeps(self) -> bool:
        store = self._open_store()
        return store is not None and not store.broken

    def _note(self, answer: Answer, *, kept: bool) -> None:
        """Note what is used; with its body where no cache keeps it."""
        journal.note(answer.used, self, None if kept else answer.plain)

    def _planned(self, planner: planning.Planner, call: Call, refresh: bool) -> Answer:
        """The answer that the cache has, however old, counted as the call that it would cost; nothing is sent."""
        planner.clients[self.account] = self
        store = self._open_store()
        there = call.endpoint.kept or replay.current() is not None
        cached = store.get_response(self._key(call)) if store and there else None
        fresh = cached is not None and not refresh and not cached.is_expired
        if cached is not None and (fresh or cache.is_offline(self.settings)):
            planner.answered()
        else:
            self._plan_to_send(planner, call)
        if cached is None:
            raise planning.Unplanned
        if cached.status_code not in call.endpoint.accepts:
            raise error_of(cached, self.api, self.settings)
        return answer_of(call, cached, self._who)

    def _plan_to_send(self, planner: planning.Planner, call: Call) -> None:
        if cache.is_offline(self.settings):
            self._from_cache(call)
        endpoint = call.endpoint
        planner.send(self.vendor, endpoint.name, endpoint.rule, self._key(call), kept=self._cached and endpoint.kept)

    @contextmanager
    def again(self, answers: Sequence[journal.Used]) -> Iterator[None]:
        """Within the block a call gives the very one of *answers* that it gave before; any other is an OfflineMiss."""
        token = _again.set({used.key: used for used in answers})
        try:
            yield
        finally:
            _again.reset(token)

    def _given_again(self, call: Call, answers: Mapping[str, journal.Used]) -> Answer:
        used = answers.get(self._key(call))
        answer = None if used is None else self.remembered(used)
        if answer is None:
            msg = f"This answer is not in the cache any more: {self._told(call)}. Load it again."
            raise OfflineMiss(msg, vendor=self.vendor, url=redact.url(self._url(call)))
        return answer

    def remembered(self, used: journal.Used) -> Answer | None:
        """The very answer that was used, from the cache; None where it is not there any more, or another one is."""
        endpoint = self.api.endpoints.get(used.endpoint)
        body = journal.JOURNAL.body(used.sha256)
        if body is None:
            cached = self._left(used.key)
            body = None if cached is None else cached.content
        if endpoint is None or body is None:
            return None
        call = Call(self.api.endpoint(used.endpoint), dict(used.path), dict(used.params), used.version)
        found = Answer(
            call, used.url.partition("?")[0], used.status, body, used.headers, True, used.fetched_at, used.key,
            used.url, self._who,
        )  # fmt: skip
        return found if found.sha256 == used.sha256 else None

    def _left(self, key: str) -> CachedResponse | None:
        """What the cache holds under *key*, also where it broke: a disk that is full, say, can still be read."""
        kept = self._open_store()
        found = None if kept is None else kept.get_response(key)
        if found is None and self.cached and (kept is None or kept.broken):
            return store.glance(self._store_path(), key)
        return found

    def outcomes(
        self, calls: Sequence[Call], *, refresh: bool = False
    ) -> Generator[Answer | DocframesError, None, None]:
        """Answers, or what went wrong, in the order of *calls*; up to ``settings.workers`` under way at once.

        A caller that stops listening gives up the calls not yet begun.
        """
        return self.side_by_side([partial(self.call, call, refresh=refresh) for call in calls])

    def side_by_side(self, tasks: Sequence[Callable[[], T]]) -> Generator[T | DocframesError, None, None]:
        """What each of *tasks* gives, or what went wrong; order and number under way as for :meth:`outcomes`."""
        if len(tasks) < 2 or self.settings.workers == 1:
            yield from (_outcome(task) for task in tasks)
            return
        with ThreadPoolExecutor(min(self.settings.workers, len(tasks)), thread_name_prefix="docframes") as pool:
            futures = [pool.submit(copy_context().run, _outcome, task) for task in tasks]
            yield from _in_order(futures)

    def pages(
        self, call: Call, *, size: int | None = None, refresh: bool = False, most: int | None = None
    ) -> Generator[tuple[Page, Answer], None, None]:
        """Every page of a list, in order; all but the first in parallel where their number is declared.

        most : rows wanted in total, so that pages past them are not asked for.
        """
        paging = call.endpoint.paging
        page, _ = first = self._next(_turned(call, paging.first(call.params, size)), refresh)
        yield first
        rest = [_turned(call, params) for params in paging.rest(page) or ()]
        if most is not None and page.items:
            rest = rest[: max(0, math.ceil(most / len(page.items)) - 1)]
        self._afford(rest, refresh)
        for outcome in self.outcomes(rest, refresh=refresh):
            if isinstance(outcome, planning.Unplanned) and (planner := planning.current()):
                planner.gaps = True
                continue
            if isinstance(outcome, DocframesError):
                raise outcome
            page, _ = last = self._page(outcome)
            yield last
        # Where the number of pages is not declared, and where the list grew meanwhile.
        before: list[Page] = []
        while (params := paging.following(page, before)) is not None:
            # Of the pages before the last one only their parameters and sizes matter.
            before = [*(_slim(earlier) for earlier in before), page]
            page, _ = last = self._next(_turned(call, params), refresh)
            yield last

    def _next(self, call: Call, refresh: bool) -> tuple[Page, Answer]:
        """One page, on which it depends what follows."""
        try:
            return self._page(self.call(call, refresh=refresh))
        except planning.Unplanned:
            if (planner := planning.current()) is not None:
                planner.open = True
            raise

    def _afford(self, calls: Sequence[Call], refresh: bool) -> None:
        """Raise TooManyCalls before *calls* are sent, where they cost more than the load may."""
        budget = planning.budget()
        if budget is not None:
            budget.check(planning.plan(lambda: list(self.outcomes(calls, refresh=refresh))).calls)

    def _page(self, answer: Answer) -> tuple[Page, Answer]:
        try:
            envelope = answer.json()
            items = self.rows(envelope, answer)
        except ShapeError:
            self.forget(answer.call)
            raise
        page = Page(answer.call.params, items, None if isinstance(envelope, list) else envelope, answer.headers)
        try:
            # Before anybody takes its rows: those of another page than the one asked for are not appended.
            answer.call.endpoint.paging.check(page)
        except BrokenCursor:
            self.forget(answer.call)
            raise
        return page, answer

    def rows(self, envelope: Any, answer: Answer) -> list[Any]:
        """The rows of a list answer; a room may add what the answer says beside them.  Raises ShapeError."""
        return rows_of(envelope, answer, self.api)

    @contextmanager
    def stream(self, call: Call) -> Iterator[requests.Response]:
        """An answer whose body is read as it comes, past the cache: for bytes that the API itself sends.

        Redirects are not followed: a signed link of another host is for :class:`.SignedLink`.
        """
        try:
            with self._request(call, refresh=True, stream=True) as response:
                if response.status_code not in call.endpoint.accepts:
                    raise error_of(response, self.api, self.settings)
                yield response
        except requests.RequestException as error:
            self._no_answer(call, error)

    # --- one request --------------------------------------------------------------------------------------------

    def _send(self, call: Call, refresh: bool) -> requests.Response:
        """Send, following redirects within the vendor's own host only: another host's answer is no API answer."""
        response = self._request(call, refresh=refresh)
        for _ in range(_MOST_REDIRECTS):
            target = urljoin(response.url, response.headers.get("Location", ""))
            if not response.is_redirect or response.status_code in call.endpoint.accepts or not self._own(target):
                break
            response = self._request(call, refresh=refresh, url=target)
        return response

    def _request(self, call: Call, *, refresh: bool, url: str = "", stream: bool = False) -> requests.Response:
        endpoint = call.endpoint
        planner = planning.current()
        if planner is not None:
            self._plan_to_send(planner, call)
            planner.open = True
            raise planning.Unplanned
        if cache.is_offline(self.settings):
            # Whoever comes here past the cache, as for a file that the API itself sends, would open a socket.
            raise self._miss(call, "cache", "Files and links are never kept: ask for it while online.")
        response: requests.Response = self._session().request(  # type: ignore[call-arg]
            endpoint.method,
            url or self._url(call),
            params=None if url else call.params or None,
            headers=self._headers(call, stream),
            json=call.json,
            files=call.files,
            timeout=(self.settings.connect_timeout, self.settings.read_timeout),
            allow_redirects=False,
            stream=stream,
            expire_after=DO_NOT_CACHE if stream or endpoint.links else round(endpoint.lifetime) or DO_NOT_CACHE,
            force_refresh=refresh,
        )
        return response

    def _headers(self, call: Call, stream: bool) -> dict[str, str]:
        endpoint = call.endpoint
        headers = {"Accept": self.api.accept, **endpoint.headers, **call.headers, RULE_HEADER: endpoint.rule}
        if endpoint.links or stream:
            headers[LINKS_HEADER] = "1"
        if endpoint.repeatable:
            headers[REPEATABLE_HEADER] = "1"
        return headers

    def forget(self, call: Call) -> None:
        """Drop what the cache holds for *call*: an answer that turned out to be none is not given again."""
        store = self._open_store()
        if store is not None and planning.current() is None:
            store.delete(self._key(call))

    def forget_below(self, path: str) -> None:
        """Drop every answer whose path begins with *path*, and all finished loads: something changed there."""
        if replay.current() is not None:
            return  # in a capsule nothing changes
        for used in journal.JOURNAL.used():
            # What a frame is made of may yet go into a capsule.
            if used.account == self.account and used.url.startswith(self.base_url + path):
                answer = self.remembered(used)
                if answer is not None:
                    journal.JOURNAL.keep(used.sha256, answer.plain)
        store = self._open_store()
        if store is not None:
            store.forget_below(self.base_url + path)
        if self.frames_folder is not None:
            shutil.rmtree(self.frames_folder, ignore_errors=True)

    def _key(self, call: Call) -> str:
        request = requests.Request(call.endpoint.method, self._url(call), params=call.params or None, json=call.json)
        return store.answer_key(request.prepare())

    def _from_cache(self, call: Call) -> Answer:
        store = self._open_store()
        cached = store.get_response(self._key(call)) if store else None
        if cached is None:
            where, mend = "cache", "Load it once while online."
            if replay.current() is not None:
                where, mend = "capsule", "Only what was used when it was saved is there."
            raise self._miss(call, where, mend)
        if cached.status_code not in call.endpoint.accepts:
            raise error_of(cached, self.api, self.settings)
        return answer_of(call, cached, self._who)

    def _miss(self, call: Call, where: str, mend: str) -> OfflineMiss:
        msg = f"Offline, and this answer is not in the {where}: {self._told(call)}. {mend}"
        return OfflineMiss(msg, vendor=self.vendor, url=redact.url(self._url(call)))

    def _own(self, url: str) -> bool:
        return origin(url) == origin(self.base_url)

    def _url(self, call: Call) -> str:
        values = {name: quote(str(value), safe="") for name, value in call.path.items()}
        url = self.base_url + call.endpoint.path.format_map(values)
        return f"{url}#{quote(call.version, safe='')}" if call.version else url

    def _told(self, call: Call) -> str:
        params = redact.arguments(call.params)
        told = "&".join(f"{name}={value}" for name, value in params.items())
        return f"{call.endpoint.method} {redact.url(self._url(call))}" + (f" ({told})" if told else "")

    def _no_answer(self, call: Call, error: Exception) -> NoReturn:
        # The cause is told redacted and not chained: its own text may hold a signed URL.
        why = redact.text(f"{type(error).__name__}: {error}")[:300]
        once = call.endpoint.method not in IDEMPOTENT and not call.endpoint.repeatable
        tries = "1 try" if once else f"{self.settings.tries} tries"
        msg = f"{self._told(call)}: no answer in {tries} ({why}). Check the network and base_url; "
        msg += "calls that succeeded are in the cache."
        raise NoAnswer(msg, vendor=self.vendor, url=redact.url(self._url(call))) from None

    # --- the session --------------------------------------------------------------------------------------------

    def _session(self) -> ClientSession:
        if self._capsule is not None:
            raise ConfigError(
                f"This client was made within the capsule {self._capsule.name}, where nothing is sent. Make one anew."
            )
        with self._lock:
            if self._session_ is None:
                self._session_ = make_session(
                    base_url=self.base_url,
                    auth=self.auth,
                    store=self._own_store(),
                    settings=self.settings,
                    rates=self.api.rates,
                    count=self._count,
                    spend=self._spend,
                    sleep=self._sleep,
                )
            return self._session_

    def _spend(self, request: requests.PreparedRequest) -> None:
        """Count one call against what the load may cost."""
        budget = planning.budget()
        if budget is not None:
            budget.spend(store.answer_key(request))

    def _count(self) -> None:
        """Count one call against the quota; turn to another credential where the present one has none left."""
        quota = self.quota
        if quota is None:
            return
        # One at a time, so that two threads do not both turn away from the same spent credential.
        with self._lock:
            waits = [quota.take(self._spender(self.auth.spender()))]
            if waits[0] is not None and self.auth.failover():
                waits.append(quota.take(self._spender(self.auth.spender())))
        if None not in waits:
            raise self._exhausted(quota, min(wait for wait in waits if wait is not None))

    def _exhausted(self, quota: Quota, wait: float) -> QuotaExhausted:
        hours = f"{quota.limit.seconds / 3600:.0f} hours"
        msg = f"{self.vendor}: the {quota.limit.calls:,} calls that a key allows in {hours} are spent; the next one is "
        msg += f"free in {math.ceil(wait / 60)} minutes. Finished calls are in the cache."
        return QuotaExhausted(msg, vendor=self.vendor, status=None, retry_after=wait)

    def _spender(self, credential: str) -> str:
        """Under which name the calls of a credential are counted: nobody can have the credential back from it."""
        return cache.fingerprint(self.vendor, self.base_url, credential)

    def _open_store(self) -> store.Store | replay.Held | None:
        held = replay.current()
        return self._own_store() if held is None else held.answers(self.vendor, self.account)

    def _own_store(self) -> store.Store | None:
        with self._lock:
            if self._store is None and self._cached:
                self._store = store.open_store(self._store_path(), self.api.answer_headers, self.trouble)
                self._cached = self._store is not None
            return self._store

    def _store_path(self) -> Path:
        return cache.location(self.settings) / f"{self.vendor}-{self.account}.sqlite"


def _slim(page: Page) -> Page:
    return Page(page.params, [None] * len(page.items)) if page.envelope is not None or page.headers else page


def _turned(call: Call, params: Params) -> Call:
    return Call(call.endpoint, call.path, params, call.version, call.json, call.files, call.headers)


def _outcome(task: Callable[[], T]) -> T | DocframesError:
    try:
        return task()
    except DocframesError as error:
        return error


def _in_order(futures: list[Future[T]]) -> Iterator[T]:
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()
