"""One account at one vendor: the only door through which docframes reaches an API."""

from __future__ import annotations

import dataclasses
import math
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any, TypeVar

import requests
from requests_cache import CachedResponse

from docframes.errors import BrokenCursor, DocframesError, OfflineMiss, ShapeError
from docframes.transport import cache, journal, planning, redact, replay, store
from docframes.transport.answers import Answer, Call, answer_of, error_of, rows_of
from docframes.transport.connection import Connection
from docframes.transport.paging import Page, Params
from docframes.transport.session import KEPT_STATUS

#: Statuses by which a vendor says that a thing is not there, or not for this account.
_REFUSALS = (400, 403, 404, 409, 410, 422)

T = TypeVar("T")

#: Answers that are given again, by key, and nothing else.
_again: ContextVar[Mapping[str, journal.Used] | None] = ContextVar("docframes_again", default=None)


class Client(Connection):
    """One account at one vendor, with its cache, limits and assumptions.

    api_key : None looks in ``DOCFRAMES_<VENDOR>_API_KEY``, then in the keyring if that package is installed.
    base_url : None looks in ``DOCFRAMES_<VENDOR>_BASE_URL``, then takes the vendor's own.
    assumptions : corrections of guesses, by name; ``client.assumptions`` lists them all.
    auth : another way of signing than a key in a header; a room's own Client gives it.
    cached : False keeps nothing on disk and reads nothing from it.
    settings : None reads the environment.

    Raises MissingKey where no key is found.
    """

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
