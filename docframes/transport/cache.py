"""The store of answers: one SQLite file per vendor and account, JSON inside, and nothing secret in it.

A broken cache costs speed, never data: a file that is corrupt, locked or not writable gives one warning, and
loading goes on without it.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import math
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import platformdirs
from requests import PreparedRequest, Response
from requests.structures import CaseInsensitiveDict
from requests_cache import CachedRequest, CachedResponse, SQLiteCache
from requests_cache.backends.sqlite import SQLiteDict
from requests_cache.serializers import SerializerPipeline, Stage

from docframes.errors import CacheWarning, ConfigError, warn
from docframes.settings import Settings
from docframes.transport import redact

#: Answer headers that are kept; all others stay out, whatever they hold.
KEPT_HEADERS = ("content-type", "etag", "last-modified", "x-request-id")

BUSY_SECONDS = 5.0

_offline: ContextVar[bool] = ContextVar("docframes_offline", default=False)


# --- where it is --------------------------------------------------------------------------------------------------


def location(settings: Settings | None = None) -> Path:
    """The folder of all caches; it need not exist yet."""
    settings = Settings.from_environment() if settings is None else settings
    return settings.cache_dir or platformdirs.user_cache_path("docframes")


def fingerprint(vendor: str, base_url: str, credential: str) -> str:
    """A short name for one account at one vendor, from which the credential cannot be had back."""
    return hashlib.sha256(f"docframes\0{vendor}\0{base_url}\0{credential}".encode()).hexdigest()[:12]


def private_folder(folder: Path) -> Path:
    """*folder*, made if need be, open to its owner alone; one that was there keeps the mode its owner gave it."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    return folder


# --- offline ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Within this block every load is answered from the cache, however old, and no socket is opened.

    Raises :class:`.OfflineMiss`, naming the call, where the cache has no answer.
    """
    token = _offline.set(True)
    try:
        yield
    finally:
        _offline.reset(token)


def is_offline(settings: Settings) -> bool:
    """Whether the block or the setting says offline."""
    return settings.offline or _offline.get()


# --- what is stored -----------------------------------------------------------------------------------------------


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

    def __init__(self, path: Path, headers: tuple[str, ...] = ()) -> None:
        self.path = path
        self.broken: str | None = None
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
        if not self.broken:
            self.broken = f"{type(error).__name__}: {error}"
            _warn(self.path, self.broken)


def open_store(path: Path, headers: tuple[str, ...] = ()) -> Store | None:
    """The store at *path*, its folder 0700 and its file 0600; None, with a warning, where it cannot be used.

    headers : answer headers to keep besides :data:`KEPT_HEADERS`.
    """
    try:
        private_folder(path.parent)
        _check_writable(path)
        return Store(path, headers)
    except (sqlite3.Error, OSError) as error:
        _warn(path, f"{type(error).__name__}: {error}")
        return None


def _check_writable(path: Path) -> None:
    """Raise at once where SQLite would try a read-only or corrupt file again and again."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.close(descriptor)
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        connection.execute("PRAGMA quick_check(1)").fetchone()
        connection.execute("BEGIN IMMEDIATE")
        connection.rollback()


def _warn(path: Path, why: str) -> None:
    msg = f"The cache {path.name} in {path.parent} cannot be used ({why}). Loading goes on without it, at full cost in "
    msg += "calls. docframes.cache.clear() deletes it; DOCFRAMES_CACHE_DIR names another folder."
    warn(msg, CacheWarning)


# --- looking after it ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _File:
    path: Path
    vendor: str
    account: str

    @property
    def frames(self) -> Path:
        return self.path.with_suffix(".frames")


def _files(settings: Settings | None, vendor: str | None) -> list[_File]:
    found = []
    for path in sorted(location(settings).glob("*.sqlite")):
        match = re.fullmatch(r"([a-z]+)-([0-9a-f]{12})", path.stem)
        if match and vendor in (None, match[1]):
            found.append(_File(path, match[1], match[2]))
    return found


def info(*, settings: Settings | None = None) -> pd.DataFrame:
    """One row per vendor and account: answers kept, how many are past their lifetime, bytes on disk, oldest, newest.

    ``note`` says why a file cannot be read.  Nothing of what the files hold is shown.
    """
    columns: dict[str, Any] = {
        "vendor": "str", "account": "str", "answers": "int64", "expired": "int64", "bytes": "int64",
        "oldest": "datetime64[us, UTC]", "newest": "datetime64[us, UTC]", "path": "str", "note": "str",
    }  # fmt: skip
    rows = [_describe(file) for file in _files(settings, None)]
    return pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=kind) for name, kind in columns.items()})


def _describe(file: _File) -> dict[str, Any]:
    row: dict[str, Any] = {
        "vendor": file.vendor, "account": file.account, "answers": 0, "expired": 0, "bytes": _size(file),
        "oldest": pd.NaT, "newest": pd.NaT, "path": str(file.path), "note": "",
    }  # fmt: skip
    try:
        with contextlib.closing(sqlite3.connect(f"{file.path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            query = "SELECT count(*), total(expires <= ?), min({0}), max({0}) FROM responses"
            made = "json_extract(value, '$.created_at')"
            answers, expired, oldest, newest = connection.execute(query.format(made), (time.time(),)).fetchone()
    except sqlite3.Error as error:
        return row | {"note": f"{type(error).__name__}: {error}"}
    times = {"oldest": _moment(oldest), "newest": _moment(newest)}
    return row | {"answers": answers, "expired": int(expired), **times}


def _moment(seconds: float | None) -> Any:
    return pd.NaT if seconds is None else pd.Timestamp(seconds, unit="s", tz="UTC")


def _size(file: _File) -> int:
    parts = [file.path, *file.path.parent.glob(f"{file.path.name}-*"), *file.frames.glob("*")]
    return sum(part.stat().st_size for part in parts if part.exists())


def clear(
    *,
    vendor: str | None = None,
    older_than: timedelta | None = None,
    dry_run: bool = False,
    settings: Settings | None = None,
) -> pd.DataFrame:
    """Forget kept answers: of one *vendor* or all, all or only those fetched longer ago than *older_than*.

    Returns what was forgotten, one row per vendor and account; with ``dry_run=True`` what would be.
    """
    if older_than is not None and older_than < timedelta(0):
        raise ConfigError(f"older_than is {older_than}; it must be a length of time from 0 up.")
    rows = []
    for file in _files(settings, vendor):
        answers = _clear_file(file, older_than, dry_run)
        rows.append({"vendor": file.vendor, "account": file.account, "answers": answers})
    types = {"vendor": "str", "account": "str", "answers": "int64"}
    return pd.DataFrame(rows, columns=list(types)).astype(types)


def _clear_file(file: _File, older_than: timedelta | None, dry_run: bool) -> int:
    # Emptied and not deleted: a client that has the file open, here or in another process, would go on reading it.
    limit = math.inf if older_than is None else time.time() - older_than.total_seconds()
    old = "json_extract(value, '$.created_at') < ?"
    try:
        with contextlib.closing(sqlite3.connect(file.path, timeout=BUSY_SECONDS)) as connection:
            answers = connection.execute(f"SELECT count(*) FROM responses WHERE {old}", (limit,)).fetchone()[0]  # noqa: S608
            if not dry_run:
                connection.execute(f"DELETE FROM responses WHERE {old}", (limit,))  # noqa: S608
                connection.commit()
                shutil.rmtree(file.frames, ignore_errors=True)
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        _warn(file.path, f"{type(error).__name__}: {error}")
        return 0
    except (sqlite3.DatabaseError, OSError):
        # Not a cache any more, so there is nothing in it to keep.
        if not dry_run:
            _delete(file)
        return 0
    return int(answers)


def _delete(file: _File) -> None:
    for part in (file.path, *file.path.parent.glob(f"{file.path.name}-*")):
        part.unlink(missing_ok=True)
    shutil.rmtree(file.frames, ignore_errors=True)
