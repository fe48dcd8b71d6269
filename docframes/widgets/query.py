"""What is asked of the rows: a search, filters and an order, as the browser sends them, checked."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeGuard, get_args

from docframes.errors import ConfigError
from docframes.widgets.columns import ColumnInfo, Kind

FilterKind = Literal["contains", "range", "empty", "filled", "one_of"]

_ORDERED: tuple[Kind, ...] = ("number", "date", "moment")  # kinds that have a range
_NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?")
_MOMENT = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?)?")
_EPOCH = datetime(1970, 1, 1)
_SECOND = 10**9  # in nanoseconds, which every moment here is told in
_MOST_SHOWN = 40  # characters of what was typed, in a message


@dataclass(frozen=True)
class Filter:
    """A condition on one column.

    contains : the shown text has *text* in it, in any case; thousands separators do not matter.
    range : from *low* to *high*, both included; an empty one is open.  Dates are ISO, and mean all of the year, month,
    day, minute or second that they name; moments are compared as they are shown, in the zone of their column.
    empty, filled : the value is missing or a text of blanks alone; or it is not.
    one_of : the whole shown text is one of *values*, where None is missing.
    """

    column: int
    kind: FilterKind
    text: str = ""
    low: str = ""
    high: str = ""
    values: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Query:
    """Which rows, and in which order.

    search : every word, in any case, has to be in some text of the row.  filters : have to hold, all of them.
    sort : (column, descending), the first counts most; stable, missing values last in both directions.
    """

    search: str = ""
    filters: tuple[Filter, ...] = ()
    sort: tuple[tuple[int, bool], ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the search, each once."""
        return tuple(dict.fromkeys(self.search.split()))

    def without(self, column: int) -> Query:
        """The same rows but for what is asked of *column*, in no order."""
        return Query(self.search, tuple(one for one in self.filters if one.column != column))


def read_query(message: Mapping[str, Any], columns: Sequence[ColumnInfo]) -> Query:
    """The query of a message: its ``search``, ``filters`` and ``sort``; none of them has to be there.

    A filter "contains" without a text, or a range that is open on both ends, asks for nothing and is left out.
    Raises : ConfigError, in words for whoever typed it, for what cannot be asked.
    """
    search = message.get("search") or ""
    if not _is_text(search):
        raise ConfigError(f"A search is text; {_short(search)} came.")
    filters = [_filter(one, columns) for one in _listed(message, "filters")]
    sort = [_sort(one, columns) for one in _listed(message, "sort")]
    return Query(search, tuple(one for one in filters if one is not None), tuple(sort))


def _listed(message: Mapping[str, Any], key: str) -> Sequence[Any]:
    found = message.get(key) or ()
    if not isinstance(found, list | tuple):
        raise ConfigError(f"{key} is a list; {_short(found)} came.")
    return found


def _filter(told: Any, columns: Sequence[ColumnInfo]) -> Filter | None:
    if not isinstance(told, Mapping) or told.get("kind") not in get_args(FilterKind):
        raise ConfigError(f"A filter is one of {', '.join(get_args(FilterKind))}; {_short(told)} came.")
    values = told.get("values") or ()
    if not isinstance(values, list | tuple) or not all(one is None or _is_text(one) for one in values):
        raise ConfigError(f"The values of a filter are a list of texts; {_short(values)} came.")
    made = Filter(
        _column(told.get("column"), columns),
        told["kind"],
        **{part: _text(told.get(part)) for part in ("text", "low", "high")},
        values=tuple(values),
    )
    if made.kind == "contains" and not made.text.strip():
        return None
    if made.kind == "range":
        if not made.low.strip() and not made.high.strip():
            return None
        check_range(made, columns[made.column])
    return made


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not _is_text(value):
        raise ConfigError(f"What a filter looks for is text; {_short(value)} came.")
    return value


def _is_text(value: Any) -> TypeGuard[str]:
    """Whether it is text; half of a character, as a browser may cut it, is none."""
    return isinstance(value, str) and not any("\ud800" <= mark <= "\udfff" for mark in value)


def _sort(told: Any, columns: Sequence[ColumnInfo]) -> tuple[int, bool]:
    if not isinstance(told, list | tuple) or len(told) != 2 or not isinstance(told[1], bool):
        raise ConfigError(f"An order is a list of [column, descending]; {_short(told)} came.")
    return _column(told[0], columns), told[1]


def _column(value: Any, columns: Sequence[ColumnInfo]) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < len(columns):
        raise ConfigError(f"A column is a number from 0 to {len(columns) - 1}; {_short(value)} came.")
    return value


def check(query: Query, columns: Sequence[ColumnInfo]) -> None:
    """Refuse a query that these columns cannot answer, whoever made it.  Raises : ConfigError."""
    for place, _ in query.sort:
        _column(place, columns)
    for one in query.filters:
        place = _column(one.column, columns)
        if one.kind not in get_args(FilterKind):
            raise ConfigError(f"A filter is one of {', '.join(get_args(FilterKind))}; {_short(one.kind)} came.")
        if one.kind == "range":
            check_range(one, columns[place])


# --- ends of a range --------------------------------------------------------------------------------------------------


def check_range(asked: Filter, column: ColumnInfo) -> None:
    """Refuse a range whose ends cannot be read, or of a column that has no order.  Raises : ConfigError."""
    if column.kind not in _ORDERED:
        msg = f"{column.name}: from and to are for numbers and dates; the column is {column.kind}. "
        raise ConfigError(msg + "Ask for a text that it contains, or choose among its values.")
    for end, text in (("from", asked.low), ("to", asked.high)):
        try:
            number(text) if column.kind == "number" else span(text)
        except ValueError as error:
            thing, like = ("number", "-1234.50") if column.kind == "number" else ("date", "2025-01-31")
            if column.kind == "moment":
                like = "2025-01-31 or 2025-01-31 14:30:00"
            msg = f"{column.name}: {end} {_short(text)} is no {thing}. Write it like {like}."
            raise ConfigError(msg) from error


def number(text: str) -> Decimal | None:
    """The number that is written, exactly; None for an open end.  Raises : ValueError when it is none."""
    plain = text.strip().replace("\N{MINUS SIGN}", "-")
    if not plain:
        return None
    if not _NUMBER.fullmatch(plain) or not re.search(r"\d", plain):
        raise ValueError(text)
    return Decimal(plain.replace(",", ""))


def span(text: str) -> tuple[int, int] | None:
    """First and last nanosecond, since 1970, of the year, month, day, minute, second or part of one that is written.

    None for an open end.  Raises : ValueError when it is no date or moment.
    """
    plain = text.strip()
    if not plain:
        return None
    found = _MOMENT.fullmatch(plain)
    if not found:
        raise ValueError(text)
    parts = [int(part) for part in found.groups()[:6] if part is not None]
    fraction = found[7] or ""
    whole = parts + [1, 1][max(0, len(parts) - 1) :]
    begin = (datetime(*whole) - _EPOCH) // timedelta(seconds=1) * _SECOND + int(fraction.ljust(9, "0"))  # type: ignore[arg-type]
    return begin, begin + _length(parts, fraction) - 1


def _length(parts: Sequence[int], fraction: str) -> int:
    """Nanoseconds in what is named by as many parts of a date."""
    if fraction:
        return int(10 ** (9 - len(fraction)))
    day = 24 * 3600 * _SECOND
    if len(parts) == 1:
        return (366 if calendar.isleap(parts[0]) else 365) * day
    if len(parts) == 2:
        return calendar.monthrange(*parts)[1] * day
    return {3: day, 5: 60 * _SECOND, 6: _SECOND}[len(parts)]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
