"""Which encoding a CSV is in: marks, zero bytes, and, where it is not UTF-8, the bytes that stand in its words.

Looked for are UTF-8, UTF-16 and UTF-32 (by byte order mark; UTF-16 also without one), and of the encodings with one
byte to a character cp1252, cp437 and latin-1.  Others, such as cp1250 (Central Europe) or cp850, look like one of these
and have to be declared.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from docframes.errors import ConfigError, LedgerError
from docframes.ledger.archive import Member

FALLBACK = "cp1252"
#: UTF-8 with some bytes that are none, as programs write that cut a text within a character.
DAMAGED = "utf-8, damaged"
DESTROYED = "\ufffd".encode()  # what a program writes, and our decoder too, for text that it could not read

_CHUNK = 1 << 20
_MARKS = (  # the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f\ufffe\uffff]")
_ZEROS = 1 / 4  # of the bytes at every second place; digits and delimiters are more than that in any ledger

_ASCII = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_LETTERS_437 = _ASCII | {*range(0x80, 0x9B), *range(0xA0, 0xA6), 0xE1}
_LETTERS_1252 = _ASCII | {*range(0xC0, 0x100), 0x8A, 0x8C, 0x8E, 0x9A, 0x9C, 0x9E, 0x9F} - {0xD7, 0xF7}
_UNDEFINED_1252 = frozenset((0x81, 0x8D, 0x8F, 0x90, 0x9D))
#: Marks that stand between letters in cp1252 too (€ … ‘ ’ • – — and the blank that does not break), and its letters.
_IN_EITHER = {0x80, 0x85, 0x91, 0x92, 0x95, 0x96, 0x97, 0xA0, 0xE1} | _LETTERS_1252
_INSIDE_437 = _LETTERS_437 - _IN_EITHER
_FIRST_437 = frozenset((0x81, 0x8D, 0x8F, 0x90, 0x99))  # ü ì Å É Ö; in cp1252 nothing, and a trade mark sign
_ALONE_437 = frozenset((0x9C,))  # the pound sign; in cp1252 œ, which is no word
_BESIDE_1252 = frozenset(range(0xC0, 0x100)) - {0xD7, 0xE1, 0xF7}

_WHY = {
    DAMAGED: "most others are, so it was cut within characters; what cannot be read became U+FFFD",
    "cp437": "its words hold bytes that are letters in cp437 and none in cp1252",
    "latin-1": "it holds bytes that mean nothing in cp1252",
    "cp1252": "it is what most programs write that do not write UTF-8",
}


class NotUtf8(Exception):
    """The member has bytes that are not UTF-8; it wants to be read again in another encoding."""


def look(name: str, sample: bytes) -> str:
    """The encoding that the start of a member shows by a mark or by its zero bytes, else ``utf-8``.

    Raises : LedgerError when there are zero bytes and the sample is no UTF-16 without a mark.
    """
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    if b"\0" not in sample:
        return "utf-8"
    encoding = order_of_utf16(sample)
    if not encoding:
        msg = f"{name!r} is no text: it holds zero bytes. Name a CSV, or a zip or folder of them; if it is one in "
        raise LedgerError(msg + "UTF-16, declare it: read_ledger(..., encoding='utf-16-le').")
    return encoding


def order_of_utf16(sample: bytes) -> str:
    """``utf-16-le`` or ``utf-16-be`` where a sample without a mark is unmistakably that, else nothing.

    It is where zero bytes stand at every second place, a quarter of these at least and four times as many as at the
    places between, and where all of it decodes to text without control characters.
    """
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    encoding, many, few = ("utf-16-le", odd, even) if odd > even else ("utf-16-be", even, odd)
    if many < _ZEROS * (len(sample) // 2) or many < 4 * few:
        return ""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return ""
    return "" if _CONTROLS.search(text) else encoding


def settled(name: str, encoding: str, sample: bytes) -> str:
    """A declared encoding; for UTF-16 without a mark the order of its bytes is found by looking.

    Raises : ConfigError for an encoding that there is not; LedgerError where the order cannot be told.
    """
    if _codec(encoding) != "utf-16" or sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return encoding
    found = order_of_utf16(sample)
    if sample and not found:
        msg = f"{name!r} has no byte order mark, and the order of its bytes is not clear. Declare "
        raise LedgerError(msg + "encoding='utf-16-le' or 'utf-16-be'; if it is no UTF-16, another encoding.")
    return found or encoding


def guess_encoding(member: Member) -> str:
    """``cp437``, ``latin-1`` or ``cp1252``, for a member that is not UTF-8; all of its bytes are looked at.

    Where at least twice as many bytes go on with a character of UTF-8 as break one, it is UTF-8, damaged: in any
    other encoding hardly a byte does.

    The same bytes are letters in one encoding and marks in another, so words decide:

    * A byte is a vote for cp437 where it stands inside a word, letters before and after it, and is a letter in cp437
      and a mark in cp1252 that no word holds (``F”rs„ljning``); and where it begins a word and cp1252 has nothing, or
      a trade mark sign, for it (Å, É, Ö, ü); and where it is cp437's pound sign and beside no letter, for in cp1252
      it is œ.
    * A byte is a vote for cp1252 where it stands beside a letter and is a letter in cp1252 and none in cp437.
    * What stands between letters in both has no vote: the euro sign, ellipsis, apostrophes, bullet and dashes of
      cp1252, its letters below 0xA0, the blank that does not break, and 0xE1, which is ß or á.

    More votes for cp437 make it cp437.  Else, where bytes that mean nothing in cp1252 are more than those between 0x80
    and 0x9F that do, it is latin-1, which keeps every byte; else cp1252.
    """
    if _is_damaged(member):
        return DAMAGED
    total, inside, first, beside = _tallies(member)
    pounds = _sum(total, _ALONE_437) - _sum(beside, _ALONE_437)
    votes_437 = _sum(inside, _INSIDE_437) + _sum(first, _FIRST_437) + pounds
    if votes_437 > _sum(beside, _BESIDE_1252):
        return "cp437"
    undefined = _sum(total, _UNDEFINED_1252)
    return "latin-1" if undefined > int(total[0x80:0xA0].sum()) - undefined else FALLBACK


def _is_damaged(member: Member) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    size = length = broken = 0
    with member.open() as stream:
        chunk = b"more"
        while chunk:
            chunk = stream.read(_CHUNK)
            text = decoder.decode(chunk, final=not chunk)
            size, length, broken = size + len(chunk), length + len(text), broken + text.count("\ufffd")
    return 0 < 2 * broken <= size - length


def _sum(tally: np.ndarray[Any, Any], values: frozenset[int] | set[int]) -> int:
    return int(tally[list(values)].sum())


def _tallies(member: Member) -> np.ndarray[Any, Any]:
    """How often each byte value occurs: anywhere, inside a word of cp437, first in one, beside a letter of cp1252."""
    dos, windows = _table(_LETTERS_437), _table(_LETTERS_1252)
    tallies = np.zeros((4, 256), np.int64)
    for piece in _overlapping(member):
        at = np.flatnonzero(piece[1:-1] >= 0x80) + 1
        values, before, after = piece[at], piece[at - 1], piece[at + 1]
        where = (
            np.ones(len(at), bool),
            dos[before] & dos[after],
            ~dos[before] & dos[after],
            windows[before] | windows[after],
        )
        for tally, chosen in zip(tallies, where, strict=True):
            tally += np.bincount(values[chosen], minlength=256)
    return tallies


def _overlapping(member: Member) -> Iterator[np.ndarray[Any, Any]]:
    """The bytes, each in one piece not at its edge, so that its neighbours are there."""
    tail = b"\n"
    with member.open() as stream:
        while chunk := stream.read(_CHUNK):
            piece = tail + chunk
            yield np.frombuffer(piece, np.uint8)
            tail = piece[-2:]
    yield np.frombuffer(tail + b"\n", np.uint8)


def _table(values: frozenset[int] | set[int]) -> np.ndarray[Any, Any]:
    table = np.zeros(256, bool)
    table[list(values)] = True
    return table


def encoding_note(member: Member, encoding: str) -> str:
    """Says which encoding is used instead of UTF-8, which byte on which physical line forces it, and why this one."""
    place = None if encoding.startswith("utf-16-") else _first_bad_byte(member)
    why = "byte 0x00 on line 1, and every second one after it, is no text in UTF-8"
    if place:
        why = f"byte 0x{place[0]:02X} on line {place[1]:,} is not UTF-8"
    if encoding in _WHY:
        why += f", and {_WHY[encoding]}"
    msg = f"{member.name!r} is read as {encoding}: {why}. If its text looks wrong, declare another, such as 'cp1252', "
    return msg + "'cp437', 'cp850', 'cp1250' or 'latin-1': read_ledger(..., encoding='...')."


def decoder_for(encoding: str) -> codecs.IncrementalDecoder:
    """The decoder of an encoding; in cp1252 the five bytes that mean nothing become U+FFFD.

    Raises : ConfigError for an encoding that there is not.
    """
    if encoding == DAMAGED:
        return codecs.getincrementaldecoder("utf-8")("replace")
    return codecs.getincrementaldecoder(encoding)("replace" if _codec(encoding) == FALLBACK else "strict")


def is_utf8(encoding: str) -> bool:
    """Whether an encoding, however it is spelled, is UTF-8; a byte order mark is no matter."""
    return _codec(encoding) in ("utf-8", "utf-8-sig")


def _codec(encoding: str) -> str:
    """Python's own name of an encoding of text."""
    if encoding == DAMAGED:
        return DAMAGED
    try:
        codec = codecs.lookup(encoding)
        codecs.getincrementaldecoder(encoding)
        b"a\0".decode(encoding, "replace")  # refuses codecs that are not of text, such as base64
    except LookupError as error:
        msg = f"There is no encoding {encoding!r}. Try 'utf-8', 'utf-16', 'cp1252', 'cp437' or 'latin-1'."
        raise ConfigError(msg) from error
    return codec.name


def not_encoded(name: str, encoding: str, error: Exception) -> LedgerError:
    """The error for a member that is not in the encoding declared for it."""
    return LedgerError(f"{name!r} is not {encoding} ({error}). Declare another: read_ledger(..., encoding='...').")


def _first_bad_byte(member: Member) -> tuple[int, int] | None:
    """The first byte that is not UTF-8 and its physical line, or None."""
    lines, tail, last = 1, b"", b""
    with member.open() as stream:
        while True:
            chunk = stream.read(_CHUNK)
            piece = tail + chunk
            decoder = codecs.getincrementaldecoder("utf-8")()
            try:
                decoder.decode(piece, final=not chunk)
            except UnicodeDecodeError as error:
                return piece[error.start], lines + line_breaks(last + piece[: error.start]) - line_breaks(last)
            if not chunk:
                return None
            tail = decoder.getstate()[0]
            done = piece[: len(piece) - len(tail)]
            lines += line_breaks(last + done) - line_breaks(last)
            last = done[-1:]


def line_breaks(data: bytes) -> int:
    r"""Physical line ends: ``\n``, ``\r\n`` and a lone ``\r``, as a text editor counts them."""
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
