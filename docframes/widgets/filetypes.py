"""What a file is, by its first bytes; its name is only a claim."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Shown = Literal["pdf", "image", "converted", "text", "none"]


@dataclass(frozen=True)
class FileType:
    """A kind of file.  shown : how a preview deals with it.  words : its name.  endings : usual ones of file names."""

    shown: Shown
    words: str
    mime: str = "application/octet-stream"
    endings: tuple[str, ...] = ()


TEXT = FileType("text", "text", "text/plain", ("txt",))
UNKNOWN = FileType("none", "file of an unknown kind")

_PDF = FileType("pdf", "PDF", "application/pdf", ("pdf",))
_PNG = FileType("image", "PNG picture", "image/png", ("png",))
_JPEG = FileType("image", "JPEG picture", "image/jpeg", ("jpg", "jpeg"))
_WEBP = FileType("image", "WebP picture", "image/webp", ("webp",))
_TIFF = FileType("converted", "TIFF picture", endings=("tif", "tiff"))
_BMP = FileType("converted", "BMP picture", endings=("bmp",))
_GIF = FileType("converted", "GIF picture", endings=("gif",))
_ZIP = FileType("none", "ZIP archive", "application/zip", ("zip", "docx", "xlsx", "pptx", "odt", "ods"))
_OLE = FileType("none", "file of an older office program", endings=("doc", "xls", "ppt", "msg"))

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", _PNG),
    (b"\xff\xd8\xff", _JPEG),
    (b"II*\0", _TIFF),
    (b"MM\0*", _TIFF),
    (b"II+\0", _TIFF),
    (b"MM\0+", _TIFF),
    (b"GIF87a", _GIF),
    (b"GIF89a", _GIF),
    (b"PK\x03\x04", _ZIP),
    (b"PK\x05\x06", _ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE),
    (b"\x1f\x8b", FileType("none", "gzip archive", endings=("gz",))),
    (b"7z\xbc\xaf\x27\x1c", FileType("none", "7-Zip archive", endings=("7z",))),
)
_KNOWN_ENDINGS = frozenset(
    ending for kind in (_PDF, _WEBP, _BMP, *(kind for _, kind in _STARTS)) for ending in kind.endings
)
#: Lengths of the second head of a BMP, one for each version; "BM" alone begins many a text.
_BMP_HEADS = (12, 40, 52, 56, 64, 108, 124)

_MARKUP = (
    (re.compile(r"<svg[\s>]", re.IGNORECASE), "SVG"),
    (re.compile(r"<(!doctype html|html|head|body|script)[\s>]", re.IGNORECASE), "HTML"),
    (re.compile(r"\s*<\?xml\s", re.IGNORECASE), "XML"),
)


def type_of(data: bytes) -> FileType:
    """The type that the first bytes show; TEXT for all that shows none, which may still be no text."""
    for start, kind in _STARTS:
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _WEBP
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADS:
        return _BMP
    # Printers and mail programs leave lines before a PDF's own first one; markup is no such line.
    before, found, _ = data[:1024].partition(b"%PDF-")
    return _PDF if found and b"<" not in before else TEXT


def markup_in(text: str) -> str:
    """``HTML``, ``SVG`` or ``XML`` where a text begins as one, else nothing."""
    return next((name for pattern, name in _MARKUP if pattern.search(text[:1024])), "")


def ending_of(name: str) -> str:
    """What follows the last dot of a file's name, in small letters, where it can be the ending of one."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    return ending if re.fullmatch("[a-z0-9]{1,5}", ending) else ""


def contradiction(name: str, kind: FileType, words: str) -> str:
    """A sentence where the name of a file claims another type than its bytes show, else nothing."""
    ending = ending_of(name)
    if ending not in _KNOWN_ENDINGS or ending in kind.endings:
        return ""
    return f"Its name ends in .{ending}, but its bytes say: {words}."
