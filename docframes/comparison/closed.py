"""Which lines of a ledger stand in a closed period."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from docframes.errors import ConfigError

#: A day, up to which all is closed; or values of the period column, or pairs of year and period.
ClosedPeriods: TypeAlias = str | date | Iterable[str | tuple[str, str]] | None

#: What stands around a name in SQL.
MARK = '"'
#: A period where no column plays one: the calendar month of the date.
_MONTH = "strftime(\"date\", '%Y-%m')"


@dataclass(frozen=True)
class Closed:
    """A condition on lines.  sql : of DuckDB, on the columns of a store.  columns : those it looks at.

    listed : the periods, where periods were given.  known : of DuckDB, what a period is called in the ledgers.
    """

    sql: str = "false"
    columns: frozenset[str] = frozenset()
    listed: tuple[str | tuple[str, str], ...] = ()
    known: tuple[str, ...] = ()


def closed_rule(closed: ClosedPeriods, roles: Sequence[frozenset[str]]) -> Closed:
    """What *closed* asks for.  roles : what columns play in the old and in the new ledger.

    Raises ConfigError for what is neither a day nor a list of periods, and for periods where only one ledger has them.
    """
    if closed is None:
        return Closed()
    if isinstance(closed, str | date | np.datetime64):
        day = _day(closed)
        return Closed(f"\"date\" < DATE '{day:%Y-%m-%d}' + INTERVAL 1 DAY", frozenset({"date"}))
    listed = _listed(closed)
    pairs = any(isinstance(value, tuple) for value in listed)
    names = _names(pairs, roles)
    known = tuple(f'"{name}"' for name in names) or (_MONTH,)
    return Closed(_among(listed, known), frozenset(names) or frozenset({"date"}), listed, known)


def unknown_periods(rule: Closed, there: Iterable[tuple[Any, ...]]) -> ConfigError | None:
    """An error where a period was listed that no line is in, for a period misspelt would close nothing."""
    found = {row[0] if len(row) == 1 else row for row in there if None not in row}
    unknown = [period for period in rule.listed if period not in found]
    if not unknown:
        return None
    msg = f"No line of either ledger is in the period {', '.join(map(repr, unknown))} of closed=. "
    shown = ", ".join(map(repr, sorted(found)[:40]))
    return ConfigError(msg + f"The periods are: {shown}. Leave out those without lines, or name a day instead.")


def _day(closed: Any) -> date:
    try:
        found = date.fromisoformat(closed) if isinstance(closed, str) else pd.Timestamp(closed).date()
    except ValueError:
        found = None
    if not isinstance(found, date) or pd.isna(found):
        msg = (
            f"closed is a day such as '2025-06-30', up to which all is closed, or a list of periods; {closed!r} came. "
        )
        raise ConfigError(msg + f"For one period write closed=[{closed!r}].")
    return found


def _listed(closed: Any) -> tuple[str | tuple[str, str], ...]:
    listed = tuple(dict.fromkeys(closed)) if isinstance(closed, Iterable) else ()
    one_kind = len({isinstance(value, tuple) for value in listed}) == 1
    if not one_kind or not all(_is_period(value) for value in listed):
        msg = "closed is a day, or a list of periods as the ledger has them, such as ['01', '02'], or of years and "
        raise ConfigError(msg + f"periods, such as [('2025', '01')], all of them text; {closed!r} was given.")
    return listed


def _is_period(value: Any) -> bool:
    parts = value if isinstance(value, tuple) and len(value) == 2 else (value,)
    return all(isinstance(part, str) for part in parts)


def _names(pairs: bool, roles: Sequence[frozenset[str]]) -> tuple[str, ...]:
    """The columns that hold what is listed; none where the calendar month stands in for the period."""
    names = ("year", "period") if pairs else ("period",)
    lacking = [name for name in names if not all(name in played for played in roles)]
    if not lacking:
        return names
    if not pairs and not any("period" in played for played in roles):
        return ()
    msg = f"closed= lists {'years and periods' if pairs else 'periods'}, and no column plays {lacking[0]!r} "
    raise ConfigError(msg + "in both ledgers. Name it with read_ledger(..., roles=...), or close by day: '2025-06-30'.")


def _among(listed: Sequence[str | tuple[str, str]], known: Sequence[str]) -> str:
    def one(period: str | tuple[str, str]) -> str:
        parts = period if isinstance(period, tuple) else (period,)
        return " AND ".join(f"{name} = {quoted(part)}" for name, part in zip(known, parts, strict=True))

    return " OR ".join(f"({one(period)})" for period in listed)


def quoted(text: str, mark: str = "'") -> str:
    """*text* as SQL has it: a value, or with MARK a name."""
    return mark + text.replace(mark, mark * 2) + mark
