"""The Veridox room: what its contract says of reading, and every refusal."""

from __future__ import annotations

import hashlib
import math
import re
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from docframes.sandbox.app import as_json
from docframes.sandbox.chaos import Window
from docframes.sandbox.company.forensics import LEVELS, Laboratory, examine
from docframes.sandbox.company.reports import report
from docframes.sandbox.files import File, jpeg, pdf
from docframes.sandbox.signing import as_text

if TYPE_CHECKING:
    from docframes.sandbox.box import Box

Row = dict[str, Any]

PREFIX = "/veridox"
LIMIT, MOST, FARTHEST = 50, 100, 9_007_199_254_740_991
MOST_IDS = 25
ASSETS = ("file_download", "thumbnail", "pdf_report", "log_output", "ela_overlay")
BULK_SECONDS, ASSET_SECONDS = 3600, 1800  #: lifetimes of links
MINUTE = 60
#: Calls a minute; whatever is not named shares ``default``.
LIMITS = {"default": 10, "cases": 30, "case": 60, "download": 20}
RULES = {"cases": "cases", "case": "case", "download": "download"}
VERSION_7 = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
WIDER = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
WIDEST = ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff")
CODES = {
    400: "request.validation", 401: "request.authentication.api-key.invalid", 403: "request.forbidden",
    404: "request.not-found", 405: "request.method-not-allowed", 429: "request.rate-limit",
}  # fmt: skip
NO_CASE, NO_FILE = "request.cases.case.not-found", "request.cases.file.not-found"
NO_ASSET = "request.cases.case-file.asset-not-found"
EXPIRED = "request.authentication.api-key.expired"


class Refusal(HTTPException):
    """A refusal with the vendor's own code."""

    def __init__(self, status: int, text: str, code: str = "", **details: Any) -> None:
        super().__init__(text)
        self.code = status
        self.error_code = code or CODES.get(status, CODES[400])
        self.details = details
        self.retry_after: int | None = None


class State:
    """The laboratory, made when it is first asked for, and the calls of the last minute."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._lock = threading.RLock()
        self._lab: Laboratory | None = None
        self._taken: dict[str, deque[float]] = {rule: deque() for rule in LIMITS}
        self.expired: set[str] = set()  #: keys that worked once and are past their date

    @property
    def lab(self) -> Laboratory:
        """Cases and files."""
        with self._lock:
            if self._lab is None:
                self._lab = examine(self._box.company)
            return self._lab

    def truth(self) -> list[Row]:
        """The forgeries."""
        return [dict(fault) for fault in self.lab.truth]

    def take(self, rule: str) -> float | None:
        """Take a permit; seconds until there is one, in the vendor's time, where there is none."""
        clock = self._box.clock
        with self._lock:
            taken, now = self._taken[rule], clock.now()
            while taken and taken[0] <= now - MINUTE * clock.scale:
                taken.popleft()
            if len(taken) >= LIMITS[rule]:
                return (taken[0] + MINUTE * clock.scale - now) / clock.scale
            taken.append(now)
            return None


def make_key(letters: Callable[[int], str]) -> str:
    """A key with the documented beginning; its length is not documented."""
    return f"vdx_{letters(40)}"


def stored_file(box: Box, resource: str, file_id: str) -> File | None:
    """The file behind a signed link."""
    row = box.state["veridox"].lab.file(file_id)
    return None if row is None else asset_file(box, row, resource)


def asset_file(box: Box, row: Row, asset: str) -> File | None:
    """An asset of a file; None where it is not there yet, or never."""
    file_id, label = row["file_id"], row["label"]
    original = box.company.file(*box.state["veridox"].lab.stored[file_id])
    if original is None or row["uploaded_at"] is None:
        return None
    settled, picture = row["analysis_status"] == "settled", original.mime_type == "image/jpeg"
    stem = label.rpartition(".")[0]
    words = (f"File {file_id}", f"Risk {row['current_risk_score'] or 'not scored'}")
    log = "\n".join(("metadata read", "scored", *words)).encode()
    made: dict[str, File | None] = {
        "file_download": File(asset, file_id, label, original.mime_type, original.read),
        "thumbnail": File(asset, file_id, f"{stem}.jpg", "image/jpeg", partial(jpeg, len(label), file_id)),
        "pdf_report": File(asset, file_id, f"{stem}-report.pdf", "application/pdf", partial(pdf, "Report", words)),
        "log_output": File(asset, file_id, f"{stem}.log", "text/plain", lambda: log),
        "ela_overlay": File(asset, file_id, f"{stem}-ela.jpg", "image/jpeg", partial(jpeg, len(stem), file_id)),
    }
    late = asset in ("pdf_report", "log_output", "ela_overlay") and not settled
    return None if late or (asset == "ela_overlay" and not picture) else made.get(asset)


def blueprint(box: Box) -> Blueprint:
    """The endpoints, answered from *box*."""
    room = Blueprint("veridox", __name__)

    @room.before_request
    def check() -> None:
        key = request.headers.get("x-api-key")
        if key in box.state["veridox"].expired:
            raise Refusal(401, "The API key has expired.", EXPIRED)
        if not box.accepts("veridox", key):
            raise Refusal(401, "The API key is missing or invalid.")
        rule = RULES.get((request.endpoint or "").rpartition(".")[2], "default")
        wait = box.state["veridox"].take(rule)
        if wait is not None:
            refusal = Refusal(429, "Too many requests.", limit=LIMITS[rule], window_seconds=MINUTE)
            refusal.retry_after = max(1, math.ceil(wait))
            raise refusal

    @room.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        refusal = error if isinstance(error, Refusal) else Refusal(error.code or 400, error.description or error.name)
        body: Row = {"error_code": refusal.error_code, "error_message": refusal.description}
        if refusal.details:
            body["error_details"] = refusal.details
        response = as_json(body, refusal.code)
        if refusal.retry_after is not None:
            response.headers["Retry-After"] = str(refusal.retry_after)
        return response

    _add_reading(room, box)
    _add_signing(room, box)

    # An address that is not there is refused in the vendor's own words too.
    @room.route("/<path:anything>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def nothing(anything: str) -> Response:
        raise Refusal(404, "There is nothing at this address.")

    return room


def _add_reading(room: Blueprint, box: Box) -> None:
    state: State = box.state["veridox"]

    @room.get("/cases")
    def cases() -> Response:
        label = request.args.get("label")
        rows = [row for row in reversed(state.lab.cases) if label in (None, row["label"])]
        return _page(box, "cases", rows, echo=True)

    @room.get("/cases/<case_id>")
    def case(case_id: str) -> Response:
        row = next((row for row in state.lab.cases if row["case_id"] == case_id.lower()), None)
        if row is None:
            raise Refusal(404, "No such case.", NO_CASE, case_id=case_id)
        above = ("case_id", "case_label")
        files = [
            {name: value for name, value in _listed(box, file).items() if name not in above}
            for file in state.lab.files
            if file["case_id"] == row["case_id"]
        ]
        return as_json(_chaotic(box, "case", {**row, "files": files}))

    @room.get("/files")
    def files() -> Response:
        key = {"date_created": _by_date, "risk_score": _by_risk}[
            _choice("sort_by", "date_created", "date_created", "risk_score")
        ]
        descending = _choice("sort_order", "desc", "asc", "desc") == "desc"
        rows = sorted(state.lab.files, key=key, reverse=descending)
        return _page(box, "files", rows)

    @room.get("/search")
    def search() -> Response:
        query = request.args.get("query", "")
        if not 1 <= len(query) <= 100:
            raise Refusal(400, "query must have 1 to 100 characters")
        wanted = _words(query)
        rows = [row for row in state.lab.files if _matches(wanted, row)]
        return _page(box, "results", rows)

    @room.get("/files/<file_id>/analysis")
    def analysis(file_id: str) -> Response:
        row = state.lab.file(file_id.lower())
        if row is None:
            raise Refusal(404, "No such file.", NO_FILE, file_id=file_id)
        original = asset_file(box, row, "file_download")
        md5 = hashlib.md5(original.read(), usedforsecurity=False).hexdigest() if original else ""
        body = report(state.lab, box.company.seed, row, md5)
        expires = box.clock.after(ASSET_SECONDS)
        links = {f"{asset}_url": _link_to(box, row, asset, expires) for asset in ASSETS}
        until = {"file_download_url_expires_at": _text(expires) if links["file_download_url"] else None}
        return as_json(_chaotic(box, "analysis", {**body, **links, **until}))


def _add_signing(room: Blueprint, box: Box) -> None:
    state: State = box.state["veridox"]

    @room.post("/files/download")
    def download() -> Response:
        ids = _sent_ids()
        expires = box.clock.after(BULK_SECONDS)
        good, bad = [], []
        for file_id in ids:
            row = state.lab.file(file_id.lower())
            url = _link_to(box, row, "file_download", expires) if row else None
            if row is None:
                bad.append({"file_id": file_id, "error": "File not found"})
            elif url is None:
                bad.append({"file_id": file_id, "error": "File has not been uploaded"})
            else:
                until = _text(expires)
                good.append({"file_id": file_id, "download_url": url, "expires_at": until, "label": row["label"]})
        return as_json({"files": good, "errors": bad} if bad else {"files": good})

    @room.get("/files/asset-url")
    def asset_url() -> Response:
        file_id = request.args.get("file_id", "")
        if not WIDER.fullmatch(file_id) and file_id.lower() not in WIDEST:
            raise Refusal(400, "file_id must be a UUID")
        asset = _choice("asset", "", *ASSETS)
        row = state.lab.file(file_id.lower())
        if row is None:
            raise Refusal(404, "No such file.", NO_FILE, file_id=file_id)
        expires = box.clock.after(ASSET_SECONDS)
        url = _link_to(box, row, asset, expires)
        if url is None:
            raise Refusal(404, "The asset is not there.", NO_ASSET, asset=asset)
        return as_json({"url": url, "expires_at": _text(expires)})


def _sent_ids() -> list[str]:
    body = request.get_json(silent=True)
    ids = body.get("file_ids") if isinstance(body, dict) else None
    if not isinstance(ids, list):
        raise Refusal(400, "file_ids is required and must be an array")
    if not 1 <= len(ids) <= MOST_IDS:
        raise Refusal(400, f"file_ids must have 1 to {MOST_IDS} elements")
    for place, file_id in enumerate(ids):
        if not isinstance(file_id, str) or not VERSION_7.fullmatch(file_id):
            raise Refusal(400, "file_ids must hold UUIDs of version 7", path=f"file_ids[{place}]")
    return ids


# --- lists --------------------------------------------------------------------------------------------------------


def _page(box: Box, resource: str, rows: list[Row], *, echo: bool = False) -> Response:
    """The rows that ``limit`` and ``offset`` show; only cases say them back."""
    limit, offset = _integer("limit", LIMIT, 1, MOST), _integer("offset", 0, 0, FARTHEST)
    rows, window = box.chaos.rows(resource, rows, Window(offset // limit + 1, limit, offset))
    shown = [row if resource == "cases" else _listed(box, row) for row in window.shown(rows)]
    told = {"total": box.chaos.total(rows), "limit": window.limit}
    envelope = box.chaos.envelope(resource, {"data": shown, "pagination": told})
    body: Row = {resource: envelope["data"]}
    if envelope["pagination"] is not None and told["total"] is not None:
        body["total"] = envelope["pagination"]["total"]
    if echo:
        body |= {"limit": window.limit, "offset": offset}
    return as_json(body)


def _chaotic(box: Box, resource: str, body: Row) -> Row:
    changed: Row = box.chaos.envelope(resource, {"data": body})["data"]
    return changed


def _listed(box: Box, row: Row) -> Row:
    expires = box.clock.after(ASSET_SECONDS)
    return {**row, "thumbnail_url": _link_to(box, row, "thumbnail", expires)}


def _by_date(row: Row) -> tuple[Any, ...]:
    # The id begins with the same moment, and orders files of one millisecond.
    return (row["file_id"],)


def _by_risk(row: Row) -> tuple[Any, ...]:
    score = row["current_risk_score"]
    return (LEVELS.index(score) if score in LEVELS else -1, row["file_id"])


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _matches(wanted: list[str], row: Row) -> bool:
    words = _words(f"{row['case_label']} {row['label']}")
    return bool(wanted) and all(any(word.startswith(start) for word in words) for start in wanted)


def _integer(name: str, default: int, least: int, most: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        raise Refusal(400, f"{name} must be an integer from {least} to {most}")
    return int(text)


def _choice(name: str, default: str, *known: str) -> str:
    value = request.args.get(name, default)
    if value not in known:
        raise Refusal(400, f"{name} must be one of {', '.join(known)}")
    return value


# --- links --------------------------------------------------------------------------------------------------------


def _link_to(box: Box, row: Row, asset: str, expires: float) -> str | None:
    file = asset_file(box, row, asset)
    return None if file is None else box.link(f"{PREFIX}/sign/{asset}/{row['file_id']}{file.extension}", expires)


def _text(moment: float) -> str:
    return as_text(moment).replace("+00:00", "Z")
