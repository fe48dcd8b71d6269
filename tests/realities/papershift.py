"""A second Papershift Pulse, written from the contract alone: what is documented holds, what is assumed differs.

Each switch of :class:`Reality` turns one assumption; the data are the contract's own examples.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import orjson
from flask import Flask, Response, request

MEDIA = "application/vnd.api+json"
MOMENTS = {
    "zulu": ("2026-01-12T08:30:00.000Z", "2026-03-02T09:14:05.120Z"),
    "offset": ("2026-01-12T09:30:00.000+01:00", "2026-03-02T10:14:05.120+01:00"),
    "naive": ("2026-01-12T08:30:00", "2026-03-02 09:14:05.12"),
    "milliseconds": (1_768_206_600_000, 1_772_442_845_120),
    "microseconds": ("2026-01-12T08:30:00.000000Z", "2026-03-02T09:14:05.120000Z"),
}

Row = dict[str, Any]


@dataclass
class Reality:
    """How this Pulse differs from what the contract assumes."""

    envelope: str = "data"  #: key of the rows; empty for a bare array; "two" for two lists neither of which is data
    camel: bool = False  #: attributes in camel case
    integers: bool = False  #: ids are numbers
    moments: str = "zulu"
    sparse: bool = False  #: optional keys are missing
    pages: str = "records"  #: records, href, relative, meta, none: how pages are declared
    size: int = 2  #: rows a page
    users_path: str = "/api/v1/users"
    sign_in_path: str = "/api/v1/auth/sign_in"
    sign_in_header: str = "Authorization"
    sign_in_form: str = "json_api"  #: json_api or flat
    link_place: str = "data.meta"  #: where a link stands
    download_key: str = "download_url"
    object_key: str = "data"
    statuses: dict[str, int] = field(default_factory=lambda: {"create": 201, "update": 200, "delete": 200})
    no_access: int = 403
    error: str = "errors"  #: errors, word, text or empty
    body: str = "deeper"
    upload_place: str = "meta"
    upload_host: str = ""
    seen: list[tuple[str, str, Any]] = field(default_factory=list)

    def id(self, number: int) -> Any:
        """The id of a thing."""
        return number if self.integers else f"53d1e259-991a-4558-b440-{number:012d}"

    def users(self) -> list[Row]:
        """Three users; the last may not be seen."""
        named = [("Peter Sandmann", "peter@example.org", "1042"), ("Jana Wolff", None, None), ("Ada Berg", None, "7")]
        rows = []
        for number, (name, email, employee) in enumerate(named, start=1):
            more = {"email": email, "employee_number": employee, "status": "active", "discarded_at": None}
            rows.append(self.row(number, "user", {"name": name, **({} if self.sparse else more)}))
        return rows

    def documents(self) -> list[Row]:
        """The contract's two documents."""
        first, second = MOMENTS[self.moments]
        told = [
            ("Employment contract", "pdf", True, "success", first),
            ("Reference letter", "doc", False, "uploading", second),
        ]
        return [
            self.row(
                number,
                "document",
                {
                    "created_at": created, "extension": extension, "name": name, "sensitive": sensitive,
                    "upload_status": status, "visible_to_user": sensitive,
                },
            )
            for number, (name, extension, sensitive, status, created) in enumerate(told, start=11)
        ]  # fmt: skip

    def row(self, number: int, kind: str, attributes: Row) -> Row:
        """A resource; its own keys are documented, those of its attributes may be spelt otherwise."""
        if self.camel:
            attributes = {_camel(key): value for key, value in attributes.items()}
        row = {"id": self.id(number), "type": kind, "attributes": attributes}
        if self.sparse:
            del row["type"]
        return row


def serve(reality: Reality) -> Flask:
    """The application."""
    app = Flask("second papershift", static_folder=None)

    @app.before_request
    def check() -> Response | None:
        body = request.get_data()
        reality.seen.append((request.method, request.full_path, orjson.loads(body) if body else None))
        if request.path == reality.sign_in_path:
            return None
        if request.headers.get("Content-Type") != MEDIA:
            return refusal(reality, 415)
        return None if request.headers.get("Authorization") == "Bearer second-token-0123" else refusal(reality, 401)

    @app.post(reality.sign_in_path)
    def sign_in() -> Response:
        sent = orjson.loads(request.get_data())
        told = sent if reality.sign_in_form == "flat" else sent["data"]["attributes"]
        if (told.get("email"), told.get("password")) != ("a@example.org", "long-password"):
            return refusal(reality, 401)
        return Response(b"{}", 200, {reality.sign_in_header: "second-token-0123"}, mimetype=MEDIA)

    @app.get(reality.users_path)
    def users() -> Response:
        return answer(page(reality, reality.users()))

    @app.get("/api/v1/users/<user_id>/documents")
    def documents(user_id: str) -> Response:
        if user_id == str(reality.id(3)):
            return refusal(reality, reality.no_access)
        return answer(page(reality, reality.documents()))

    @app.post("/api/v1/users/<user_id>/documents")
    def create(user_id: str) -> Response:
        row, form = reality.documents()[1], {"url": reality.upload_host, "fields": {"key": "k", "policy": "p"}}
        body: Row = {"data": row}
        if reality.upload_place == "top":
            body["meta"] = {"upload_url": form}
        else:
            row.setdefault(reality.upload_place, {})["upload_url"] = form
        return answer(body, reality.statuses["create"])

    @app.route("/api/v1/users/<user_id>/documents/<document_id>", methods=["GET", "PUT", "DELETE"])
    def document(user_id: str, document_id: str) -> Response:
        if request.method == "GET":
            return answer(with_link(reality, reality.documents()[0]))
        status = reality.statuses["update" if request.method == "PUT" else "delete"]
        if status == 204:
            return Response(status=204)
        return answer({reality.object_key: reality.documents()[0]}, status)

    @app.errorhandler(404)
    @app.errorhandler(405)
    def nothing_here(error: Exception) -> Response:
        return refusal(reality, 404)

    return app


def answer(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, mimetype=MEDIA)


def refusal(reality: Reality, status: int) -> Response:
    """An error, in one of the forms that may come."""
    bodies = {
        "errors": orjson.dumps({"errors": [{"status": str(status), "title": "Refused"}]}),
        "word": orjson.dumps({"error": "Refused"}),
        "text": b"Refused",
        "empty": b"",
    }
    return Response(bodies[reality.error], status)


def page(reality: Reality, rows: list[Row]) -> Any:
    """A page of rows, in this reality's envelope."""
    if reality.pages == "none":
        return wrapped(reality, rows, {})
    asked = request.args
    number = int(asked.get("page[number]") or asked.get("page") or 1)
    last = max(1, -(-len(rows) // reality.size))
    shown = rows[(number - 1) * reality.size : number * reality.size]
    link = f"{request.path}?page[number]={number + 1}" if number < last else None
    beside: Row = {}
    if reality.pages == "records":
        beside = {"meta": {"pagination": {"current": number, "last": last, "records": len(rows)}}}
    elif reality.pages == "meta":
        beside = {"meta": {"totalPages": last}}
    elif reality.pages == "relative":
        beside = {"links": {"next": link}}
    elif reality.pages == "href":
        beside = {"links": {"next": {"href": request.host_url.rstrip("/") + link} if link else None}}
    elif reality.pages == "elsewhere":
        beside = {"links": {}, "paging": {"following": link}}
    return wrapped(reality, shown, beside)


def wrapped(reality: Reality, rows: list[Row], beside: Row) -> Any:
    if not reality.envelope:
        return rows
    if reality.envelope == "two":
        return {"results": rows, "hints": ["none"], **beside}
    return {reality.envelope: rows, **beside}


def with_link(reality: Reality, row: Row) -> Row:
    link = "https://bucket.example.invalid/documents/53d1e259.pdf?X-Amz-Signature=ab12ab12ab12"
    if request.args.get("meta[download_url]") != "true":
        return {reality.object_key: row}
    if reality.link_place == "meta":
        return {reality.object_key: row, "meta": {reality.download_key: link}}
    place = reality.link_place.removeprefix("data.")
    row.setdefault(place, {})[reality.download_key] = link
    return {reality.object_key: row}


def _camel(key: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), key)
