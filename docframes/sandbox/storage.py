"""The storage host: files behind signed links.  It knows no API key and wants none."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.sax.saxutils import escape

from flask import Flask, Response, request

from docframes.sandbox.app import record
from docframes.sandbox.files import File

if TYPE_CHECKING:
    from docframes.sandbox.box import Box

CREDENTIAL_HEADERS = ("x-api-key", "authorization", "apikey", "ocp-apim-subscription-key", "cookie")


def create_storage(box: Box) -> Flask:
    """The application of the storage host."""
    app = Flask("docframes.sandbox.storage", static_folder=None)

    @app.get("/<vendor>/sign/<resource>/<name>")
    def signed_file(vendor: str, resource: str, name: str) -> Response:
        if any(header in request.headers for header in CREDENTIAL_HEADERS):
            return _refusal(400, "CredentialsNotAllowed", "do not send credentials to the storage host")
        problem = box.signer.problem(request.path, request.args.get("token", ""))
        if problem is not None:
            return _refusal(403, problem, "the link is not, or no longer, valid")
        file = box.stored_file(vendor, resource, name.rpartition(".")[0])
        if file is None:
            return _refusal(404, "NoSuchKey", "the file does not exist")
        return _content(file)

    @app.post("/<vendor>/upload")
    def upload(vendor: str) -> Response:
        """A presigned form: what it holds is the vendor's room to judge."""
        uploads = getattr(box.state.get(vendor), "uploads", None)
        if uploads is None:
            return _refusal(404, "NoSuchBucket", "there is nothing at this address")
        if any(header in request.headers for header in CREDENTIAL_HEADERS):
            return _refusal(400, "InvalidRequest", "only one kind of authority is allowed")
        status, code, text = uploads.take(request.content_type or "", request.get_data())
        return _refusal(status, code, text) if code else Response(status=status)

    @app.errorhandler(404)
    @app.errorhandler(405)
    def nothing_here(error: Exception) -> Response:
        return _refusal(getattr(error, "code", 404), "NoSuchResource", "there is nothing at this address")

    @app.after_request
    def remember(response: Response) -> Response:
        call = record(box, request.path.split("/")[1], "storage", request.path, response.status_code)
        if any(header in request.headers for header in CREDENTIAL_HEADERS) or box.shows_key(call):
            box.leaks.append(call)
        return response

    return app


def _content(file: File) -> Response:
    """The file's bytes, or the part of them that was asked for."""
    response = Response(file.read(), mimetype=file.mime_type)
    response.headers["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(file.name)}"
    response.add_etag()
    response.make_conditional(request, accept_ranges=True, complete_length=len(response.data))
    return response


def _refusal(status: int, code: str, text: str) -> Response:
    error = f"<Error><Code>{code}</Code><Message>{escape(text)}</Message></Error>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'
    return Response(body, status, mimetype="application/xml")
