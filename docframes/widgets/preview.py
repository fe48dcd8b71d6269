"""The files behind the rows of a grid: a link, the bytes or a preview, asked for when somebody clicks.

Nothing is fetched before, and no bytes are kept after.  A link leaves in one message, ``{"type": "link"}``; no trait,
no repr and no error text holds it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pandas as pd

from docframes.errors import ColumnError, ConfigError, DocframesError
from docframes.files import FileRef, FilesByRow, NamedFile, fetch_links, safe_name
from docframes.transport.download import ApiFile
from docframes.transport.network import HERE
from docframes.widgets.filetypes import ending_of
from docframes.widgets.refusals import sentence
from docframes.widgets.views import Preview, kind_of, preview_of

__all__ = ["Content", "Files", "NamedFile", "Preview"]

#: Bytes of the largest file that is previewed, and of the largest that is handed over through the notebook.
LARGEST_PREVIEW = 25_000_000
LARGEST_DOWNLOAD = 250_000_000

#: Marks that turn the direction of what follows: after one of them ``fdp.exe`` reads as ``exe.pdf``.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")

T = TypeVar("T")
Message = dict[str, Any]
FilesOfRow = Mapping[int, Sequence[NamedFile]] | Callable[[int], Sequence[NamedFile]]


@dataclass(frozen=True, kw_only=True)
class Content:
    """A whole file.  name : safe on every system.  mime : by its first bytes.  size : in bytes."""

    name: str
    mime: str
    data: bytes = field(repr=False)
    size: int
    sha256: str


class Files:
    """The files behind rows, by the row's position in the whole, from 0.

    Errors of any kind become a DocframesError whose text is a sentence without address or key.
    """

    def __init__(
        self,
        of_row: Callable[[int], Sequence[NamedFile]],
        *,
        client: Any = None,
        largest_preview: int = LARGEST_PREVIEW,
        largest_download: int = LARGEST_DOWNLOAD,
    ) -> None:
        """client : None is the account of the environment.  largest_... : in bytes; a larger file is not fetched."""
        self._of_row = of_row
        self._client = client
        self.largest_preview = largest_preview
        self.largest_download = largest_download

    @classmethod
    def of(cls, frame: Any, client: Any = None, *, largest_preview: int = LARGEST_PREVIEW) -> Files | None:
        """The files of a frame that names one in each row; None for a frame that names none, or no frame."""
        if not isinstance(frame, pd.DataFrame):
            return None
        try:
            rows = FilesByRow(frame)
        except (ColumnError, ConfigError):
            return None
        return cls(lambda at: _at_most_one(rows.at(at)), client=client, largest_preview=largest_preview)

    @classmethod
    def many(cls, of_row: FilesOfRow, client: Any = None, *, largest_preview: int = LARGEST_PREVIEW) -> Files:
        """Several files to a row: a function of the row's position, or a mapping; a row it does not hold has none."""
        if isinstance(of_row, Mapping):
            held = of_row
            return cls(lambda at: held.get(at, ()), client=client, largest_preview=largest_preview)
        return cls(of_row, client=client, largest_preview=largest_preview)

    # --- what there is --------------------------------------------------------------------------------------------

    def at(self, position: int) -> list[NamedFile]:
        """The files of a row, in order; nothing is asked of the vendor.  Raises ConfigError for a row there is not."""
        try:
            if position >= 0:
                return list(self._of_row(position))
        except IndexError:
            pass
        raise ConfigError(f"There is no row at position {position:,}; the first row is at 0.")

    def listed(self, position: int) -> list[dict[str, str]]:
        """The files of a row as a message holds them: label and kind."""
        return [{"label": _shown_name(file), "kind": file.kind} for file in self.at(position)]

    # --- what a click asks for ------------------------------------------------------------------------------------

    def link(self, position: int, number: int = 0) -> str:
        """A fresh link to a file of a row: a secret.  https, or http of this machine.

        Raises DocframesError, among the others, where the vendor hands out no links; :meth:`content` has the bytes.
        """
        file = self._file(position, number)
        link = self._fresh_link(file.ref)
        if link is None:
            raise DocframesError(f"{file.ref.vendor} hands out no link to {file.kind}: download the file.")
        return link

    def content(self, position: int, number: int = 0) -> Content:
        """A whole file."""
        file = self._file(position, number)
        if file.size is not None and file.size > self.largest_download:
            raise DocframesError(_too_large_to_hand_over(file, file.size))
        data, size = _guarded(lambda: file.ref.bytes_up_to(self.largest_download, client=self._client))
        if data is None:
            raise DocframesError(_too_large_to_hand_over(file, size))
        return _content(file, data)

    def preview(self, position: int, number: int = 0, *, pages: bool = False) -> Preview:
        """What can be shown of a file.  pages : pictures of a PDF's pages, for a browser that shows no PDF."""
        file = self._file(position, number)
        if file.size is not None and file.size > self.largest_preview:
            return self._too_large(file, file.size)
        data, size = _guarded(lambda: file.ref.bytes_up_to(self.largest_preview, client=self._client))
        if data is None:
            return self._too_large(file, size)
        return _guarded(lambda: preview_of(_shown_name(file), file.label, data, pages=pages))

    def _fresh_link(self, ref: FileRef) -> str | None:
        """None where the vendor sends the bytes itself."""
        return _guarded(lambda: _new_link(ref, self._client))

    def _too_large(self, file: NamedFile, size: int | None) -> Preview:
        told = f"More than {sized(self.largest_preview)}" if size is None else sized(size)
        note = f"{told}: too large to preview; download it."
        return Preview(name=_shown_name(file), kind="none", size=size, note=note)

    def _file(self, position: int, number: int) -> NamedFile:
        files = _guarded(lambda: self.at(position))
        if not 0 <= number < len(files):
            has = f"files 0 to {len(files) - 1}" if files else "no file"
            raise ConfigError(f"The row at position {position:,} has {has}; file {number} was asked for.")
        return files[number]

    # --- messages of the front end --------------------------------------------------------------------------------

    def answer(self, message: Mapping[str, Any]) -> tuple[Message, list[bytes]]:
        """What to send, with its buffers, for a message of the type open, download or preview; it never raises.

        The answer is of the type link, file or preview, or error with a sentence as ``text``; it repeats the nonce.
        """
        nonce = {"nonce": message.get("nonce")}
        try:
            told, buffers = self._answer(message)
        except Exception as error:
            return {"type": "error", **nonce, "text": sentence(error)}, []
        return {**told, **nonce}, buffers

    def _answer(self, message: Mapping[str, Any]) -> tuple[Message, list[bytes]]:
        kind, position, number = message.get("type"), message.get("position"), message.get("file", 0)
        if type(position) is not int or type(number) is not int:
            raise ConfigError(f"position and file are whole numbers; {position!r:.40} and {number!r:.40} came.")
        if kind == "preview":
            return _preview_message(self.preview(position, number, pages=bool(message.get("pages"))))
        if kind not in ("open", "download"):
            raise ConfigError(f"A file is asked for by open, download or preview, not by {kind!r:.40}.")
        link = self._fresh_link(self._file(position, number).ref) if kind == "open" else None
        if link is not None:
            return {"type": "link", "url": link}, []
        return _file_message(self.content(position, number))


def sized(size: int) -> str:
    """A number of bytes as a person reads it: 812 bytes, 1.2 MB, 48 MB; a thousand bytes are a kB."""
    if size < 1_000:
        return f"{size} bytes"
    unit, amount = next(
        (unit, size / one) for unit, one in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)) if size < 999.5 * one or one == 1e9
    )
    return f"{amount:.0f} {unit}" if amount >= 9.95 or amount == int(amount) else f"{amount:.1f} {unit}"


def _guarded(work: Callable[[], T]) -> T:
    try:
        return work()
    except Exception as error:
        said = sentence(error)
    # Raised out here, so that it carries along no error whose text holds an address.
    raise DocframesError(said)


def _at_most_one(file: NamedFile | None) -> list[NamedFile]:
    return [] if file is None else [file]


def _new_link(ref: FileRef, client: Any) -> str | None:
    # A browser has no second try, so a link that is remembered will not do.
    link = fetch_links(ref.vendor, ref.kind, [ref.file_id], client=client, fresh=True)[ref.file_id]
    if isinstance(link, DocframesError):
        raise link
    return None if isinstance(link, ApiFile) else _checked(link.url)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE)):
        return url
    raise ConfigError("The vendor's link is no https address, so it is not opened. Download the file instead.")


def _shown_name(file: NamedFile) -> str:
    """The name with marks that would turn it round written out."""
    return _TURNING.sub(lambda mark: f"\\u{ord(mark[0]):04x}", file.label)


def _content(file: NamedFile, data: bytes) -> Content:
    name, kind = safe_name(_TURNING.sub("_", file.label), file.kind), kind_of(file.label, data)
    if not ending_of(name) and kind.endings:
        name = f"{name}.{kind.endings[0]}"
    seal = hashlib.sha256(data).hexdigest()
    return Content(name=name, mime=kind.mime, data=data, size=len(data), sha256=seal)


def _too_large_to_hand_over(file: NamedFile, size: int | None) -> str:
    told = "The file" if size is None else f"The file has {sized(size)}, which"
    save = f"FileRef({file.ref.vendor!r}, {file.ref.kind!r}, {file.ref.file_id!r}).save(path)"
    return f"{told} is too large to hand over through the notebook. Save it: docframes.files.{save}."


def _file_message(content: Content) -> tuple[Message, list[bytes]]:
    told = {"name": content.name, "mime": content.mime, "size": content.size, "sha256": content.sha256}
    return {"type": "file", **told, "sized": sized(content.size)}, [content.data]


def _preview_message(preview: Preview) -> tuple[Message, list[bytes]]:
    told = {part.name: getattr(preview, part.name) for part in dataclasses.fields(preview)}
    data, pages = told.pop("data"), told.pop("pages")
    buffers = pages or ([] if data is None else [data])
    told["sized"] = "" if preview.size is None else sized(preview.size)
    return {"type": "preview", **told, "pages": len(pages)}, buffers
