"""Handing in one file: everything that can be known to fail is checked before anything is sent."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from docframes.errors import ConfigError, ShapeError
from docframes.tables.columns import read_moment
from docframes.transport import redact
from docframes.transport.answers import Answer, Call, object_of
from docframes.transport.client import Client
from docframes.vendors.docdigitizer import tables
from docframes.vendors.docdigitizer.api import (
    CALLBACK_METHODS,
    LARGEST_UPLOAD_MB,
    LOCATION_HEADER,
    MEDIA_TYPES,
    TAG_HEADER,
)
from docframes.vendors.docdigitizer.documents import value_of
from docframes.vendors.docdigitizer.links import last_segment


@dataclass(frozen=True)
class Submission:
    """What the vendor said to a file that was handed in."""

    task_id: str
    document_id: str | None  #: None where the vendor did not say; the task names it later
    status: str | None  #: of the task: PENDING right after submission
    created: datetime | None  #: UTC
    sla_moment: datetime | None  #: latest expected completion, UTC
    task: Mapping[str, Any] = field(repr=False)  #: the task as sent


@dataclass(frozen=True)
class Callback:
    """Where the service tells that it is done.  Its headers may be secrets."""

    url: str | None
    method: str
    headers: Mapping[str, str] = field(repr=False)

    def check(self) -> None:
        """Raise ConfigError where it cannot work."""
        if self.method not in CALLBACK_METHODS:
            raise ConfigError(f"callback_method is {self.method!r}; it must be one of {', '.join(CALLBACK_METHODS)}.")
        if self.headers and (self.url is None or self.method != "POST"):
            raise ConfigError("callback_headers are sent with a POST callback only: give callback_url and POST.")

    def parts(self) -> list[tuple[str, tuple[None, str]]]:
        """Form fields."""
        if self.url is None:
            return []
        for value in self.headers.values():
            redact.remember(value)
        pairs = {"callback_url": self.url, "callback_method": self.method}
        pairs |= {f"callback_headers[{name}]": value for name, value in self.headers.items()}
        return [(name, (None, value)) for name, value in pairs.items()]


def submit(
    client: Client,
    path: str | os.PathLike[str],
    document_class: str | None,
    media_type: str | None,
    tags: Sequence[str],
    callback: Callback,
) -> Submission:
    """Check, send once, and read the ids of task and document from the answer."""
    file = Path(path)
    kind = _checked(file, media_type, int(client.api.value("largest_upload")))
    callback.check()
    endpoint = client.api.endpoint("submit")
    if document_class is not None:
        endpoint = dataclasses.replace(endpoint, path=endpoint.path + ":{document_class}")
    headers = {TAG_HEADER: _tags(tags)} if tags else {}
    with file.open("rb") as content:
        parts = [("files", (file.name, content, kind)), *callback.parts()]
        answer = client.call(Call(endpoint, {"document_class": document_class}, files=parts, headers=headers))
    return _submission(client, answer)


def _checked(file: Path, media_type: str | None, most: int) -> str:
    """The media type of a file that may be sent.  Raises ConfigError."""
    if not file.is_file():
        raise ConfigError(f"There is no file {file}.")
    kind = media_type or MEDIA_TYPES.get(file.suffix.lower())
    if kind is None or kind not in MEDIA_TYPES.values():
        known = ", ".join(MEDIA_TYPES)
        raise ConfigError(f"{file.name} is {media_type or 'of no known type'}; DocDigitizer takes {known}.")
    size = file.stat().st_size
    if size == 0:
        raise ConfigError(f"{file.name} is empty.")
    if size > most:
        msg = f"{file.name} has {size:,} bytes; DocDigitizer takes {LARGEST_UPLOAD_MB} MB at most ({most:,}). "
        raise ConfigError(msg + "Nothing was sent.")
    return kind


def _tags(tags: Sequence[str]) -> str:
    if isinstance(tags, str) or any("," in tag or not tag.strip() or not tag.isprintable() for tag in tags):
        raise ConfigError(f"tags is {tags!r}; give a list of texts without commas.")
    if not all(tag.isascii() for tag in tags):
        raise ConfigError(f"tags is {tags!r}; they go in a header, which takes ASCII letters only.")
    return ",".join(tags)


def _submission(client: Client, answer: Answer) -> Submission:
    task = object_of(answer.json(), answer, client.api)
    table = tables.TASKS.with_sources(client.assumptions["columns"].get("tasks", {}))
    facts = {
        name: value_of(task, table, name) for name in ("task_id", "document_id", "status", "created", "sla_moment")
    }
    if facts["task_id"] is None:
        msg = f"docdigitizer submit: the file was taken, but the answer names no task; it has the keys {sorted(task)}. "
        msg += 'Say where: Client(assumptions={"columns": {"tasks": {"task_id": "..."}}}). Do not send it again.'
        raise ShapeError(msg, vendor="docdigitizer", url=answer.url)
    document_id = facts["document_id"] or last_segment(answer.headers.get(LOCATION_HEADER.lower()))
    return Submission(
        task_id=str(facts["task_id"]),
        document_id=None if document_id is None else str(document_id),
        status=None if facts["status"] is None else str(facts["status"]),
        created=read_moment(facts["created"]),
        sla_moment=read_moment(facts["sla_moment"]),
        task=task,
    )
