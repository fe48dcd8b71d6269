"""The Validis room: tokens, two keys with an allowance each, engagements, extracts that take their time, and books.

What the contract leaves open is a switch of :class:`.State`: the shape of the answer that names the files, the
envelope of lists, which id stands in the path, how long an extract takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from docframes.sandbox.app import as_json
from docframes.sandbox.chaos import Window
from docframes.sandbox.company.seeds import DAY as DAY_IN_MS
from docframes.sandbox.company.seeds import SECOND, moment, new_id, stream
from docframes.sandbox.files import File
from docframes.sandbox.validis_gate import PREFIX, Refusal, State, make_key

if TYPE_CHECKING:
    from docframes.sandbox.box import Box

__all__ = ["PREFIX", "State", "blueprint", "credentials", "make_key", "stored_file"]

Row = dict[str, Any]

LINK_SECONDS = 600
SIZE, MOST = 200, 2000
REPORTS = ("income-statement-standard", "balance-sheet-standard", "income-statement-detailed", "balance-sheet-detailed")
ENGAGEMENT = 4711  #: the company's own; the others have no upload yet
OTHERS = {4712: "Harrowbeck Van Hire Ltd", 4713: "Kiln Lane Cavity Co.", 4714: "Lisle Insurance Brokers LLP"}
UPLOADED = "2026-04-07T06:12:44"
#: Extract, as its path ends, to what the storage host calls it.
RESOURCES = {"general-ledger": "extracts", "accounts-receivable": "receivables", "accounts-payable": "payables"}


def credentials(box: Box) -> dict[str, str]:
    """What a client needs, by the ending of the variable's name."""
    return {"API_KEY": box.key("validis"), "SECONDARY_API_KEY": box.state["validis"].secondary, "REGION": "sandbox"}


def stored_file(box: Box, resource: str, file_id: str) -> File | None:
    """The extract behind a link; its id is ``<upload>~all``, ``<upload>~<upload of the last file>`` or one file's.

    resource : which extract.
    """
    state: State = box.state["validis"]
    upload, _, rest = file_id.partition("~")
    if resource not in RESOURCES.values() or not upload.isdecimal():
        return None
    ledger = next(name for name, known in RESOURCES.items() if known == resource)
    files = state.files(ledger)
    if rest in files.names:
        return File(resource, file_id, f"{rest}.zip", "application/zip", lambda: files.one(rest, int(upload)))
    other = int(rest) if rest.isdecimal() else None
    return File(resource, file_id, f"{ledger}.zip", "application/zip", lambda: files.whole(int(upload), other=other))


def blueprint(box: Box) -> Blueprint:
    """The endpoints, answered from *box*."""
    room = Blueprint("validis", __name__)
    state: State = box.state["validis"]
    box.give_secret(state.secondary)

    @room.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        status = error.code or 500
        response = as_json({"statusCode": status, "message": error.description or error.name}, status)
        response.headers.update(getattr(error, "headers", {}))
        return response

    @room.before_request
    def check() -> None:
        key = state.enter()
        if not request.path.endswith("/oauth/token"):
            state.check_token(key)
            if not {"*/*", "application/json"} & {part.partition(";")[0] for part, _ in request.accept_mimetypes}:
                raise Refusal(406, "Only application/json is served.")

    @room.post("/v1/oauth/token")
    def token() -> Response:
        key = request.headers["Ocp-Apim-Subscription-Key"]
        if request.mimetype != "application/x-www-form-urlencoded":
            return _oauth_error("invalid_request", "Content-Type must be application/x-www-form-urlencoded")
        if request.form.get("grant_type") != "vapi_key":
            return _oauth_error("unsupported_grant_type", "grant_type must be vapi_key")
        if request.form.get("key") != key:
            return _oauth_error("invalid_grant", "key is not the subscription key")
        return as_json(state.give_token(key))

    @room.get("/v1/clients/<client_id>/engagements")
    def engagements(client_id: str) -> Response:
        if client_id != state.ids[state.path_id]:
            raise Refusal(403, "No right to this client.")
        rows = _engagements(box)
        wanted = request.args.get("externalEngagementId")
        if wanted is not None:
            rows = [row for row in rows if row["externalEngagementId"] in wanted.split(",")]
        for name in reversed([name for name in request.args.get("orderBy", "").split(",") if name]):
            field = name.removeprefix("-")
            if field not in ("id", "externalEngagementId"):
                raise Refusal(400, f"orderBy does not know {field}")
            rows.sort(key=lambda row: row[field], reverse=name.startswith("-"))
        return _page(box, "engagements", rows)

    @room.get("/<version>/extracts/<ledger>/engagements/<int:engagement>")
    def extract(version: str, ledger: str, engagement: int) -> Response:
        # Both versions of the general ledger's path are printed; the others are of the second one only.
        if ledger not in RESOURCES or version not in (("v1", "v2") if ledger == "general-ledger" else ("v2",)):
            raise Refusal(404, "Resource not found")
        form, future = request.args.get("Format"), request.args.get("includeFutureYears")
        if form not in ("CSV", "JSON") or future not in ("true", "false"):
            raise Refusal(400, "Format (JSON or CSV) and includeFutureYears (true or false) are required")
        if form == "JSON":
            raise Refusal(400, "This sandbox writes CSV extracts only")
        _with_upload(state, engagement)
        return _extract(box, state, ledger, engagement, version, future)

    _add_books(room, box, state)

    @room.route("/<path:anything>", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
    def nothing(anything: str) -> Response:
        raise Refusal(404, "Resource not found")

    return room


def _add_books(room: Blueprint, box: Box, state: State) -> None:
    def accounts() -> list[Row]:
        rows = [dict(row) for row in state.books.accounts]
        if state.unassigned:
            rows[-1].update(primaryCategory=None, tag=None)
        for name, field in (("primaryCategories", "primaryCategory"), ("tags", "tag"), ("status", "status")):
            wanted = request.args.get(name)
            rows = rows if wanted is None else [row for row in rows if row[field] in wanted.split(",")]
        return rows

    @room.get("/v1/engagements/<int:engagement>/accounts")
    def all_accounts(engagement: int) -> Response:
        _with_upload(state, engagement)
        rows = accounts()
        return as_json(rows if state.envelope == "bare" else {"content": rows})

    @room.get("/v1/engagements/<int:engagement>/periods")
    def periods(engagement: int) -> Response:
        _with_upload(state, engagement)
        return as_json(state.books.periods if state.envelope == "bare" else {"content": state.books.periods})

    @room.get("/v1/engagements/<int:engagement>/journals")
    def journals(engagement: int) -> Response:
        _with_upload(state, engagement)
        return _page(box, "journals", _in_periods(state.books.journals))

    @room.get("/v1/engagements/<int:engagement>/receivableItems")
    def receivable(engagement: int) -> Response:
        _with_upload(state, engagement)
        return _page(box, "receivableItems", _items(state.books.receivable_items, "customerId"))

    @room.get("/v1/engagements/<int:engagement>/payableItems")
    def payable(engagement: int) -> Response:
        _with_upload(state, engagement)
        return _page(box, "payableItems", _items(state.books.payable_items, "supplierId"))

    @room.get("/v1/reports/<name>/engagements/<int:engagement>")
    def report(name: str, engagement: int) -> Response:
        if name not in REPORTS:
            raise Refusal(404, "Resource not found")
        _with_upload(state, engagement)
        if state.unassigned and not _flag("AcceptUnassigned", True):
            raise Refusal(400, "Some accounts are not assigned to the chart of accounts")
        return as_json({"engagementId": engagement, **state.books.report(name, _spans())})


# --- parameters -------------------------------------------------------------------------------------------------------


def _oauth_error(error: str, text: str) -> Response:
    return as_json({"error": error, "error_description": text}, 400)


def _with_upload(state: State, engagement: int) -> None:
    if engagement in OTHERS:
        raise Refusal(400, "The engagement has no successful upload")
    if engagement != ENGAGEMENT and engagement not in state.engagements_of_branches():
        raise Refusal(404, "Engagement not found")


def _integer(name: str, default: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise Refusal(400, f"{name} must be an integer from 0 up")
    return int(text)


def _flag(name: str, default: bool) -> bool:
    text = request.args.get(name, str(default).lower())
    if text not in ("true", "false"):
        raise Refusal(400, f"{name} must be true or false")
    return text == "true"


def _in_periods(rows: list[Row]) -> list[Row]:
    first, last = _integer("fromPeriodId", 1), _integer("toPeriodId", 12)
    return [row for row in rows if first <= row["periodId"] <= last]


def _items(rows: list[Row], party: str) -> list[Row]:
    rows = _in_periods(rows)
    wanted = {party: request.args.get(party), "itemType": request.args.get("itemtypes")}
    for field, text in wanted.items():
        rows = rows if text is None else [row for row in rows if row[field] in text.split(",")]
    if _flag("openItems", False):
        rows = [row for row in rows if row["outstandingAmount"]]
    left_out = [name for name in ("links", "allocations") if not _flag(f"show{name.capitalize()}", False)]
    absolute = _flag("DisplayAbsolute", True)
    return [_shown(row, left_out, absolute) for row in rows]


def _shown(row: Row, left_out: list[str], absolute: bool) -> Row:
    shown = {name: value for name, value in row.items() if name not in left_out}
    if absolute:
        shown |= {name: abs(shown[name]) for name in ("amount", "outstandingAmount", "baseAmount")}
    return shown


def _spans() -> dict[str, tuple[int, int]]:
    year = request.args.get("year")
    if year is None:
        first, last = _integer("fromPeriodId", 0), _integer("toPeriodId", 0)
        if not 1 <= first <= last <= 12:
            raise Refusal(400, "year, or fromPeriodId and toPeriodId, are required")
        return {f"{period:02d}": (period, period) for period in range(first, last + 1)}
    if year != "current":
        raise Refusal(400, "Only the current financial year is in this upload")
    return {"2026": (1, 12)}


def _page(box: Box, resource: str, rows: list[Row]) -> Response:
    """The page that the request asks for, in the envelope that is switched on."""
    number, size = _integer("page", 0), _integer("size", SIZE)
    if not 1 <= size <= MOST:
        raise Refusal(400, f"size must be between 1 and {MOST}")
    rows, window = box.chaos.rows(resource, rows, Window(number + 1, size, number * size))
    shown = window.shown(rows)
    if box.state["validis"].envelope == "bare":
        return as_json(shown)
    told: Row = {"last": window.end(rows) >= len(rows), "number": number, "size": window.limit}
    if (total := box.chaos.total(rows)) is not None:
        pages = -(-total // window.limit)
        told |= {"totalElements": total, "totalPages": pages, "last": number + 1 >= pages}
    return as_json({"content": shown, **told})


def _engagements(box: Box) -> list[Row]:
    state: State = box.state["validis"]
    rng = stream(box.company.seed, "engagements")
    owner = next(person for person in box.company.staff if person.team == "Finance")
    first, last = owner.name.split(" ", 1)
    rows = []
    branches = {number: f"{box.company.name}, branch {number}" for number in state.engagements_of_branches()}
    for number, name in {ENGAGEMENT: box.company.name, **OTHERS, **branches}.items():
        row: Row = {
            "id": number,
            "externalEngagementId": f"AUD-{number - 4700:03d}",
            "clientId": state.ids["vconnectClientId"],
            "relationshipManager": "P. Pennock",
            "Owner": {"firstName": first, "lastName": last, "email": owner.email},
            "sme": {"id": new_id(rng), "name": name},
        }
        if number not in OTHERS:
            row["lastUploadDate"] = (moment(UPLOADED) + state.upload * DAY_IN_MS) // SECOND
        rows.append(row)
    return rows


# --- the extract ------------------------------------------------------------------------------------------------------


def _extract(box: Box, state: State, ledger: str, engagement: int, version: str, future: str) -> Response:
    turn = state.turn(ledger, str(engagement), version, future)
    if turn < state.busy + state.polls:
        status = 409 if turn < state.busy else 202
        response = as_json({"statusCode": 409, "message": "The same request is already being processed."}, status)
        if state.retry_after is not None:
            response.headers["Retry-After"] = state.retry_after
        return response
    upload = state.upload_of(engagement)
    other = upload + 1 if state.spent("mixed") else None
    if state.shape == "zip":
        return Response(state.files(ledger).whole(upload, other=other), mimetype="application/zip")
    return as_json(_links(box, state, ledger, upload, other))


def _links(box: Box, state: State, ledger: str, upload: int, other: int | None) -> Any:
    seconds = -1.0 if state.spent("dead_links") else LINK_SECONDS
    expires = box.clock.after(seconds)
    home = f"/validis/sign/{RESOURCES[ledger]}"
    if state.shape == "per_file":
        names, last = state.files(ledger).names, upload if other is None else other
        uploads = [upload] * (len(names) - 1) + [last]
        paths = [f"{home}/{one}~{name}.zip" for one, name in zip(uploads, names, strict=True)]
        return [
            {"fileName": name.replace(".csv", ".zip"), **_access(box, path, expires)}
            for name, path in zip(names, paths, strict=True)
        ]
    path = f"{home}/{upload}~{'all' if other is None else other}.zip"
    if state.shape == "list":
        return {"result": {"files": [{"fileName": f"{ledger}.zip", **_access(box, path, expires)}]}}
    if state.shape == "sas":
        return {"fileUrl": box.storage_url + path, "sasToken": "?" + box.link(path, expires).partition("?")[2]}
    if state.shape == "href":
        return {"status": "READY", "downloads": {"extractHref": box.link(path, expires)}}
    return _access(box, path, expires)


def _access(box: Box, path: str, expires: float) -> Row:
    link = box.link(path, expires)
    return {"fileUrl": box.storage_url + path, "sasToken": link.partition("?")[2], "fileAccessUrl": link}
