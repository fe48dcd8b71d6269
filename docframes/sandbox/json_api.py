"""JSON:API as a server speaks it: filters, order, pages and error bodies."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
from flask import Response, request
from werkzeug.exceptions import HTTPException

from docframes.sandbox.chaos import Window

if TYPE_CHECKING:
    from docframes.sandbox.chaos import Chaos

USUAL, MOST = 30, 100  #: rows a page
MEDIA = "application/vnd.api+json"

Row = dict[str, Any]

_FILTER = re.compile(r"filter((?:\[[^\]]+\])+)")
TESTS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "!eq": lambda value, wanted: value != wanted,
    "gt": lambda value, wanted: value > wanted,
    "gte": lambda value, wanted: value >= wanted,
    "lt": lambda value, wanted: value < wanted,
    "lte": lambda value, wanted: value <= wanted,
    "pre": lambda value, wanted: value.startswith(wanted),
    "suf": lambda value, wanted: value.endswith(wanted),
    "ct": lambda value, wanted: wanted in value,
    "!ct": lambda value, wanted: wanted not in value,
    "in": lambda value, wanted: value in wanted.split(","),
    "!in": lambda value, wanted: value not in wanted.split(","),
}


class Refusal(HTTPException):
    """A refusal with a code and, where one attribute is to blame, its place."""

    def __init__(
        self, status: int, text: str, code: str, *, pointer: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(text)
        self.code = status
        self.error_code = code
        self.pointer = pointer
        self.retry_after = retry_after


def refuse(error: HTTPException) -> Response:
    """The body of an error: an array of one."""
    told: Row = {
        "status": str(error.code),
        "code": getattr(error, "error_code", "error"),
        "title": error.name,
        "detail": error.description,
    }
    if getattr(error, "pointer", ""):
        told["source"] = {"pointer": error.pointer}  # type: ignore[attr-defined]
    response = Response(orjson.dumps({"errors": [told]}), error.code, mimetype=MEDIA)
    wait = getattr(error, "retry_after", None)
    if wait is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(wait)))
    return response


def filtered(rows: list[Row], association: str = "") -> list[Row]:
    """The rows that pass every filter of the request; those of an included set bear its name."""
    for name, values in request.args.lists():
        found = _FILTER.fullmatch(name)
        path = re.findall(r"\[([^\]]+)\]", found[1]) if found else []
        if (len(path) == 2 and path[0] == association) or (len(path) == 1 and not association):
            for value in values:
                rows = [row for row in rows if _passes(row["attributes"], path[-1], value)]
    return rows


def _passes(attributes: Row, name: str, test: str) -> bool:
    for ending, wanted in (("_blank", False), ("_present", True)):
        if name.endswith(ending) and test == "1":
            return (attributes.get(name.removesuffix(ending)) not in (None, "")) is wanted
    operator, colon, wanted_text = test.partition(":")
    if not colon or operator not in TESTS:
        raise Refusal(400, f"filter of {name}: unknown operator.", "bad_request")
    value = attributes.get(name)
    if isinstance(value, bool):
        value = "true" if value else "false"
    return value is not None and TESTS[operator](str(value), wanted_text)


def sorted_by(rows: list[Row]) -> list[Row]:
    """The rows in the order asked for: the last key first, since sorting keeps what was equal in place."""
    for key in reversed([key for key in request.args.get("sort", "").split(",") if key]):
        name = key.removeprefix("-")
        rows = sorted(rows, key=lambda row: str(row["attributes"].get(name) or ""), reverse=key.startswith("-"))
    return rows


def page_of(rows: list[Row], chaos: Chaos, resource: str) -> Row:
    """One page with links and totals, and with what comes along with its rows."""
    number, size = _count("page[number]", 1), _count("page[size]", USUAL)
    if size > MOST:
        raise Refusal(400, f"page[size] must be at most {MOST}.", "bad_request")
    rows, window = chaos.rows(resource, rows, Window(number, size, (number - 1) * size))
    total = chaos.total(rows)
    last = max(1, math.ceil((len(rows) if total is None else total) / window.limit))
    # A page that calls itself the next one is a cursor that comes again.
    again = number == 2 and last > 2 and chaos.takes("repeated_cursor", resource)
    shown = window.shown(rows)
    included = {row["id"]: row for shown_row in shown for row in shown_row.get("__included", [])}
    envelope: Row = {
        "data": [{key: value for key, value in row.items() if key != "__included"} for row in shown],
        "links": {
            "self": _link(number),
            "first": _link(1),
            "prev": _link(number - 1) if number > 1 else None,
            "next": _link(number + (not again)) if number < last else None,
        },
    }
    if total is not None:
        envelope["links"]["last"] = _link(last)
        envelope["meta"] = {"pagination": {"current": number, "last": last, "records": total}}
    return {**envelope, "included": list(included.values())} if included else envelope


def _count(name: str, usual: int) -> int:
    text = request.args.get(name, str(usual))
    if not text.isdecimal() or int(text) < 1:
        raise Refusal(400, f"{name} must be a number from 1 up.", "bad_request")
    return int(text)


def _link(number: int) -> str:
    query = [(name, value) for name, values in request.args.lists() for value in values if name != "page[number]"]
    return f"{request.base_url}?{urlencode([*query, ('page[number]', str(number))])}"
