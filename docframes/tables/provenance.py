"""Where a row came from: the number that it carries, and what is told of its origin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any, Protocol

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from docframes.errors import ConfigError
from docframes.tables import html

#: Column that loaders called with ``trace=True`` add: which answer of the load a row came in, and where in it.
TRACE = "docframes_trace"
#: Column of a ledger's lines that says the same of a file.
SOURCE_LINE = "source_line"

#: Bits of the number that count rows within one answer; those above number the answer.
_BITS = 32
_LONGEST = 2_000  #: letters of a raw record that a notebook shows


def traced(sources: pa.ChunkedArray | pa.Array) -> pa.Array:
    """The numbers of rows, from the number of each row's answer: rows of one answer stand together."""
    answers = np.asarray(sources, np.int64)
    within = np.arange(len(answers)) - np.searchsorted(answers, answers)
    return pa.array((answers << _BITS) | within)


def apart(number: int) -> tuple[int, int]:
    """The number of the answer, and of the row within it, both from 0."""
    return number >> _BITS, number & ((1 << _BITS) - 1)


class Made(list[Any]):
    """Records that were made, where a row is no object of the answer, each with the place that it was made of.

    origins : for each record an object or list of the answer, and the keys that lead on from there; not gone through
    before somebody asks, which most loads never do.
    """

    def __init__(self, records: Iterable[Any] = (), origins: Iterable[tuple[Any, ...]] = ()) -> None:
        super().__init__(records)
        self._origins = origins

    @property
    def origins(self) -> list[tuple[Any, ...]]:
        """The place of each record."""
        if not isinstance(self._origins, list):
            self._origins = list(self._origins)
        return self._origins


@dataclass(frozen=True)
class Trace:
    """Where one row came from.

    request : method and address, without what is secret; of a ledger the name of the file it was read from.
    page : which answer of the load it was, from 1; pages : how many there were.
    pointer : place in the answer, as a JSON pointer (RFC 6901); empty is the whole answer.
    member, line : of a ledger: the file within the archive, and its line, from 1.
    fetched_at : when the answer came from the vendor (UTC).
    sha256 : of the answer's body as it is kept, or of the file.
    record : what stood there, as it was sent, without what is secret; of a ledger the text of the line.
    note : why there is no record, or what speaks against it; empty where nothing does.
    """

    vendor: str
    loader: str
    table: str
    request: str
    sha256: str
    page: int | None = None
    pages: int | None = None
    pointer: str | None = None
    member: str | None = None
    line: int | None = None
    fetched_at: datetime | None = None
    record: Any = field(default=None, repr=False)
    note: str = ""

    def _facts(self) -> Iterator[tuple[str, str]]:
        yield "request" if self.member is None else "file", self.request
        if self.page is not None:
            yield "answer", f"{self.page:,} of {self.pages:,}"
        if self.pointer is not None:
            yield "pointer", self.pointer or "(the whole answer)"
        if self.member is not None:
            yield "member", self.member
        if self.line is not None:
            yield "line", f"{self.line:,}"
        if self.fetched_at is not None:
            yield "fetched", f"{self.fetched_at:%Y-%m-%d %H:%M:%S} UTC"
        yield "sha256", self.sha256
        if self.note:
            yield "note", self.note

    def __repr__(self) -> str:
        facts = "\n".join(f"  {name}: {value}" for name, value in self._facts())
        return f"Trace {self.vendor}.{self.loader}, {self.table}\n{facts}\n  record: {self._raw()[:_LONGEST]}"

    def _repr_html_(self) -> str:
        raw = self._raw()
        shown = escape(raw if len(raw) <= _LONGEST else f"{raw[:_LONGEST]}...")
        title = html.titled(f"Trace {self.vendor}.{self.loader}", [self.table])
        return title + html.table((), list(self._facts())) + f"<pre>{shown}</pre>"

    def _raw(self) -> str:
        if self.record is None or isinstance(self.record, str):
            return self.record or ""
        return orjson.dumps(self.record, option=orjson.OPT_INDENT_2).decode()


def compared(row: pd.Series, sent: Mapping[str, Any], column: str, none_of: str) -> str:
    """A note on whether *row* has what was *sent* for some of its columns; empty where it has all of it.

    What pandas adds up keeps the *column* by which rows are traced, and a sum may be the number of another row.
    Raises ConfigError, with the words *none_of*, where the row has nothing of it.
    """
    other = [name for name, value in sent.items() if not _same(row[name], value)]
    if not sent:
        return f"That it is this row's only {column} says: the row has no other column that tells it apart."
    if len(other) == len(sent):
        msg = f"{none_of} Rows that were added up, or changed in what tells them apart, have no origin of their own: "
        raise ConfigError(msg + "trace a row of the frame that was loaded.")
    return f"The row says otherwise in {', '.join(other)}: it was changed since, or added up." if other else ""


def _same(here: Any, sent: Any) -> bool:
    return pd.api.types.is_scalar(here) and not pd.isna(here) and bool(here == sent)


class Trail(Protocol):
    """Finds the origin of a load's rows."""

    def of(self, row: pd.Series) -> Trace:
        """Where *row* came from."""
        ...


def row_of(frame: pd.DataFrame, row: Any) -> pd.Series:
    """The row of *frame* that is meant: a label of its index, or the row itself.  Raises ConfigError."""
    if isinstance(row, pd.Series):
        return row
    try:
        found: Any = frame.loc[row]
    except (KeyError, TypeError, ValueError, IndexError, pd.errors.IndexingError, pd.errors.InvalidIndexError):
        found = None
    if isinstance(found, pd.DataFrame):
        msg = f"{len(found):,} rows are meant by {row!r:.100}; one was wanted. Give a label that no other row has "
        raise ConfigError(msg + "(frame.reset_index(drop=True) makes such), or the row itself: frame.iloc[0].")
    if not isinstance(found, pd.Series):
        msg = f"The frame has no row {row!r:.100}; give a label of its index, as frame.loc takes it, or the row "
        raise ConfigError(msg + "itself: frame.iloc[0].")
    return found


def number_of(row: pd.Series, column: str, mend: str) -> int:
    """What *row* has in *column*.  Raises ConfigError, with its mend, where there is no whole number."""
    value: Any = row.get(column)
    if not pd.api.types.is_scalar(value) or pd.isna(value):
        raise ConfigError(f"This row does not say where it came from: it has nothing in the column {column!r}. {mend}")
    if isinstance(value, str) or value != int(value):
        msg = f"The column {column!r} holds {value!r:.100} in this row, and a whole number was wanted: "
        raise ConfigError(msg + "the row is no row of the load, but made of several. Trace one of those.")
    return int(value)
