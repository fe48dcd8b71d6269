"""Presigned uploads: the form that is handed out, and what the storage host makes of one that comes back."""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, MultipartDecoder, NeedData
from werkzeug.sansio.multipart import File as FilePart

from docframes.sandbox.company.personnel import zulu
from docframes.sandbox.company.seeds import new_id, stream

if TYPE_CHECKING:
    from docframes.sandbox.box import Box

FORM_SECONDS = 900
LARGEST = 100_000_000
SECOND = 1_000
PATH = "/papershift/upload"


@dataclass(frozen=True)
class Part:
    """One part of a form, in the order in which it came."""

    name: str
    is_file: bool
    content: bytes


class Uploads:
    """What was uploaded since the start, by document."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._rng = stream(box.company.seed, "uploads")
        self._lock = threading.Lock()
        self._contents: dict[str, bytes] = {}

    def now(self) -> float:
        """Seconds since 1970, as the box has it."""
        return self._box.clock.now()

    def new_id(self) -> str:
        """An id for a new document."""
        with self._lock:
            return new_id(self._rng)

    def content(self, document_id: str) -> bytes | None:
        """The bytes that were uploaded for a document."""
        return self._contents.get(document_id)

    def form(self, document_id: str, extension: str) -> dict[str, Any]:
        """Address and fields of a form that takes the document's file for a quarter of an hour."""
        until = self._box.clock.after(FORM_SECONDS)
        key = f"documents/{document_id}.{extension}"
        date = zulu(int(self.now()) * SECOND)[:19].replace("-", "").replace(":", "") + "Z"
        policy = {
            "expiration": zulu(int(until * SECOND)),
            "conditions": [{"key": key}, ["content-length-range", 1, LARGEST]],
        }
        sealed = base64.b64encode(orjson.dumps(policy)).decode()
        fields = {
            "key": key,
            "policy": sealed,
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": f"SANDBOX/{date[:8]}/eu-central-1/s3/aws4_request",
            "x-amz-date": date,
            "x-amz-signature": self._box.signer.token(f"{PATH}:{sealed}", until),
        }
        return {"url": self._box.storage_url + PATH, "fields": fields}

    def take(self, content_type: str, body: bytes) -> tuple[int, str, str]:
        """Judge a form as S3 does and keep its file; the status, and for a refusal a code and its words."""
        parts = parts_of(content_type, body)
        if not parts or not parts[-1].is_file or parts[-1].name != "file":
            return 400, "InvalidArgument", "the file must be the last part of the form and be called file"
        fields = {part.name: part.content.decode("utf-8", "replace") for part in parts[:-1]}
        problem = self._box.signer.problem(f"{PATH}:{fields.get('policy', '')}", fields.get("x-amz-signature", ""))
        if problem is not None:
            return 403, "AccessDenied", f"invalid according to policy: {problem}"
        policy = orjson.loads(base64.b64decode(fields["policy"]))
        key = policy["conditions"][0]["key"]
        if fields.get("key") != key:
            return 403, "AccessDenied", "invalid according to policy: key"
        content = parts[-1].content
        if not 1 <= len(content) <= LARGEST:
            code = "EntityTooLarge" if content else "EntityTooSmall"
            return 400, code, "the file's length is outside of what the policy allows"
        self._contents[key.rpartition("/")[2].partition(".")[0]] = content
        return 204, "", ""


def parts_of(content_type: str, body: bytes) -> list[Part]:
    """The parts of a multipart form, in order; empty for anything else."""
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data" or "boundary" not in options:
        return []
    decoder = MultipartDecoder(options["boundary"].encode())
    decoder.receive_data(body)
    decoder.receive_data(None)
    parts: list[Part] = []
    head: Field | FilePart | None = None
    content = b""
    while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
        if isinstance(event, Field | FilePart):
            head, content = event, b""
        elif isinstance(event, Data) and head is not None:
            content += event.data
            if not event.more_data:
                parts.append(Part(head.name or "", isinstance(head, FilePart), content))
    return parts
