"""What differs: two frames row by row and cell by cell, two ledgers line by line.  Knows no vendor.

``values`` makes cells comparable, ``keys`` finds the row of the other frame, ``frames`` tells the story, and
``differences`` is what it gives.  For ledgers ``columns`` says what is compared, ``closed`` which periods are closed,
``lines`` pairs the lines in DuckDB, ``ledger_frames`` asks what became of them, ``ledgers`` tells the story, and
``ledger_differences`` is what it gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, overload

import pandas as pd

from docframes.comparison.closed import ClosedPeriods
from docframes.comparison.differences import Differences
from docframes.comparison.frames import UPDATED_AT, declared_key, diff_frames
from docframes.comparison.ledger_differences import LedgerDifferences
from docframes.comparison.ledgers import diff_ledgers
from docframes.errors import ConfigError
from docframes.ledger import GeneralLedger

__all__ = ["Differences", "LedgerDifferences", "diff"]


@overload
def diff(
    old: pd.DataFrame,
    new: pd.DataFrame,
    key: str | Iterable[str] | None = None,
    *,
    ignore: str | Iterable[str] = (),
    updated_at: str | None = UPDATED_AT,
) -> Differences: ...


@overload
def diff(
    old: GeneralLedger, new: GeneralLedger, *, ignore: str | Iterable[str] = (), closed: ClosedPeriods = None
) -> LedgerDifferences: ...


def diff(
    old: Any,
    new: Any,
    key: str | Iterable[str] | None = None,
    *,
    ignore: str | Iterable[str] = (),
    updated_at: str | None = UPDATED_AT,
    closed: ClosedPeriods = None,
) -> Differences | LedgerDifferences:
    """What differs between two frames, or between two uploads of a ledger.

    ignore : columns that are not compared.

    Of two frames, a :class:`.Differences`: rows added and removed, cells changed.  Cells are compared exactly and by
    value: 7 and 7.0 are the same, a missing value equals a missing one and no empty text.
    key : the column, or columns, that tell rows apart; None takes the key that both frames were loaded with.  Rows
    whose key is missing, or not theirs alone, are compared as a multiset of whole rows and listed in ``unsure``.
    updated_at : the column that announces changes; rows that changed without it are in ``unannounced``.  None looks at
    none, and frames that both lack the usual one have none.

    Of two ledgers, a :class:`.LedgerDifferences`: lines that appeared, vanished, moved to another date or period, and
    changed.  Lines are paired by what stands in them, within their transaction, and by transaction and line number
    where both are played; where no column numbers lines, one that changed has vanished and appeared.  It is done in
    DuckDB on the stores; memory grows with the differences, not with the ledgers.
    closed : the periods that are closed, for which ``closed`` tells what touches them: a day, up to which all is
    (``"2025-06-30"``), or a list of periods as the ledger has them (``["01", "02"]``, ``[("2025", "01")]`` with their
    years; calendar months such as ``"2025-01"`` where no column plays the period); None is none.

    Raises : ConfigError for what is no such pair, for options of the other kind, without a key, for periods that no
    line is in, and where DuckDB is not installed for ledgers; ColumnError for columns that are not there.
    """
    if isinstance(old, pd.DataFrame) and isinstance(new, pd.DataFrame):
        _refuse(closed=closed is not None, of="two ledgers")
        columns = declared_key(old, new) if key is None else _names(key, "key")
        return diff_frames(old, new, columns, ignore=_names(ignore, "ignore"), updated_at=updated_at)
    if isinstance(old, GeneralLedger) and isinstance(new, GeneralLedger):
        _refuse(key=key is not None, updated_at=updated_at != UPDATED_AT, of="two frames")
        return diff_ledgers(old, new, closed=closed, ignore=_names(ignore, "ignore"))
    came = f"{type(old).__name__} and {type(new).__name__}"
    raise ConfigError(f"diff compares two DataFrames or two GeneralLedgers; {came} came. Give it two of a kind.")


def _refuse(*, of: str, **given: bool) -> None:
    for name, is_given in given.items():
        if is_given:
            raise ConfigError(f"{name}= is for {of}; leave it out here.")


def _names(value: Any, what: str) -> tuple[str, ...]:
    """A name or several, as a tuple; *what* is the argument's name, for the message."""
    if isinstance(value, str):
        return (value,)
    try:
        return tuple(dict.fromkeys(value))
    except TypeError as error:
        raise ConfigError(f"{what} is a column or a list of columns; {value!r} was given.") from error
