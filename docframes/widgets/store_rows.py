"""The rows of a ledger's store: asked row group by row group, so that memory does not grow with the ledger.

The texts that repeat come from the file as codes, and are searched and sorted by their distinct values.  What is kept
is four bytes for each row of the last answer.  DuckDB, where it is installed, finds rows that lie far apart, and sorts
long columns of distinct texts on disk; without it the answers are the same, and take longer.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet as pq

from docframes.errors import ColumnError, ConfigError
from docframes.ledger import ROLES
from docframes.ledger.engines import database, read
from docframes.ledger.frames import to_frame
from docframes.ledger.general_ledger import GeneralLedger
from docframes.widgets.blocks import BlockRows, Numbers, Positions, Sort, joined
from docframes.widgets.columns import ColumnInfo
from docframes.widgets.formats import Shape, all_days, is_amount, kind_of
from docframes.widgets.matching import Block
from docframes.widgets.query import Query

_KEYS = ("transaction", "line")
_MEANINGS = {
    "source_line": "line of the file, from 1",
    "source_member": "file that the line stands in",
}
_NEAR = 2  # row groups that are read, and kept, for the rows of a page
_FEW = 10_000  # rows that DuckDB is asked for one by one
_LONG = 2_000_000  # texts from which a column of distinct ones is sorted on disk
_MEMORY = "1GB"  # that DuckDB may use
_BATCH = 1_000_000  # places that come from DuckDB at once


class StoreRows(BlockRows):
    """The rows of one *table* of a ledger.  Amounts are shown exactly; ``frame`` gives them as the ledger's frames do.

    columns : those that are shown and searched; None is all.
    Raises : ColumnError for columns that are not there; ConfigError where there is no such table, StoreError where its
    file is gone.
    """

    def __init__(
        self, ledger: GeneralLedger, columns: Sequence[str] | None = None, table: str = "transactions"
    ) -> None:
        self._ledger, self._table = ledger, table
        with pq.ParquetFile(self._path) as file:
            self._schema, facts = file.schema_arrow, file.metadata
        self._coded = _coded(facts, self._schema)
        self._ends = np.cumsum(
            [facts.row_group(group).num_rows for group in range(facts.num_row_groups)], dtype=np.int64
        )
        self._kept: dict[int, pa.Table] = {}
        shown = _chosen(self._schema.names, columns)
        self._names = shown + [name for name in self._schema.names if name not in shown]
        looks = [self._look(name, facts) for name in self._names]
        shapes = [
            shape if place < len(shown) else Shape(shape.kind, shape.grouped) for place, (_, shape) in enumerate(looks)
        ]
        super().__init__(facts.num_rows, [info for info, _ in looks], shapes, len(shown))

    @property
    def _path(self) -> Path:
        return self._ledger.store.path(self._table)

    def _look(self, name: str, facts: Any) -> tuple[ColumnInfo, Shape]:
        type_ = self._schema.field(name).type
        kind = kind_of(type_)
        role = ROLES.get(name) if name in self._ledger.roles.get(self._table, {}) else None
        if kind == "moment" and ((role and role.kind == "date") or self._is_days(name, facts)):
            kind = "date"
        meaning = role.meaning if role else _MEANINGS.get(name, "")
        key = role is not None and name in _KEYS and self._table == "transactions"
        return ColumnInfo(name, kind, key, meaning), Shape(kind, is_amount(type_), kind == "text")

    def _is_days(self, name: str, facts: Any) -> bool:
        """Whether all moments of a column are days; what the file says of each row group mostly tells."""
        place = self._schema.names.index(name)
        type_ = self._schema.field(name).type
        for group in range(facts.num_row_groups):
            told = facts.row_group(group).column(place).statistics
            if told is not None and told.has_min_max and not all_days(pa.array([told.min, told.max], type_)):
                return False
        return all(all_days(joined(table[name])) for table in self._tables([name]))

    # --- reading ------------------------------------------------------------------------------------------------------

    def _tables(self, names: Sequence[str]) -> Iterator[pa.Table]:
        with self._file() as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=list(names))

    @contextlib.contextmanager
    def _file(self, *, coded: bool = True) -> Iterator[pq.ParquetFile]:
        with pq.ParquetFile(self._path, read_dictionary=self._coded if coded else None) as file:
            yield file

    def _blocks(self, columns: Sequence[int]) -> Iterator[tuple[int, Block]]:
        rows = np.diff(self._ends, prepend=0)
        names = [self._names[place] for place in columns]
        for number, table in zip(rows, self._tables(names), strict=True):
            yield int(number), {place: joined(table[name]) for place, name in zip(columns, names, strict=True)}

    def _take(self, columns: Sequence[int], positions: Positions) -> list[pa.Array]:
        table = self._rows(positions.astype(np.int64), [self._names[place] for place in columns])
        return [joined(column) for column in table.columns]

    def _rows(self, positions: Positions, names: Sequence[str]) -> pa.Table:
        """Some rows, in the order of *positions*."""
        wanted, places = np.unique(positions, return_inverse=True)
        groups = np.searchsorted(self._ends, wanted, side="right")
        there = np.unique(groups)
        if len(there) <= _NEAR:
            pieces = [self._group(group).select(names).take(self._inside(wanted, groups, group)) for group in there]
        elif len(wanted) <= _FEW and self._has_database:
            pieces = [self._fetched(wanted, names)]
        else:
            with self._file(coded=False) as file:
                pieces = [
                    file.read_row_group(group, columns=list(names))
                    .select(names)
                    .take(self._inside(wanted, groups, group))
                    for group in there.tolist()
                ]
        plain = pa.schema([self._schema.field(name) for name in names])
        table = pa.concat_tables([piece.cast(plain) for piece in pieces]) if pieces else plain.empty_table()
        return table.take(pa.array(places.astype(np.int64)))

    def _inside(self, wanted: Positions, groups: Positions, group: int) -> pa.Array:
        begin = 0 if group == 0 else self._ends[group - 1]
        return pa.array(wanted[groups == group] - begin)

    def _group(self, group: int) -> pa.Table:
        """A whole row group; the last few are kept, since the next page mostly lies there too."""
        found = self._kept.pop(group, None)
        if found is None:
            with self._file() as file:
                found = file.read_row_group(int(group))
        self._kept[group] = found
        while len(self._kept) > _NEAR:
            del self._kept[next(iter(self._kept))]
        return found

    # --- by DuckDB ----------------------------------------------------------------------------------------------------

    @property
    def _has_database(self) -> bool:
        return importlib.util.find_spec("duckdb") is not None and _PLACE not in self._schema.names

    def _is_large(self, columns: Iterable[int], rows: int) -> bool:
        """Whether so many texts, all of them distinct perhaps, are too many for the memory, and DuckDB is there."""
        texts = [place for place in columns if self._shapes[place].kind == "text"]
        distinct = any(self._names[place] not in self._coded for place in texts)
        return rows > _LONG and distinct and self._has_database

    def _sorted(self, found: Positions | None, sort: Sort) -> Positions:
        if not self._is_large([place for place, _ in sort], self.total if found is None else len(found)):
            return super()._sorted(found, sort)
        order = self._sorted_on_disk(sort)
        if found is None:
            return order
        mask = np.zeros(self.total, np.bool_)
        mask[found] = True
        return order[mask[order]]

    def _sorted_on_disk(self, sort: Sort) -> Positions:
        keys = [f"{_quoted(self._names[place])} {'DESC' if down else 'ASC'} NULLS LAST" for place, down in sort]
        query = f"SELECT {_PLACE}::UINTEGER AS place FROM lines ORDER BY {', '.join([*keys, _PLACE])}"  # noqa: S608
        with self._lines() as connection:
            batches = connection.sql(query).to_arrow_reader(_BATCH)
            return np.concatenate([batch.column(0).to_numpy() for batch in batches])

    def _most_frequent(self, column: int, rest: Query, limit: int) -> tuple[pa.Array, Numbers, bool]:
        found = self._found(rest) if self._is_large([column], self.total) else None
        if not self._is_large([column], self.total if found is None else len(found)):
            return super()._most_frequent(column, rest, limit)
        name = _quoted(self._names[column])
        among = "" if found is None else f"SEMI JOIN found ON found.place = lines.{_PLACE}"
        query = f"SELECT {name}, count(*) AS rows FROM lines {among} GROUP BY 1 "  # noqa: S608
        with self._lines() as connection:
            if found is not None:
                connection.register("found", pa.table({"place": found}))
            table = connection.sql(f"{query} ORDER BY rows DESC, min({_PLACE}) LIMIT {limit + 1}").to_arrow_table()
        return joined(table.column(0))[:limit], table.column(1).to_numpy()[:limit], table.num_rows > limit

    def _fetched(self, wanted: Positions, names: Sequence[str]) -> pa.Table:
        """Rows from many row groups: DuckDB reads of each no more than where they lie."""
        listed = ", ".join(map(str, wanted.tolist()))
        chosen = ", ".join(_quoted(name) for name in names)
        query = f"SELECT {chosen} FROM lines WHERE {_PLACE} IN ({listed}) ORDER BY {_PLACE}"  # noqa: S608
        with self._lines() as connection:
            return connection.sql(query).to_arrow_table()

    @contextlib.contextmanager
    def _lines(self) -> Iterator[Any]:
        with database(_MEMORY) as connection:
            path = "".join(f"[{mark}]" if mark in "*?[" else mark for mark in str(self._path))
            lines = connection.read_parquet(path, file_row_number=True, hive_partitioning=False)
            lines.create_view("lines")
            yield connection

    # --- as a frame ---------------------------------------------------------------------------------------------------

    def _frame(self, positions: Positions | None) -> pd.DataFrame:
        if positions is None:
            frame = to_frame([read(self._path)], amounts=self._ledger.amounts)
        else:
            places = positions.astype(np.int64)
            frame = to_frame([self._rows(places, self._schema.names)], amounts=self._ledger.amounts)
            frame.index = pd.Index(places)
        return self._ledger.recorded(frame, self._table)


_PLACE = "file_row_number"


def _coded(facts: Any, schema: pa.Schema) -> list[str]:
    """The text columns that the file holds as codes of their distinct values."""
    if not facts.num_row_groups:
        return []
    group = facts.row_group(0)
    return [
        field.name
        for place, field in enumerate(schema)
        if pa.types.is_string(field.type) and "RLE_DICTIONARY" in group.column(place).encodings
    ]


def _chosen(names: Sequence[str], columns: Sequence[str] | None) -> list[str]:
    if columns is None:
        return list(names)
    if isinstance(columns, str):
        raise ConfigError(f"columns is a list of names; {columns!r} was given. Write columns=[{columns!r}].")
    unknown = [name for name in columns if name not in names]
    if unknown:
        raise ColumnError(f"There is no column {', '.join(map(repr, unknown))}. The columns are: {', '.join(names)}.")
    return list(dict.fromkeys(columns))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
