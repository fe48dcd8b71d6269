"""What a user calls to write: a document put into a personnel file, changed, taken out of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from docframes.errors import ConfigError, DocframesError, ShapeError
from docframes.loading import Options, Plan, frame_of
from docframes.transport.answers import Answer, Call, object_of
from docframes.transport.paging import dig
from docframes.transport.upload import PresignedForm
from docframes.vendors.papershift import records, tables
from docframes.vendors.papershift.api import (
    DOCUMENT_TYPE,
    DOCUMENTS,
    EXTENSIONS,
    LARGEST_FILE,
    LONGEST_NAME,
    UPLOAD_ADDRESS,
    UPLOAD_FIELDS,
    UPLOAD_STATUSES,
    UPLOAD_URL,
)
from docframes.vendors.papershift.client import Client, default_client
from docframes.vendors.papershift.queries import metadata_parameters


def upload_document(
    user_id: str,
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    extension: str | None = None,
    sensitive: bool = True,
    visible_to_user: bool = False,
    client: Client | None = None,
) -> pd.DataFrame:
    """Put a file into a user's personnel file; the document comes back as a frame of one row, like load_documents().

    name : what it is called there, at most 250 characters; None takes the file's name without its ending.
    extension : pdf or doc; None takes the file's ending.  sensitive, visible_to_user : as the document shall be
    marked; unless they are given, the file is sensitive and the employee does not see it.
    The file, not empty and at most 100 MB (100,000,000 bytes), its name and its extension are checked before anything
    is sent.  Then the document is created, the file goes to the storage host by a presigned form, without any
    credential, and the document is marked ``success``.  Where the file does not arrive, the document is marked
    ``error``, and the reason is raised.
    Raises ConfigError for what the checks find; AuthError, NotFound, BadRequest, RateLimited, ServerError, NoAnswer,
    ShapeError; VendorError where the storage host refuses.
    Source: pulse-docs.papershift.com/en/api/user-documents.
    """
    path = Path(path)
    attributes = {
        "extension": _extension(path, extension),
        "name": _name(path.stem if name is None else name),
        "sensitive": _flag("sensitive", sensitive),
        "visible_to_user": _flag("visible_to_user", visible_to_user),
    }
    _check_file(path)
    client = client or default_client()
    created, document_id = _create(client, user_id, attributes)
    try:
        form = _form(client, created, f"{attributes['name']}.{attributes['extension']}")
        form.post(path, file_name=f"{document_id}.{attributes['extension']}")
    except BaseException as error:
        _mark_failed(client, user_id, document_id, error)
        raise
    return _mark_done(client, user_id, document_id)


def update_document(
    user_id: str,
    document_id: str,
    *,
    name: str | None = None,
    sensitive: bool | None = None,
    visible_to_user: bool | None = None,
    upload_status: str | None = None,
    client: Client | None = None,
) -> pd.DataFrame:
    """Change a document; it comes back as a frame of one row.  None leaves a thing as it is.

    upload_status : uploading, success or error, to put right an upload that was cut off.  An extension cannot change.
    Raises ConfigError where nothing is to be changed; errors otherwise as for :func:`upload_document`.
    Source: pulse-docs.papershift.com/en/api/user-documents.
    """
    changes: dict[str, Any] = {
        "name": None if name is None else _name(name),
        "sensitive": None if sensitive is None else _flag("sensitive", sensitive),
        "visible_to_user": None if visible_to_user is None else _flag("visible_to_user", visible_to_user),
        "upload_status": upload_status,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    if not given:
        raise ConfigError("Nothing is to be changed: give name, sensitive, visible_to_user or upload_status.")
    if upload_status is not None and upload_status not in UPLOAD_STATUSES:
        raise ConfigError(f"upload_status is {upload_status!r}; it is one of {', '.join(UPLOAD_STATUSES)}.")
    client = client or default_client()
    answer = client.call(_update_call(client, user_id, document_id, given))
    if not answer.body:
        answer = client.call(client.ask("document", _path(user_id, document_id)))
    return _frame(client, "update_document", answer, user_id, document_id)


def delete_document(
    user_id: str, document_id: str, *, confirm: bool = False, client: Client | None = None
) -> pd.DataFrame:
    """Take a document out of a user's personnel file; as it was, it comes back as a frame of one row.

    confirm : must be True.  Pulse keeps what is deleted, and can restore it; no call of its API does.
    Raises ConfigError without confirm=True, before anything is sent; NotFound where there is no such document.
    Source: pulse-docs.papershift.com/en/api/user-documents.
    """
    if confirm is not True:
        msg = f"delete_document takes document {document_id} out of the personnel file of user {user_id}, and no call "
        raise ConfigError(msg + "brings it back. Nothing was sent. If that is meant, say confirm=True.")
    client = client or default_client()
    answer = client.call(client.ask("delete", _path(user_id, document_id)))
    return _frame(client, "delete_document", answer, user_id, document_id)


# --- before anything is sent --------------------------------------------------------------------------------------


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ConfigError(f"{path} is no file that can be uploaded: it is not there, or it is a folder.")
    size = path.stat().st_size
    if size == 0:
        raise ConfigError(f"{path} is empty.")
    if size > LARGEST_FILE:
        raise ConfigError(f"{path} has {size:,} bytes; Papershift takes {LARGEST_FILE:,} at most (100 MB).")


def _extension(path: Path, given: str | None) -> str:
    extension = (path.suffix if given is None else given).lower().removeprefix(".")
    if extension not in EXTENSIONS:
        came = f"{path.name} ends in {extension!r}" if given is None else f"extension is {given!r}"
        raise ConfigError(f"{came}; Papershift takes documents with the extension {' or '.join(EXTENSIONS)}.")
    return extension


def _name(name: str) -> str:
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"name is {name!r}; a document needs one.")
    # Python counts a text in code points, as the vendor does.
    if len(name) > LONGEST_NAME:
        raise ConfigError(
            f"The name has {len(name)} characters; Papershift takes {LONGEST_NAME} at most: {name[:40]!r}..."
        )
    return name


def _flag(what: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{what} is {value!r}; it is True or False.")
    return value


# --- calls --------------------------------------------------------------------------------------------------------


def _create(client: Client, user_id: str, attributes: Mapping[str, Any]) -> tuple[Answer, str]:
    params = metadata_parameters([UPLOAD_URL], client.api)
    answer = client.call(client.ask("create", {"user_id": user_id}, params, _body(client, attributes)))
    created = object_of(answer.json(), answer, client.api)
    if created.get("id") is None:
        msg = f"The document was created, and the answer does not say its id; it has the keys {sorted(created)}. "
        msg += 'Say where the document stands: Client(assumptions={"object": "..."}).'
        raise ShapeError(msg, vendor=client.vendor, url=answer.url)
    return answer, str(created["id"])


def _body(client: Client, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """A document in the form that its page shows, one level deeper than the standard has it, or in the plain one."""
    form = client.api.value("document_body")
    if form not in ("deeper", "plain"):
        raise ConfigError(f"document_body is {form!r}; it is deeper or plain.")
    inner = {"attributes": dict(attributes)}
    return {"data": {"type": DOCUMENT_TYPE, **({"data": inner} if form == "deeper" else inner)}}


def _form(client: Client, created: Answer, name: str) -> PresignedForm:
    places = client.api.value("upload_url")
    places = (places,) if isinstance(places, str) else places
    envelope = created.json()
    found = next((value for place in places if isinstance(value := dig(envelope, place), dict)), {})
    url, fields = dig(found, UPLOAD_ADDRESS), dig(found, UPLOAD_FIELDS)
    if not isinstance(url, str) or not isinstance(fields, dict):
        came = sorted(envelope) if isinstance(envelope, dict) else type(envelope).__name__
        msg = (
            f"The document was created, and the answer holds no presigned upload (an object with {UPLOAD_ADDRESS} and "
        )
        msg += f"{UPLOAD_FIELDS}) at any of {', '.join(places)}; it has {came}. That it stands there was assumed; say "
        msg += 'where: Client(assumptions={"upload_url": "..."}).'
        raise ShapeError(msg, vendor=client.vendor, url=created.url)
    texts = {key: str(value) for key, value in fields.items()}
    return PresignedForm(name, url, texts, client.settings)


def _update_call(client: Client, user_id: str, document_id: str, changes: Mapping[str, Any]) -> Call:
    return client.ask("update", _path(user_id, document_id), body=_body(client, changes))


def _mark_done(client: Client, user_id: str, document_id: str) -> pd.DataFrame:
    """The file is there; whatever goes wrong now, the document must not be called an error."""
    try:
        answer = client.call(_update_call(client, user_id, document_id, {"upload_status": "success"}))
        if not answer.body:
            answer = client.call(client.ask("document", _path(user_id, document_id)))
        return _frame(client, "upload_document", answer, user_id, document_id)
    except DocframesError as error:
        error.add_note(
            f"The file of document {document_id} has arrived. What failed came after: say "
            f'update_document({user_id!r}, {document_id!r}, upload_status="success").'
        )
        raise


def _mark_failed(client: Client, user_id: str, document_id: str, error: BaseException) -> None:
    """Mark the document, which has no file, as failed; *error* stays what is told."""
    try:
        client.call(_update_call(client, user_id, document_id, {"upload_status": "error"}))
        error.add_note(f"Document {document_id} was created without a file, and is marked 'error'.")
    except DocframesError as second:
        error.add_note(f"Document {document_id} was created without a file, and could not be marked 'error': {second}")


def _path(user_id: str, document_id: str) -> dict[str, str]:
    return {"user_id": user_id, "document_id": document_id}


def _frame(client: Client, loader: str, answer: Answer, user_id: str, document_id: str) -> pd.DataFrame:
    found = object_of(answer.json(), answer, client.api) if answer.body else {"id": document_id, "attributes": {}}
    arguments = _path(user_id, document_id)
    plan = Plan(client, loader, tables.level(tables.DOCUMENTS), arguments, Options())
    # What was loaded of this user before is not true any more.
    client.forget_below(DOCUMENTS.format(user_id=quote(user_id, safe="")))
    record = records.document(found, user_id, client.api)
    return frame_of(plan, answer, [record], "the vendor answered with the document")
