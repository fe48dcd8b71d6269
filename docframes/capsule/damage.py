"""Which bytes of a capsule's file are not those that were sealed."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from docframes.capsule import archive, seal
from docframes.capsule.seal import BLOCK, HEADER, MAGIC, RECORD, Header, Record
from docframes.errors import CapsuleError

CHUNK = 256 * BLOCK
#: Blocks beyond these are told as blocks, not searched for the one byte: the file was not merely scratched.
_MOST_MENDED = 16


@dataclass(frozen=True)
class Alteration:
    """Bytes of the file from *start* to before *end*, of which at least one is altered."""

    start: int
    end: int
    exact: bool  #: whether the byte at *start* is one of them for certain
    original: int | None = None  #: what the byte at *start* was, where it is known


@dataclass(frozen=True)
class Comparison:
    """A file and its seal."""

    start: int  #: where the archive begins
    length: int | None  #: of the archive as it was sealed; None where neither header nor size tell
    size: int  #: of the file
    digest: str  #: SHA-256 of the archive as it stands in the file
    alterations: tuple[Alteration, ...]  #: in their order in the file

    @property
    def end(self) -> int:
        """Where the file ended when it was sealed; where it ends now, if nothing tells."""
        return self.size if self.length is None else self.start + self.length

    @property
    def former(self) -> dict[int, int]:
        """Offset to the value that stood there, of the bytes of the archive for which it is known."""
        return _former(self.alterations, self.start)

    @property
    def blocks(self) -> int:
        """How many blocks are altered; the seal counts as one."""
        behind = sum(each.start >= self.start for each in self.alterations)
        return behind + (len(self.alterations) > behind)


def compare(file: BinaryIO, size: int) -> Comparison:
    """Compare a capsule's file of *size* bytes with its seal.  Raises CapsuleError where it is no capsule."""
    header = file.read(HEADER)
    _refuse_others(file.name, header)
    lengths = dict.fromkeys(length for length in (seal.number(header, "length"), seal.length_in(size)) if length)
    if not lengths:
        return _without_length(size)
    # Where header and size of the file disagree, either was altered: the length under which more of the blocks are
    # as recorded is the right one, and then the one that ends where the archive itself says that it does.
    return max((_Scan(file, header, length, size) for length in lengths), key=_Scan.rank).comparison()


def _refuse_others(name: str, header: bytes) -> None:
    fixed = (MAGIC + seal.HELP)[: len(header)]
    alike = sum(one == other for one, other in zip(header, fixed, strict=False))
    if not header or alike < len(fixed) / 2:
        came = f"it begins with {header[:20]!r}" if header else "it is empty"
        raise CapsuleError(f"{name} is no capsule: {came}; a capsule begins with {MAGIC!r}.")
    version = seal.number(header, "version")
    if version != seal.VERSION and header.startswith(f"docframes capsule {version}\n".encode()):
        raise CapsuleError(f"{name} is a capsule of format {version}; this docframes reads format {seal.VERSION}.")


def _without_length(size: int) -> Comparison:
    """Neither the header nor the size says how long the archive was."""
    place = seal.PLACES["length"]
    cut = Alteration(size, HEADER, exact=False)
    found = cut if size < HEADER else Alteration(place.start, place.stop, exact=False)
    return Comparison(HEADER, None, size, "", (found,))


class _Scan:
    """The file read once, on the supposition that the archive had *length* bytes."""

    def __init__(self, file: BinaryIO, header: bytes, length: int, size: int) -> None:
        self.file, self.header, self.length, self.size = file, header, length, size
        self.start = seal.seal_size(length)
        self.right = 0
        self.wrong: list[int] = []
        whole = hashlib.sha256()
        for first, data in self._pieces():
            whole.update(data)
            self._look(first, data)
        self.digest = whole.hexdigest() if size > self.start else ""

    @cached_property
    def table(self) -> bytes:
        """The records, as far as the file goes."""
        self.file.seek(HEADER)
        return self.file.read(max(0, min(self.start, self.size) - HEADER))

    def _pieces(self) -> Iterator[tuple[int, bytes]]:
        """The archive, with the number of the block that each piece begins with."""
        for at in range(0, min(self.length, self.size - self.start), CHUNK):
            self.file.seek(self.start + at)
            yield at // BLOCK, self.file.read(min(CHUNK, self.length - at))

    def _look(self, first: int, data: bytes) -> None:
        found = seal.records(data)
        wanted = self.table[first * RECORD : first * RECORD + len(found)]
        if found == wanted:
            self.right += len(found) // RECORD
            return
        for block, place in enumerate(range(0, len(found), RECORD), first):
            if found[place : place + RECORD] == wanted[place : place + RECORD]:
                self.right += 1
            elif self.start + min((block + 1) * BLOCK, self.length) <= self.size:
                # Of a block in which the file ends only the cut is told.
                self.wrong.append(block)

    def rank(self) -> tuple[int, bool, bool]:
        """How likely the supposition is."""
        mended = sum(self._mend(block) is not None for block in self.wrong[:_MOST_MENDED])
        end = self.start + self.length
        # No file system can seek as far as an altered header may say.
        self.file.seek(max(0, min(self.size, end - archive.TAIL)))
        ends = archive.end_told(self.file.read(min(archive.TAIL, end))) == end
        return self.right + mended, ends, seal.number(self.header, "blocks") == seal.blocks_of(self.length)

    def comparison(self) -> Comparison:
        """What is altered, on this supposition."""
        found = [each for block in self.wrong for each in self._block(block)]
        found += [*self._in_header([each for each in found if each.start >= self.start]), *self._resized()]
        found.sort(key=lambda each: each.start)
        return Comparison(self.start, self.length, self.size, self.digest, tuple(found))

    def _block(self, block: int) -> list[Alteration]:
        """What is altered where a block and its record disagree: a byte of the block, the record, or both."""
        data = self._bytes(block)
        if self._archive_as_sealed or seal.akin(self._record(block)[:32], seal.records(data)[:32]):
            return self._in_record(block, data)
        start = self.start + block * BLOCK
        mended = self._mend(block, thorough=True) if block in self.wrong[:_MOST_MENDED] else None
        if mended is None:
            return [Alteration(start, start + len(data), exact=False)]
        place, former = mended
        found = Alteration(start + place, start + place + 1, exact=True, original=former)
        return [found, *self._in_record(block, data[:place] + bytes([former]) + data[place + 1 :])]

    def _in_record(self, block: int, data: bytes) -> list[Alteration]:
        """The record of a block, where it is not that of *data*; its first altered byte is known."""
        recorded, wanted = self._record(block), seal.records(data)
        start, stop = HEADER + block * RECORD, HEADER + (block + 1) * RECORD
        places = [place for place in range(RECORD) if recorded[place] != wanted[place]]
        return [Alteration(start + place, stop, exact=True, original=wanted[place]) for place in places[:1]]

    def _mend(self, block: int, *, thorough: bool = False) -> tuple[int, int] | None:
        return Record.from_bytes(self._record(block)).mend(self._bytes(block), thorough=thorough)

    def _record(self, block: int) -> bytes:
        return self.table[block * RECORD : (block + 1) * RECORD]

    def _bytes(self, block: int) -> bytes:
        self.file.seek(self.start + block * BLOCK)
        return self.file.read(min(BLOCK, self.length - block * BLOCK))

    @cached_property
    def _archive_as_sealed(self) -> bool:
        return self.digest.encode() == self.header[seal.PLACES["sha256"]]

    def _in_header(self, in_archive: list[Alteration]) -> list[Alteration]:
        """The bytes of the header that are not what the archive, mended, makes them."""
        place = seal.PLACES["sha256"]
        known = self.size >= self.start + self.length and all(each.exact for each in in_archive)
        wanted = bytearray(Header(self.length, self._mended_digest(in_archive) if known else "").to_bytes())
        if not known:
            wanted[place.start :] = self.header[place.start :]
        return [
            Alteration(at, at + 1, exact=True, original=wanted[at])
            for at, byte in enumerate(self.header)
            if byte != wanted[at]
        ]

    def _mended_digest(self, in_archive: list[Alteration]) -> str:
        if not in_archive:
            return self.digest
        whole = hashlib.sha256()
        mended = Mended(self.file, self.start + self.length, _former(in_archive, self.start))
        mended.seek(self.start)
        while piece := mended.read(CHUNK):
            whole.update(piece)
        return whole.hexdigest()

    def _resized(self) -> list[Alteration]:
        end = self.start + self.length
        if self.size > end:
            return [Alteration(end, self.size, exact=True)]
        if self.size < end:
            # The rest of a block that was cut cannot be proven; no more can a table without its archive.
            proven = self.size > self.start and (self.size - self.start) % BLOCK == 0
            return [Alteration(self.size, end, exact=proven)]
        return []


class Mended(io.RawIOBase):
    """A file to read, up to *size*, in which altered bytes are what they were.  former : by offset."""

    def __init__(self, file: BinaryIO, size: int, former: Mapping[int, int]) -> None:
        super().__init__()
        self._file, self._size, self._former = file, size, former
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to *offset*."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("no byte stands before the first of a file")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read as much as *buffer* takes."""
        self._file.seek(self._at)
        data = bytearray(self._file.read(max(0, min(len(buffer), self._size - self._at))))
        for offset, byte in self._former.items():
            if 0 <= offset - self._at < len(data):
                data[offset - self._at] = byte
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _former(alterations: Iterable[Alteration], start: int) -> dict[int, int]:
    """Offset to the value that stood there, of those from *start* on for which it is known."""
    return {each.start: each.original for each in alterations if each.original is not None and each.start >= start}
