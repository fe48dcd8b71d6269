"""ValiDocX: numbered pages with totals."""

from __future__ import annotations

import math
from typing import Any

import orjson
from flask import Request, Response

from docframes import validocx
from tests.rooms import Record, Room

KEY = "vdx_org_abcdefgh_" + "k3" * 32


def id_of(number: int) -> str:
    return f"c219c735-ccab-485e-9854-{number:012d}"


def sample(number: int) -> Record:
    return {
        "id": id_of(number),
        "project_id": "ac4e8a1d-17be-4a3e-b7ae-b4689bb304eb",
        "job_template_id": "1287ec59-55bf-4d85-8301-29c02eb8b0dc",
        "job_template_name": "External Wall Insulation",
        "reference": f"HUG2-{number:04d}-EWI",
        "status": "completed",
        "progress": 100,
        "assigned_to": "809b94e7-e391-4fa4-8542-706e32287606",
        "assigned_to_name": "D. Nowak",
        "scheduled_at": "2026-02-23T08:00:00+00:00",
        "completed_at": "2026-03-02T15:58:12+00:00",
        "created_at": "2026-01-12T08:41:10+00:00",
        "updated_at": "2026-03-02T16:05:41+00:00",
    }


def page(records: list[Record], request: Request) -> Response:
    number, limit = int(request.args["page"]), int(request.args["limit"])
    rows = records[(number - 1) * limit : number * limit]
    pages = math.ceil(len(records) / limit)
    pagination = {"page": number, "limit": limit, "total": len(records), "total_pages": pages}
    return _json({"request_id": "53d1e259-991a-4558-b440-1e9a2dae93e6", "data": rows, "pagination": pagination})


def refuse(status: int) -> Response:
    return _json({"request_id": "b48d4b13-1fff-4064-8bd6-2e1edd781976", "error": "Refused"}, status)


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, mimetype="application/json")


def _drop(record: Record) -> None:
    del record["reference"]


def _nested(record: Record) -> None:
    record["assigned_to"] = None


ROOM = Room(
    vendor="validocx",
    load=validocx.load_jobs,
    path="/jobs",
    sample=sample,
    page=page,
    refuse=refuse,
    client=lambda url: validocx.Client(api_key=KEY, base_url=url),
    key="job_id",
    id_of=id_of,
    optional="reference",
    drop=_drop,
    nested=_nested,
    credential=KEY,
)
