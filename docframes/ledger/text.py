"""How a CSV is written, found by looking: encoding, delimiter, and the line that holds the headers."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from docframes.errors import ConfigError
from docframes.ledger.archive import Member
from docframes.ledger.encodings import (
    DESTROYED,
    FALLBACK,
    NotUtf8,
    decoder_for,
    encoding_note,
    guess_encoding,
    is_utf8,
    line_breaks,
    look,
    not_encoded,
    settled,
)
from docframes.ledger.roles import fold

__all__ = [
    "FALLBACK",
    "Dialect",
    "NotUtf8",
    "Utf8Stream",
    "encoding_note",
    "first_destroyed",
    "guess_encoding",
    "line_breaks",
    "not_encoded",
    "sniff",
]

DELIMITERS = (",", ";", "|", "\t")
_SAMPLE = 1 << 18  # bytes that are looked at; a header further down is not found
_SAMPLE_ROWS = 200
_HEADER_ROWS = 50  # a title above the header is seldom longer
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Dialect:
    """How one member is written.

    headers : unique; an empty one is ``column_7``, the second ``Amount`` is ``Amount_2``.
    first_line : physical line number, from 1, of the first line after the header.
    skip : bytes of UTF-8, without a byte order mark, before that line.
    """

    encoding: str
    delimiter: str
    headers: tuple[str, ...]
    first_line: int
    skip: int


def sniff(
    member: Member, *, encoding: str | None = None, delimiter: str | None = None, known: frozenset[str]
) -> Dialect:
    """Look at the start of *member*.

    encoding, delimiter : declared ones are taken as they are.  known : folded headers that play a role; the line
    with most of them, two at least, is the header, else the first line that is not blank.
    Raises : NotUtf8 when no encoding was declared and the sample is neither UTF-16 nor UTF-8; ``guess_encoding``
    then looks at the whole member.  LedgerError when it is no text, or not in the encoding that was declared.
    """
    with member.open() as stream:
        sample = stream.read(_SAMPLE)
        whole = not stream.read(1)
    found = look(member.name, sample) if encoding is None else settled(member.name, encoding, sample)
    try:
        text = decoder_for(found).decode(sample, final=whole).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        if encoding is None and found == "utf-8":
            raise NotUtf8(member.name) from error
        raise not_encoded(member.name, found, error) from error
    rows = {one: _rows(text, one, whole) for one in ([delimiter] if delimiter else DELIMITERS)}
    best = max(rows, key=lambda one: _score(rows[one], known))
    return _dialect(found, best, rows[best], text, known)


class Utf8Stream(io.RawIOBase):
    """A member as UTF-8, without byte order mark, from the first line after the header.

    quotes : quotation marks passed so far; none means that no field can hold a line break.
    destroyed : characters U+FFFD passed so far, of the header too.  Each is text that is lost: a program before wrote
    U+FFFD for it or, where the encoding is cp1252, our decoder did, for a byte that means nothing there.
    """

    def __init__(self, member: Member, dialect: Dialect) -> None:
        self._raw = member.open()
        self._skip = dialect.skip
        self._decoder = None if is_utf8(dialect.encoding) else decoder_for(dialect.encoding)
        self._ready = b""  # read and not yet given
        self._begun = self._ended = False
        self._last = b""  # two bytes of the chunk before, for a character may lie in two chunks
        self.quotes = 0
        self.destroyed = 0

    def readable(self) -> bool:  # noqa: D102  (io.RawIOBase's own)
        return True

    def read(self, size: int = -1) -> bytes:  # noqa: D102
        chunk = self._next(size)
        self.quotes += chunk.count(b'"')
        return chunk

    def close(self) -> None:  # noqa: D102
        self._raw.close()
        super().close()

    def _next(self, size: int) -> bytes:
        while True:
            chunk = self._counted(self._utf8(size))
            cut = min(self._skip, len(chunk))
            rest, self._skip = chunk[cut:], self._skip - cut
            if rest or not chunk:
                return rest

    def _counted(self, chunk: bytes) -> bytes:
        self.destroyed += chunk.count(DESTROYED) + (self._last + chunk[:2]).count(DESTROYED)
        self._last = (self._last + chunk[-2:])[-2:]
        return chunk

    def _utf8(self, size: int) -> bytes:
        """The next bytes of the text, *size* where there are so many."""
        if not self._begun:
            self._begun = True
            self._fill(len(codecs.BOM_UTF8), size)
            self._ready = self._ready.removeprefix(codecs.BOM_UTF8)
        self._fill(size, size)
        size = len(self._ready) if size < 0 else size
        chunk, self._ready = self._ready[:size], self._ready[size:]
        return chunk

    def _fill(self, wanted: int, size: int) -> None:
        """Read *size* bytes at a time until *wanted* are ready, or all where that is below zero."""
        while not self._ended and (wanted < 0 or len(self._ready) < wanted):
            raw = self._raw.read(size)
            self._ended = not raw
            self._ready += self._converted(raw)

    def _converted(self, raw: bytes) -> bytes:
        if self._decoder is None:
            return raw
        return self._decoder.decode(raw, final=self._ended).encode("utf-8", "replace")


def first_destroyed(member: Member, dialect: Dialect) -> int | None:
    """The physical line, from 1, of the first U+FFFD in the text of *member*, or None; it is read up to there."""
    lines, tail = 1, b""
    with Utf8Stream(member, replace(dialect, skip=0)) as stream:
        while chunk := stream.read(_CHUNK):
            piece = tail + chunk
            at = piece.find(DESTROYED)
            if at >= 0:
                return lines + line_breaks(piece[:at]) - line_breaks(tail)
            lines += line_breaks(piece) - line_breaks(tail)
            tail = piece[-2:]
    return None


def _rows(text: str, delimiter: str, whole: bool) -> list[tuple[list[str], int]]:
    """The first rows, each with the number of the physical line it ends on."""
    if len(delimiter) != 1:
        raise ConfigError(f"A delimiter is one character; {delimiter!r} was given.")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = []
    try:
        for row in reader:
            rows.append((row, reader.line_num))
            if len(rows) > _SAMPLE_ROWS:
                break
    except csv.Error:  # a field beyond the module's limit; what was read so far is enough to look at
        pass
    # The last row of a cut sample is cut too.
    return rows if whole or len(rows) < 2 else rows[:-1]


def _score(rows: list[tuple[list[str], int]], known: frozenset[str]) -> tuple[int, float, int]:
    """How well a delimiter fits: headers known, then rows of the commonest width, then that width."""
    widths = Counter(len(row) for row, _ in rows if any(row))
    if not widths:
        return (0, 0.0, 0)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    hits = max(_hits(row, known) for row, _ in rows[:_HEADER_ROWS])
    return (hits, count / widths.total() if width > 1 else 0.0, width)


def _hits(row: list[str], known: frozenset[str]) -> int:
    return len({fold(cell) for cell in row} & known)


def _dialect(
    encoding: str, delimiter: str, rows: list[tuple[list[str], int]], text: str, known: frozenset[str]
) -> Dialect:
    filled = [index for index, (row, _) in enumerate(rows[:_HEADER_ROWS]) if any(row)]
    if not filled:
        return Dialect(encoding, delimiter, (), 1, 0)
    best = max(filled, key=lambda index: (_hits(rows[index][0], known), -index))
    start = best if _hits(rows[best][0], known) > 1 else filled[0]
    header, last_line = rows[start]
    if _ends_with_delimiter(len(header), [row for row, _ in rows[start + 1 :] if any(row)]):
        header = [*header, ""]
    lines = list(io.StringIO(text, newline=""))[:last_line]
    skip = len("".join(lines).encode("utf-8", "replace"))
    return Dialect(encoding, delimiter, tuple(_unique(header)), last_line + 1, skip)


def _ends_with_delimiter(width: int, rows: list[list[str]]) -> bool:
    """Whether every line, but not the header, closes with a delimiter, as some programs write it."""
    return bool(rows) and all(len(row) == width + 1 and not row[-1] for row in rows)


def _unique(header: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for position, cell in enumerate(header, start=1):
        name = base = cell if cell.strip() else f"column_{position}"
        count = 1
        while name.casefold() in seen:
            count += 1
            name = f"{base}_{count}"
        seen.add(name.casefold())
        yield name
