"""The DocDigitizer room: documents, tasks, annotations, reviews, assets and submissions of version 1."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import HTTPException

from docframes.sandbox.app import as_json
from docframes.sandbox.chaos import Window
from docframes.sandbox.company.inbox import BILLS, Inbox, Paper, receive
from docframes.sandbox.files import File

if TYPE_CHECKING:
    from docframes.sandbox.box import Box

PREFIX = "/docdigitizer"
#: Below the base URL.
ROOT = "/api/v1"
PAGE = 25  #: rows of a page where no size is asked for
CURSOR_LIFE = 600  #: seconds that a cursor works
LARGEST = 25 * 1024 * 1024  #: bytes of an upload
TYPES = ("application/pdf", "image/jpeg", "image/png", "image/tiff")
EXTENSIONS = {".pdf": TYPES[0], ".jpg": TYPES[1], ".jpeg": TYPES[1], ".png": TYPES[2], ".tif": TYPES[3],
              ".tiff": TYPES[3]}  # fmt: skip
UPLOADS, MINUTE = 30, 60  #: documents that the account may hand in a minute
CLASSIFIED, DONE, SLA = 20, 60, 1_800  #: seconds from submission until the class is known, until done, and promised
LINK_LIFE = 300  #: seconds that a link to the storage host works
CODES = {
    400: "BAD_REQUEST", 401: "WRONG_AUTH", 403: "NOT_ENOUGH_PERMISSIONS", 404: "NOT_FOUND", 409: "CONFLICT",
    413: "BAD_REQUEST", 415: "FILE_TYPE_NOT_SUPPORTED", 422: "INCOHERENT_DATA", 500: "UNEXPECTED_ERROR",
    501: "NOT_IMPLEMENTED",
}  # fmt: skip

Row = dict[str, Any]


def make_key(letters: Callable[[int], str]) -> str:
    """A key that looks like a UUID."""
    return str(uuid.UUID(hashlib.sha256(letters(32).encode()).hexdigest()[:32], version=4))


def stored_file(box: Box, resource: str, file_id: str) -> File | None:
    """The file behind a link to the storage host."""
    paper = box.state["docdigitizer"].paper(file_id)
    return None if paper is None or resource != "assets" else paper.file()


@dataclass(frozen=True)
class Place:
    """What a cursor stands for.  number : of the page, from 1.  until : seconds since 1970."""

    resource: str
    start: int
    number: int
    until: float


@dataclass
class Submitted:
    """A paper that was handed in, with its bytes."""

    paper: Paper
    at: float
    content: bytes
    media_type: str


class State:
    """What the room remembers: papers, cursors it gave out, submissions.

    broken, repeated, missing : how many of the next cursors are answered as broken, named twice, left out.
    refusal : status and message code that every call gets, such as (403, "NO_LICENCE"), or None.
    """

    def __init__(self, box: Box) -> None:
        self._box = box
        self._inbox: Inbox | None = None
        self._lock = threading.RLock()
        self.submitted: dict[str, Submitted] = {}
        self.uploads: deque[float] = deque()
        self.cursors: dict[str, Place] = {}
        self.broken = self.repeated = self.missing = 0
        self.refusal: tuple[int, str] | None = None

    @property
    def inbox(self) -> Inbox:
        """The papers that were there from the start; invented when they are first asked for."""
        with self._lock:
            if self._inbox is None:
                self._inbox = receive(self._box.company)
            return self._inbox

    @property
    def papers(self) -> list[Paper]:
        """Every paper, oldest first."""
        return [*self.inbox.papers, *(self._now(found) for found in self.submitted.values())]

    def paper(self, document_id: str) -> Paper | None:
        """The paper of that id, or None."""
        return next((paper for paper in self.papers if paper.id == document_id), None)

    def truth(self) -> list[Row]:
        """The faults planted in the papers."""
        return [dict(fault) for fault in self.inbox.truth]

    def take(self, name: str) -> bool:
        """Use up one of the cursors that shall go wrong."""
        with self._lock:
            left = getattr(self, name)
            setattr(self, name, max(0, left - 1))
            return bool(left) or self._box.chaos.takes(f"{name}_cursor", "docdigitizer")

    def touch(self, document_id: str) -> None:
        """Move a document's ``updated`` and change one of its values."""
        paper = self.paper(document_id)
        if paper is None:
            raise KeyError(document_id)
        paper.updated = max(found.updated for found in self.papers) + 60_000
        paper.fields["amount_rounding"] = "0.01"

    def submit(self, name: str, content: bytes, media_type: str, document_class: str | None, tags: list[str]) -> Paper:
        """Take in a file."""
        now = self._box.clock.now()
        with self._lock:
            while self.uploads and self.uploads[0] <= now - MINUTE * self._box.clock.scale:
                self.uploads.popleft()
            if len(self.uploads) >= UPLOADS:
                abort(429, f"more than {UPLOADS} documents in a minute")
            self.uploads.append(now)
            milliseconds = round(now * 1_000)
            made = Paper(
                str(uuid.uuid4()), str(uuid.uuid4()), document_class or BILLS, name, milliseconds, milliseconds,
                state="start", tags=tags, fields={"document_type": "Other", "document_identifier": PurePath(name).stem},
            )  # fmt: skip
            self.submitted[made.id] = Submitted(made, now, content, media_type)
        return made

    def _now(self, found: Submitted) -> Paper:
        """A submitted paper, as far as it is."""
        age = (self._box.clock.now() - found.at) / self._box.clock.scale
        paper = found.paper
        paper.state = "success" if age >= DONE else "classified" if age >= CLASSIFIED else "start"
        paper.updated = paper.created + round(1_000 * (DONE if age >= DONE else CLASSIFIED if age >= CLASSIFIED else 0))
        return paper


def blueprint(box: Box) -> Blueprint:
    """The endpoints, answered from *box*."""
    room = Blueprint("docdigitizer", __name__)
    state: State = box.state["docdigitizer"]
    pages, views = Pages(box, state), Views(box, state)

    @room.before_request
    def check_key() -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "API_KEY" or not box.accepts("docdigitizer", key):
            abort(401, "authorization refused")
        if state.refusal is not None:
            status, code = state.refusal
            abort(_refusal(status, code, "refused on request"))

    @room.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        if error.response is not None:
            return error.response  # type: ignore[return-value]
        status = error.code or 500
        return _refusal(status, CODES.get(status, ""), error.description or error.name)

    @room.get(f"{ROOT}/documents")
    def documents() -> Response:
        return pages.answer("documents", [views.document(paper) for paper in state.papers])

    @room.get(f"{ROOT}/tasks")
    def tasks() -> Response:
        return pages.answer("tasks", [views.task(paper) for paper in state.papers])

    @room.get(f"{ROOT}/tasks/<task_id>")
    def one_task(task_id: str) -> Response:
        paper = next((paper for paper in state.papers if paper.task_id == task_id), None)
        if paper is None:
            abort(404, "task not found")
        return _ok(box, "task", task=views.task(paper))

    @room.get(f"{ROOT}/documents/<document_id>")
    def one_document(document_id: str) -> Response:
        return _ok(box, "document", document=views.full(_found(state, document_id)))

    @room.get(f"{ROOT}/documents/<document_id>/annotations")
    def annotations(document_id: str) -> Response:
        paper = _found(state, document_id)
        return _ok(box, "annotations", annotations={"data": views.data(paper), "links": views.links(paper)})

    @room.get(f"{ROOT}/documents/<document_id>/reviews")
    def reviews(document_id: str) -> Response:
        return pages.answer("reviews", views.reviews(_found(state, document_id)))

    @room.get(f"{ROOT}/documents/<document_id>/assets")
    def assets(document_id: str) -> Response:
        return pages.answer("assets", [views.asset(_found(state, document_id))])

    @room.get(f"{ROOT}/documents/<document_id>/assets/1")
    def one_asset(document_id: str) -> Response:
        paper = _found(state, document_id)
        own = state.submitted.get(document_id)
        file = paper.file()
        return Response(own.content if own else file.read(), mimetype=own.media_type if own else file.mime_type)

    def annotate(document_class: str | None = None) -> Response:
        return _submit(state, views, document_class)

    room.add_url_rule(f"{ROOT}/documents/annotate", "annotate", annotate, methods=["POST"])
    room.add_url_rule(f"{ROOT}/documents/annotate:<document_class>", "annotate_as", annotate, methods=["POST"])
    room.add_url_rule("/<path:rest>", "nowhere", partial(_nowhere), methods=["GET", "POST", "PUT", "DELETE"])
    return room


def _nowhere(rest: str) -> Response:
    abort(404, "no such resource")


def _refusal(status: int, code: str, text: str) -> Response:
    return as_json({"detail": text, "status": status, **({"title": code} if code else {})}, status)


def _ok(box: Box, resource: str, **body: Any) -> Response:
    # Chaos knows what it changes as data.
    (name, content), *_ = body.items()
    content = box.chaos.envelope(resource, {"data": content})["data"]
    return as_json({"status": 200, "detail": "OK", name: content})


def _found(state: State, document_id: str) -> Paper:
    paper = state.paper(document_id)
    if paper is None:
        abort(404, "document not found")
    return paper


def _submit(state: State, views: Views, document_class: str | None) -> Response:
    files = request.files.getlist("files")
    if not files:
        abort(400, "the form has no part called files")
    # Of several files only the first one is used.
    file = files[0]
    content = file.read()
    name = file.filename or "document"
    media_type = file.mimetype
    if not media_type or media_type == "application/octet-stream":
        media_type = EXTENSIONS.get(PurePath(name).suffix.lower(), "")
    if media_type not in TYPES:
        abort(415, f"media type {media_type or 'unknown'} is not supported")
    if len(content) > LARGEST:
        abort(413, "the file is larger than 25 MB")
    tags = [tag.strip() for tag in request.headers.get("X-Docdigitizer-Tag", "").split(",") if tag.strip()]
    paper = state.submit(name, content, media_type, document_class, tags)
    response = as_json({"detail": "Accepted", "status": 202, "task": views.task(paper)}, 202)
    response.headers["X-Document-Location"] = f"http://{request.host}{_path(f'documents/{paper.id}')}"
    return response


def _path(below: str) -> str:
    """A link as the vendor writes it: a path from the host's root."""
    return f"{PREFIX}{ROOT}/{below}"


def _when(milliseconds: int) -> str:
    """UTC with microseconds and no zone suffix."""
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


class Pages:
    """Lists with their cursors in the headers."""

    def __init__(self, box: Box, state: State) -> None:
        self._box = box
        self._state = state

    def answer(self, resource: str, rows: list[Row]) -> Response:
        """The page that the present request asks for."""
        size = self._size()
        place = self._place(request.path)
        broken = place is None
        place = place or Place(request.path, 0, 1, 0.0)
        rows, window = self._box.chaos.rows(resource, rows, Window(place.number, size, place.start))
        envelope = self._box.chaos.envelope(resource, {"data": window.shown(rows)})
        response = as_json({"status": 200, "detail": "OK", resource: envelope["data"]})
        end = window.end(rows)
        more = end < len(rows)
        response.headers["X-More-Results-Available"] = str(more).lower()
        response.headers["X-Cursor-Was-Broken"] = str(broken).lower()
        self._name_next(response, place, end, more)
        return response

    def _size(self) -> int:
        text = request.args.get("maxRetrieve", str(PAGE))
        if not text.isdecimal() or int(text) < 1:
            abort(400, "maxRetrieve must be a whole number from 1 up")
        return int(text)

    def _place(self, path: str) -> Place | None:
        """What the cursor sent stands for; None where it is broken."""
        cursor = request.args.get("cursorId")
        if cursor is None:
            return Place(path, 0, 1, 0.0)
        place = self._state.cursors.get(cursor)
        if place is None or place.resource != path or self._box.clock.now() >= place.until:
            return None
        return None if self._state.take("broken") else place

    def _name_next(self, response: Response, place: Place, end: int, more: bool) -> None:
        if more and self._state.take("missing"):
            return
        sent = request.args.get("cursorId")
        if more and sent is not None and self._state.take("repeated"):
            response.headers["X-Cursor-ID"] = sent
            return
        # Signs that must be encoded in a URL turn up in it on purpose.
        cursor = base64.b64encode(b"\xfb\xef" + secrets.token_bytes(9) + b"\xff").decode() + "=="
        until = self._box.clock.after(CURSOR_LIFE)
        self._state.cursors[cursor] = Place(place.resource, end, place.number + 1, until)
        response.headers["X-Cursor-ID"] = cursor


class Views:
    """Papers as the API shows them."""

    def __init__(self, box: Box, state: State) -> None:
        self._box = box
        self._state = state

    def links(self, paper: Paper) -> Row:
        """The links node of a document."""
        own = f"documents/{paper.id}"
        below = {name: _path(f"{own}/{name}") for name in ("annotations", "assets", "reviews")}
        return {"self": _path(own), **below, "collection": _path("documents")}

    def document(self, paper: Paper) -> Row:
        """A row of the list."""
        return {
            "id": paper.id,
            "document_class": paper.document_class,
            "annotation_status": paper.state,
            "reviewed": paper.reviewed,
            "filename": paper.name,
            "tags": list(paper.tags),
            "reject_reason": paper.reject_reason,
            "created": _when(paper.created),
            "updated": _when(paper.updated),
            "links": self.links(paper),
        }

    def full(self, paper: Paper) -> Row:
        """One document with its annotations."""
        return {**self.document(paper), "annotations": {"data": self.data(paper)}}

    def data(self, paper: Paper) -> Row:
        """The field map; of an unfinished submission there is nothing yet."""
        if paper.id in self._state.submitted and paper.state != "success":
            return {}
        return {f"document:{paper.document_class}:{name}": value for name, value in paper.fields.items()}

    def task(self, paper: Paper) -> Row:
        """The task that a paper was handed in with."""
        done = {"success": "DONE", "rejected": "REJECTED"}.get(paper.state, "PENDING")
        return {
            "id": paper.task_id,
            "document_id": paper.id,
            "created": _when(paper.created),
            "sla_moment": _when(paper.created + 1_000 * SLA),
            "status": done,
            "links": {"self": _path(f"tasks/{paper.task_id}"), "collection": _path("tasks")},
        }

    def reviews(self, paper: Paper) -> list[Row]:
        """The reviews of a document: one where it was reviewed."""
        if not paper.reviewed:
            return []
        review_id = str(uuid.uuid5(uuid.UUID(paper.id), "review"))
        own = _path(f"documents/{paper.id}/reviews")
        prefix = f"document:{paper.document_class}:"
        changes = [{"field": prefix + name, "previous": old, "value": new} for name, old, new in paper.changes]
        return [
            {
                "id": review_id,
                "document_id": paper.id,
                "status": "reviewed",
                "created": _when(paper.updated - 90),
                "changes": changes,
                "links": {"self": f"{own}/{review_id}", "collection": own},
            }
        ]

    def asset(self, paper: Paper) -> Row:
        """The original file: bills are sent by the API itself, other papers lie on the storage host."""
        own = self._state.submitted.get(paper.id)
        asset: Row = {"name": paper.name, "media_type": own.media_type if own else "application/pdf"}
        if paper.document_class == BILLS or own:
            return {**asset, "links": {"self": _path(f"documents/{paper.id}/assets/1")}}
        path = f"/docdigitizer/sign/assets/{paper.id}.pdf"
        return {**asset, "url": self._box.link(path, self._box.clock.after(LINK_LIFE))}
