"""What of a file is shown beside the grid: made from its bytes alone, and never a thing that runs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

from docframes.widgets import heads, pictures
from docframes.widgets.filetypes import TEXT, UNKNOWN, FileType, contradiction, markup_in, type_of

_MARKUP_MIME = "text/plain"  # whatever markup it is: it is shown as it is written


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a person sees of one file.

    kind : pdf (data, or pictures of its pages), image (data), text, table (rows, the header among them) or none.
    mime : of ``data``; of the file itself where that is empty.  size : of the file, in bytes; None is not known.
    sha256 : of the whole file; empty where it was not fetched.  note : what else there is to say, as sentences.
    pages : pictures of a PDF's first pages as PNG, where they were asked for; page_count : how many it has.
    """

    name: str
    kind: Literal["pdf", "image", "text", "table", "none"]
    words: str = ""
    mime: str = ""
    size: int | None = None
    sha256: str = ""
    note: str = ""
    text: str = field(default="", repr=False)
    rows: list[list[str]] = field(default_factory=list, repr=False)
    data: bytes | None = field(default=None, repr=False)
    pages: list[bytes] = field(default_factory=list, repr=False)
    page_count: int = 0


@dataclass(frozen=True)
class _File:
    name: str
    label: str
    data: bytes

    def shown(self, kind: Literal["pdf", "image", "text", "table", "none"], words: str, **parts: Any) -> Preview:
        seal = hashlib.sha256(self.data).hexdigest()
        return Preview(name=self.name, kind=kind, words=words, size=len(self.data), sha256=seal, **parts)


def preview_of(name: str, label: str, data: bytes, *, pages: bool = False) -> Preview:
    """The preview of a whole file.

    name : a safe one to show.  label : as the vendor has it.  pages : give pictures of a PDF's pages, for a browser
    that shows no PDF, where pypdfium2 is installed.
    """
    file, kind = _File(name, label, data), type_of(data)
    if not data:
        return file.shown("none", "empty file", note="The file is empty: 0 bytes.")
    if kind.shown == "pdf":
        return _pdf(file, kind, pages)
    if kind.shown in ("image", "converted"):
        return _picture(file, kind)
    if kind is TEXT:
        return _text(file)
    return _none(file, kind)


def kind_of(name: str, data: bytes) -> FileType:
    """The type of a file: as its first bytes show, and TEXT only where it can be read as one."""
    kind = type_of(data)
    return UNKNOWN if kind is TEXT and heads.head_of(name, data) is None else kind


def _pdf(file: _File, kind: FileType, pages: bool) -> Preview:
    note = contradiction(file.label, kind, kind.words)
    drawn, count = pictures.pages_of(file.data) if pages else ([], 0)
    if not drawn:
        return file.shown("pdf", kind.words, mime=kind.mime, note=note, data=file.data)
    note = _joined(note, f"The first {len(drawn)} of {count} pages." if len(drawn) < count else "")
    return file.shown("pdf", kind.words, mime="image/png", note=note, pages=drawn, page_count=count)


def _picture(file: _File, kind: FileType) -> Preview:
    claim = contradiction(file.label, kind, kind.words)
    make = pictures.checked if kind.shown == "image" else pictures.converted
    picture = make(file.data, kind.words)
    note = _joined(claim, picture.note)
    if picture.data is None:
        return file.shown("none", kind.words, mime=kind.mime, note=note)
    mime = kind.mime if kind.shown == "image" else "image/png"
    return file.shown("image", kind.words, mime=mime, note=note, data=picture.data)


def _text(file: _File) -> Preview:
    head = heads.head_of(file.name, file.data)
    if head is None:
        return _none(file, UNKNOWN)
    markup = markup_in(head.text)
    table = None if markup else heads.table_of(file.name, file.data, head)
    claim = contradiction(file.label, TEXT, markup or "text")
    read_as = "" if head.encoding.startswith("utf-8") else f"Read as {head.encoding}."
    if table is not None:
        told = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[table.delimiter]
        cut = "" if table.whole else f"The first {len(table.rows) - 1} rows."
        note = _joined(claim, cut, f"Delimiter: {told}.", read_as)
        return file.shown("table", "CSV", mime="text/csv", note=note, rows=table.rows)
    text, whole = heads.lines_of(head)
    source = f"{markup}, shown as its source." if markup else ""
    note = _joined(claim, source, "" if whole else "The beginning only.", read_as)
    return file.shown("text", markup or "text", mime=_MARKUP_MIME, note=note, text=text)


def _none(file: _File, kind: FileType) -> Preview:
    note = _joined(contradiction(file.label, kind, kind.words), f"There is no preview of a {kind.words}; download it.")
    return file.shown("none", kind.words, mime=kind.mime, note=note)


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
