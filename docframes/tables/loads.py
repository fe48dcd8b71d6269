"""What is known of a load: what was asked, what it cost, how complete it is."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any

import pandas as pd

from docframes.errors import ConfigError
from docframes.tables import html
from docframes.tables.certificates import Certificate
from docframes.tables.changes import Changes
from docframes.tables.provenance import TRACE, Trace, Trail, row_of
from docframes.tables.schema import DTYPES, Column, Table
from docframes.words import ago, count

#: Key in ``frame.attrs``.  One short text and no more: pandas copies attrs with every operation.
ATTRS_KEY = "docframes_load"

#: Letters of a list of names or of an argument that a notebook shows of a load.
_LONGEST = 200


@dataclass(frozen=True)
class Load:
    """The record of one load; :func:`load_record` gives it for a frame."""

    load_id: str
    vendor: str
    loader: str
    table: str
    arguments: Mapping[str, Any]
    calls: int  #: answers that came from the vendor itself; tries in vain and calls for a token are not counted
    from_cache: int  #: answers that came from the cache instead
    fetched_from: datetime | None  #: when the oldest answer was fetched
    fetched_to: datetime | None  #: when the newest answer was fetched
    rows: int
    seconds: float
    certificate: Certificate
    unknown_keys: Mapping[str, int] = field(default_factory=dict)
    missing_keys: Mapping[str, int] = field(default_factory=dict)
    unreadable: Mapping[str, int] = field(default_factory=dict)
    renamed_keys: Mapping[str, str] = field(default_factory=dict)
    #: What was asked for and may not be seen with this credential: its name, and what the vendor said.
    refused: Mapping[str, str] = field(default_factory=dict)
    declared: Table | None = field(default=None, repr=False, compare=False)
    #: Every answer that the load was made of, in order: request, when it was fetched, SHA-256 of its body.
    answers: Sequence[Any] = field(default=(), repr=False, compare=False)
    trail: Trail | None = field(default=None, repr=False, compare=False)  #: finds where a row came from
    changes: Changes | None = None  #: with ``updated_after="last"``: what is otherwise than in the load before

    def age(self, now: datetime | None = None) -> float | None:
        """Seconds since the oldest answer was fetched."""
        if self.fetched_from is None:
            return None
        return ((now or datetime.now(UTC)) - self.fetched_from).total_seconds()

    def __repr__(self) -> str:
        return ", ".join([f"Load {self.vendor}.{self.table}", *self._facts(), self.certificate.word])

    def _repr_html_(self) -> str:
        title = html.titled(f"Load {self.vendor}.{self.table}", self._facts())
        verdict = f"<p>{self.certificate.badge()} {escape(self.certificate.reason)}</p>"
        return title + verdict + html.table((), self._details())

    def _facts(self) -> list[str]:
        facts, age, answers = [count(self.rows, "row")], self.age(), self.calls + self.from_cache
        if age is not None:
            facts.append(f"fetched {ago(age)}")
        facts.append(f"{self.from_cache:,} of {count(answers, 'answer')} from the cache")
        return [*facts, str(self.changes)] if self.changes else facts

    def _details(self) -> list[tuple[str, str]]:
        """What stands below: how it was called, when, and what was odd about the answers."""
        given = ", ".join(f"{name}={_cut(repr(value))}" for name, value in self.arguments.items() if value is not None)
        rows = [("called", f"{self.loader}({given})")]
        if self.fetched_from and self.fetched_to:
            rows.append(
                ("fetched", f"{self.fetched_from:%Y-%m-%d %H:%M:%S} to {self.fetched_to:%Y-%m-%d %H:%M:%S} UTC")
            )
        odd = {
            "keys that nobody declared": self.unknown_keys,
            "keys that never came": self.missing_keys,
            "values that could not be read": self.unreadable,
            "keys spelt otherwise": self.renamed_keys,
            "not to be seen": self.refused,
        }
        return rows + [(what, _cut(", ".join(map(str, names)))) for what, names in odd.items() if names]

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        values = dataclasses.asdict(dataclasses.replace(self, declared=None, answers=(), trail=None))
        for name in ("declared", "answers", "trail"):
            del values[name]
        return values


_loads: dict[str, Load] = {}
_numbers = itertools.count(1)


def new_load_id(vendor: str, table: str) -> str:
    """A short id, new in this process: ``validocx.jobs-1-2f3a``."""
    return f"{vendor}.{table}-{next(_numbers)}-{os.getpid():x}"


def attach(frame: pd.DataFrame, load: Load) -> pd.DataFrame:
    """Remember *load* as the record of *frame*, which is given back."""
    _loads[load.load_id] = load
    frame.attrs[ATTRS_KEY] = load.load_id
    return frame


def load_record(frame: Any) -> Load:
    """How *frame* was loaded: vendor, loader, arguments, calls, how many from the cache and how old, certificate.

    Works on what pandas makes of a loaded frame too, as long as its ``attrs`` are kept (filter, sort, copy; not
    merge).  Raises ConfigError for a frame that was not loaded in this session.
    """
    load_id = getattr(frame, "attrs", {}).get(ATTRS_KEY)
    if load_id is None:
        msg = (
            "This frame does not say how it was loaded: it came from elsewhere, or from an operation that loses attrs, "
        )
        raise ConfigError(msg + "such as merge or concat. Ask for the record of the frame that load_...() returned.")
    if load_id not in _loads:
        raise ConfigError(f"The record of load {load_id} is not in this session; load the frame again to have one.")
    return _loads[load_id]


def trace(frame: pd.DataFrame, row: Any) -> Trace:
    """Where one row of a loaded frame came from: request, page, place in the answer, when, SHA-256, and the raw record.

    row : a label of the frame's index, as ``frame.loc`` takes it, or a row itself, ``frame.iloc[0]``.
    The frame was loaded with ``trace=True``, or is of a ledger.  It works on what pandas makes of the frame too, as
    long as the column ``docframes_trace`` (of a ledger ``source_line``) and its ``attrs`` are kept: filter, sort,
    assign, copy; not merge.  Nothing is sent for it.
    What pandas added up is refused, or told in the Trace's ``note``: the column is added up as well.
    Raises ConfigError where that is not so, or there is no such row.
    """
    load = load_record(frame)
    if load.trail is None:
        raise ConfigError(f"{load.vendor}.{load.loader} keeps no trail of its rows; nothing more is known of them.")
    one = row_of(frame, row)
    if one.attrs.get(ATTRS_KEY, load.load_id) != load.load_id:
        raise ConfigError(f"This row is of the load {one.attrs[ATTRS_KEY]}, the frame of {load.load_id}; give its own.")
    return load.trail.of(one)


def shown(title: str, frames: Mapping[str, pd.DataFrame], facts: Iterable[str] = ()) -> str:
    """HTML of frames that belong together: rows and columns of each, and whether all came, where that is known."""
    records = {name: _loads.get(frame.attrs.get(ATTRS_KEY, "")) for name, frame in frames.items()}
    verdicts = {name: load.certificate.badge() for name, load in records.items() if load}
    return html.titled(title, facts) + html.frames(frames, verdicts)


def describe(table_or_frame: Table | pd.DataFrame) -> pd.DataFrame:
    """The data dictionary: one row per column with its dtype, meaning, unit and where the value comes from.

    Takes a Table or a loaded frame; columns of the frame that nobody declared are told as such.
    """
    if isinstance(table_or_frame, Table):
        table, extras = table_or_frame, {}
    else:
        load = load_record(table_or_frame)
        if load.declared is None:
            raise ConfigError(f"Load {load.load_id} has no declared table.")
        table = load.declared
        dtypes = table_or_frame.dtypes
        extras = {str(name): str(dtypes[name]) for name in dtypes.index if name not in table.dtypes()}
    rows = [
        (
            column.name,
            DTYPES[column.kind],
            column.meaning,
            column.unit or " < ".join(column.categories),
            _where(column, table),
        )
        for column in table.physical()
    ]
    rows += [(name, dtype, _undeclared(name), "", table.source) for name, dtype in extras.items()]
    return pd.DataFrame(rows, columns=["column", "dtype", "meaning", "unit", "source"], dtype="str")


def _where(column: Column, table: Table) -> str:
    if column.counted:
        return f"counted, from 1; {table.source}"
    return f"level above; {table.source}" if column.inherited else f"{column.path.removeprefix('^')}; {table.source}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _undeclared(name: str) -> str:
    if name == TRACE:
        return "which answer of the load the row came in, and where in it; for docframes.trace"
    if name.endswith("_as_sent"):
        return f"values of {name.removesuffix('_as_sent')} that could not be read, as text"
    return "not declared; sent by the vendor, kept as text"
