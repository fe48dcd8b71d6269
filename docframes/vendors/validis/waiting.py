"""Asking for an extract until it is ready: 202 and 409 mean wait (A23, A24)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import requests

from docframes.errors import NoAnswer, ShapeError
from docframes.loading import PATIENCE
from docframes.transport import redact
from docframes.transport.answers import Call, excerpt
from docframes.transport.download import Stored, store
from docframes.transport.retry import backoff, retry_after
from docframes.vendors.validis.api import NOT_READY
from docframes.vendors.validis.client import Client
from docframes.vendors.validis.links import Link, links_in


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


def _taken(client: Client, call: Call, response: requests.Response, folder: Path | None) -> Ready | _Wait:
    value = client.api.value
    if response.status_code != int(value("A23.ready")):
        asked = retry_after(response.headers, datetime.now(UTC))
        return _Wait(float(value("A23.wait")) if asked is None else asked)
    try:
        if "zip" in response.headers.get("Content-Type", "").lower() or response.raw.peek_zip():
            return Ready([], None if folder is None else store(response, folder), 1)
        body = response.content
    except requests.RequestException as error:
        raise _Cut(redact.text(type(error).__name__)) from None
    return Ready(_links(client, call, body), None, 1)
