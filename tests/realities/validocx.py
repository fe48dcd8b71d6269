"""Another ValiDocX: what its page documents holds, and what the contract merely assumes turns out differently."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from flask import Flask, Response, request

from tests.realities import camel

COUNT = 5
KEY = "vdx_org_abcdefgh_" + "r2" * 32

Row = dict[str, Any]


@dataclass
class Reality:
    """How this ValiDocX answers; the defaults are what the contract takes for likely."""

    lists: str = "data"  #: data, bare, or any other key of the rows; two: two lists, neither of which is data
    totals: str = "there"  #: there, absent, text, camel
    ids: str = "uuid"  #: uuid or number
    keys: str = "snake"  #: snake or camel
    moments: str = "offset"  #: offset, z, naive, seconds, milliseconds
    optional: str = "there"  #: there or missing
    most: int = 100  #: page size above which the server lowers it
    detail: str = "data"  #: key around a detail; empty for the bare object
    answer: str = "value"  #: key of an answer's value in a detail
    jobs_path: str = "/jobs"
    link: str = "signed_url"  #: key of a link
    expiry: str = "expires_at"  #: expires_at, expires_in or neither

    def id(self, number: int) -> Any:
        return number if self.ids == "number" else f"c219c735-ccab-485e-9854-{number:012d}"

    def moment(self, text: str) -> Any:
        when = datetime.fromisoformat(text + "+00:00")
        return {
            "offset": f"{text}+00:00",
            "z": f"{text}Z",
            "naive": text.replace("T", " "),
            "seconds": int(when.timestamp()),
            "milliseconds": int(when.timestamp() * 1000),
        }[self.moments]

    def job(self, number: int) -> Row:
        row = {"id": self.id(number), "project_id": self.id(90), "job_template_id": self.id(80), "status": "completed"}
        row |= {"created_at": self.moment("2026-01-12T08:41:10"), "updated_at": self.moment("2026-03-02T16:05:41")}
        if self.optional == "there":
            row |= {"reference": f"R-{number}", "progress": 100, "assigned_to": None, "scheduled_at": None}
        return row

    def told(self, number: int) -> Row:
        """One job in full."""
        reply = {"id": self.id(400 + number), self.answer: 14.5, "answered_at": self.moment("2026-02-23T09:12:44")}
        question = {"id": self.id(300), "text": "Moisture (%)", "type": "number", "answers": [reply]}
        step = {"id": self.id(200), "name": "Survey", "position": 1, "questions": [question]}
        return {"job": self.job(number), "steps": [step]}

    def spelled(self, value: Any) -> Any:
        if self.keys == "snake":
            return value
        if isinstance(value, list):
            return [self.spelled(item) for item in value]
        return {camel(key): self.spelled(item) for key, item in value.items()} if isinstance(value, dict) else value


def serve(reality: Reality) -> Flask:
    """The application."""
    app = Flask("second validocx", static_folder=None)

    @app.before_request
    def check() -> Response | None:
        return None if request.headers.get("x-api-key") == KEY else _json({"request_id": "r", "error": "No"}, 401)

    @app.get(reality.jobs_path)
    def jobs() -> Response:
        number, limit = int(request.args["page"]), min(int(request.args["limit"]), reality.most)
        rows = [reality.job(one) for one in range(1, COUNT + 1)][(number - 1) * limit : number * limit]
        if reality.lists == "bare":
            return _json(reality.spelled(rows))
        if reality.lists == "two":
            return _json({"first": rows, "second": []})
        pages = math.ceil(COUNT / limit)
        told: Row = {"page": number, "limit": limit, "total": COUNT, "total_pages": pages}
        if reality.totals == "text":
            told = {key: str(value) for key, value in told.items()}
        body = {"request_id": "r", reality.lists: rows}
        if reality.totals != "absent":
            body["pagination"] = told
        return _json(reality.spelled(body))

    @app.get("/job-full-detail/<job_id>")
    def detail(job_id: str) -> Response:
        number = next(one for one in range(1, COUNT + 1) if str(reality.id(one)) == job_id)
        told = reality.spelled(reality.told(number))
        return _json({"request_id": "r", reality.detail: told} if reality.detail else told)

    @app.get("/signed-files/<kind>/<file_id>")
    def sign(kind: str, file_id: str) -> Response:
        told = {reality.link: f"https://files.invalid/{kind}/{file_id}?token=abcdefgh"}
        if reality.expiry == "expires_at":
            told["expires_at"] = "2100-01-01T00:00:00Z"
        if reality.expiry == "expires_in":
            told["expires_in"] = "600"
        return _json({"request_id": "r", "data": reality.spelled(told)})

    return app


def _json(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, mimetype="application/json")
