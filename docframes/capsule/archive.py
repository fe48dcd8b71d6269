"""The archive in a capsule: a ZIP file that is the same bytes for the same contents.

Python's zipfile reads it, and writes other bytes from version to version; here every field is fixed.  Offsets count
from the start of the file that the archive stands in, behind the seal, as they do in a self-extracting archive; so no
reader has to guess where it begins.  ``APPNOTE`` below is PKWARE's description of the format, 6.3.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from docframes.errors import CapsuleError

CHUNK = 1 << 20
#: From here on a size, an offset or a count goes into a ZIP64 field (APPNOTE 4.4.1.4), ...
MOST_BYTES = 0xFFFF_FFFF
MOST_MEMBERS = 0xFFFF
#: ... and this into the usual one, to say so.
_ELSEWHERE, _MANY = 0xFFFF_FFFF, 0xFFFF
_STORED, _DEFLATED = 0, 8
_LEVEL = 6
#: 1 January 1980, the first day that a ZIP file can name; no time of day.
_TIME, _DATE = 0, 1 << 5 | 1
_UNIX = 3 << 8
#: A regular file, for its owner alone, in the half of the attributes that Unix reads.
_ATTRIBUTES = 0o100600 << 16
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
#: The longest that can stand behind the last member's line of the directory.
TAIL = _END64.size + _LOCATOR.size + _END.size


@dataclass(frozen=True)
class Member:
    """A member as the directory tells it."""

    name: str
    method: int
    crc: int
    packed: int  #: bytes in the archive
    size: int  #: bytes of the content
    offset: int  #: from the start of the archive

    @property
    def large(self) -> bool:
        """Whether its sizes need ZIP64 fields; what we pack is never larger than its content."""
        return max(self.size, self.packed) >= MOST_BYTES

    def header(self) -> bytes:
        """What stands before the content (APPNOTE 4.3.7)."""
        extra = struct.pack("<2H2Q", 1, 16, self.size, self.packed) if self.large else b""
        packed, size = (_ELSEWHERE, _ELSEWHERE) if self.large else (self.packed, self.size)
        name = self.name.encode("ascii")
        needs = 45 if extra else 20
        facts = (needs, 0, self.method, _TIME, _DATE, self.crc, packed, size, len(name), len(extra))
        return _LOCAL.pack(b"PK\x03\x04", *facts) + name + extra

    def entry(self, shift: int) -> bytes:
        """What the directory says of it (APPNOTE 4.3.12).  shift : bytes that stand before the archive."""
        offset = self.offset + shift
        wide = [self.size, self.packed] if self.large else []
        wide += [offset] if offset >= MOST_BYTES else []
        extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
        packed, size = (_ELSEWHERE, _ELSEWHERE) if self.large else (self.packed, self.size)
        name = self.name.encode("ascii")
        needs = 45 if extra else 20
        facts = (_UNIX | needs, needs, 0, self.method, _TIME, _DATE, self.crc, packed, size, len(name), len(extra))
        rest = (0, 0, 0, _ATTRIBUTES, _usual(offset))
        return _CENTRAL.pack(b"PK\x01\x02", *facts, *rest) + name + extra


def pack(file: BinaryIO, name: str, source: bytes | Path, *, sha256: str, size: int) -> Member:
    """Write *source* at the end of *file* as a member, deflated where that makes it smaller.

    Raises CapsuleError where its bytes are not those of *sha256* and *size*.
    """
    offset = file.tell()
    shrinks = _shrinks(source)
    member = _write(file, Member(name, _DEFLATED if shrinks else _STORED, 0, 0, size, offset), source, sha256)
    if shrinks and member.packed >= size:
        file.seek(offset)
        file.truncate()
        member = _write(file, Member(name, _STORED, 0, 0, size, offset), source, sha256)
    return member


def chunks(source: bytes | Path) -> Iterator[bytes]:
    """The bytes of *source*, a piece at a time."""
    if isinstance(source, bytes):
        yield from (source[start : start + CHUNK] for start in range(0, len(source), CHUNK))
        return
    with source.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def _shrinks(source: bytes | Path) -> bool:
    """Whether the first piece does: a zip of 1 GB need not be deflated whole to see that it stays as large."""
    first = next(chunks(source), b"")
    return len(zlib.compress(first, _LEVEL)) < len(first)


def _write(file: BinaryIO, draft: Member, source: bytes | Path, sha256: str) -> Member:
    file.write(draft.header())
    start = file.tell()
    deflater = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS) if draft.method == _DEFLATED else None
    crc, size, seal = 0, 0, hashlib.sha256()
    for piece in chunks(source):
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        seal.update(piece)
        file.write(deflater.compress(piece) if deflater else piece)
    if deflater:
        file.write(deflater.flush())
    if (size, seal.hexdigest()) != (draft.size, sha256):
        came = f"{size:,} bytes of SHA-256 {seal.hexdigest()} came, {draft.size:,} of {sha256} were said"
        raise CapsuleError(f"{draft.name} cannot go into the capsule: {came}. It changed since; save again.")
    end = file.tell()
    member = Member(draft.name, draft.method, crc, end - start, size, draft.offset)
    file.seek(draft.offset)
    file.write(member.header())
    file.seek(end)
    return member


def unpack(file: BinaryIO, member: Member, start: int) -> Iterator[bytes]:
    """The content of *member* of the archive that begins at *start*, a piece at a time.

    Raises zlib.error where its packed bytes do not end where the directory says, and where size or CRC are others.
    """
    crc, size = 0, 0
    for piece in _content(file, member, start + member.offset + len(member.header())):
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        yield piece
    if (crc, size) != (member.crc, member.size):
        raise zlib.error(f"its CRC is {crc:08x} of {size:,} bytes, not {member.crc:08x} of {member.size:,}")


def _content(file: BinaryIO, member: Member, at: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for offset in range(0, member.packed, CHUNK):
        # The caller may read elsewhere in between.
        file.seek(at + offset)
        piece = file.read(min(CHUNK, member.packed - offset))
        if member.method == _STORED:
            yield piece
            continue
        # Bounded: a few packed bytes may say that they are a great many.
        while (content := inflater.decompress(piece, CHUNK)) or inflater.unconsumed_tail:
            yield content
            piece = inflater.unconsumed_tail
    if member.method != _STORED and (not inflater.eof or inflater.unused_data):
        raise zlib.error("its packed bytes do not end where they should")


def directory(members: list[Member], length: int, shift: int) -> bytes:
    """The end of the archive (APPNOTE 4.3.12 to 4.3.16).

    length : of all that stands before it in the archive.  shift : bytes that stand before the archive.
    """
    listed = b"".join(member.entry(shift) for member in members)
    start, count = length + shift, len(members)
    end = b""
    if count >= MOST_MEMBERS or start >= MOST_BYTES or len(listed) >= MOST_BYTES:
        facts = (_END64.size - 12, _UNIX | 45, 45, 0, 0, count, count, len(listed), start)
        end = _END64.pack(b"PK\x06\x06", *facts) + _LOCATOR.pack(b"PK\x06\x07", 0, start + len(listed), 1)
    few = _MANY if count >= MOST_MEMBERS else count
    tail = (0, 0, few, few, _usual(len(listed)), _usual(start), 0)
    return listed + end + _END.pack(b"PK\x05\x06", *tail)


def _usual(number: int) -> int:
    return _ELSEWHERE if number >= MOST_BYTES else number


def end_told(tail: bytes) -> int | None:
    """Where in the file the archive ends by its own words; None where *tail*, its last bytes, has no such words."""
    if len(tail) < _END.size or not tail.startswith(b"PK\x05\x06", -_END.size):
        return None
    *_, listed, start, _ = _END.unpack(tail[-_END.size :])
    if len(tail) == TAIL and tail.startswith(b"PK\x06\x06"):
        *_, listed, start = _END64.unpack(tail[: _END64.size])
        return int(listed + start) + TAIL
    return int(listed + start) + _END.size


def in_our_form(file: BinaryIO, members: list[Member], start: int) -> bool:
    """Whether the archive that begins at *start* and ends with *file* is what :func:`pack` and :func:`directory` write.

    Then nothing stands before, between or after its members, in a comment or in an extra field.
    """
    at = 0
    for member in members:
        header = member.header()
        file.seek(start + at)
        if member.offset != at or file.read(len(header)) != header:
            return False
        at += len(header) + member.packed
    file.seek(start + at)
    end = directory(members, at, start)
    return file.read(len(end)) == end and file.read(1) == b""
