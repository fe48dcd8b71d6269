"""The API host: one Flask application with a blueprint for each vendor."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import orjson
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from docframes.sandbox.calls import Call

if TYPE_CHECKING:
    from docframes.sandbox.box import Box


def create_api(box: Box) -> Flask:
    """The application of the API host."""
    app = Flask("docframes.sandbox", static_folder=None)
    for name, room in box.rooms.items():
        app.register_blueprint(room.blueprint(box), url_prefix=room.PREFIX, name=name)

    @app.before_request
    def take_time() -> Response | None:
        if box.delay:
            time.sleep(box.delay)
        return box.chaos.before(_address())

    @app.after_request
    def remember(response: Response) -> Response:
        response = box.chaos.spoil(_address(), response)
        vendor, path = _place(box)
        call = record(box, vendor, "api", path, response.status_code)
        if any(key in request.full_path for key in box.secret_parts()):
            box.leaks.append(call)
        return response

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        return as_json({"request_id": str(uuid.uuid4()), "error": error.description or error.name}, error.code)

    return app


def as_json(body: object, status: int | None = 200) -> Response:
    """*body* as a JSON answer."""
    return Response(orjson.dumps(body), status, mimetype="application/json")


def record(box: Box, vendor: str, host: str, path: str, status: int) -> Call:
    """Put the present request into the call log."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    call = Call(vendor, host, request.method, path, request.args.to_dict(), status, headers)
    box.log.add(call)
    return call


def _address() -> str:
    """Method, path and query: what chaos means by a URL."""
    return f"{request.method} {request.full_path}"


def _place(box: Box) -> tuple[str, str]:
    """The vendor that was called, and the path below its base URL."""
    for name, room in box.rooms.items():
        if request.path.startswith(room.PREFIX):
            return name, request.path.removeprefix(room.PREFIX)
    return "", request.path
