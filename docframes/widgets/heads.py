"""The beginning of a text or of a CSV: its first lines, its first rows."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

from docframes.errors import LedgerError
from docframes.ledger.archive import Member
from docframes.ledger.encodings import decoder_for, guess_encoding, look
from docframes.ledger.text import sniff
from docframes.widgets.filetypes import ending_of

MOST_LINES = 200
MOST_BYTES = 1 << 16
MOST_ROWS = 50  #: below the first one
MOST_COLUMNS = 100
MOST_CHARACTERS = 500  #: of one cell

#: By the ending of its name, the fewest columns that make a text a table: others than CSV have commas of their own.
_FEWEST_COLUMNS = {"csv": 2, "tsv": 2, "tab": 2, "txt": 3, "": 3}
_REGULAR = 0.9  # of the rows have the commonest width

_LINE = re.compile(r"\r\n|\n|\r")
#: No text has them: all control characters but tab, line and page ends, the end mark of DOS and escape.
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x19\x1c-\x1f]")


@dataclass(frozen=True)
class Head:
    """The beginning of a text.  whole : nothing follows it."""

    text: str
    encoding: str
    whole: bool


def head_of(name: str, data: bytes) -> Head | None:
    """The first bytes of *data* as text, in the encoding found by looking; None where it is none."""
    sample, whole = data[:MOST_BYTES], len(data) <= MOST_BYTES
    member = _member(name, data)
    try:
        encoding = look(name, sample)
        try:
            text = decoder_for(encoding).decode(sample, final=whole)
        except UnicodeDecodeError:
            encoding = guess_encoding(member)
            text = decoder_for(encoding).decode(sample, final=whole)
    except (LedgerError, UnicodeDecodeError):
        return None
    text = text.removeprefix("\ufeff")
    return None if _CONTROLS.search(text) else Head(text, encoding, whole)


def lines_of(head: Head) -> tuple[str, bool]:
    """The first lines, and whether they are all."""
    lines = _LINE.split(head.text)
    return "\n".join(lines[:MOST_LINES]), head.whole and len(lines) <= MOST_LINES


@dataclass(frozen=True)
class TableHead:
    """The first rows of a CSV, the header among them.  whole : no row, column or text of a cell was left out."""

    rows: list[list[str]]
    delimiter: str
    whole: bool


def table_of(name: str, data: bytes, head: Head) -> TableHead | None:
    """The first rows, where the text is a table; None where it is none, or its name says that it is no CSV."""
    fewest = _FEWEST_COLUMNS.get(ending_of(name))
    if fewest is None:
        return None
    try:
        dialect = sniff(_member(name, data), encoding=head.encoding, known=frozenset())
    except LedgerError:
        return None
    rows = _rows(head, dialect.delimiter)
    if not _is_regular(rows, fewest):
        return None
    shown = [[_cell(cell) for cell in row[:MOST_COLUMNS]] for row in rows[: MOST_ROWS + 1]]
    return TableHead(shown, dialect.delimiter, head.whole and shown == rows)


def _rows(head: Head, delimiter: str) -> list[list[str]]:
    """Rows that are not blank, as many as are needed to tell that more follow."""
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(head.text, newline=""), delimiter=delimiter):
            if row:
                rows.append(row)
            if len(rows) > MOST_ROWS + 1:
                return rows
    except csv.Error:
        return rows
    # The last row of a text that goes on may be cut.
    return rows if head.whole or len(rows) < 2 else rows[:-1]


def _is_regular(rows: list[list[str]], fewest: int) -> bool:
    if len(rows) < 2:
        return False
    width, count = Counter(map(len, rows)).most_common(1)[0]
    return width >= fewest and count >= _REGULAR * len(rows)


def _cell(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + "…"


def _member(name: str, data: bytes) -> Member:
    return Member(name, len(data), lambda: io.BytesIO(data))
