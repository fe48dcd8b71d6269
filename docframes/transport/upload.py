"""Files sent to a storage host by a presigned form, as S3 takes them: streamed, and without any credential.

The form's own fields go first, in their order, and the file last: what follows the file is not looked at.
"""

from __future__ import annotations

import mimetypes
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import requests

from docframes.errors import NoAnswer, OfflineMiss, VendorError
from docframes.settings import Settings
from docframes.transport import redact, replay
from docframes.transport.cache import is_offline
from docframes.transport.retry import RETRY_STATUSES, backoff, retry_after

#: What a storage host answers when it has taken a file.
TAKEN = frozenset({200, 201, 204})
FILE_PART = "file"
CHUNK = 1 << 20

_CODE = re.compile(rb"<Code>\s*([A-Za-z0-9_.-]{1,80})\s*</Code>")


@dataclass(frozen=True)
class PresignedForm:
    """A form that lets whoever has it put one file.  Neither its address nor its fields are in its repr."""

    name: str  #: what is uploaded, in words
    url: str = field(repr=False)
    fields: Mapping[str, str] = field(repr=False)
    settings: Settings = field(default_factory=Settings, repr=False, compare=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False, compare=False)

    def post(self, path: str | os.PathLike[str], *, file_name: str = "") -> None:
        """Send the file.  file_name : as the storage host shall see it; none takes the path's own.

        A broken connection, a 429 or a 5xx is tried again: the same file under the same key is the same file.
        Raises VendorError where the storage host refuses, with its code and nothing else of its answer; NoAnswer
        where it is silent; OSError where the file cannot be read, or ends before the length it had when it was opened.
        """
        _post(self, Path(path), file_name or Path(path).name)


class FormBody:
    """The bytes of a form with one file, read as they are wanted.  Iterable, of a length known before."""

    def __init__(self, fields: Mapping[str, str], file: BinaryIO, file_name: str, boundary: str = "") -> None:
        self.boundary = boundary or f"docframes-{secrets.token_hex(16)}"
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._head = b"".join(self._field(name, value) for name, value in fields.items()) + self._file_head(file_name)
        self._tail = f"\r\n--{self.boundary}--\r\n".encode()

    @property
    def content_type(self) -> str:
        """The header that goes with it."""
        return f"multipart/form-data; boundary={self.boundary}"

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        left = self._size
        while left:
            chunk = self._file.read(min(CHUNK, left))
            if not chunk:
                raise OSError(f"The file ended {left} bytes before the length it had when it was opened.")
            left -= len(chunk)
            yield chunk
        yield self._tail

    def _field(self, name: str, value: str) -> bytes:
        return (
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'.encode()
        )

    def _file_head(self, file_name: str) -> bytes:
        kind = mimetypes.guess_type(file_name)[0] or "application/octet-stream"
        place = f'Content-Disposition: form-data; name="{FILE_PART}"; filename="{_quoted(file_name)}"'
        return f"--{self.boundary}\r\n{place}\r\nContent-Type: {kind}\r\n\r\n".encode()


def _quoted(text: str) -> str:
    """As browsers write names in a form (HTML, multipart/form-data encoding)."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _post(form: PresignedForm, path: Path, file_name: str) -> None:
    settings = form.settings
    if replay.current() is not None:
        return  # what the vendor answered afterwards is in the capsule: the file was taken
    if is_offline(settings):
        raise OfflineMiss(f"Offline, and {form.name} would have to be sent. Send it while online.")
    for attempt in range(1, settings.tries + 1):
        last = attempt == settings.tries
        wait = backoff(attempt)
        try:
            response = _send(form, path, file_name)
        except requests.RequestException as error:
            if last:
                raise _broken(form, error) from None
        else:
            if response.status_code in TAKEN:
                return
            if response.status_code not in RETRY_STATUSES or last:
                raise _refused(form, response)
            asked = retry_after(response.headers, datetime.now(UTC))
            wait = wait if asked is None else min(asked, settings.longest_wait)
        form.sleep(wait * settings.time_scale)


def _send(form: PresignedForm, path: Path, file_name: str) -> requests.Response:
    timeout = (form.settings.connect_timeout, form.settings.read_timeout)
    # A session of its own: no key, no cookie, and no .netrc that would add a login.
    with requests.Session() as session, path.open("rb") as file:
        session.trust_env = False
        session.proxies = requests.utils.get_environ_proxies(form.url)
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        body = FormBody(form.fields, file, file_name)
        headers = {"Content-Type": body.content_type, "Content-Length": str(len(body))}
        return session.post(form.url, data=body, headers=headers, timeout=timeout, allow_redirects=False)


def _refused(form: PresignedForm, response: requests.Response) -> VendorError:
    """The storage host's code alone: what else it says may repeat the policy or what was signed."""
    code = _CODE.search(response.content[:10_000])
    told = f" ({code[1].decode()})" if code else ""
    msg = (
        f"{form.name} was not uploaded: the storage host answered {response.status_code}{told}. A presigned form lives "
    )
    msg += "minutes and takes one file within its limits; begin again for a fresh one."
    return VendorError(
        msg, status=response.status_code, url=redact.url(response.url), code=code[1].decode() if code else None
    )


def _broken(form: PresignedForm, error: Exception) -> NoAnswer:
    why = redact.text(f"{type(error).__name__}: {error}")[:200]
    msg = f"{form.name} was not uploaded: the storage host gave no answer in {form.settings.tries} tries ({why})."
    return NoAnswer(msg, url=redact.url(form.url))
