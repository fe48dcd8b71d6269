"""The store of answers: one SQLite file per vendor and account, JSON inside, and nothing secret in it.

A broken cache costs speed, never data: a file that is corrupt, locked or not writable gives one warning, and
loading goes on without it.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from requests import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from requests_cache import CachedRequest, CachedResponse, SQLiteCache
from requests_cache.backends.sqlite import SQLiteDict
from requests_cache.serializers import SerializerPipeline, Stage

from docframes.folders import private_folder as private_folder
from docframes.transport import redact
from docframes.transport.trouble import Trouble

#: Answer headers that are kept; all others stay out, whatever they hold.
KEPT_HEADERS = ("content-type", "etag", "last-modified", "x-request-id")

BUSY_SECONDS = 5.0


def answer_key(request: PreparedRequest | Any, **_: Any) -> str:
    """The key of a call: method, URL and body.

    The fragment of the URL counts too, although no server ever sees it: it carries the version of the thing asked
    for (a job's ``updated_at``), so that another version is another entry.  Credentials are in none of the three.
    """
    body = request.body or b""
    digest = hashlib.sha256(f"{request.method} {request.url}\n".encode())
    digest.update(body.encode() if isinstance(body, str) else body)
    return digest.hexdigest()


def _to_json(response: CachedResponse, keep: tuple[str, ...] = KEPT_HEADERS) -> str:
    """An allow-list: what is not named here is not stored.  keep : headers that are."""
    content = response._content or b""
    try:
        body = {"text": content.decode()}
    except UnicodeDecodeError:
        body = {"base64": base64.b64encode(content).decode()}
    kept = {
        "method": response.request.method,
        "url": redact.text(response.request.url or ""),
        "status": response.status_code,
        "headers": redact.headers(response.headers, keep=keep),
        "body": body,
        "created_at": response.created_at.timestamp(),
        "expires": response.expires.timestamp() if response.expires else None,
    }
    return orjson.dumps(kept).decode()


def _from_json(text: str) -> CachedResponse:
    kept = orjson.loads(text)
    body = kept["body"]
    content = body["text"].encode() if "text" in body else base64.b64decode(body["base64"])
    expires = kept["expires"]
    return CachedResponse(
        content=content,
        status_code=kept["status"],
        url=kept["url"],
        headers=CaseInsensitiveDict(kept["headers"]),
        request=CachedRequest(method=kept["method"], url=kept["url"]),
        created_at=datetime.fromtimestamp(kept["created_at"], UTC),
        expires=None if expires is None else datetime.fromtimestamp(expires, UTC),
    )


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _serializer(keep: tuple[str, ...]) -> SerializerPipeline:
    dumps = functools.partial(_to_json, keep=keep)
    return SerializerPipeline([Stage(dumps=dumps, loads=_from_json)], name="docframes-json", is_binary=False)


class _BoundedDict(SQLiteDict):  # type: ignore[misc]
    """A table that gives up on a lock after :data:`BUSY_SECONDS`; the original tries for ever."""

    @contextlib.contextmanager
    def connection(self, commit: bool = False) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time: a close() that overtakes a read ends the whole process."""
        with self._lock, super().connection(commit) as connection:
            yield connection

    @contextlib.contextmanager
    def _acquire_sqlite_lock(self) -> Iterator[None]:
        with self._lock:
            self._begin()
            self._active_transaction = True
            try:
                yield
                self._connection.commit()
            except BaseException:
                self._connection.rollback()
                raise
            finally:
                self._active_transaction = False

    def _begin(self) -> None:
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.001)
            else:
                return


class Store(SQLiteCache):  # type: ignore[misc]
    """Answers of one account.  Reading and writing never raise: trouble is told once, then the store steps aside."""

    def __init__(self, path: Path, headers: tuple[str, ...] = (), trouble: Trouble | None = None) -> None:
        self.path = path
        self.broken: str | None = None
        self._trouble = trouble or Trouble()
        options = {"wal": True, "busy_timeout": int(BUSY_SECONDS * 1000), "fast_save": False}
        # SQLiteCache would open plain SQLiteDict tables, so its own initialiser is passed by.
        super(SQLiteCache, self).__init__(cache_name=str(path))
        self.responses = _BoundedDict(
            path, table_name="responses", serializer=_serializer((*KEPT_HEADERS, *headers)), **options
        )
        self.redirects = _BoundedDict(
            path, table_name="redirects", lock=self.responses._lock, serializer=None, **options
        )

    def get_response(self, key: str, default: Any = None) -> CachedResponse | None:
        """The answer stored under *key*, or *default*."""
        if self.broken:
            return default
        try:
            response: CachedResponse | None = self.responses[key]
        except KeyError:
            return default
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:
            self.step_aside(error)
            return default
        if response is not None:
            response.cache_key = key
        return response

    def save_response(self, response: Response, cache_key: str | None = None, expires: Any = None) -> None:
        """Keep *response* until *expires*, unless it is no JSON: a sign-in page or half an answer is not kept."""
        if self.broken or not _is_json(response.content):
            return
        # The history of redirects holds the signed requests of every hop; it is never wanted again.
        response.history = []
        cached = CachedResponse.from_response(response, expires=expires)
        try:
            self.responses[cache_key or answer_key(response.request)] = cached
        except (sqlite3.Error, OSError) as error:
            self.step_aside(error)

    def delete(self, *keys: str, **kwargs: Any) -> None:
        """Forget entries."""
        if self.broken:
            return
        try:
            super().delete(*keys, **kwargs)
        except (sqlite3.Error, OSError) as error:
            self.step_aside(error)

    def forget_below(self, address: str) -> None:
        """Forget what stands at *address* and below it."""
        try:
            found = [key for key, kept in self.responses.items() if kept.url.startswith(address)]
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:
            self.step_aside(error)
        else:
            self.delete(*found)

    def step_aside(self, error: Exception) -> None:
        """Go on without this store, saying so once."""
        self.broken = self.broken or f"{type(error).__name__}: {error}"
        self._trouble.of_answers(self.path, error)


def glance(path: Path, key: str) -> CachedResponse | None:
    """The answer under *key* of a file that need not be a usable store; nothing is written, and nothing is told."""
    query = "SELECT value FROM responses WHERE key = ?"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute(query, (key,)).fetchone()
        return None if row is None else _from_json(row[0])
    except (sqlite3.Error, OSError, ValueError, TypeError, KeyError):
        return None


def open_store(path: Path, headers: tuple[str, ...] = (), trouble: Trouble | None = None) -> Store | None:
    """The store at *path*, its folder 0700 and its file 0600; None, with a warning, where it cannot be used.

    headers : answer headers to keep besides :data:`KEPT_HEADERS`.  trouble : what tells of it; None tells it anyhow.
    """
    trouble = trouble or Trouble()
    try:
        private_folder(path.parent)
        _check_writable(path)
        return Store(path, headers, trouble)
    except (sqlite3.Error, OSError) as error:
        trouble.of_answers(path, error)
        return None


def _check_writable(path: Path) -> None:
    """Raise at once where SQLite would try a read-only or corrupt file again and again."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.close(descriptor)
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(str(found))
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()
