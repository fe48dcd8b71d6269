"""The ValiDocX room: every endpoint of its contract, and every refusal."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from flask import Blueprint, Response, abort, request

from docframes.sandbox.app import as_json
from docframes.sandbox.chaos import Window
from docframes.sandbox.signing import as_text

if TYPE_CHECKING:
    from docframes.sandbox.box import Box
    from docframes.sandbox.files import File

PREFIX = "/validocx/functions/v1"
LIMIT, MOST = 25, 100
EXPIRY, SHORTEST, LONGEST = 300, 60, 3600  #: of signed links, in seconds
RESOURCES = ("documents", "images", "installer-certs")  #: what can be signed
#: list: the filters it knows beside updated_after; it ignores others, as it does any unknown parameter
FILTERS = {
    "projects": (),
    "jobs": ("project_id", "job_template_id"),
    "question-responses": ("project_id", "job_id"),
    "documents": ("project_id", "job_id"),
    "images": ("project_id", "job_id"),
}
# A control character is escaped in JSON, so this cannot turn up inside an answer's text.
SLOT = "\x1e"
SPLIT = b"\\u001e"

Row = dict[str, Any]


def make_key(letters: Callable[[int], str]) -> str:
    """A key of the documented shape."""
    return f"vdx_org_{letters(8)}_{letters(64)}"


def stored_file(box: Box, resource: str, file_id: str) -> File | None:
    """The file behind a signed link."""
    return box.company.file(resource, file_id)


def blueprint(box: Box) -> Blueprint:
    """The endpoints, answered from *box*."""
    room = Blueprint("validocx", __name__)
    lists, details = Lists(box), Details(box)

    @room.before_request
    def check_key() -> None:
        if not box.accepts("validocx", request.headers.get("x-api-key")):
            abort(401, "API key is missing, unknown or has been revoked")

    def listing(resource: str) -> Callable[[], Response]:
        return lambda: as_json(box.chaos.envelope(resource, lists.page(resource)))

    for resource in FILTERS:
        room.add_url_rule(f"/{resource}", resource, listing(resource))

    @room.get("/projects/<project_id>")
    def one_project(project_id: str) -> Response:
        return as_json(box.chaos.envelope("projects", _one(box.company.project(project_id), "Project")))

    @room.get("/jobs/<job_id>")
    def one_job(job_id: str) -> Response:
        return as_json(box.chaos.envelope("jobs", _one(box.company.job(job_id), "Job")))

    @room.get("/job-full-detail/<job_id>")
    def job_full_detail(job_id: str) -> Response:
        if box.company.job(job_id) is None:
            abort(404, "Job not found")
        return details.answer(job_id)

    @room.get("/signed-files/<resource>/<file_id>")
    def signed_file(resource: str, file_id: str) -> Response:
        return as_json({"request_id": str(uuid.uuid4()), "data": _sign(box, resource, file_id)})

    return room


def _one(row: Row | None, what: str) -> Row:
    if row is None:
        abort(404, f"{what} not found")
    return {"request_id": str(uuid.uuid4()), "data": row}


def _sign(box: Box, resource: str, file_id: str) -> Row:
    if resource not in RESOURCES:
        abort(400, f"resource must be one of {', '.join(RESOURCES)}")
    seconds = min(max(_integer("expires_in", EXPIRY), SHORTEST), LONGEST)
    file = box.company.file(resource, file_id)
    if file is None:
        abort(404, "File not found")
    expires = box.clock.after(seconds)
    return {
        "resource": resource,
        "id": file_id,
        "signed_url": box.link(_path(resource, file_id, file.extension), expires),
        "expires_in": seconds,
        "expires_at": as_text(expires),
    }


def _path(resource: str, file_id: str, extension: str) -> str:
    return f"/validocx/sign/{resource}/{file_id}{extension}"


def _integer(name: str, default: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if not text.removeprefix("-").isdecimal():
        abort(400, f"{name} must be an integer")
    return int(text)


def _choice(name: str, default: str, *known: str) -> str:
    value = request.args.get(name, default)
    if value not in known:
        abort(400, f"{name} must be one of {', '.join(known)}")
    return value


class Lists:
    """The five lists: filtered, sorted and cut into pages."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._sorted: dict[tuple[str, str, bool], tuple[int, list[Row]]] = {}

    def page(self, resource: str) -> Row:
        """The envelope that the present request asks for."""
        window = self._window()
        sort_by = _choice("sort_by", "created_at", "created_at", "updated_at")
        descending = _choice("sort_order", "desc", "asc", "desc") == "desc"
        rows = self._filtered(resource, self._in_order(resource, sort_by, descending))
        rows, window = self._box.chaos.rows(resource, rows, window)
        pagination = {"page": window.page, "limit": window.limit}
        if (total := self._box.chaos.total(rows)) is not None:
            pagination |= {"total": total, "total_pages": -(-total // window.limit)}
        return {"request_id": str(uuid.uuid4()), "data": window.shown(rows), "pagination": pagination}

    def _window(self) -> Window:
        page, limit = _integer("page", 1), _integer("limit", LIMIT)
        if page < 1:
            abort(400, "page must be at least 1")
        if not 1 <= limit <= MOST:
            abort(400, f"limit must be between 1 and {MOST}")
        return Window(page, limit, (page - 1) * limit)

    def _in_order(self, resource: str, sort_by: str, descending: bool) -> list[Row]:
        # A new list each time something changed: rows are compared by moment, then by id, so order is total.
        version = self._box.company.version
        made, rows = self._sorted.get((resource, sort_by, descending), (-1, []))
        if made != version:
            rows = sorted(
                self._box.company.rows(resource),
                key=lambda row: (row[sort_by], row["id"]),
                reverse=descending,
            )
            self._sorted[resource, sort_by, descending] = (version, rows)
        return rows

    def _filtered(self, resource: str, rows: list[Row]) -> list[Row]:
        for name in FILTERS[resource]:
            wanted = request.args.get(name)
            if wanted is not None:
                rows = [row for row in rows if row[name] == wanted]
        after = request.args.get("updated_after")
        if after is not None:
            # Timestamps of one form sort as text.
            moment = _timestamp(after)
            rows = [row for row in rows if row["updated_at"] > moment]
        return rows


def _timestamp(text: str) -> str:
    """ISO 8601 text in the form in which rows carry it; no offset means UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        abort(400, "updated_after must be an ISO 8601 timestamp")
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC).isoformat()


class Details:
    """Job full detail: written once for each state of a job; fresh links are put into its slots."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._bodies: dict[str, tuple[int, list[bytes]]] = {}

    def answer(self, job_id: str) -> Response:
        """The whole answer for one job."""
        body = self._filled(job_id)
        if not self._box.chaos.changes_bodies:
            head = b'{"request_id":"%s","data":' % str(uuid.uuid4()).encode()
            return Response(head + body + b"}", mimetype="application/json")
        envelope = {"request_id": str(uuid.uuid4()), "data": orjson.loads(body)}
        return as_json(self._box.chaos.envelope("job-full-detail", envelope))

    def _filled(self, job_id: str) -> bytes:
        expires = self._box.clock.after(EXPIRY)
        until = as_text(expires).encode()
        parts = list(self._parts(job_id))
        # Slots come in pairs: a link's path, then its expiry.
        for slot in range(1, len(parts), 4):
            parts[slot] = self._box.link(parts[slot].decode(), expires).encode()
            parts[slot + 2] = until
        return b"".join(parts)

    def _parts(self, job_id: str) -> list[bytes]:
        touches = self._box.company.touches(job_id)
        made, parts = self._bodies.get(job_id, (-1, []))
        if made != touches:
            parts = orjson.dumps(self._with_slots(job_id)).split(SPLIT)
            self._bodies[job_id] = (touches, parts)
        return parts

    def _with_slots(self, job_id: str) -> Row:
        detail = self._box.company.detail(job_id)
        for step in detail["steps"]:
            for question in step["questions"]:
                for answer in question["answers"]:
                    for image in answer["images"]:
                        image.update(_slots("images", image["id"], ".jpg"))
        for document in detail["documents"]:
            document.update(_slots("documents", document["id"], ".pdf"))
        return detail


def _slots(resource: str, file_id: str, extension: str) -> dict[str, str]:
    path = _path(resource, file_id, extension)
    return {"signed_url": f"{SLOT}{path}{SLOT}", "signed_url_expires_at": f"{SLOT}until{SLOT}"}
