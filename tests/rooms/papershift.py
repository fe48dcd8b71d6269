"""Papershift Pulse: JSON:API pages, with links and totals."""

from __future__ import annotations

import math
from typing import Any

import orjson
from flask import Request, Response

from docframes.vendors import papershift
from tests.rooms import Record, Room

TOKEN = "eyJhbGciOiJub25lIn0.cGFwZXJzaGlmdC1pbnZlbnRlZA.q7"
MEDIA = "application/vnd.api+json"


def id_of(number: int) -> str:
    return f"e783e713-7785-4678-a483-{number:012d}"


def sample(number: int) -> Record:
    return {
        "id": id_of(number),
        "type": "user",
        "attributes": {
            "name": "Peter Sandmann",
            "email": "peter.sandmann@example.org",
            "employee_number": "1042",
            "status": "active",
            "discarded_at": None,
        },
        "relationships": {"teams": {"data": [{"id": "54f20d26-f254-4817-8116-043b88cad9ad", "type": "team"}]}},
    }


def page(records: list[Record], request: Request) -> Response:
    number, size = int(request.args.get("page[number]", 1)), int(request.args.get("page[size]", 30))
    last = max(1, math.ceil(len(records) / size))
    link = f"{request.base_url}?page[number]={number + 1}&page[size]={size}" if number < last else None
    meta = {"pagination": {"current": number, "last": last, "records": len(records)}}
    return _json({"data": records[(number - 1) * size : number * size], "links": {"next": link}, "meta": meta})


def refuse(status: int) -> Response:
    error = {"status": str(status), "code": "refused", "title": "Refused", "detail": "It was refused."}
    return _json({"errors": [error]}, status)


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, mimetype=MEDIA)


def _drop(record: Record) -> None:
    del record["attributes"]["employee_number"]


def _nested(record: Record) -> None:
    record["relationships"] = None


ROOM = Room(
    vendor="papershift",
    load=papershift.load_users,
    path="/api/v1/users",
    sample=sample,
    page=page,
    refuse=refuse,
    client=lambda url: papershift.Client(token=TOKEN, base_url=url),
    key="user_id",
    id_of=id_of,
    optional="employee_number",
    drop=_drop,
    nested=_nested,
    credential=TOKEN,
)
