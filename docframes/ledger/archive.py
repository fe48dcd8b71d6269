"""The files of a ledger, from a folder, a zip or one file, each read as a stream.  Nothing is unpacked to disk.

A zip comes from elsewhere, so it is looked over before a byte of it is read: every name, size and flag is
checked, and the first thing that a careful sender would not have put there is an ArchiveError.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from docframes.errors import ArchiveError, LedgerError

#: What a broken or hostile zip makes the standard library raise.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_SYSTEM_FILES = {"__macosx", "thumbs.db", "desktop.ini"}

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How large a zip may be; at or above a limit it is refused."""

    members: int = 10_000  #: files in one zip
    ratio: int = 1_000  #: unpacked bytes for one packed; deflate itself ends at 1,032
    unpacked: int = 64 << 30  #: bytes of all files together


LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    """One file of a ledger.  name : below the archive or folder, with ``/``.  size : in bytes, unpacked."""

    name: str
    size: int
    opener: Callable[[], IO[bytes]]

    def open(self) -> Stream:
        """A stream of its bytes; a zip that is broken inside shows as ArchiveError while it is read."""
        return Stream(self.name, self.opener)


class Stream:
    """Bytes of one member.  Reading to the end also proves the checksum of a zipped one."""

    def __init__(self, name: str, opener: Callable[[], IO[bytes]]) -> None:
        self._name = name
        self._file = self._guard(opener)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        """Up to *size* bytes; nothing at the end."""
        return self._guard(lambda: self._file.read(size))

    def close(self) -> None:
        """Let go of the file; reading ends."""
        self._file.close()

    def _guard(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except _BROKEN as error:
            msg = f"The zip is broken at the file {self._name!r} ({error}). Nothing was read from it. "
            raise ArchiveError(msg + "Download it again, or ask the sender for it.") from error


@contextmanager
def open_members(path: str | Path | Mapping[str, str | Path], *, limits: Limits = LIMITS) -> Iterator[list[Member]]:
    """The files below *path*, in order of name; they can be read until the ``with`` block ends.

    path : a folder (with what lies below it), a zip (which may hold zips, one level deep) or one file; or several
    zips and files that make up one ledger, by name.
    Hidden files and what operating systems leave behind are passed over.
    Raises : ArchiveError, before anything is read, when a zip is none, empty, encrypted or unsafe.
    """
    with ExitStack() as stack:
        if isinstance(path, Mapping):
            yield [member for name in sorted(path) for member in _part(name, Path(path[name]), stack, limits)]
            return
        path = Path(path)
        if not path.exists():
            raise LedgerError(f"There is nothing at {str(path)!r}. Name a zip, a folder or a CSV that is there.")
        if path.is_dir():
            yield list(_folder(path, stack, limits))
        elif _is_zip(path):
            yield list(_zip(path.name, path, stack, limits))
        else:
            yield [_plain(path, path.name)]


def _folder(folder: Path, stack: ExitStack, limits: Limits) -> Iterator[Member]:
    found = 0
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if _left_behind(name):
            continue
        found += 1
        yield from _part(name, path, stack, limits)
    if not found:
        raise ArchiveError(f"The folder {folder.name!r} holds no files. Name the folder that holds the ledger.")


def _part(name: str, path: Path, stack: ExitStack, limits: Limits) -> Iterator[Member]:
    """One of several files of a ledger, or what is in it."""
    if _is_zip(path):
        for inner in _zip(name, path, stack, limits):
            yield Member(f"{name}/{inner.name}", inner.size, inner.opener)
    else:
        yield _plain(path, name)


def _plain(path: Path, name: str) -> Member:
    return Member(name, path.stat().st_size, lambda: path.open("rb"))


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(4)
    if start[:2] == b"\x1f\x8b":
        raise ArchiveError(f"{path.name!r} is a gzip file; a zip, a folder or a CSV was wanted. Unpack it first.")
    return start in _ZIP_STARTS or path.suffix.lower() == ".zip"


def _zip(name: str, source: Path | IO[bytes], stack: ExitStack, limits: Limits, depth: int = 0) -> Iterator[Member]:
    if depth > 1:
        raise ArchiveError(f"{name!r} is a zip in a zip in a zip; one level is read. Unpack the outermost first.")
    archive = stack.enter_context(_opened(name, source))
    for info in _checked(name, archive, limits):
        if info.filename.lower().endswith(".zip"):
            inner_name = f"{name}/{info.filename}"
            inner = stack.enter_context(_inner(inner_name, archive, info))
            for member in _zip(inner_name, inner, stack, limits, depth + 1):
                yield Member(f"{info.filename}/{member.name}", member.size, member.opener)
        else:
            yield Member(info.filename, info.file_size, _opener(archive, info))


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(info)


def _opened(name: str, source: Path | IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except _BROKEN as error:
        size = f" ({source.stat().st_size:,} bytes)" if isinstance(source, Path) else ""
        msg = f"{name!r}{size} is no zip, or only a part of one: {error}. "
        raise ArchiveError(msg + "Download it again, or ask the sender for it.") from error


def _inner(name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    try:
        return archive.open(info)
    except _BROKEN as error:
        raise ArchiveError(f"The zip is broken at {name!r} ({error}). Download it again.") from error


def _checked(name: str, archive: zipfile.ZipFile, limits: Limits) -> list[zipfile.ZipInfo]:
    """The files worth reading, once the whole directory of the zip was found harmless."""
    infos = archive.infolist()
    if len(infos) >= limits.members:
        _refuse(name, f"holds {len(infos):,} files, fewer than {limits.members:,} are read")
    seen: set[str] = set()
    for info in infos:
        fault = _fault_of_name(info, seen) or _fault_of_content(info, limits)
        if fault:
            _refuse(name, f"holds {info.filename!r}, {fault}")
        seen.add(info.filename)
    unpacked = sum(info.file_size for info in infos)
    if unpacked >= limits.unpacked:
        _refuse(name, f"unpacks to {unpacked:,} bytes, less than {limits.unpacked:,} is read")
    if "[Content_Types].xml" in seen:
        raise ArchiveError(f"{name!r} is an office document, no zip of CSV files. Save its sheets as CSV first.")
    files = [info for info in infos if not info.is_dir() and not _left_behind(info.filename)]
    if not files:
        raise ArchiveError(f"The zip {name!r} is empty; CSV files were wanted. Download it again.")
    return sorted(files, key=lambda info: info.filename)


def _refuse(name: str, fault: str) -> None:
    msg = f"The zip {name!r} {fault}. It was not read and nothing was written. "
    raise ArchiveError(msg + "If you trust it, unpack it yourself and read the folder.")


def _fault_of_name(info: zipfile.ZipInfo, seen: set[str]) -> str:
    name = info.filename
    if info.orig_filename != name:
        return "whose name holds a zero byte"
    if "\\" in name:
        return "whose name holds a backslash"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "a name from the root of a disk"
    if ".." in name.split("/"):
        return "a name that leads out of the folder"
    if name in seen:
        return "a name that is there twice"
    return ""


def _fault_of_content(info: zipfile.ZipInfo, limits: Limits) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "which is a link or a device and no file"
    if info.flag_bits & 0x1:
        return "which is encrypted"
    if info.file_size and info.file_size >= limits.ratio * info.compress_size:
        return f"which grows to {info.file_size:,} bytes from {info.compress_size:,} ({limits.ratio:,}:1 is refused)"
    return ""


def _left_behind(name: str) -> bool:
    parts = name.split("/")
    return any(part.startswith(".") or part.lower() in _SYSTEM_FILES for part in parts)
