"""An open capsule: it answers every client in place of the vendors."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from docframes.capsule import container, verify
from docframes.capsule.manifest import AnswerEntry, Entry, FileEntry, LedgerEntry, Manifest, StateEntry
from docframes.errors import CapsuleAltered, CapsuleError, ConfigError, OfflineMiss
from docframes.transport import replay
from docframes.transport.network import HERE
from docframes.words import count

if TYPE_CHECKING:
    from requests_cache import CachedResponse


def open(path: str | os.PathLike[str], *, digest: str | None = None) -> Capsule:
    """The capsule at *path*, to run a notebook on: ``with capsule.open("q3.dfz"):``.

    Within the block every loader is answered from the capsule, in every thread of the process; nothing is sent, no
    credential is needed, and what the capsule does not hold is an OfflineMiss that names the call.  In a notebook of
    several cells: ``held = capsule.open("q3.dfz").start()``, and ``held.stop()`` in the end.
    digest : what :func:`.save` told; another capsule in its place is refused.
    Raises CapsuleAltered, naming the first altered byte, before anything is taken from it; CapsuleError where it is no
    capsule.
    """
    verify.check(path, digest)
    return Capsule(Path(path))


class Capsule:
    """A capsule that was found intact; used in a ``with`` block, or between :meth:`start` and :meth:`stop`."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.path = path.absolute()
        self._lock = threading.Lock()
        self._reader: container.Reader | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._held: dict[tuple[str, str], _Held] = {}
        self._files: dict[tuple[str, str, str, str], FileEntry] = {}

    def __repr__(self) -> str:
        return f"<capsule {self.name}, {'open' if self._reader else 'closed'}>"

    @property
    def manifest(self) -> Manifest:
        """What is in it."""
        if self._reader is not None:
            return self._reader.manifest
        with container.read(self.path) as reader:
            return reader.manifest

    def __enter__(self) -> Capsule:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Capsule:
        """From here on every client is answered from the capsule.  Raises CapsuleError where it is open already."""
        with self._lock:
            if self._reader is not None:
                raise CapsuleError(f"The capsule {self.name} is open already.")
            reader = container.read(self.path)
            folder = tempfile.TemporaryDirectory(prefix="docframes-capsule-", ignore_cleanup_errors=True)
            try:
                self._folder = folder
                self._unpack(reader)
            except BaseException:
                reader.close()
                folder.cleanup()
                raise
            self._reader = reader
            replay.enter(self)
        return self

    def stop(self) -> None:
        """From here on clients ask the vendors again; once more does nothing."""
        with self._lock:
            if self._reader is None:
                return
            replay.leave(self)
            reader, self._reader = self._reader, None
            reader.close()
            if self._folder is not None:
                self._folder.cleanup()

    def _unpack(self, reader: container.Reader) -> None:
        """Answers are read when they are asked for; what a load reads from disk has to lie there."""
        self._held = {(one.vendor, one.account): _Held(self) for one in reader.manifest.accounts}
        self._files = {}
        for entry in reader.manifest.entries:
            if isinstance(entry, AnswerEntry):
                self._held[entry.vendor, entry.account].entries[entry.key] = entry
            elif isinstance(entry, FileEntry):
                self._files[entry.vendor, entry.account, entry.file_kind, entry.file_id] = entry
            elif isinstance(entry, StateEntry):
                reader.copy(entry, self.folder(entry.vendor, entry.account) / entry.name)
            elif isinstance(entry, LedgerEntry) and entry.held and entry.account:
                # The archive of an extract lies under its SHA-256 in the account's folder.
                reader.copy(entry, self.folder(entry.vendor, entry.account) / entry.sha256)

    # --- as transport sees it -------------------------------------------------------------------------------------

    def account(self, vendor: str, base_url: str, fingerprint: str) -> str:
        """Which of the capsule's accounts a client stands for: its own, or the only one at its address.

        A client of a vendor that is not in the capsule stands for itself: whatever it asks for is an OfflineMiss.
        Raises ConfigError where it cannot be told.
        """
        known = [one for one in self.manifest.accounts if one.vendor == vendor]
        if not known or any(one.account == fingerprint for one in known):
            return fingerprint
        here = [one.account for one in known if one.base_url == base_url.rstrip("/")]
        if len(here) == 1:
            return here[0]
        told = ", ".join(f"{one.account} at {one.base_url}" for one in known)
        msg = f"The capsule {self.name} cannot tell which account a {vendor} client at {base_url} stands for: it has "
        msg += f"{told}. Make the client as it was made when the capsule was saved, at the same address and with its "
        raise ConfigError(msg + "own key, which is not sent anywhere; or save a capsule of one account's frames.")

    def base_url(self, vendor: str, given: str | None) -> str | None:
        """The address of the vendor's only account; the one *given*, where that is in the capsule.

        A server on this machine has another port each time, so its port does not count.
        """
        found = {one.base_url for one in self.manifest.accounts if one.vendor == vendor}
        if given is not None and given.rstrip("/") not in found:
            found = {one for one in found if _is_here(one) and _is_here(given)}
            found = {one for one in found if urlsplit(one).path == urlsplit(given.rstrip("/")).path}
        elif given is not None:
            return given.rstrip("/")
        return found.pop() if len(found) == 1 else None

    def answers(self, vendor: str, account: str) -> replay.Held:
        """The answers of an account; none of one that is not in it."""
        return self._held.get((vendor, account)) or _Held(self)

    def folder(self, vendor: str, account: str) -> Path:
        """The folder of what an account keeps besides answers, as long as the capsule is open."""
        if self._folder is None:
            raise CapsuleError(f"The capsule {self.name} is closed.")
        path = Path(self._folder.name) / f"{vendor}-{account}"
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def file(self, vendor: str, account: str, kind: str, file_id: str) -> bytes:
        """The bytes of a file.  Raises OfflineMiss where the capsule does not hold it."""
        entry = self._files.get((vendor, account, kind, file_id))
        if entry is None or not entry.held:
            known = "" if entry is None else f" (SHA-256 {entry.sha256}, {count(entry.size, 'byte')})"
            msg = f"The capsule {self.name} does not hold {vendor} {kind}/{file_id}{known}. Files go in on request: "
            raise OfflineMiss(msg + "capsule.save(..., files=True).", vendor=vendor)
        return self.read(entry)

    def read(self, entry: Entry) -> bytes:
        """The bytes of *entry*.  Raises CapsuleError where the capsule is closed."""
        try:
            return self._open().read(entry)
        except CapsuleAltered:
            # Closed meanwhile, perhaps, by another thread.
            self._open()
            raise

    def _open(self) -> container.Reader:
        if self._reader is None:
            raise CapsuleError(f"The capsule {self.name} is closed.")
        return self._reader


class _Held:
    """The answers of one account, in the form that a client's cache has."""

    broken: str | None = None

    def __init__(self, capsule: Capsule) -> None:
        self.entries: dict[str, AnswerEntry] = {}
        self._capsule = capsule

    def get_response(self, key: str, default: Any = None) -> CachedResponse | None:
        """The answer under *key*, or *default*."""
        entry = self.entries.get(key)
        if entry is None:
            return default
        return replay.response_of(
            method=entry.method,
            url=entry.url,
            status=entry.status,
            headers=entry.headers,
            body=self._capsule.read(entry),
            fetched_at=entry.fetched_at,
            key=key,
        )

    def delete(self, *keys: str) -> None:
        """Nothing is forgotten."""

    def forget_below(self, address: str) -> None:
        """Nothing is forgotten."""

    def close(self) -> None:
        """The capsule itself is closed."""


def _is_here(address: str) -> bool:
    return urlsplit(address).hostname in HERE
