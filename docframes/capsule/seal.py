"""The seal before a capsule's archive: its length, its SHA-256, and for every 4,096 bytes what finds an altered one.

The seal follows from the archive's bytes alone.  It is a header of fixed size in plain text, and a table with one
record a block: the block's SHA-256, and two sums modulo the prime 65,537, of the bytes b(i) and of (i + 1) b(i).  Where
one byte of a block is another, the first sum is off by the difference of the byte and the second by that times its
place: their quotient is the place, and the SHA-256 of the mended block proves it.

The size of the seal follows from the size of the file, so the archive is found even where the header is damaged.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

MAGIC = b"docframes capsule 1\n"
BLOCK = 4096
PRIME = 65_537
VERSION = 1
_RECORD = struct.Struct(">32s2L")
RECORD = _RECORD.size
HELP = b"Any zip tool opens this file; `docframes capsule FILE` says whether a byte of it was altered.\n"
#: So many of the 32 bytes of two SHA-256 are equal only where one was made from the other.
_AKIN = 8
#: The facts of the header in their order, with their width in characters.
_FACTS = {"version": 16, "length": 16, "block": 16, "blocks": 16, "sha256": 64}
# Exact in float64, whose matrix product is the fast one: at most 4096 * 4097 / 2 * 255 < 2**53.
_WEIGHTS = np.stack([np.ones(BLOCK), np.arange(1.0, BLOCK + 1)], axis=1)


def _places() -> dict[str, slice]:
    places: dict[str, slice] = {}
    at = len(MAGIC) + len(HELP)
    for name, width in _FACTS.items():
        at += len(name) + 1
        places[name] = slice(at, at + width)
        at += width + 1
    return places


#: Where in the header the value of each fact stands.
PLACES = _places()
HEADER = int(PLACES["sha256"].stop) + 1


@dataclass(frozen=True)
class Header:
    """The facts of a seal's header."""

    length: int  #: of the archive, in bytes
    sha256: str  #: of the archive

    def to_bytes(self) -> bytes:
        """The header as it stands in the file."""
        facts = {"version": VERSION, "length": self.length, "block": BLOCK, "blocks": blocks_of(self.length)}
        lines = [f"{name} {value:0{_FACTS[name]}}\n" for name, value in facts.items()]
        return MAGIC + HELP + "".join([*lines, f"sha256 {self.sha256}\n"]).encode("ascii")


def number(header: bytes, name: str) -> int | None:
    """The number that a header gives as *name*; None where there are no digits."""
    digits = header[PLACES[name]]
    return int(digits) if len(digits) == _FACTS[name] and digits.isdigit() else None


def blocks_of(length: int) -> int:
    """How many blocks an archive of this length has; the last may be shorter than the others."""
    return -(-length // BLOCK)


def seal_size(length: int) -> int:
    """How large the seal of an archive of this length is: where in the file the archive begins."""
    return HEADER + RECORD * blocks_of(length)


def length_in(size: int) -> int | None:
    """The length of the archive in a capsule of *size* bytes; None where no capsule has this size."""
    rest = size - HEADER
    # Every block takes its own bytes and a record; only the last may have fewer than BLOCK.
    blocks = -(-rest // (BLOCK + RECORD))
    length = rest - RECORD * blocks
    return length if rest > 0 and length > BLOCK * (blocks - 1) else None


@dataclass(frozen=True)
class Record:
    """What the seal says of one block."""

    sha256: bytes
    total: int  #: sum of its bytes, modulo PRIME
    weighted: int  #: sum of its bytes, each times its place from 1, modulo PRIME

    @classmethod
    def from_bytes(cls, raw: bytes) -> Record:
        """Read a record of the table."""
        return cls(*_RECORD.unpack(raw))

    def mend(self, block: bytes, *, thorough: bool = False) -> tuple[int, int] | None:
        """The place and the former value of the one byte by which *block* differs from the one that was recorded.

        None where more than one byte differs.  thorough : find it too where one of the sums, or some of the SHA-256,
        was altered besides; this tries some thousand bytes.
        """
        for place, difference in self._suspects(block, thorough=thorough):
            if not (0 <= place < len(block) and 0 <= (former := block[place] - difference) <= 255):
                continue
            mended = hashlib.sha256(block[:place] + bytes([former]) + block[place + 1 :]).digest()
            if mended == self.sha256 or (thorough and akin(mended, self.sha256)):
                return place, former
        return None

    def _suspects(self, block: bytes, *, thorough: bool) -> Iterator[tuple[int, int]]:
        """Places, each with what its byte is too large by."""
        found = Record.from_bytes(records(block))
        off, weighted = (found.total - self.total) % PRIME, (found.weighted - self.weighted) % PRIME
        difference = off if off <= 255 else off - PRIME
        if off:
            yield weighted * pow(off, -1, PRIME) % PRIME - 1, difference
        if thorough:
            # Either sum alone leaves a few thousand bytes to try.
            yield from ((place, difference) for place in range(len(block)) if 0 < abs(difference) <= 255)
            sizes = (size for size in range(-255, 256) if size and weighted)
            yield from ((weighted * pow(size, -1, PRIME) % PRIME - 1, size) for size in sizes)


def akin(one: bytes, other: bytes) -> bool:
    """Whether of two SHA-256 one was made from the other: unrelated ones have an eighth of a byte in common."""
    return sum(left == right for left, right in zip(one, other, strict=True)) >= _AKIN


def records(data: bytes) -> bytes:
    """The records of the blocks of *data*, which begins with a block."""
    padded = data + bytes(-len(data) % BLOCK)
    # Bytes of zero add nothing to either sum.
    sums = (np.frombuffer(padded, np.uint8).reshape(-1, BLOCK).astype(np.float64) @ _WEIGHTS) % PRIME
    starts = range(0, len(data), BLOCK)
    return b"".join(
        _RECORD.pack(hashlib.sha256(data[start : start + BLOCK]).digest(), int(total), int(weighted))
        for start, (total, weighted) in zip(starts, sums, strict=True)
    )


class Sealer:
    """Makes the seal of an archive from its bytes, in pieces of any size."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._length = 0
        self._rest = b""
        self._records: list[bytes] = []

    def update(self, data: bytes) -> None:
        """Take the next bytes of the archive."""
        self._hash.update(data)
        self._length += len(data)
        data = self._rest + data
        whole = len(data) - len(data) % BLOCK
        self._records.append(records(data[:whole]))
        self._rest = data[whole:]

    @cached_property
    def seal(self) -> bytes:
        """The seal of all that came; nothing may come after it."""
        last = records(self._rest)
        return Header(self._length, self.sha256).to_bytes() + b"".join([*self._records, last])

    @property
    def sha256(self) -> str:
        """The SHA-256 of all that came, in hex digits."""
        return self._hash.hexdigest()
