"""Files behind signed links: fetched without any credential, streamed, and either whole or not there."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import requests

from docframes.errors import NoAnswer, OfflineMiss, VendorError
from docframes.folders import replacing
from docframes.settings import Settings
from docframes.transport import network, redact, replay
from docframes.transport.cache import is_offline
from docframes.transport.retry import RETRY_STATUSES, backoff, retry_after

CHUNK = 1 << 20

T = TypeVar("T")


@dataclass(frozen=True)
class SignedLink:
    """A link that opens one file for a while, to whoever has it.  Its URL is in no repr."""

    name: str  #: what it opens: kind and file id
    url: str = field(repr=False)
    expires_at: datetime  #: UTC
    settings: Settings = field(default_factory=Settings, repr=False, compare=False)

    def expired(self, now: datetime | None = None) -> bool:
        """Whether the link's time is over."""
        return (now or datetime.now(UTC)) >= self.expires_at

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file to *path* and give the path back.

        It is written under a temporary name beside it and renamed when it is whole; nothing is left otherwise.
        Raises VendorError where the storage host refuses (403 for an expired link), NoAnswer where it is silent.
        """
        return fetch(self, Path(path))

    def bytes(self) -> bytes:
        """The whole file."""
        return b"".join(attempts(self, _chunks))


@dataclass(frozen=True)
class ApiFile:
    """A file whose bytes the API itself sends, to whoever has the key; the same to use as a SignedLink."""

    name: str  #: what it is: kind and file id
    open: Callable[[], AbstractContextManager[requests.Response]] = field(repr=False)  #: ``client.stream`` of its call

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the file to *path*, whole or not at all, and give the path back.  Raises what the call raises."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.open() as response:
            return _write(response, target)

    def bytes(self) -> bytes:
        """The whole file."""
        with self.open() as response:
            return b"".join(_stream(response))


def fetch(link: SignedLink, path: Path) -> Path:
    """Stream what *link* opens into *path*."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return attempts(link, lambda response: _write(response, path))


@dataclass(frozen=True)
class Stored:
    """A file under the name of its SHA-256."""

    path: Path
    sha256: str
    etag: str = ""  #: what the host calls this very content; empty where it does not say


def fetch_into(link: SignedLink, folder: Path, *, etag: str = "") -> Stored | None:
    """Stream what *link* opens into *folder*, under the name of its SHA-256.

    etag : of a copy that is there already.  None: the host says that the file is still that one, and sent nothing.
    """

    def use(response: requests.Response) -> Stored | None:
        if response.status_code == 304:
            return None
        return store(_stream(response), folder, response.headers.get("ETag", ""))

    return attempts(link, use, {"If-None-Match": etag} if etag else {})


def store(chunks: Iterable[bytes], folder: Path, etag: str = "") -> Stored:
    """Write *chunks* into *folder*, under the name of their SHA-256; where they break off, nothing is left."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
    seal = hashlib.sha256()
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
                seal.update(chunk)
        path = folder / seal.hexdigest()
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return Stored(path, seal.hexdigest(), etag)


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(response: requests.Response, path: Path) -> Path:
    with replacing(path) as file:
        for chunk in _stream(response):
            file.write(chunk)
    return path


def _chunks(response: requests.Response) -> list[bytes]:
    return list(_stream(response))


def _stream(response: requests.Response) -> Iterator[bytes]:
    """The body; a connection that ends before the announced length raises."""
    yield from response.iter_content(CHUNK)


def attempts(link: SignedLink, use: Callable[[requests.Response], T], headers: Mapping[str, str] | None = None) -> T:
    """*use* the answer; begin again where the connection broke or the host was busy."""
    settings = link.settings
    if is_offline(settings):
        msg = f"Offline, and {link.name} would have to be fetched. Fetch it once while online."
        if replay.current() is not None:
            msg = f"A capsule is open, and {link.name} would have to be fetched. Files that it holds are read by "
            msg += "files.FileRef(vendor, kind, file_id) and files.save_all(frame, folder), not by a link."
        raise OfflineMiss(msg, url=redact.url(link.url))
    # 304 is an answer only to a question on condition.
    wanted = (200, 304) if headers else (200,)
    for attempt in range(1, settings.tries + 1):
        last = attempt == settings.tries
        wait = backoff(attempt)
        broken: NoAnswer | None = None
        try:
            # A session of its own: no key, no cookie, no cache, and no .netrc that would add a login.
            with requests.Session() as session:
                network.prepare(session, link.url)
                timeout = (settings.connect_timeout, settings.read_timeout)
                with session.get(link.url, headers=headers, stream=True, timeout=timeout) as response:
                    if response.status_code in wanted:
                        return use(response)
                    if response.status_code not in RETRY_STATUSES or last:
                        raise _refused(link, response)
                    asked = retry_after(response.headers, datetime.now(UTC))
                    wait = wait if asked is None else min(asked, settings.longest_wait)
        except requests.RequestException as error:
            broken = _broken(link, error, settings.tries)
        # Raised out here, so that it does not carry along the error whose text holds the signed URL.
        if last and broken is not None:
            raise broken
        time.sleep(wait * settings.time_scale)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _refused(link: SignedLink, response: requests.Response) -> VendorError:
    over = "has expired" if link.expired() else "was refused"
    msg = f"The link to {link.name} {over}: the storage host answered {response.status_code}. Ask for a fresh one: "
    msg += "links live minutes."
    return VendorError(msg, status=response.status_code, url=redact.url(response.url))


def _broken(link: SignedLink, error: Exception, tries: int) -> NoAnswer:
    why = redact.text(f"{type(error).__name__}: {error}")[:200]
    return NoAnswer(
        f"{link.name} did not come in {tries} tries ({why}). Nothing was written.", url=redact.url(link.url)
    )
