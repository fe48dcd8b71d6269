"""Ways to misbehave, by name.

A name may carry how many tries of each URL it spoils, as in ``"drop_mid_body:3"``.
"""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import orjson
from flask import Response

from docframes.errors import ConfigError
from docframes.sandbox.server import Cut

Row = dict[str, Any]
Act = TypeVar("Act", bound=Callable[..., Any])
ALWAYS = None


@dataclass(frozen=True)
class Window:
    """Which rows a page shows: *limit* rows from *start* on; none of them where it is *blank*."""

    page: int
    limit: int
    start: int
    blank: bool = False

    def shown(self, rows: list[Row]) -> list[Row]:
        """Those of *rows* that the page shows."""
        return [] if self.blank else rows[self.start : self.end(rows)]

    def end(self, rows: list[Row]) -> int:
        """Where the next page begins."""
        return min(self.start + self.limit, len(rows))


@dataclass(frozen=True)
class Fault:
    """One way to misbehave.  stage : where it acts.  tries : of each URL that it spoils; None is all."""

    name: str
    stage: str
    tries: int | None
    meaning: str
    act: Callable[..., Any]


_FAULTS: dict[str, Fault] = {}


def _fault(name: str, stage: str, tries: int | None = ALWAYS) -> Callable[[Act], Act]:
    """Enter a function under *name*; the first line of its docstring is what the table says."""

    def enter(act: Act) -> Act:
        meaning = (act.__doc__ or "").strip().splitlines()[0]
        _FAULTS[name] = Fault(name, stage, tries, meaning, act)
        return act

    return enter


class Chaos:
    """The faults that were asked for, each with its own memory of URLs."""

    def __init__(self, names: Iterable[str], time_scale: float) -> None:
        self._faults = [_find(name) for name in ([names] if isinstance(names, str) else names)]
        self._time_scale = time_scale
        self._tries: Counter[tuple[str, str]] = Counter()
        self._shown: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.changes_bodies = any(fault.stage == "envelope" for fault in self._faults)

    def before(self, url: str) -> Response | None:
        """An answer in place of the real one, or None."""
        for fault in self._due("before", url):
            return fault.act(self._time_scale)  # type: ignore[no-any-return]
        return None

    def rows(self, resource: str, rows: list[Row], window: Window) -> tuple[list[Row], Window]:
        """The rows of a list, and which of them the page shows."""
        for fault in self._at("rows"):
            with self._lock:
                rows, window = fault.act(rows, window, resource, self._shown)
        return rows, window

    def total(self, rows: list[Row]) -> int | None:
        """How many rows a list claims to have; None where it does not say."""
        total: int | None = len(rows)
        for fault in self._at("total"):
            total = fault.act(total)
        return total

    def envelope(self, resource: str, envelope: Row) -> Row:
        """The body of a list or of one object, before it is written."""
        for fault in self._at("envelope"):
            envelope = fault.act(envelope, resource)
        return envelope

    def spoil(self, url: str, response: Response) -> Response:
        """The response, as it leaves."""
        if response.status_code == 200:
            for fault in self._due("response", url):
                response = fault.act(response)
        return response

    def takes(self, name: str, place: str) -> bool:
        """Whether the fault *name*, which a room carries out itself, was asked for and has tries of *place* left."""
        for fault in self._at("room"):
            if fault.name == name:
                with self._lock:
                    taken = self._tries[name, place]
                    self._tries[name, place] += 1
                return fault.tries is None or taken < fault.tries
        return False

    def _at(self, stage: str) -> list[Fault]:
        return [fault for fault in self._faults if fault.stage == stage]

    def _due(self, stage: str, url: str) -> list[Fault]:
        """The faults of *stage* that have tries of *url* left; the first one takes a try."""
        for fault in self._at(stage):
            with self._lock:
                taken = self._tries[fault.name, url]
                self._tries[fault.name, url] += 1
            if fault.tries is None or taken < fault.tries:
                return [fault]
        return []


def _find(name: str) -> Fault:
    plain, _, tries = name.partition(":")
    if plain not in _FAULTS or (tries and not tries.isdecimal()):
        msg = f"The sandbox knows no chaos {name!r}. It knows: {', '.join(CHAOS)}. "
        msg += "A name may end in the number of tries to spoil, as in 'drop_mid_body:3'."
        raise ConfigError(msg)
    return replace(_FAULTS[plain], tries=int(tries)) if tries else _FAULTS[plain]


def _error(status: int, text: str, **headers: str) -> Response:
    body = orjson.dumps({"request_id": str(uuid.uuid4()), "error": text})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status, headers=named, mimetype="application/json")


@_fault("429_always", "before")
def always_too_many(time_scale: float) -> Response:
    """every try answers 429 with Retry-After: 1, or 0 where time is shortened"""
    return _error(429, "Too many requests", Retry_After="1" if time_scale >= 1 else "0")


@_fault("429_retry_after", "before", tries=1)
def too_many(time_scale: float) -> Response:
    """the first try of each URL answers as under 429_always"""
    return always_too_many(time_scale)


@_fault("500_always", "before")
def always_fails(time_scale: float) -> Response:
    """every try answers 500"""
    return _error(500, "Internal server error")


@_fault("500_burst", "before", tries=2)
def fails(time_scale: float) -> Response:
    """the first two tries of each URL answer 500"""
    return always_fails(time_scale)


@_fault("html_instead", "before")
def html_instead(time_scale: float) -> Response:
    """every try answers 200 with a web page, as a proxy's log-in does"""
    page = "<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
    return Response(page, mimetype="text/html")


@_fault("short_pages", "rows")
def short_pages(rows: list[Row], window: Window, resource: str, shown: Counter[str]) -> tuple[list[Row], Window]:
    """a page holds 10 rows at most, whatever was asked for"""
    limit = min(window.limit, 10)
    return rows, Window(window.page, limit, (window.page - 1) * limit)


@_fault("repeated_page", "rows")
def repeated_page(rows: list[Row], window: Window, resource: str, shown: Counter[str]) -> tuple[list[Row], Window]:
    """page 2 answers page 1's rows"""
    return rows, replace(window, start=0) if window.page == 2 else window


@_fault("shifting_pages", "rows")
def shifting_pages(rows: list[Row], window: Window, resource: str, shown: Counter[str]) -> tuple[list[Row], Window]:
    """a row is inserted at the front before each page after the first, three times in all

    The three are real rows that were held back: a load started afterwards sees everything in place.
    """
    if window.page > 1 and shown[resource] < 3:
        shown[resource] += 1
    return rows[3 - shown[resource] :], window


@_fault("deleted_row", "rows")
def deleted_row(rows: list[Row], window: Window, resource: str, shown: Counter[str]) -> tuple[list[Row], Window]:
    """the first row is deleted after page 1 was read, so that the others move up by one"""
    return rows[1:] if window.page > 1 else rows, window


@_fault("empty_page", "rows")
def empty_page(rows: list[Row], window: Window, resource: str, shown: Counter[str]) -> tuple[list[Row], Window]:
    """page 2 shows none of its rows; page 3 goes on after them"""
    return rows, replace(window, blank=True) if window.page == 2 else window


@_fault("capped_at_1000", "rows")
def capped_at_1000(rows: list[Row], window: Window, resource: str, shown: Counter[str]) -> tuple[list[Row], Window]:
    """a list ends after 1,000 rows without a word, and claims to have no more"""
    return rows[:1_000], window


@_fault("total_too_high", "total")
def total_too_high(total: int | None) -> int | None:
    """a list claims 7 rows more than it has"""
    return None if total is None else total + 7


@_fault("total_too_low", "total")
def total_too_low(total: int | None) -> int | None:
    """a list claims 7 rows fewer than it has"""
    return None if total is None else max(0, total - 7)


@_fault("no_totals", "total")
def no_totals(total: int | None) -> int | None:
    """a list says neither how many rows nor how many pages it has"""
    return None


@_fault("new_keys", "envelope")
def new_keys(envelope: Row, resource: str) -> Row:
    """every row, at every level, has keys nobody has heard of"""
    return _each_row(envelope, lambda row: {**row, "risk_band": "B", "import_batch": {"no": 12, "by": "csv"}})


#: What is gone under ``missing_keys``: one key of each kind of row, steps apart.
GONE = ("customer_phone", "scheduled_at", "answered_by", "uploaded_by", "captured_at", "required")


@_fault("missing_keys", "envelope")
def missing_keys(envelope: Row, resource: str) -> Row:
    """every row lacks a key it should have; inside a detail, so do questions, answers and images"""
    return _each_row(envelope, lambda row: {key: value for key, value in row.items() if key not in GONE})


@_fault("null_objects", "envelope")
def null_objects(envelope: Row, resource: str) -> Row:
    """a list has no pagination; a detail's project and documents are null, and so are some nested lists"""
    if resource != "job-full-detail":
        return {**envelope, "pagination": None} if "pagination" in envelope else envelope
    data = {**envelope["data"], "project": None, "documents": None}
    _first_null(data["steps"])
    return {**envelope, "data": data}


def _first_null(steps: list[Row]) -> None:
    """Null in place of the last step's questions, the first question's answers, the next answer's images."""
    steps[-1]["questions"] = None
    steps[0]["questions"][0]["answers"] = None
    for question in steps[0]["questions"][1:]:
        for answer in question["answers"]:
            answer["images"] = None
            return


@_fault("truncated_json", "response", tries=1)
def truncated_json(response: Response) -> Response:
    """the first try of each URL answers JSON cut in half, with a Content-Length that fits it"""
    response.set_data(response.get_data()[: len(response.get_data()) // 2])
    return response


@_fault("drop_mid_body", "response", tries=1)
def drop_mid_body(response: Response) -> Response:
    """the first try of each URL is cut off: the connection closes after half the body"""
    body = response.get_data()

    def half() -> Any:
        yield body[: len(body) // 2]
        raise Cut

    response.response = half()
    response.headers["Content-Length"] = str(len(body))
    return response


@_fault("broken_cursor", "room", tries=1)
def broken_cursor() -> None:
    """the first cursor that is sent is answered as broken, with the first page, where lists have cursors"""


@_fault("repeated_cursor", "room", tries=1)
def repeated_cursor() -> None:
    """the second page of a list names its own cursor, or link, as the next one, the first time"""


@_fault("missing_cursor", "room", tries=1)
def missing_cursor() -> None:
    """the first page of a list promises more and names no cursor, the first time"""


def _each_row(envelope: Row, change: Callable[[Row], Row]) -> Row:
    """*change* done to every row of a list, to one object, or to every level of a detail."""
    data = envelope["data"]
    if isinstance(data, list):
        return {**envelope, "data": [change(row) for row in data]}
    return {**envelope, "data": _levels(data, change) if "steps" in data else change(data)}


def _levels(value: Any, change: Callable[[Row], Row]) -> Any:
    if isinstance(value, list):
        return [_levels(item, change) for item in value]
    if isinstance(value, dict):
        return change({key: _levels(item, change) for key, item in value.items()})
    return value


#: Each name, and what it does.
CHAOS = {name: fault.meaning for name, fault in sorted(_FAULTS.items())}
