"""How a CSV is written, found by looking: encoding, delimiter, and the line that holds the headers."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from docframes.errors import ConfigError, LedgerError
from docframes.ledger.archive import Member
from docframes.ledger.roles import fold

FALLBACK = "cp1252"
DELIMITERS = (",", ";", "|", "\t")
_SAMPLE = 1 << 18  # bytes that are looked at; a header further down is not found
_SAMPLE_ROWS = 200
_HEADER_ROWS = 50  # a title above the header is seldom longer
_CHUNK = 1 << 20
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


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


class NotUtf8(Exception):
    """The member has bytes that are not UTF-8; it wants to be read again in another encoding."""


def sniff(
    member: Member, *, encoding: str | None = None, delimiter: str | None = None, known: frozenset[str]
) -> Dialect:
    """Look at the start of *member*.

    encoding, delimiter : declared ones are taken as they are.  known : folded headers that play a role; the line
    with most of them, two at least, is the header, else the first line that is not blank.
    Raises : NotUtf8 when no encoding was declared and the sample is not UTF-8.
    """
    with member.open() as stream:
        sample = stream.read(_SAMPLE)
        whole = not stream.read(1)
    declared = encoding is not None
    if encoding is None and b"\0" in sample and not sample.startswith(_UTF16):
        raise LedgerError(f"{member.name!r} is no text: it holds zero bytes. Name a CSV, or a zip or folder of them.")
    if encoding is None:
        encoding = "utf-16" if sample.startswith(_UTF16) else "utf-8"
    try:
        text = decoder_for(encoding).decode(sample, final=whole).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise not_encoded(member.name, encoding, error) if declared else NotUtf8(member.name) from error
    rows = {one: _rows(text, one, whole) for one in ([delimiter] if delimiter else DELIMITERS)}
    best = max(rows, key=lambda one: _score(rows[one], known))
    return _dialect(encoding, best, rows[best], text, known)


def encoding_note(member: Member, encoding: str) -> str:
    """Says which encoding is used instead of UTF-8, and which byte on which line forces it."""
    place = _first_bad_byte(member)
    why = f"byte 0x{place[0]:02X} on line {place[1]:,} is not UTF-8" if place else "that was found"
    msg = f"{member.name!r} is read as {encoding}: {why}. "
    return msg + "If its text looks wrong, declare another: read_ledger(..., encoding='...')."


class Utf8Stream(io.RawIOBase):
    """A member as UTF-8, without byte order mark, from the first line after the header.

    quotes : quotation marks passed so far; none means that no field can hold a line break.
    """

    def __init__(self, member: Member, dialect: Dialect) -> None:
        self._raw = member.open()
        self._skip = dialect.skip
        self._decoder = None if dialect.encoding == "utf-8" else decoder_for(dialect.encoding)
        self._bom = codecs.BOM_UTF8
        self.quotes = 0

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
            raw = self._raw.read(size)
            chunk = raw
            if self._decoder is not None:
                chunk = self._decoder.decode(raw, final=not raw).encode("utf-8", "replace")
            if self._bom and chunk:
                chunk, self._bom = chunk.removeprefix(self._bom), b""
            if self._skip:
                cut = min(self._skip, len(chunk))
                chunk, self._skip = chunk[cut:], self._skip - cut
            if chunk or not raw:
                return chunk


def decoder_for(encoding: str) -> codecs.IncrementalDecoder:
    """The decoder of an encoding; in the fallback the five bytes that mean nothing become U+FFFD."""
    try:
        return codecs.getincrementaldecoder(encoding)("replace" if encoding == FALLBACK else "strict")
    except LookupError as error:
        raise ConfigError(f"There is no encoding {encoding!r}. Try 'utf-8', 'cp1252' or 'latin-1'.") from error


def not_encoded(name: str, encoding: str, error: Exception) -> LedgerError:
    """The error for a member that is not in the encoding declared for it."""
    return LedgerError(f"{name!r} is not {encoding} ({error}). Declare another: read_ledger(..., encoding='...').")


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
