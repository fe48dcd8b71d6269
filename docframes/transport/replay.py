"""Answers from a capsule in place of vendors: while one is open, every client is answered from it, and from it alone.

What is open counts for the whole process, threads of widgets among it.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import requests
    from requests_cache import CachedResponse

#: Variable that says a capsule is open: with its path, for whatever else would open a port, or start a process.
VARIABLE = "DOCFRAMES_CAPSULE"
#: What a client within a capsule has for a credential, where it is given none; it opens nothing.
NO_CREDENTIAL = "none-in-a-capsule"


class Held(Protocol):
    """The answers of one account, as a client's cache gives them."""

    broken: str | None

    def get_response(self, key: str, default: Any = None) -> CachedResponse | None:
        """The answer under *key*, or *default*."""
        ...

    def delete(self, *keys: str) -> None:
        """Nothing is forgotten."""
        ...

    def forget_below(self, address: str) -> None:
        """Nothing is forgotten."""
        ...

    def close(self) -> None:
        """Nothing is open."""
        ...


class Replay(Protocol):
    """An open capsule, as transport sees it."""

    name: str
    path: Path

    def account(self, vendor: str, base_url: str, fingerprint: str) -> str:
        """Which of the capsule's accounts a client stands for.  Raises ConfigError where that is not clear."""
        ...

    def base_url(self, vendor: str, given: str | None) -> str | None:
        """The address in the capsule that *given* stands for, None being any; None where that is not clear."""
        ...

    def answers(self, vendor: str, account: str) -> Held:
        """The answers of an account."""
        ...

    def folder(self, vendor: str, account: str) -> Path:
        """The folder of what else an account keeps."""
        ...

    def file(self, vendor: str, account: str, kind: str, file_id: str) -> bytes:
        """The bytes of a file.  Raises OfflineMiss where the capsule does not hold it."""
        ...


_open: list[Replay] = []
_lock = threading.Lock()
#: What the variable held before the first was opened.
_before: list[str | None] = []


def current() -> Replay | None:
    """The capsule that was opened last; None where none is open."""
    return _open[-1] if _open else None


def enter(replay: Replay) -> None:
    """From here on clients are answered from *replay*."""
    with _lock:
        if not _open:
            _before[:] = [os.environ.get(VARIABLE)]
        _open.append(replay)
        _tell()


def leave(replay: Replay) -> None:
    """From here on they are not; one that was opened before, and is open still, answers in its place."""
    with _lock:
        _open.remove(replay)
        _tell()


def _tell() -> None:
    told = str(_open[-1].path) if _open else _before[0]
    if told is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = told


def response_of(
    *, method: str, url: str, status: int, headers: Mapping[str, str], body: bytes, fetched_at: datetime, key: str
) -> CachedResponse:
    """An answer as the cache would give it; it does not grow old."""
    # Here, so that whoever only asks whether a capsule is open imports no HTTP library.
    from requests.structures import CaseInsensitiveDict
    from requests_cache import CachedRequest, CachedResponse

    response = CachedResponse(
        content=body,
        status_code=status,
        url=url,
        headers=CaseInsensitiveDict(headers),
        request=CachedRequest(method=method, url=url),
        created_at=fetched_at,
        expires=None,
    )
    response.cache_key = key
    return response


@contextmanager
def opened(content: bytes) -> Iterator[requests.Response]:
    """A file as a storage host would send it."""
    import requests

    response = requests.Response()
    response.status_code = 200
    response.headers["Content-Length"] = str(len(content))
    response.raw = io.BytesIO(content)
    yield response
