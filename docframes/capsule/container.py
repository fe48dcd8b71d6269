"""The file of a capsule, written whole and read a member at a time: ``[seal][zip]``.

The seal tells which byte was altered, see :mod:`docframes.capsule.seal`; any zip tool opens the rest, for readers of
ZIP files accept bytes before an archive.  ``manifest.json`` is the first member; the others have the SHA-256 of their
content for a name.  Equal contents are equal bytes, given one version of zlib.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, cast

from docframes.capsule import archive
from docframes.capsule.manifest import Entry, Manifest
from docframes.capsule.seal import MAGIC, Sealer, seal_size
from docframes.errors import CapsuleAltered, CapsuleError
from docframes.folders import replacing
from docframes.words import size as told_size

MANIFEST = "manifest.json"
#: A manifest above this is no manifest: a million entries have less.
LARGEST_MANIFEST = 1 << 30
#: What Python's zipfile raises for a broken archive, an unknown way of packing and an encrypted member.
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OverflowError)


def write(path: str | os.PathLike[str], manifest: Manifest, content: Callable[[Entry], bytes | Path]) -> str:
    """Write a capsule, and give its digest: the SHA-256 of its archive, to be written down apart from the file.

    content : gives the bytes of an entry, or a file that holds them; called once for each member, never for an entry
    without one.  Files are copied a piece at a time.  The capsule is for its owner alone (0600), is written under a
    temporary name beside *path* and renamed when it is whole; nothing is left otherwise.  A file that was there is
    replaced.

    Raises CapsuleError where the bytes of an entry are not those of its ``sha256`` and ``size``.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=target.parent, prefix=".", suffix=".part") as packed:
        members = _pack(cast(BinaryIO, packed), manifest, content)
        length = packed.tell()
        end = _directory(members, length)
        packed.seek(0)
        with replacing(target) as file:
            return _seal(file, cast(BinaryIO, packed), end, seal_size(length + len(end)))


def _pack(file: BinaryIO, manifest: Manifest, content: Callable[[Entry], bytes | Path]) -> list[archive.Member]:
    raw = manifest.to_json()
    members = [archive.pack(file, MANIFEST, raw, sha256=hashlib.sha256(raw).hexdigest(), size=len(raw))]
    for name, entry in manifest.members.items():
        members.append(archive.pack(file, name, content(entry), sha256=entry.sha256, size=entry.size))
    return members


def _directory(members: list[archive.Member], length: int) -> bytes:
    """The end of the archive.  Its offsets depend on the size of the seal, and that on the length of the archive."""
    shift = seal_size(length)
    while True:
        end = archive.directory(members, length, shift)
        if seal_size(length + len(end)) == shift:
            return end
        shift = seal_size(length + len(end))


def _seal(file: BinaryIO, packed: BinaryIO, end: bytes, start: int) -> str:
    sealer = Sealer()
    file.seek(start)
    while piece := packed.read(archive.CHUNK):
        sealer.update(piece)
        file.write(piece)
    sealer.update(end)
    file.write(end)
    file.seek(0)
    file.write(sealer.seal)
    return sealer.sha256


def read(path: str | os.PathLike[str]) -> Reader:
    """Open a capsule; close it, or use it in a ``with`` block.

    The seal is not looked at: ask :func:`docframes.capsule.verify.check` first.
    Raises CapsuleError where the file is no capsule, or its manifest cannot be read.
    """
    file = Path(path).open("rb")  # noqa: SIM115 - the reader closes it
    try:
        if file.read(len(MAGIC)) != MAGIC:
            raise CapsuleError(f"{path} is no capsule: it does not begin with {MAGIC.decode().strip()!r}.")
        return Reader(Path(path), file)
    except BaseException:
        file.close()
        raise


class Reader:
    """An open capsule; several threads may read at a time."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        self._archive = open_archive(file)
        self.manifest = read_manifest(self._archive)

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<capsule {self.path.name}: {len(self.manifest.entries):,} entries>"

    def close(self) -> None:
        """Close the file."""
        self._archive.close()
        self._file.close()

    def read(self, entry: Entry) -> bytes:
        """The bytes of *entry*.  Raises CapsuleError where they are not in it, CapsuleAltered where they are others."""
        return b"".join(self.chunks(entry))

    def copy(self, entry: Entry, path: str | os.PathLike[str]) -> Path:
        """Write the bytes of *entry* to *path*, whole or not at all, for its owner alone (0600).  Raises as `read`."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as file:
            for piece in self.chunks(entry):
                file.write(piece)
        return target

    def chunks(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of *entry*, a piece at a time; they are proven when the last has come.  Raises as `read`."""
        if entry.member is None:
            told = f"{entry.label} ({told_size(entry.size)}, SHA-256 {entry.sha256})"
            raise CapsuleError(f"{told} is named in the capsule, but its bytes were not asked to go in.")
        seal, size = hashlib.sha256(), 0
        try:
            for piece in unpack(self._archive, entry.member):
                seal.update(piece)
                size += len(piece)
                yield piece
        except (KeyError, *BROKEN) as error:
            raise CapsuleAltered(f"{entry.member} ({entry.label}) cannot be read from the capsule: {error}") from error
        if (size, seal.hexdigest()) != (entry.size, entry.sha256):
            raise CapsuleAltered(f"{entry.member} ({entry.label}) holds other bytes than its SHA-256 says.")


def open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """The archive of a capsule.  Raises CapsuleError where it is broken."""
    try:
        return zipfile.ZipFile(file)
    except (OSError, *BROKEN) as error:
        # An offset that points before the file is an OSError too.
        raise CapsuleError(f"The capsule's archive cannot be opened as a zip: {error}") from error


def read_manifest(opened: zipfile.ZipFile) -> Manifest:
    """The manifest of an opened archive.  Raises CapsuleError where there is none, or it is not of our form."""
    try:
        info = opened.getinfo(MANIFEST)
        if info.file_size > LARGEST_MANIFEST:
            raise CapsuleError(
                f"The capsule's {MANIFEST} is said to have {told_size(info.file_size)}; none has so much."
            )
        raw = b"".join(unpack(opened, MANIFEST))
    except (KeyError, *BROKEN) as error:
        raise CapsuleError(f"The capsule's {MANIFEST} cannot be read: {error}") from error
    return Manifest.from_json(raw)


def unpack(opened: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """The content of a member, a piece at a time.  Raises one of BROKEN, or KeyError where there is none."""
    info = opened.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile(f"{name} is neither stored nor deflated")
    if not 0 <= info.header_offset < opened.start_dir:
        raise zipfile.BadZipFile(f"{name} is said to stand outside the archive")
    with opened.open(info) as member:
        while piece := member.read(archive.CHUNK):
            yield piece
