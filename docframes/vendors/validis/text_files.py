"""The CSV files of an extract as text, with the line of each row.  The one place where their reader is called."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from docframes.errors import LedgerError
from docframes.ledger.archive import Member, open_members
from docframes.ledger.members import is_text
from docframes.ledger.problems import Problems
from docframes.ledger.rows import read_rows, text_schema
from docframes.ledger.text import Dialect, NotUtf8, encoding_note, guess_encoding, sniff


@dataclass(frozen=True)
class TextFile:
    """One CSV file.  lines : the physical line of each row.  note : what is to be said of its encoding."""

    name: str
    dialect: Dialect
    table: pa.Table
    lines: np.ndarray[Any, np.dtype[np.int64]]
    problems: Problems
    note: str = ""

    @property
    def kept_out(self) -> int:
        """Lines that have too few or too many fields."""
        return self.problems.kept_out().total()

    def source(self, table: str | None) -> tuple[Any, ...]:
        """Its row of ``sources``."""
        dialect = self.dialect
        place = max(dialect.first_line - 1, 0)
        return (
            self.name,
            table or "others",
            dialect.encoding,
            dialect.delimiter,
            place,
            len(self.lines),
            self.kept_out,
        )


def read_texts(
    source: Path | Mapping[str, Path], *, delimiter: str | None, encoding: str | None, known: frozenset[str]
) -> tuple[list[TextFile], Problems]:
    """Every CSV file below *source*, and what was not looked into.

    known : folded headers by which the header line is found.  Raises ArchiveError, LedgerError.
    """
    files, problems = [], Problems()
    with open_members(source) as members:
        for member in members:
            if len(members) > 1 and not is_text(member.name):
                unread = Problems(member.name)
                unread.file("not read", "the name of the file is none of a CSV")
                problems.absorb(unread)
            else:
                files.append(_file(member, delimiter, encoding, known))
    return files, problems


def _file(member: Member, delimiter: str | None, encoding: str | None, known: frozenset[str]) -> TextFile:
    """One file; in another encoding where it is no UTF-8 and nothing was declared."""
    try:
        found = _read(member, delimiter, encoding, known)
    except NotUtf8 as error:
        if encoding is not None:
            msg = f'{member.name!r} is not {encoding}. Declare another: Client(assumptions={{"A36": "cp1252"}}).'
            raise LedgerError(msg) from error
        found = _read(member, delimiter, guess_encoding(member), known)
    if encoding is not None or found.dialect.encoding == "utf-8":
        return found
    return dataclasses.replace(found, note=encoding_note(member, found.dialect.encoding))


def _read(member: Member, delimiter: str | None, encoding: str | None, known: frozenset[str]) -> TextFile:
    dialect = sniff(member, encoding=encoding, delimiter=delimiter, known=known)
    problems = Problems(member.name)
    rows = list(read_rows(member, dialect, problems))
    table = pa.Table.from_batches([some.batch for some in rows], text_schema(dialect.headers))
    lines = np.concatenate([np.zeros(0, np.int64), *(some.lines for some in rows)])
    return TextFile(member.name, dialect, table, lines, problems)
