"""One member -> Arrow batches of text, with the physical line that each row starts on.

pyarrow parses; nothing is guessed from values.  Its fast mode does not number the rows that it refuses, so a
member is read that way until the first ragged row and, only then, again in the mode that does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from docframes.errors import LedgerError
from docframes.ledger.archive import Member
from docframes.ledger.problems import Problems
from docframes.ledger.text import Dialect, NotUtf8, Utf8Stream, first_destroyed, line_breaks, not_encoded

BLOCK = 1 << 20  # bytes parsed at a time, and so the longest record; small blocks keep memory flat
AT_ONCE = 50_000  # lines given at once: what comes after has a price for each piece
#: Text of every table, with 64-bit offsets as pandas holds it, so that a frame takes it over without a copy.
TEXT = pa.large_string()
_SHOWN = 500  # characters of a ragged line that are kept to show it


class Rows(NamedTuple):
    """Some rows of a member, every column text, empty fields missing.  lines : where each starts, from 1."""

    batch: pa.RecordBatch
    lines: np.ndarray[Any, np.dtype[np.int64]]


class _Ragged(Exception):
    """The fast mode met a row with too few or too many fields."""


def text_schema(headers: tuple[str, ...]) -> pa.Schema:
    """The schema of every batch of a member."""
    return pa.schema([(header, TEXT) for header in headers])


def read_rows(member: Member, dialect: Dialect, problems: Problems) -> Iterator[Rows]:
    """The rows of *member*, in order.

    Blank lines, and lines of nothing but delimiters, are passed over and counted.  Rows with too few or too many
    fields are kept out and listed in *problems*.
    Raises : NotUtf8; ArchiveError when the zip turns out broken; LedgerError when the text is no CSV.
    """
    yield from _gathered(_numbered(member, dialect, problems))


def _gathered(pieces: Iterator[Rows]) -> Iterator[Rows]:
    waiting: list[Rows] = []
    for rows in pieces:
        waiting.append(rows)
        if sum(some.batch.num_rows for some in waiting) >= AT_ONCE:
            yield _joined(waiting)
            waiting = []
    if waiting:
        yield _joined(waiting)


def _joined(pieces: list[Rows]) -> Rows:
    if len(pieces) == 1:
        return pieces[0]
    return Rows(pa.concat_batches([rows.batch for rows in pieces]), np.concatenate([rows.lines for rows in pieces]))


def _numbered(member: Member, dialect: Dialect, problems: Problems) -> Iterator[Rows]:
    given = 0
    try:
        for rows in _scan(member, dialect, problems, None):
            given += rows.batch.num_rows
            yield from _without_blanks(rows, problems)
    except _Ragged:
        # Order is kept, so what was given before the first ragged row is where the second reading starts anew.
        for rows in _scan(member, dialect, problems, _Refused()):
            known = min(given, rows.batch.num_rows)
            given -= known
            yield from _without_blanks(Rows(rows.batch.slice(known), rows.lines[known:]), problems)


class _Refused:
    """The rows that the parser refused: their number among all, the fields they have, their text."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, str]] = []

    def __call__(self, row: Any) -> str:
        self.rows.append((row.number, row.actual_columns, row.text))
        return "skip"


class _Lines:
    """Counts physical lines along the rows: good ones, refused ones, and line breaks inside quotes."""

    def __init__(self, first: int) -> None:
        self._next = first
        self._row = 1

    def place(self, breaks: np.ndarray[Any, Any] | int, count: int, refused: list[tuple[int, int, str]]) -> Any:
        """Lines of the next *count* good rows and of the *refused* ones among and after them."""
        total = count + len(refused)
        extra = np.zeros(total, np.int64)
        bad = np.array([number - self._row for number, _, _ in refused], np.int64)
        good = np.ones(total, bool)
        good[bad] = False
        extra[good] = breaks
        extra[bad] = [line_breaks(text.rstrip("\r\n").encode()) for _, _, text in refused]
        starts = self._next + np.arange(total) + np.cumsum(extra) - extra
        self._row += total
        self._next += total + int(extra.sum())
        return starts[good], starts[bad]


def _scan(member: Member, dialect: Dialect, problems: Problems, refused: _Refused | None) -> Iterator[Rows]:
    from pyarrow import csv

    if not dialect.headers:
        return
    lines = _Lines(dialect.first_line)
    rows = 0
    with Utf8Stream(member, dialect) as stream, _translated(member, dialect) as failures:
        first = stream.read(BLOCK)
        if first:
            source = pa.PythonFile(_Again(first, stream), mode="r")
            handler = refused or failures.ragged
            options = _options(csv, dialect, handler, fast=refused is None)
            with csv.open_csv(source, *options) as reader:
                for batch in reader:
                    rows += batch.num_rows
                    breaks = _breaks(batch) if stream.quotes else 0
                    yield Rows(batch, _number(lines, breaks, batch.num_rows, refused, dialect, problems))
        _number(lines, 0, 0, refused, dialect, problems, rest=True)
        _tell(stream, member, dialect, problems)


def _tell(stream: Utf8Stream, member: Member, dialect: Dialect, problems: Problems) -> None:
    """What only the whole member shows."""
    if stream.quotes % 2:
        reason = "an odd number of quotation marks: one may be left open, so that a field holds other lines too"
        problems.file("quotation marks", reason)
    if stream.destroyed:
        reason = "characters that a program before, or this encoding, could not read are U+FFFD now; their text is lost"
        line = first_destroyed(member, dialect) or dialect.first_line
        problems.value("destroyed text", line, value="\ufffd", count=stream.destroyed, reason=reason)


def _number(
    lines: _Lines,
    breaks: np.ndarray[Any, Any] | int,
    count: int,
    refused: _Refused | None,
    dialect: Dialect,
    problems: Problems,
    *,
    rest: bool = False,
) -> Any:
    """Lines of the next good rows; the refused rows before and among them are listed."""
    ready: list[tuple[int, int, str]] = []
    if refused is not None:
        last = lines._row + count
        while refused.rows and (rest or refused.rows[0][0] < last + len(ready)):
            ready.append(refused.rows.pop(0))
    good, bad = lines.place(breaks, count, ready)
    for line, (_, fields, text) in zip(bad.tolist(), ready, strict=True):
        reason = f"{fields} fields, the header has {len(dialect.headers)}"
        problems.line("ragged", line, value=text.rstrip("\r\n")[:_SHOWN], reason=reason)
    return good


def _options(csv: Any, dialect: Dialect, handler: Callable[[Any], str], *, fast: bool) -> tuple[Any, Any, Any]:
    names = list(dialect.headers)
    return (
        csv.ReadOptions(use_threads=fast, block_size=BLOCK, column_names=names),
        csv.ParseOptions(
            delimiter=dialect.delimiter,
            newlines_in_values=True,
            # Blank lines have to be seen to be counted as lines.
            ignore_empty_lines=False,
            invalid_row_handler=handler,
        ),
        csv.ConvertOptions(column_types=text_schema(dialect.headers), null_values=[""], strings_can_be_null=True),
    )


class _Again:
    """A stream whose first chunk was looked at already, in chunks that do not end with a carriage return.

    Arrow passes over a line feed that begins a block after a carriage return, within quotation marks as well, where it
    is part of a field.
    """

    def __init__(self, first: bytes, stream: Utf8Stream) -> None:
        self._held = first
        self._stream = stream
        self.closed = False

    def readable(self) -> bool:
        return True

    def read(self, size: int) -> bytes:
        more = self._stream.read(max(size - len(self._held), 1))
        whole = self._held + more
        given = whole[:size]
        if more:
            given = given.rstrip(b"\r") or given
        self._held = whole[len(given) :]
        return given

    def close(self) -> None:
        self.closed = True


class _translated:
    """Turns what the parser raises into what the caller can act on."""

    def __init__(self, member: Member, dialect: Dialect) -> None:
        self._member = member
        self._dialect = dialect
        self._ragged = False

    def ragged(self, row: Any) -> str:
        """Handler of the fast mode: the first ragged row ends it."""
        self._ragged = True
        return "error"

    def __enter__(self) -> _translated:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        name = self._member.name
        if isinstance(error, UnicodeDecodeError):
            raise not_encoded(name, self._dialect.encoding, error) from error
        if not isinstance(error, pa.ArrowInvalid):
            return
        if self._ragged:
            raise _Ragged from error
        if "invalid UTF8" in str(error):
            raise NotUtf8(name) from error
        if "straddling" in str(error):
            msg = f"{name!r} has a line of more than {BLOCK:,} bytes. Probably a quotation mark opens and is never "
            raise LedgerError(msg + "closed, so that the rest of the file is one field.") from error
        raise LedgerError(f"{name!r} cannot be read as CSV: {error}") from error


def _breaks(batch: pa.RecordBatch) -> np.ndarray[Any, Any] | int:
    """Line breaks inside the fields of each row."""
    total: np.ndarray[Any, Any] | int = 0
    for column in batch.columns:
        text = column.buffers()[2]
        data = b"" if text is None else text.to_pybytes()
        if b"\n" in data or b"\r" in data:
            parts = [pc.count_substring(column, mark).fill_null(0).to_numpy() for mark in ("\n", "\r", "\r\n")]
            total = total + parts[0] + parts[1] - parts[2]
    return total


def _without_blanks(rows: Rows, problems: Problems) -> Iterator[Rows]:
    batch, lines = rows
    if batch.num_rows and all(column.null_count for column in batch.columns):
        blank = np.ones(batch.num_rows, bool)
        for column in batch.columns:
            blank &= column.is_null().to_numpy(zero_copy_only=False)
        if blank.any():
            reason = "lines without any value were passed over"
            problems.value("blank line", int(lines[blank][0]), count=int(blank.sum()), reason=reason)
            batch, lines = batch.filter(pa.array(~blank)), lines[~blank]
    if batch.num_rows:
        yield Rows(batch, lines)
