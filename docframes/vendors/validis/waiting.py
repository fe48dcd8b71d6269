"""Asking for an extract until it is ready: 202 and 409 mean wait (A23, A24)."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from requests import RequestException, Response

from docframes.errors import NoAnswer, ShapeError
from docframes.loading import PATIENCE
from docframes.transport import redact
from docframes.transport.answers import Call, excerpt
from docframes.transport.download import CHUNK, Stored, store
from docframes.transport.retry import backoff, retry_after
from docframes.vendors.validis.api import NOT_READY
from docframes.vendors.validis.client import Client
from docframes.vendors.validis.links import Link, links_in

#: What every zip begins with.
ZIP_START = b"PK"


@dataclass(frozen=True)
class Ready:
    """The answer of an extract that is ready: links, or the file itself."""

    links: list[Link]
    file: Stored | None  #: where the answer was the zip itself and a folder to keep it in was given
    calls: int  #: how many it took


@dataclass(frozen=True)
class _Wait:
    seconds: float


class _Cut(Exception):
    """The body ended before its announced length."""


def extract_call(client: Client, engagement_id: str, include_future_years: bool) -> Call:
    """The call for a general ledger; each combination of parameters is a request of its own (A25)."""
    value = client.api.value
    endpoint = dataclasses.replace(
        client.api.endpoint("gl_extract"), accepts=(int(value("A23.ready")), NOT_READY, *_statuses(value("A24")))
    )
    path = {"version": value("A26.version"), "engagementId": engagement_id}
    params = {value("A25.format"): value("A25.csv"), value("A25.future"): str(include_future_years).lower()}
    return Call(endpoint, path, params)


def ready(client: Client, call: Call, folder: Path | None, *, progress: bool | None) -> Ready:
    """Ask until the extract is ready, at most so many times as A23 says, with a line that tells of the waiting.

    folder : where to stream an answer that is the zip itself; None leaves it unread.
    Raises NoAnswer where it is not ready in the end: to ask again later goes on from there.
    """
    polls, name = int(client.api.value("A23.polls")), f"general ledger of engagement {call.path['engagementId']}"
    with _Line(f"validis {name}: being prepared", polls, progress, client.settings.time_scale) as say:
        for poll in range(polls + 1):
            came = _asked(client, call, folder)
            if isinstance(came, Ready):
                return dataclasses.replace(came, calls=poll + 1)
            if poll == polls or came.seconds > polls * float(client.api.value("A23.wait")):
                raise NoAnswer(_not_ready(name, poll, came.seconds), vendor="validis", url=_address(client, call))
            say(came.seconds)
            client.sleep(came.seconds)
    raise AssertionError("unreachable: the last poll returns or raises")


def _asked(client: Client, call: Call, folder: Path | None) -> Ready | _Wait:
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


def _taken(client: Client, call: Call, response: Response, folder: Path | None) -> Ready | _Wait:
    value = client.api.value
    if response.status_code != int(value("A23.ready")):
        asked = retry_after(response.headers, datetime.now(UTC))
        return _Wait(float(value("A23.wait")) if asked is None else asked)
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


class _Line:
    """One line that tells how long the waiting takes; none where it is shorter than :data:`PATIENCE`."""

    def __init__(self, text: str, polls: int, progress: bool | None, time_scale: float) -> None:
        self._text = text
        self._polls = polls
        self._progress = progress
        self._scale = time_scale
        self._bar: Any = None

    def __enter__(self) -> Callable[[float], None]:
        return self.say

    def say(self, seconds: float) -> None:
        """One more wait of so many seconds begins."""
        if self._progress is False or (self._progress is None and seconds * self._scale <= PATIENCE):
            return
        if self._bar is None:
            from tqdm.auto import tqdm

            self._bar = tqdm(desc=self._text, total=self._polls, unit=" polls", leave=False, dynamic_ncols=True)
        self._bar.set_postfix_str(f"next in {seconds:.0f} s", refresh=False)
        self._bar.update(1)
        self._bar.refresh()

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
