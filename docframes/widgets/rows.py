"""The rows behind a grid: of a frame or of a ledger, searched, filtered and sorted over all of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

from docframes.errors import ColumnError, ConfigError
from docframes.ledger.general_ledger import GeneralLedger
from docframes.tables.loads import describe, load_record
from docframes.widgets.arrays import Values, is_plain, to_arrow
from docframes.widgets.blocks import BlockRows, Positions, joined
from docframes.widgets.columns import ColumnInfo, Field, Kind, Page
from docframes.widgets.formats import Shape, all_days, is_amount
from docframes.widgets.matching import Block
from docframes.widgets.query import Query

__all__ = ["ColumnInfo", "Field", "FrameRows", "Kind", "Page", "Rows", "rows_of"]

_BLOCK = 1 << 18  # rows of a frame that are searched at once
_FIRST = 1_000  # moments that are looked at before all are


class Rows(Protocol):
    """Rows that can be asked; positions are rows of the whole, from 0.

    Search: every word, in any case, has to be found in some column of text, category or objects that is shown.
    Dates and numbers match by their shown text, in a filter of their own column.
    """

    columns: list[ColumnInfo]
    total: int

    def count(self, query: Query) -> int:
        """How many rows match."""

    def page(self, query: Query, start: int, count: int) -> Page:
        """At most *count* rows of the answer, from *start* on."""

    def record(self, position: int) -> list[Field]:
        """Every value of one row, whole.  Raises : ConfigError where there is no such row."""

    def values(self, column: int, query: Query, limit: int = 200) -> tuple[list[tuple[str | None, int]], bool]:
        """The most frequent values of a column in the rows that match the rest, and whether there are more of them."""

    def frame(self, positions: Sequence[int] | None = None, query: Query | None = None) -> pd.DataFrame:
        """These rows, or all that match, with the dtypes, attrs and index of the whole."""


def rows_of(
    data: pd.DataFrame | GeneralLedger, columns: Sequence[str] | None = None, table: str = "transactions"
) -> Rows:
    """The rows of a frame, or of one *table* of a ledger, which is read from its store as far as it is shown.

    columns : those that are shown and searched, in this order; None is all.  Key columns of the index are always shown.
    Raises : ColumnError for columns that are not there; ConfigError for what has no rows.
    """
    if isinstance(data, GeneralLedger):
        from docframes.widgets.store_rows import StoreRows

        return StoreRows(data, columns, table)
    return FrameRows(_checked(data), columns)


def _checked(data: object) -> pd.DataFrame:
    if isinstance(data, pd.DataFrame):
        return data
    msg = f"Rows are those of a pandas DataFrame or a GeneralLedger; {type(data).__name__} came. "
    hint = "Make a frame of it: series.to_frame()." if isinstance(data, pd.Series) else "Make it one of the two."
    raise ConfigError(msg + hint)


class FrameRows(BlockRows):
    """The rows of a frame as it is now: what is changed in it afterwards does not show.

    Levels of an index that say something, a MultiIndex or one with a name or with other values than whole numbers, are
    key columns before the others.
    """

    def __init__(self, frame: pd.DataFrame, columns: Sequence[Hashable] | None = None) -> None:
        self._data = frame.copy(deep=False)
        levels = _levels(self._data.index)
        shown, hidden = _chosen(self._data.columns, columns)
        own = [self._data.iloc[:, place] for place in (*shown, *hidden)]
        names = [_name(self._data.columns[place]) for place in (*shown, *hidden)]
        self._series = [series for _, series in levels] + own
        self._arrays: dict[int, Values] = {}
        known = _known(frame)
        first = len(levels) + len(shown)
        infos, shapes = [], []
        for place, name in enumerate([name for name, _ in levels] + names):
            info, shape = self._look(place, name, known, key=place < len(levels))
            infos.append(info)
            shapes.append(shape if place < first else Shape(shape.kind, shape.grouped))
        super().__init__(len(frame), infos, shapes, first)

    def _look(self, place: int, name: str, known: _Known, *, key: bool) -> tuple[ColumnInfo, Shape]:
        """How a column is told and shown; one that is costly to turn into Arrow is turned once, and kept."""
        series = self._series[place]
        plain = is_plain(series.dtype)
        made = to_arrow(series.iloc[:_FIRST] if plain else series)
        if not plain:
            self._arrays[place] = made.array
        kind, zone = made.kind, getattr(made.array.type, "tz", None) or ""
        if kind == "moment" and self._is_days(place, made.array):
            kind = "date"
        meaning, unit = known.words.get(name, ("", ""))
        counted = kind == "number" and not is_amount(made.array.type) and bool(unit)
        searched = kind in ("text", "other") and not pa.types.is_temporal(made.array.type)
        searched = searched or isinstance(series.dtype, pd.CategoricalDtype)
        shape = Shape(kind, made.grouped or counted, searched)
        return ColumnInfo(name, kind, key or name in known.keys, meaning, zone or unit), shape

    def _is_days(self, place: int, first: Values) -> bool:
        if pa.types.is_dictionary(first.type):
            return all_days(joined(first).dictionary)
        return all_days(joined(first)) and (len(first) >= len(self._series[place]) or all_days(self._array(place)))

    def _array(self, place: int) -> pa.Array:
        if place in self._arrays:
            return joined(self._arrays[place])
        return joined(to_arrow(self._series[place]).array)

    def _blocks(self, columns: Sequence[int]) -> Iterator[tuple[int, Block]]:
        arrays = {place: self._arrays.get(place) or to_arrow(self._series[place]).array for place in columns}
        for start in range(0, self.total, _BLOCK):
            rows = min(_BLOCK, self.total - start)
            yield rows, {place: joined(array.slice(start, rows)) for place, array in arrays.items()}

    def _take(self, columns: Sequence[int], positions: Positions) -> list[pa.Array]:
        return [self._some(place, positions) for place in columns]

    def _some(self, place: int, positions: Positions) -> pa.Array:
        if place in self._arrays:
            return joined(self._arrays[place].take(pa.array(positions.astype("int64"))))
        return joined(to_arrow(self._series[place].iloc[positions]).array)

    def _pieces(self, column: int, positions: Positions | None) -> Iterator[pa.Array]:
        array = self._array(column)
        yield array if positions is None else array.take(pa.array(positions))

    def _frame(self, positions: Positions | None) -> pd.DataFrame:
        return self._data.copy(deep=False) if positions is None else self._data.iloc[positions.astype("int64")]


@dataclass(frozen=True)
class _Known:
    """What is known of a frame's columns: meaning and unit of each, and which are its keys."""

    words: Mapping[str, tuple[str, str]]
    keys: tuple[str, ...]


def _known(frame: pd.DataFrame) -> _Known:
    try:
        told = describe(frame)
        declared = load_record(frame).declared
    except ConfigError:
        return _Known({}, ())
    words = {
        name: (meaning, unit) for name, meaning, unit in told[["column", "meaning", "unit"]].itertuples(index=False)
    }
    return _Known(words, declared.key if declared else ())


def _levels(index: pd.Index) -> list[tuple[str, pd.Series]]:
    """The levels of an index that say something."""
    if isinstance(index, pd.MultiIndex):
        named = [(_name(name) if name is not None else f"level {place}") for place, name in enumerate(index.names)]
        return [(name, pd.Series(index.get_level_values(place))) for place, name in enumerate(named)]
    if index.name is None and pd.api.types.is_integer_dtype(index.dtype):
        return []
    if index.name is None and len(index) == 0:
        return []
    return [(_name(index.name) if index.name is not None else "index", pd.Series(index))]


def _chosen(labels: pd.Index, columns: Sequence[Any] | None) -> tuple[list[int], list[int]]:
    """Where the columns stand that are shown, and the others."""
    if columns is None:
        return list(range(len(labels))), []
    if isinstance(columns, str):
        raise ConfigError(f"columns is a list of names; {columns!r} was given. Write columns=[{columns!r}].")
    places: list[int] = []
    for column in columns:
        found = [place for place, label in enumerate(labels) if label == column or _name(label) == column]
        if not found:
            raise ColumnError(f"There is no column {column!r}. The columns are: {', '.join(map(_name, labels))}.")
        places += [place for place in found if place not in places]
    return places, [place for place in range(len(labels)) if place not in places]


def _name(label: Any) -> str:
    return " / ".join(map(str, label)) if isinstance(label, tuple) else str(label)
