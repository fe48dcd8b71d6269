"""Files by vendor, kind and id: a fresh link when one is wanted, never a link that is kept.

    from docframes import files

    ref = files.FileRef("validocx", "documents", document_id)
    ref.save("warranty.pdf")
    manifest = files.save_all(details.images, "photos")

A frame names its files in plain columns; :func:`refs` reads them.  Links live in memory only, until shortly before
they expire, and in no repr.  Storage hosts get no credential.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from typing import Any

import pandas as pd

from docframes.errors import ColumnError, ConfigError, DocframesError, OfflineMiss, VendorError
from docframes.loading import Bar
from docframes.tables.html import titled
from docframes.tables.loads import load_record
from docframes.transport import journal, replay
from docframes.transport.cache import is_offline
from docframes.transport.download import CHUNK, ApiFile, SignedLink, attempts, digest

#: A link is not used in the last seconds of its life: the file would have to begin before it ends.
MARGIN = timedelta(seconds=20)

#: Statuses by which a storage host says that a link is over.
_OVER = (400, 401, 403)

#: The part of a name that file systems take: 255 bytes, less what an id and a temporary name add.
LONGEST_NAME = 120

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)

Link = SignedLink | ApiFile
#: A whole file, or None in place of one that is too large, and its size in bytes where that is known.
Content = tuple[bytes | None, int | None]

_links: dict[tuple[str, str, str, str], SignedLink] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class FileRef:
    """One file at one vendor.  client : None is the account of the environment, whenever a link is asked for."""

    vendor: str
    kind: str
    file_id: str

    def _repr_html_(self) -> str:
        # No link is asked for only because somebody looks.
        return titled(f"File of {self.vendor}", [self.kind, self.file_id])

    def url(self, *, client: Any = None) -> str:
        """A link that works now: a secret.  Raises what the vendor raises; ConfigError where it hands out no links."""
        link = self._link(client)
        if isinstance(link, ApiFile):
            msg = f"{self.vendor} hands out no link to {self.kind}: it sends the bytes itself. "
            raise ConfigError(msg + "Use .save(path) or .bytes().")
        return link.url

    def save(self, path: str | Path, *, client: Any = None) -> Path:
        """Write the file to *path*, whole or not at all; once more with a fresh link where the first one is over."""
        saved: Path = self._with_link(client, lambda link: link.save(path))
        self._note(client, digest(saved), saved.stat().st_size)
        return saved

    def bytes(self, *, client: Any = None) -> bytes:
        """The whole file."""
        content: bytes = self._with_link(client, lambda link: link.bytes())
        self._note(client, hashlib.sha256(content).hexdigest(), len(content))
        return content

    def bytes_up_to(self, most: int, *, client: Any = None) -> Content:
        """The whole file where it has *most* bytes or fewer, and its size in bytes.

        A larger one is None and its size, and nothing of it is read where the host tells the size beforehand; where
        it does not, reading stops after *most* and the size is None too.
        """
        content: Content = self._with_link(client, lambda link: _up_to(link, most))
        if content[0] is not None:
            self._note(client, hashlib.sha256(content[0]).hexdigest(), len(content[0]))
        return content

    def _note(self, client: Any, sha256: str, size: int) -> None:
        """Note the file for a capsule."""
        client = client or _room(self.vendor).default_client()
        file = journal.File(self.vendor, client.account, self.kind, self.file_id, sha256, size)
        journal.JOURNAL.note_file(client, file)

    def _with_link(self, client: Any, use: Any) -> Any:
        try:
            return use(self._link(client))
        except VendorError as error:
            if error.status not in _OVER or error.vendor:
                raise
        return use(self._link(client, fresh=True))

    def _link(self, client: Any, *, fresh: bool = False) -> Link:
        links = fetch_links(self.vendor, self.kind, [self.file_id], client=client, fresh=fresh)
        link = links[self.file_id]
        if isinstance(link, DocframesError):
            raise link
        return link


def fetch_links(
    vendor: str, kind: str, file_ids: Sequence[str], *, client: Any = None, fresh: bool = False
) -> dict[str, Link | DocframesError]:
    """A link for each id, in one call for many where the vendor has that; an error in place of one that failed."""
    room = _room(vendor)
    client = client or room.default_client()
    account = client.account
    held = replay.current()
    if held is not None:
        return _from_capsule(held, client, kind, file_ids)
    remembered = {} if fresh else {file_id: _known(vendor, account, kind, file_id) for file_id in file_ids}
    known: dict[str, Link | DocframesError] = {file_id: link for file_id, link in remembered.items() if link}
    wanted = [file_id for file_id in dict.fromkeys(file_ids) if file_id not in known]
    found: dict[str, Link | DocframesError] = dict(room.file_links(kind, wanted, client=client)) if wanted else {}
    with _lock:
        for file_id, link in found.items():
            if isinstance(link, SignedLink):
                _links[vendor, account, kind, file_id] = link
    return {**known, **found}


def _from_capsule(
    held: replay.Replay, client: Any, kind: str, file_ids: Sequence[str]
) -> dict[str, Link | DocframesError]:
    """Files that the capsule holds; of the others what the vendor said, where it said why there is none."""
    links = {file_id: _held(held, client.vendor, client.account, kind, file_id) for file_id in file_ids}
    try:
        told = _room(client.vendor).file_links(kind, list(dict.fromkeys(file_ids)), client=client)
    except DocframesError:
        return links
    refused = {file_id: one for file_id, one in told.items() if isinstance(one, DocframesError)}
    for file_id, error in refused.items():
        if isinstance(links[file_id], OfflineMiss) and not isinstance(error, OfflineMiss):
            links[file_id] = error
    return links


def _held(held: replay.Replay, vendor: str, account: str, kind: str, file_id: str) -> Link | DocframesError:
    try:
        content = held.file(vendor, account, kind, file_id)
    except DocframesError as error:
        return error
    return ApiFile(f"{kind}/{file_id}", lambda: replay.opened(content))


def _known(vendor: str, account: str, kind: str, file_id: str) -> SignedLink | None:
    with _lock:
        link = _links.get((vendor, account, kind, file_id))
        if link is not None and link.expired(datetime.now(UTC) + MARGIN * link.settings.time_scale):
            del _links[vendor, account, kind, file_id]
            return None
        # Offline, asking the vendor for a link says so, and a link that is at hand would open a socket.
        return None if link is None or is_offline(link.settings) else link


def _up_to(link: Link, most: int) -> Content:
    if isinstance(link, ApiFile):
        with link.open() as response:
            return _read_up_to(response, most)
    return attempts(link, lambda response: _read_up_to(response, most))


def _read_up_to(response: Any, most: int) -> Content:
    told = response.headers.get("Content-Length", "")
    # Of a packed answer the length is that of the packed bytes.
    if told.isdecimal() and int(told) > most and "Content-Encoding" not in response.headers:
        return None, int(told)
    content = bytearray()
    for chunk in response.iter_content(CHUNK):
        content += chunk
        if len(content) > most:
            return None, None
    return bytes(content), len(content)


def _room(vendor: str) -> Any:
    try:
        return importlib.import_module(f"docframes.vendors.{vendor}.loaders")
    except ModuleNotFoundError as error:
        raise ConfigError(f"docframes has no vendor {vendor!r}.") from error


# --- files of a frame ---------------------------------------------------------------------------------------------


def refs(frame: pd.DataFrame) -> list[FileRef]:
    """The file behind each row of a loaded frame, or of any frame with the columns vendor, kind and file_id.

    Raises ColumnError where the frame names no files.
    """
    return [FileRef(vendor, kind, file_id) for vendor, kind, file_id, _ in _named(frame)]


@dataclass(frozen=True)
class NamedFile:
    """A file and what a person calls it.

    label : its name as the vendor has it, else its kind and id.  size : in bytes, where the frame tells it.
    """

    ref: FileRef
    label: str
    size: int | None = None

    @property
    def kind(self) -> str:
        """The vendor's kind of file."""
        return self.ref.kind


class FilesByRow:
    """The file behind any row of a frame, found when that row is asked for: a frame may have millions."""

    def __init__(self, frame: pd.DataFrame) -> None:
        """Raises ColumnError where *frame* names no files; ConfigError where it was not loaded in this session."""
        self._parts = _parts(frame)

    def at(self, position: int) -> NamedFile | None:
        """The file of the row at *position*, from 0; None where the row has none."""
        part = {name: _value(values, position) for name, values in self._parts.items()}
        file_id, name, size = part["file_id"], part["name"], part["size"]
        if not isinstance(file_id, str) or not file_id:
            return None
        ref = FileRef(str(part["vendor"]), str(part["kind"]), file_id)
        label = name if isinstance(name, str) and name else f"{ref.kind} {file_id}"
        return NamedFile(ref, label, None if size is None or pd.isna(size) else int(size))


def _value(values: Any, position: int) -> Any:
    return values.iloc[position] if isinstance(values, pd.Series) else values


def _named(frame: pd.DataFrame) -> Iterator[tuple[str, str, str, str]]:
    """Vendor, kind, id and name of each row's file; rows without one are passed over."""
    parts = _parts(frame)
    columns = [parts[name] for name in ("vendor", "kind", "file_id", "name")]
    each = [part if isinstance(part, pd.Series) else repeat(part, len(frame)) for part in columns]
    for vendor, kind, file_id, name in zip(*each, strict=True):
        if isinstance(file_id, str) and file_id:
            yield str(vendor), str(kind), file_id, name if isinstance(name, str) else ""


def _parts(frame: pd.DataFrame) -> dict[str, Any]:
    """What tells the file of a row, part by part: a column of the frame, or one value for every row."""
    plain = ("vendor", "kind", "file_id")
    if set(plain) <= set(frame.columns):
        return {**{name: frame[name] for name in plain}, "name": frame.get("label"), "size": None}
    load = load_record(frame)
    file = load.declared.file if load.declared else None
    if load.declared is None or file is None or file.id not in frame.columns:
        msg = f"This frame ({load.table}) names no files; it has the columns {list(frame.columns)}. "
        raise ColumnError(msg + "Give a frame of documents or images, or one with vendor, kind and file_id.")
    size = next((column.name for column in load.declared.columns if column.unit == "bytes"), "")
    known = {"vendor": load.vendor, "kind": file.kind, "file_id": frame[file.id], "name": frame.get(file.name)}
    return {**known, "size": frame.get(size)}


def save_all(
    frame: pd.DataFrame,
    folder: str | Path,
    *,
    client: Any = None,
    progress: bool | None = None,
    workers: int = 4,
) -> pd.DataFrame:
    """Fetch the file behind every row into *folder*; the manifest, one row per file, is given back.

    Columns: vendor, kind, file_id, name (the file's name in the folder), bytes, sha256, saved_at, error.  A file that
    fails has its reason in ``error`` and leaves nothing behind; the others are fetched all the same.  The manifest
    is written to ``manifest.csv`` in the folder.  Each file is fetched once, under a name that is safe everywhere and
    ends with its id where two would be alike.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = list(dict.fromkeys(_named(frame)))
    names = _distinct_names(wanted)
    rows: list[dict[str, Any]] = []
    bars = Bar("files", "files", len(wanted), progress)
    with bars as bar, ThreadPoolExecutor(workers, thread_name_prefix="docframes") as pool:
        for group in _batches(wanted):
            links = fetch_links(group[0][0], group[0][1], [file_id for _, _, file_id, _ in group], client=client)
            # Each in a copy of its own: that this is offline holds in every thread.
            tasks = [
                pool.submit(copy_context().run, _save_one, file, folder / names[file], links.get(file[2]), client)
                for file in group
            ]
            for task in tasks:
                rows.append(task.result())
                bar.advance()
    manifest = _manifest(rows)
    manifest.to_csv(folder / "manifest.csv", index=False)
    return manifest


def _save_one(
    file: tuple[str, str, str, str], path: Path, link: Link | DocframesError | None, client: Any
) -> dict[str, Any]:
    vendor, kind, file_id, _ = file
    row = {"vendor": vendor, "kind": kind, "file_id": file_id, "name": path.name}
    try:
        if link is None:
            raise ConfigError(f"{vendor} gave neither a link nor an error for {kind}/{file_id}.")
        if isinstance(link, DocframesError):
            raise link
        # A link that another thread's long download let expire is asked for once more, by FileRef.
        FileRef(vendor, kind, file_id).save(path, client=client)
    except (DocframesError, OSError) as error:
        return {**row, "error": str(error)}
    return {**row, "bytes": path.stat().st_size, "sha256": digest(path), "saved_at": datetime.now(UTC)}


def _batches(wanted: list[tuple[str, str, str, str]], size: int = 100) -> Iterator[list[tuple[str, str, str, str]]]:
    """Files of one vendor and kind together, so many at a time that their links do not grow old."""
    groups: dict[tuple[str, str], list[tuple[str, str, str, str]]] = {}
    for file in wanted:
        groups.setdefault(file[:2], []).append(file)
    for group in groups.values():
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _manifest(rows: list[dict[str, Any]]) -> pd.DataFrame:
    dtypes: dict[str, Any] = {
        "vendor": "str", "kind": "str", "file_id": "str", "name": "str", "bytes": "Int64", "sha256": "str",
        "saved_at": "datetime64[us, UTC]", "error": "str",
    }  # fmt: skip
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)


def safe_name(name: str, otherwise: str = "file") -> str:
    """*name* as a file name that Windows, macOS and Linux take, and that leads to no other folder."""
    name = unicodedata.normalize("NFC", name)
    name = _FORBIDDEN.sub("_", name).strip(" .")
    if not name or _RESERVED.fullmatch(name):
        name = f"{otherwise}_{name}".rstrip("_")
    stem, dot, suffix = name.rpartition(".")
    if dot and len(suffix) <= 10:
        return f"{_cut(stem, LONGEST_NAME - len(suffix) - 1)}.{suffix}"
    return _cut(name, LONGEST_NAME)


def _cut(text: str, length: int) -> str:
    return text.encode()[:length].decode(errors="ignore").rstrip(" .")


def _distinct_names(files: list[tuple[str, str, str, str]]) -> dict[tuple[str, str, str, str], str]:
    """A name in the folder for each file; compared without case, since some file systems do."""
    plain = {file: safe_name(file[3] or file[2], file[1]) for file in files}
    used: dict[str, int] = {"manifest.csv": 2}
    for name in plain.values():
        used[name.lower()] = used.get(name.lower(), 0) + 1
    return {file: name if used[name.lower()] == 1 else _with_id(name, file[2]) for file, name in plain.items()}


def _with_id(name: str, file_id: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    mark = safe_name(file_id)
    return f"{stem}-{mark}.{suffix}" if dot else f"{name}-{mark}"
