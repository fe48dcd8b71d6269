"""Another DocDigitizer: the documented part is the same, every assumed part may be another.

Written from the contract.  A :class:`Reality` says how each assumed part turned out; its server knows three bills.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from flask import Flask, Response, request

from docframes.sandbox.server import Server

KEY = "0f9d3a61-77c2-4e05-b1a8-5c20de94f317"
PREFIX = "document:financial-document:"
ITEMS = [
    {"item_description": "Brochuras A5 4 cores", "item_total": "210.00"},
    {"item_description": "Portes de envio", "item_total": "12.50"},
]
IDS = ("11", "12", "13")
Record = dict[str, Any]


def as_is(value: Any) -> Any:
    """The contract's own form."""
    return value


@dataclass
class Reality:
    """How the assumed parts turned out."""

    #: What a list answers: from its plural name and rows to the body.
    envelope: Callable[[str, list[Record]], Any] = lambda name, rows: {"status": 200, "detail": "OK", name: rows}
    wrap: Callable[[Record], Any] = lambda document: {"status": 200, "detail": "OK", "document": document}
    document: Callable[[Record], Record] = as_is
    task: Callable[[Record], Record] = as_is
    review: Callable[[Record], Any] = as_is
    annotations: Callable[[Record], Any] = lambda data: {"data": data}
    items: Callable[[list[Record]], Record] = lambda items: {f"{PREFIX}line_items": items}
    value: Callable[[str], Any] = as_is
    own_annotations: bool = False  #: they come from their own address only
    yes: str = "true"
    no: str | None = "false"
    always_cursor: bool = False
    size: int | None = None  #: rows of a page, whatever was asked for
    error: Callable[[int, str], Any] = lambda status, code: {"detail": "no", "status": status, "title": code}
    assets: Callable[[Record], Any] = lambda asset: {"status": 200, "detail": "OK", "assets": [asset]}
    submitted: Callable[[Record], Any] = lambda task: {"detail": "Accepted", "status": 202, "task": task}
    status: int = 202
    asked: list[str] = field(default_factory=list)

    def listed(self, name: str, rows: list[Any]) -> Response:
        start = int(request.args.get("cursorId", "0"))
        end = start + (self.size or int(request.args.get("maxRetrieve", "2")))
        more = end < len(rows)
        response = _json(self.envelope(name, rows[start:end]))
        flag = self.yes if more else self.no
        if flag is not None:
            response.headers["x-more-results-available"] = flag
        if more or self.always_cursor:
            response.headers["X-CURSOR-ID"] = str(end)
        return response

    def data(self, number: int) -> Record:
        plain = {
            f"{PREFIX}document_identifier": f"FT 2024/{number}",
            f"{PREFIX}issue_date": "07/03/2024",
            f"{PREFIX}amount_total": self.value(f"{number}.50"),
        }
        return {**plain, **self.items(ITEMS)}

    def full(self, document_id: str) -> Record:
        document = self.plain(document_id)
        if not self.own_annotations:
            document["annotations"] = self.annotations(self.data(int(document_id)))
        return self.document(document)

    def plain(self, document_id: str) -> Record:
        own = f"/api/v1/documents/{document_id}"
        return {
            "id": document_id,
            "document_class": "financial-document",
            "annotation_status": "success",
            "reviewed": True,
            "filename": "a.pdf",
            "tags": [],
            "created": "2024-03-08T09:41:07.218304",
            "updated": "2024-03-08T10:02:55.000417",
            "links": {"self": own, "collection": "/api/v1/documents"},
        }


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, mimetype="application/json")


def application(reality: Reality) -> Flask:
    app = Flask("another docdigitizer", static_folder=None)

    @app.before_request
    def remember() -> Response | None:
        reality.asked.append(request.path)
        if request.headers.get("Authorization") != f"API_KEY {KEY}":
            return _json(reality.error(401, "WRONG_AUTH"), 401)
        return None

    @app.get("/api/v1/documents")
    def documents() -> Response:
        return reality.listed("documents", [reality.document(reality.plain(one)) for one in IDS])

    @app.get("/api/v1/tasks")
    def tasks() -> Response:
        rows = [{"id": f"t{one}", "document_id": one, "created": "2024-03-08T09:41:07.218304", "status": "PENDING",
                 "links": {"self": f"/api/v1/tasks/t{one}", "collection": "/api/v1/tasks"}} for one in IDS]  # fmt: skip
        return reality.listed("tasks", [reality.task(row) for row in rows])

    @app.get("/api/v1/documents/<document_id>")
    def one(document_id: str) -> Response:
        if document_id not in IDS:
            return _json(reality.error(404, "NOT_FOUND"), 404)
        return _json(reality.wrap(reality.full(document_id)))

    @app.get("/api/v1/documents/<document_id>/annotations")
    def annotations(document_id: str) -> Response:
        return _json(
            {"status": 200, "detail": "OK", "annotations": reality.annotations(reality.data(int(document_id)))}
        )

    @app.get("/api/v1/documents/<document_id>/reviews")
    def reviews(document_id: str) -> Response:
        return reality.listed("reviews", [reality.review({"id": f"r{document_id}", "status": "reviewed"})])

    @app.get("/api/v1/documents/<document_id>/assets")
    def assets(document_id: str) -> Response:
        path = f"/api/v1/files/{document_id}"
        return _json(reality.assets({"name": "a.pdf", "media_type": "application/pdf", "links": {"self": path}}))

    @app.get("/api/v1/files/<document_id>")
    def file(document_id: str) -> Response:
        return Response(b"%PDF " + document_id.encode(), mimetype="application/pdf")

    @app.post("/api/v1/documents/annotate")
    def annotate() -> Response:
        task = {"id": "t14", "created": "2024-03-08T09:41:07.218304", "status": "PENDING"}
        response = _json(reality.submitted(task), reality.status)
        response.headers["X-Document-Location"] = "http://api.docdigitizer.com/api/v1/documents/14"
        return response

    return app


@contextmanager
def serving(reality: Reality) -> Iterator[str]:
    """The base URL of its server."""
    server = Server(application(reality), 0, "another docdigitizer")
    try:
        yield server.url
    finally:
        server.stop()
