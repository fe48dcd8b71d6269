"""Veridox: rows are skipped by offset, with a total."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
from flask import Request, Response

from docframes.settings import Settings
from docframes.vendors import veridox
from tests.rooms import Record, Room

KEY = "vdx_" + "w5" * 20


def id_of(number: int) -> str:
    return f"019cadd3-7fcb-7133-b19b-{number:012x}"


def sample(number: int) -> Record:
    return {
        "file_id": id_of(number),
        "case_id": "019cadd3-7fc0-790f-88f0-3c28dc86b62c",
        "case_label": "Claim MTR-20417",
        "label": f"repair_invoice_{number}.pdf",
        "mime_type": "application/pdf",
        "thumbnail_url": f"https://files.example.invalid/t/{number}.png?sig=aa11",
        "current_risk_score": "High",
        "analysis_status": "settled",
        "analysis_outcome": "success",
        "current_analysis_phase": None,
        "uploaded_at": "2026-03-02T09:15:01.700Z",
        "created_at": "2026-03-02T09:14:05.131Z",
    }


def page(records: list[Record], request: Request) -> Response:
    limit, offset = int(request.args["limit"]), int(request.args["offset"])
    assert 1 <= limit <= 100
    return _json({"files": records[offset : offset + limit], "total": len(records)})


def refuse(status: int) -> Response:
    return _json({"error_code": "request.refused", "error_message": "Refused."}, status)


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, mimetype="application/json")


def _drop(record: Record) -> None:
    del record["uploaded_at"]


def _nested(record: Record) -> None:
    record["current_risk_score"] = None


def _client(url: str) -> veridox.Client:
    # Ten calls a minute would make the questions last for minutes.
    settings = dataclasses.replace(Settings.from_environment(), time_scale=0.0)
    return veridox.Client(api_key=KEY, base_url=url, settings=settings)


ROOM = Room(
    vendor="veridox",
    load=veridox.load_files,
    path="/files",
    sample=sample,
    page=page,
    refuse=refuse,
    client=_client,
    key="file_id",
    id_of=id_of,
    optional="uploaded_at",
    drop=_drop,
    nested=_nested,
    credential=KEY,
)
