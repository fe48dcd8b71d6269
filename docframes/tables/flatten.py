"""Nested records into columns, level by level: all steps of all jobs, then all questions of all steps, and so on.

No row is ever built.  Columns are list comprehensions over a flat list of records, and what a row takes from the
levels above comes by ``take`` on an index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from docframes.errors import ShapeError
from docframes.tables.columns import TEXT, as_text, convert, mixed_arrays
from docframes.tables.schema import Column, Level, Table

Record = dict[str, Any]


@dataclass
class Drift:
    """How what came differs from what the Table declares: names, and how many rows are touched."""

    unknown: dict[str, int] = field(default_factory=dict)  #: keys the Table does not know; they became columns
    missing: dict[str, int] = field(default_factory=dict)  #: declared keys that no record had
    unreadable: dict[str, int] = field(default_factory=dict)  #: values kept as text in ``<column>_as_sent``
    renamed: dict[str, str] = field(default_factory=dict)  #: declared key to the spelling that came instead
    empty_records: int = 0  #: nulls where a record was due

    def __bool__(self) -> bool:
        return bool(self.unknown or self.missing or self.unreadable or self.empty_records)


@dataclass
class Flat:
    """One table's columns: the declared ones first, then those nobody declared."""

    table: Table
    columns: dict[str, pa.Array]
    drift: Drift
    rows: int

    def arrow(self) -> pa.Table:
        """As an Arrow table."""
        return pa.table(self.columns)

    def take(self, rows: np.ndarray) -> Flat:
        """These rows only, in this order."""
        index = pa.array(rows)
        columns = {name: array.take(index) for name, array in self.columns.items()}
        return Flat(self.table, columns, self.drift, len(rows))


def flatten(records: Sequence[Any], level: Level) -> dict[str, Flat]:
    """The tables of *level* and of all levels below, by name, from *records*.

    Unknown keys become text columns after the declared ones, nested ones as JSON; nothing is dropped but what the
    Table names as secret.  Raises ShapeError where a record is neither an object nor null.
    """
    found: dict[str, Flat] = {}
    _descend(_Rows(list(records), None, None), level, found)
    return found


@dataclass
class _Rows:
    """The records of one level, and which row above each belongs to."""

    records: list[Any]
    parent: Flat | None
    index: np.ndarray | None  #: row of the parent, for each record


def _descend(rows: _Rows, level: Level, found: dict[str, Flat]) -> None:
    drift = Drift()
    rows = _without_nulls(rows, level, drift)
    flat = _columns(rows, level, drift)
    found[level.table.name] = flat
    for child in level.children:
        _descend(_children(rows.records, child, flat), child, found)


def _without_nulls(rows: _Rows, level: Level, drift: Drift) -> _Rows:
    if all(type(record) is dict for record in rows.records):
        return rows
    for record in rows.records:
        if record is not None and not isinstance(record, dict):
            msg = f"{level.table.name}: wanted an object for each row ({level.table.grain}), got {as_text(record)!r:.200}."
            raise ShapeError(msg, excerpt=(as_text(record) or "")[:200])
    keep = np.array([record is not None for record in rows.records])
    drift.empty_records = int((~keep).sum())
    records = [record for record in rows.records if record is not None]
    return _Rows(records, rows.parent, None if rows.index is None else rows.index[keep])


def _children(records: list[Record], level: Level, parent: Flat) -> _Rows:
    key = _spelling(level.items, (), _keys(records)) or level.items
    lists = [record.get(key) for record in records]
    if not all(type(value) is list for value in lists):
        lists = [_as_list(value) for value in lists]
    counts = np.fromiter(map(len, lists), np.int64, len(lists))
    flat = [child for children in lists for child in children]
    return _Rows(flat, parent, np.repeat(np.arange(len(lists)), counts))


def _as_list(value: Any) -> list[Any]:
    """No list is an empty one, and a lone object is a list of one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _columns(rows: _Rows, level: Level, drift: Drift) -> Flat:
    table = level.table
    reader = _Reader(rows.records, level, drift)
    columns: dict[str, pa.Array] = {}
    for column in table.columns:
        if column.inherited:
            columns[column.name] = _inherited(column, rows)
        elif column.kind == "mixed":
            arrays = mixed_arrays(reader.values(column))
            columns.update(zip((part.name for part in column.physical()), arrays, strict=True))
        else:
            converted = convert(reader.values(column), column.kind)
            columns[column.name] = converted.array
            if converted.refused:
                reader.keep_as_sent(column, converted.refused)
    for name, array in reader.extras().items():
        columns[name if name not in columns else f"{name}_as_sent"] = array
    return Flat(table, columns, drift, len(rows.records))


def _inherited(column: Column, rows: _Rows) -> pa.Array:
    if rows.parent is None or rows.index is None:
        msg = f"{column.name} is inherited, but its table stands at the top."
        raise ValueError(msg)
    return rows.parent.columns[column.source or column.name].take(pa.array(rows.index))


class _Reader:
    """Takes columns out of records, and remembers which keys it met."""

    def __init__(self, records: list[Record], level: Level, drift: Drift) -> None:
        self.level = level
        self.drift = drift
        self.count = len(records)
        self._objects: dict[str, list[Record]] = {"": records}
        self._keys: dict[str, set[str]] = {"": _keys(records)}
        self._used: dict[str, set[str]] = {"": {child.items for child in level.children} | {level.fields}}
        self._as_sent: dict[str, pa.Array] = {}
        self._missing_prefix: set[str] = set()

    def values(self, column: Column) -> list[Any]:
        """The values of *column*, one a record."""
        prefix, key = self._place(column)
        objects = self._at(prefix)
        name = _spelling(key, column.aliases, self._keys[prefix])
        if name is None:
            if self.count and not column.optional and self._keys[prefix]:
                self.drift.missing[column.path] = self.count
            return [None] * self.count
        if name != key:
            self.drift.renamed[key] = name
        self._used[prefix].add(name)
        return [record.get(name) for record in objects]

    def _place(self, column: Column) -> tuple[str, str]:
        path = column.path
        if path.startswith("^"):
            path = path[1:]
        elif self.level.fields:
            path = f"{self.level.fields}.{path}"
        prefix, _, key = path.rpartition(".")
        return prefix, key

    def _at(self, prefix: str) -> list[Record]:
        """The objects at a dotted path, one a record; an empty one where nothing stands."""
        if prefix not in self._objects:
            above, _, key = prefix.rpartition(".")
            name = _spelling(key, (), self._at_keys(above)) or key
            self._used[above].add(name)
            found = [record.get(name) for record in self._at(above)]
            self._objects[prefix] = [value if isinstance(value, dict) else {} for value in found]
            self._keep_non_objects(prefix, found)
            self._keys[prefix] = _keys(self._objects[prefix])
            self._used[prefix] = set()
        return self._objects[prefix]

    def _at_keys(self, prefix: str) -> set[str]:
        self._at(prefix)
        return self._keys[prefix]

    def _keep_non_objects(self, prefix: str, found: list[Any]) -> None:
        odd = {row: value for row, value in enumerate(found) if value is not None and not isinstance(value, dict)}
        if odd:
            self._as_sent[f"{prefix}_as_sent"] = _sparse(odd, self.count)
            self.drift.unreadable[prefix] = len(odd)

    def keep_as_sent(self, column: Column, refused: dict[int, Any]) -> None:
        """Keep, as text, what a column could not read without loss."""
        self._as_sent[f"{column.name}_as_sent"] = _sparse(refused, self.count)
        self.drift.unreadable[column.name] = len(refused)

    def extras(self) -> dict[str, pa.Array]:
        """Columns nobody declared, under the vendor's own names."""
        extras: dict[str, pa.Array] = {}
        secret = set(self.level.table.secret)
        for prefix, keys in self._keys.items():
            shown = "" if prefix == self.level.fields else f"{prefix}."
            for key in sorted(keys - self._used[prefix] - secret):
                values = [as_text(record.get(key)) for record in self._objects[prefix]]
                extras[(shown if prefix else "") + key] = pa.array(values, TEXT)
                self.drift.unknown[f"{prefix}.{key}" if prefix else key] = len(values) - values.count(None)
        return extras | self._as_sent


def _sparse(values: dict[int, Any], count: int) -> pa.Array:
    out: list[str | None] = [None] * count
    for row, value in values.items():
        out[row] = as_text(value)
    return pa.array(out, TEXT)


def _keys(records: Iterable[Record]) -> set[str]:
    """Every key that any record has."""
    keys: set[str] = set()
    for record in records:
        if not record.keys() <= keys:
            keys |= record.keys()
    return keys


def _spelling(key: str, aliases: Sequence[str], keys: set[str]) -> str | None:
    """The first spelling of *key* that is among *keys*: its own, an alias, camelCase, PascalCase, any case."""
    if key in keys:
        return key
    for candidate in (*aliases, camel(key), camel(key)[:1].upper() + camel(key)[1:]):
        if candidate in keys:
            return candidate
    plain = _plain(key)
    return next((candidate for candidate in sorted(keys) if _plain(candidate) == plain), None)


def camel(key: str) -> str:
    """``job_template_id`` as ``jobTemplateId``."""
    return re.sub(r"_+([a-z0-9])", lambda match: match[1].upper(), key)


def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()
