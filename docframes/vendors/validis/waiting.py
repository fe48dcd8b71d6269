"""Asking for extracts until they are ready: 202 and 409 mean wait (A23, A24), and all waits pass at the same time."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson
from requests import RequestException, Response

from docframes.errors import DocframesError, NoAnswer, ShapeError
from docframes.loading import PATIENCE, Bar
from docframes.transport import redact
from docframes.transport.answers import Call, excerpt
from docframes.transport.download import CHUNK, Stored, store
from docframes.transport.retry import backoff, retry_after
from docframes.vendors.validis.api import NOT_READY
from docframes.vendors.validis.client import Client
from docframes.vendors.validis.links import Link, links_in

#: What every zip begins with.
ZIP_START = b"PK"
#: Seconds by which one that is due waits for others, so that they are asked side by side.
_TOGETHER = 1.0

T = TypeVar("T")


@dataclass(frozen=True)
class Ready:
    """The answer of an extract that is ready: links, or the file itself."""

    links: list[Link]
    file: Stored | None  #: where the answer was the zip itself and a folder to keep it in was given
    calls: int  #: how many it took


@dataclass(frozen=True)
class Wait:
    """Not ready: to be asked for again in so many seconds."""

    seconds: float


class _Cut(Exception):
    """The body ended before its announced length."""


def extract_call(client: Client, endpoint: str, engagement_id: str, include_future_years: bool) -> Call:
    """The call for an extract; each combination of parameters is a request of its own (A25)."""
    value = client.api.value
    accepts = (int(value("A23.ready")), NOT_READY, *_statuses(value("A24")))
    path = {"version": value("A26.version"), "engagementId": engagement_id}
    params = {value("A25.format"): value("A25.csv"), value("A25.future"): str(include_future_years).lower()}
    return Call(dataclasses.replace(client.api.endpoint(endpoint), accepts=accepts), path, params)


class Asking:
    """An extract that is asked for until it is ready, at most so many times as A23 says: each call asks once.

    name : for messages.  folder : where to stream an answer that is the zip itself; None leaves it unread.
    """

    def __init__(self, client: Client, call: Call, name: str, folder: Path | None) -> None:
        self._client = client
        self._call = call
        self._name = name
        self._folder = folder
        self._polls = 0

    def __call__(self) -> Ready | Wait:
        """Raises NoAnswer where it is not ready in the end: to ask again later goes on from there."""
        came = _asked(self._client, self._call, self._folder)
        if isinstance(came, Ready):
            return dataclasses.replace(came, calls=self._polls + 1)
        most, wait = int(self._client.api.value("A23.polls")), float(self._client.api.value("A23.wait"))
        if self._polls == most or came.seconds > most * wait:
            url = _address(self._client, self._call)
            raise NoAnswer(_not_ready(self._name, self._polls, came.seconds), vendor="validis", url=url)
        self._polls += 1
        return came


def ready(client: Client, call: Call, what: str, engagement_id: str) -> Ready:
    """Ask, without a word, until the extract is ready; an answer that is the zip itself is left unread."""
    asking = Asking(client, call, f"{what} of engagement {engagement_id}", None)
    ((_, outcome),) = in_turns(client, [asking], Line(client, what, [engagement_id], progress=False))
    if isinstance(outcome, DocframesError):
        raise outcome
    return outcome


def in_turns(
    client: Client, steps: Sequence[Callable[[], T | Wait]], line: Line
) -> Generator[tuple[int, T | DocframesError], None, None]:
    """The place of each of *steps* and what it gives in the end, or what went wrong, as they come.

    A step that gives a :class:`Wait` is taken again when that is over; all waits pass at the same time, and none of
    them holds a worker.  What the caller does with what came counts as waiting for the others.
    """
    now, due = 0.0, dict.fromkeys(range(len(steps)), 0.0)  # in the vendor's seconds, which the sandbox shortens
    while due:
        first = min(due.values())
        moment = max(at for at in due.values() if at <= first + _TOGETHER)
        if moment > now:
            line.say(moment - now, len(due))
            client.sleep(moment - now)
            now = moment
        turn = [place for place, at in due.items() if at <= now]
        with closing(client.side_by_side([steps[place] for place in turn])) as outcomes:
            for place, outcome in zip(turn, outcomes, strict=True):
                if isinstance(outcome, Wait):
                    due[place] = now + outcome.seconds
                    continue
                del due[place]
                began = time.perf_counter()
                yield place, outcome
                now += time.perf_counter() - began


def _asked(client: Client, call: Call, folder: Path | None) -> Ready | Wait:
    """One answer; asked for again where its body was cut off."""
    tries = client.settings.tries
    for attempt in range(1, tries + 1):
        try:
            with client.stream(call) as response:
                return _taken(client, call, response, folder)
        except _Cut as error:
            if attempt == tries:
                url = _address(client, call)
                msg = f"{url}: the answer was cut off in each of {tries} tries ({error}). Check the network."
                raise NoAnswer(msg, vendor="validis", url=url) from None
        client.sleep(backoff(attempt))
    raise AssertionError("unreachable: the last try returns or raises")


def _taken(client: Client, call: Call, response: Response, folder: Path | None) -> Ready | Wait:
    value = client.api.value
    if response.status_code != int(value("A23.ready")):
        asked = retry_after(response.headers, datetime.now(UTC))
        return Wait(float(value("A23.wait")) if asked is None else asked)
    try:
        chunks = response.iter_content(CHUNK)
        first = next(chunks, b"")
        if first.startswith(ZIP_START):
            whole = itertools.chain([first], chunks)
            return Ready([], None if folder is None else store(whole, folder, response.headers.get("ETag", "")), 1)
        body = b"".join([first, *chunks])
    except RequestException as error:
        raise _Cut(type(error).__name__) from None
    return Ready(_links(client, call, body), None, 1)


def _links(client: Client, call: Call, body: bytes) -> list[Link]:
    value, url = client.api.value, _address(client, call)
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = excerpt(body)
        msg = f"{url}: wanted JSON with links or a zip, got {len(body)} bytes, beginning: {text!r}. Check base_url; a "
        raise ShapeError(msg + "proxy may stand in between.", vendor="validis", url=url, excerpt=text) from None
    links = links_in(
        answer,
        access=value("A27.access"),
        file=value("A27.file"),
        token=value("A27.token"),
        words=tuple(value("A27.words")),
    )
    if not links:
        # Only the keys are shown: a value may be a link that nobody recognised.
        keys = ", ".join(sorted(set(_keys(answer)))) or "none"
        msg = f"{url}: the extract is ready, and its answer names no file; its keys are {keys}. Where the links stand "
        msg += 'is assumed (A27); say where: Client(assumptions={"A27": {"access": "<key of the link>"}}).'
        raise ShapeError(msg, vendor="validis", url=url, excerpt=keys[:200])
    for link in links:
        redact.remember(urlsplit(link.url).query)
    return links


def _keys(value: Any) -> Iterator[str]:
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _keys(item)
    yield from value if isinstance(value, dict) else ()


def _statuses(value: Any) -> tuple[int, ...]:
    """One status, several, or none."""
    return () if value is None else (value,) if isinstance(value, int) else tuple(value)


def _not_ready(name: str, polls: int, asked: float) -> str:
    msg = f"validis: the {name} was not ready after {polls} polls; the vendor asks to wait {asked:.0f} s more. Load "
    return msg + "again later: it goes on being prepared meanwhile, and is then there at once."


def _address(client: Client, call: Call) -> str:
    return redact.url(client.base_url + call.endpoint.path.format_map(call.path))


class Line:
    """One line that tells how long the waiting takes; none where it is shorter than :data:`PATIENCE`.

    what : the extract in words.  ids : of the engagements; for one the polls are counted, else the extracts that came.
    """

    def __init__(self, client: Client, what: str, ids: Sequence[str], progress: bool | None) -> None:
        self._one = len(ids) == 1
        whose = f"engagement {ids[0]}" if self._one else f"{len(ids)} engagements"
        self._text = f"validis {what} of {whose}: being prepared"
        self._total = int(client.api.value("A23.polls")) if self._one else len(ids)
        self._progress = progress
        self._scale = client.settings.time_scale
        self._turns = 0
        self._shown = ExitStack()
        self._bar: Bar | None = None

    def __enter__(self) -> Line:
        return self

    def say(self, seconds: float, waiting: int) -> None:
        """One more wait of so many seconds begins, for so many extracts."""
        self._turns += 1
        if self._progress is False or (self._progress is None and seconds * self._scale <= PATIENCE):
            return
        if self._bar is None:
            unit = "polls" if self._one else "extracts"
            self._bar = self._shown.enter_context(Bar(self._text, unit, self._total, progress=True))
        self._bar.stand_at(self._turns if self._one else self._total - waiting, f"next in {seconds:.0f} s")

    def __exit__(self, *_: object) -> None:
        self._shown.close()
