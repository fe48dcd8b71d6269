"""Nested records into columns, level by level: all steps of all jobs, then all questions of all steps, and so on.

No row is ever built.  The records of a level are turned into columns at once, and what a row takes from the levels
above comes by ``take`` on an index.  Work goes in batches small enough to stay in the processor's cache: decoded
JSON is many small objects all over memory, and walking 5,000 job details in batches of 60 takes a third of the time
of walking them as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from docframes import spelling
from docframes.errors import ShapeError
from docframes.tables.columns import TEXT, TYPES, as_text, convert, mixed_arrays, text_array
from docframes.tables.frames import arrow_table
from docframes.tables.provenance import TRACE, traced
from docframes.tables.schema import Column, Level, Table

#: Records a batch: of nested ones, such as a job with its 30 answers, and of plain rows.
NESTED_BATCH, FLAT_BATCH = 60, 1_000

#: The number of the answer of each row, while rows are being made; no vendor's key begins so.
_SOURCE = "\0source"

Record = dict[str, Any]
#: Values by key, one list a key, all of the same length.
Values = dict[str, list[Any]]


@dataclass
class Drift:
    """How what came differs from what the Table declares: names, and how many rows are touched."""

    unknown: dict[str, int] = field(default_factory=dict)  #: keys the Table does not know; they became columns
    missing: dict[str, int] = field(default_factory=dict)  #: declared keys that no record had
    unreadable: dict[str, int] = field(default_factory=dict)  #: values kept as text in ``<column>_as_sent``
    renamed: dict[str, str] = field(default_factory=dict)  #: declared key to the spelling that came instead
    empty_records: int = 0  #: nulls where a record was due


@dataclass
class Flat:
    """One table's columns: the declared ones first, then those nobody declared."""

    table: Table
    columns: dict[str, pa.Array | pa.ChunkedArray]
    drift: Drift
    rows: int

    def arrow(self) -> pa.Table:
        """As an Arrow table."""
        return arrow_table(self.table, self.columns)

    def take(self, rows: np.ndarray) -> Flat:
        """These rows only, in this order."""
        index = pa.array(rows)
        columns = {name: array.take(index) for name, array in self.columns.items()}
        return Flat(self.table, columns, self.drift, len(rows))


class Flattener:
    """Takes records as they come and gives the tables of *level*, and of all levels below, in the end.

    Unknown keys become text columns after the declared ones, nested ones as JSON; nothing is dropped but what the
    Table names as secret.  Raises ShapeError where a record is neither an object nor null.
    """

    def __init__(self, level: Level, batch: int | None = None, *, traced: bool = False) -> None:
        self.level = level
        self.batch = batch or (NESTED_BATCH if level.children else FLAT_BATCH)
        self._waiting: list[Any] = []
        self._sources: list[int] | None = [] if traced else None
        self._done: list[dict[str, Flat]] = []

    def add(self, records: Iterable[Any], source: int = 0) -> None:
        """Take *records*; they are let go as soon as a batch of them is flat.

        source : the number of the answer that they came in, which does not fall from one call to the next.
        """
        self._waiting += records if self.level.apart is None else self.level.apart(list(records))
        if self._sources is not None:
            self._sources += [source] * (len(self._waiting) - len(self._sources))
        if len(self._waiting) >= self.batch:
            self._flush()

    def finish(self) -> dict[str, Flat]:
        """The tables by name."""
        if self._waiting or not self._done:
            self._flush()
        levels = list(self.level.walk())
        flats = {level.table.name: _joined([part[level.table.name] for part in self._done]) for level in levels}
        if self._sources is not None:
            for flat in flats.values():
                flat.columns[TRACE] = traced(flat.columns.pop(_SOURCE))
        return flats

    def _flush(self) -> None:
        for start in range(0, max(1, len(self._waiting)), self.batch):
            found: dict[str, Flat] = {}
            batch = slice(start, start + self.batch)
            sources = None if self._sources is None else np.array(self._sources[batch], np.int64)
            _descend(_Rows(self._waiting[batch], sources=sources), self.level, found)
            self._done.append(found)
        self._waiting = []
        self._sources = None if self._sources is None else []


def flatten(records: Sequence[Any], level: Level) -> dict[str, Flat]:
    """The tables of *level* and of all levels below, by name, from *records*; see :class:`Flattener`."""
    flattener = Flattener(level)
    flattener.add(records)
    return flattener.finish()


def records_of(records: Sequence[Any], level: Level, name: str) -> list[tuple[Any, Any, int]]:
    """The record behind each row of the table *name*, with the list it stands in and its place there.

    records : of one answer.  A record at the top stands in *records* itself, as far as a list of rows is taken apart.
    """
    made = records if level.apart is None else level.apart(list(records))
    found = _below(_Rows(list(made)), [(made, place) for place in range(len(made))], level, name)
    if found is None:
        raise KeyError(name)
    return found


def _below(rows: _Rows, places: list[tuple[Any, int]], level: Level, name: str) -> list[tuple[Any, Any, int]] | None:
    drift = Drift()
    kept = [place for place, record in zip(places, rows.records, strict=True) if record is not None]
    rows, values = _turned(rows, level, drift)
    if level.table.name == name:
        return [(record, *place) for record, place in zip(rows.records, kept, strict=True)]
    reader = _Reader(values, len(rows.records), level, drift)
    for child in level.children:
        lists = reader.children(child)
        flat = Flat(level.table, {}, drift, len(rows.records))
        below = [(value, place) for value in lists for place in range(len(_as_list(value)))]
        found = _below(_children(lists, flat, child.plain), below, child, name)
        if found is not None:
            return found
    return None


# --- one batch ----------------------------------------------------------------------------------------------------


@dataclass
class _Rows:
    """The records of one level, and which row above each belongs to."""

    records: list[Any]
    parent: Flat | None = None
    index: np.ndarray | None = None  #: row of the parent, for each record
    sources: np.ndarray | None = None  #: number of the answer, for each record, where rows are traced

    def only(self, keep: np.ndarray) -> _Rows:
        """These records only."""
        records = [record for record, kept in zip(self.records, keep, strict=True) if kept]
        index, sources = (None if part is None else part[keep] for part in (self.index, self.sources))
        return _Rows(records, self.parent, index, sources)


def _descend(rows: _Rows, level: Level, found: dict[str, Flat]) -> None:
    drift = Drift()
    rows, values = _turned(rows, level, drift)
    reader = _Reader(values, len(rows.records), level, drift)
    # Lists that become tables of their own are taken first: what nobody has taken in the end is a column.
    lists = [reader.children(child) for child in level.children]
    flat = _columns(reader, rows, level)
    if rows.sources is not None:
        flat.columns[_SOURCE] = pa.array(rows.sources)
    found[level.table.name] = flat
    for child, records in zip(level.children, lists, strict=True):
        below = _children(records, flat, child.plain)
        below.sources = None if rows.sources is None else rows.sources[below.index]
        _descend(below, child, found)


def _turned(rows: _Rows, level: Level, drift: Drift) -> tuple[_Rows, Values]:
    try:
        return rows, _transpose(rows.records)
    except TypeError:
        rows = _without_nulls(rows, level, drift)
        return rows, _transpose(rows.records)


def _transpose(records: list[Record]) -> Values:
    """Values by key.  Records mostly have the same keys in the same order; then each is visited just twice.

    All keys in a row are those of the first record, again and again, only if every record has just these in just
    this order: a record with more would have one of them twice, and then another would have fewer.
    """
    if not records:
        return {}
    keys = list(records[0])
    if keys and list(chain.from_iterable(records)) == keys * len(records):
        flat = list(chain.from_iterable(map(dict.values, records)))
        return {key: flat[place :: len(keys)] for place, key in enumerate(keys)}
    shapes: set[tuple[str, ...]] = set(map(tuple, map(dict.keys, records)))
    longest_first: list[tuple[str, ...]] = sorted(shapes, key=len, reverse=True)
    every = dict.fromkeys(chain.from_iterable(longest_first))
    return {key: [record.get(key) for record in records] for key in every}


def _without_nulls(rows: _Rows, level: Level, drift: Drift) -> _Rows:
    for record in rows.records:
        if record is not None and not isinstance(record, dict):
            msg = f"{level.table.name}: wanted an object ({level.table.grain}), got {as_text(record)!r:.200}."
            raise ShapeError(msg, excerpt=(as_text(record) or "")[:200])
    keep = np.array([record is not None for record in rows.records])
    drift.empty_records = int((~keep).sum())
    return rows.only(keep)


def _children(lists: list[Any], parent: Flat, plain: str) -> _Rows:
    if not set(map(type, lists)) <= {list}:
        lists = [_as_list(value) for value in lists]
    counts = np.fromiter(map(len, lists), np.int64, len(lists))
    records = list(chain.from_iterable(lists))
    if plain:
        records = [{plain: record} if record is not None and type(record) is not dict else record for record in records]
    return _Rows(records, parent, np.repeat(np.arange(len(lists)), counts))


def _as_list(value: Any) -> list[Any]:
    """No list is an empty one, and a lone object is a list of one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _columns(reader: _Reader, rows: _Rows, level: Level) -> Flat:
    columns: dict[str, pa.Array] = {}
    index = None if rows.index is None else pa.array(rows.index)
    for column in level.table.columns:
        if column.inherited:
            columns[column.name] = _inherited(column, rows.parent, index)
        elif column.counted:
            columns[column.name] = _places(column, rows.index)
        elif column.kind == "mixed":
            arrays = mixed_arrays(reader.values(column))
            columns.update(zip((part.name for part in column.physical()), arrays, strict=True))
        else:
            converted = convert(reader.values(column), column.kind, column.categories)
            columns[column.name] = converted.array
            if converted.refused:
                reader.keep_as_sent(column, converted.refused)
    for name, array in reader.extras().items():
        columns[name if name not in columns else f"{name}_as_sent"] = array
    return Flat(level.table, columns, reader.drift, len(rows.records))


def _inherited(column: Column, parent: Flat | None, index: pa.Array | None) -> pa.Array:
    if parent is None or index is None:
        raise ValueError(f"{column.name} is inherited, but its table stands at the top.")
    return parent.columns[column.path].take(index)


def _places(column: Column, index: np.ndarray | None) -> pa.Array:
    """Each record's place, from 1, among those of the same parent; *index* ascends."""
    if index is None:
        raise ValueError(f"{column.name} is counted, but its table stands at the top.")
    return pa.array(np.arange(len(index)) - np.searchsorted(index, index) + 1, pa.int64())


class _Reader:
    """Takes columns out of a batch of records, and remembers which keys it met."""

    def __init__(self, values: Values, count: int, level: Level, drift: Drift) -> None:
        self.level = level
        self.drift = drift
        self.count = count
        self._objects: dict[str, Values] = {"": values}
        self._used: dict[str, set[str]] = {"": set()}
        self._as_sent: dict[str, pa.Array] = {}

    def values(self, column: Column) -> list[Any]:
        """The values of *column*, one a record."""
        prefix, key = self._place(column)
        found = self._find(prefix, key, column.aliases)
        for path in column.elsewhere:
            found = self._or_at(path, found)
        if found is None:
            if self.count and not column.optional:
                self.drift.missing[column.path] = self.count
            return [None] * self.count
        return found

    def children(self, level: Level) -> list[Any]:
        """What stands where the records of *level* are due, one a record."""
        prefix, _, key = level.items.rpartition(".")
        return self._find(prefix, key, ()) or [None] * self.count

    def _or_at(self, path: str, found: list[Any] | None) -> list[Any] | None:
        """*found*, with what stands at *path* where it has nothing; a value for which there is no room is kept."""
        prefix, _, key = path.rpartition(".")
        other = self._find(prefix, key, ())
        if other is None or found is None:
            return other or found
        more = {row: value for row, value in enumerate(other) if value not in (None, found[row], [])}
        over = {row: value for row, value in more.items() if found[row] is not None}
        if over:
            self._as_sent[path] = _sparse(over, self.count)
            self.drift.unknown[path] = len(over)
        return [more.get(row) if value is None else value for row, value in enumerate(found)]

    def _find(self, prefix: str, key: str, aliases: Sequence[str]) -> list[Any] | None:
        objects = self._at(prefix)
        name = spelling.find(key, objects, aliases)
        if name is None:
            return None
        if name != key:
            self.drift.renamed[key] = name
        self._used[prefix].add(name)
        return objects[name]

    def _place(self, column: Column) -> tuple[str, str]:
        path = column.path
        if path.startswith("^"):
            path = path[1:]
        elif self.level.fields:
            path = f"{self.level.fields}.{path}"
        prefix, _, key = path.rpartition(".")
        return prefix, key

    def _at(self, prefix: str) -> Values:
        """The values of the objects at a dotted path."""
        if prefix not in self._objects:
            above, _, key = prefix.rpartition(".")
            found = self._find(above, key, ()) or [None] * self.count
            self._objects[prefix] = _transpose([value if type(value) is dict else {} for value in found])
            self._used[prefix] = set()
            self._keep_non_objects(prefix, found)
        return self._objects[prefix]

    def _keep_non_objects(self, prefix: str, found: list[Any]) -> None:
        odd = {row: value for row, value in enumerate(found) if value is not None and type(value) is not dict}
        if odd:
            self._as_sent[f"{prefix}_as_sent"] = _sparse(odd, self.count)
            self.drift.unreadable[prefix] = len(odd)

    def keep_as_sent(self, column: Column, refused: dict[int, Any]) -> None:
        """Keep, as text, what a column could not read without loss."""
        self._as_sent[f"{column.name}_as_sent"] = _sparse(refused, self.count)
        self.drift.unreadable[column.name] = len(refused)

    def extras(self) -> dict[str, pa.Array]:
        """Columns nobody declared, under the vendor's own names."""
        secret = set(map(spelling.plain, self.level.table.secret))
        extras: dict[str, pa.Array] = {}
        for prefix, objects in self._objects.items():
            # What stands beside the row's own object may bear the same name as what stands in it.
            beside = "beside." if self.level.fields else ""
            shown = beside if not prefix else "" if prefix == self.level.fields else f"{prefix}."
            for key in sorted(objects.keys() - self._used[prefix]):
                if spelling.plain(key) in secret:
                    continue
                extras[shown + key] = text_array(objects[key])
                self.drift.unknown[f"{prefix}.{key}" if prefix else key] = self.count - objects[key].count(None)
        return extras | self._as_sent


def _sparse(values: dict[int, Any], count: int) -> pa.Array:
    out: list[str | None] = [None] * count
    for row, value in values.items():
        out[row] = as_text(value)
    return pa.array(out, TEXT)


# --- batches together ---------------------------------------------------------------------------------------------


def _joined(parts: list[Flat]) -> Flat:
    if len(parts) == 1:
        return parts[0]
    declared = {column.name: TYPES[column.kind] for column in parts[0].table.physical()}
    if _SOURCE in parts[0].columns:
        declared[_SOURCE] = pa.int64()
    extras = sorted({name for part in parts for name in part.columns} - declared.keys(), key=_extra_order)
    types = declared | dict.fromkeys(extras, TEXT)
    columns = {name: _chunks(parts, name, kind) for name, kind in types.items()}
    return Flat(parts[0].table, columns, _joined_drift(parts), sum(part.rows for part in parts))


def _extra_order(name: str) -> tuple[bool, str]:
    return name.endswith("_as_sent"), name


def _chunks(parts: list[Flat], name: str, kind: pa.DataType) -> pa.ChunkedArray:
    chunks = [part.columns[name] if name in part.columns else pa.nulls(part.rows, kind) for part in parts]
    return pa.chunked_array(chunks, kind)


def _joined_drift(parts: list[Flat]) -> Drift:
    joined = Drift()
    full = [part for part in parts if part.rows]
    for part in full:
        for name, count in part.drift.unknown.items():
            joined.unknown[name] = joined.unknown.get(name, 0) + count
        for name, count in part.drift.unreadable.items():
            joined.unreadable[name] = joined.unreadable.get(name, 0) + count
        joined.renamed |= part.drift.renamed
        joined.empty_records += part.drift.empty_records
    # A key is missing only where no batch had it.
    for name in full[0].drift.missing if full else ():
        if all(name in part.drift.missing for part in full):
            joined.missing[name] = sum(part.rows for part in full)
    return joined
