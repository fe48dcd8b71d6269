"""DocDigitizer: pages whose cursor stands in the answer's headers, and no totals."""

from __future__ import annotations

import base64
from typing import Any

import orjson
from flask import Request, Response

from docframes.vendors import docdigitizer
from tests.rooms import Record, Room

KEY = "6e1f0c52-9a7b-4d3e-8c15-b2d4f6a80931"


def id_of(number: int) -> str:
    return f"5d0c7a52-3f1e-4b9a-9c38-{number:012d}"


def sample(number: int) -> Record:
    own = f"/api/v1/documents/{id_of(number)}"
    return {
        "id": id_of(number),
        "document_class": "financial-document",
        "annotation_status": "success",
        "reviewed": True,
        "filename": "alvorada-ft-318.pdf",
        "tags": ["march", "hotel"],
        "created": "2024-03-08T09:41:07.218304",
        "updated": "2024-03-08T10:02:55.000417",
        "links": {
            "self": own,
            "annotations": f"{own}/annotations",
            "assets": f"{own}/assets",
            "reviews": f"{own}/reviews",
            "collection": "/api/v1/documents",
        },
    }


def page(records: list[Record], request: Request) -> Response:
    start, size = _start(request.args.get("cursorId")), int(request.args["maxRetrieve"])
    end = start + size
    response = _json({"status": 200, "detail": "OK", "documents": records[start:end]})
    more = end < len(records)
    response.headers["X-More-Results-Available"] = str(more).lower()
    response.headers["X-Cursor-Was-Broken"] = "false"
    if more:
        response.headers["X-Cursor-ID"] = base64.b64encode(f"CURSOR-{end:04d}".encode()).decode()
    return response


def _start(cursor: str | None) -> int:
    return int(base64.b64decode(cursor).decode().partition("-")[2]) if cursor else 0


def refuse(status: int) -> Response:
    code = {401: "WRONG_AUTH", 403: "NO_LICENCE", 404: "NOT_FOUND", 500: "UNEXPECTED_ERROR"}.get(status)
    return _json({"detail": "Refused", "status": status, **({"title": code} if code else {})}, status)


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, mimetype="application/json")


def _drop(record: Record) -> None:
    del record["filename"]


def _nested(record: Record) -> None:
    record["links"] = None


ROOM = Room(
    vendor="docdigitizer",
    load=docdigitizer.load_documents,
    path="/api/v1/documents",
    sample=sample,
    page=page,
    refuse=refuse,
    client=lambda url: docdigitizer.Client(api_key=KEY, base_url=url),
    key="document_id",
    id_of=id_of,
    optional="file_name",
    drop=_drop,
    nested=_nested,
    credential=KEY,
)
