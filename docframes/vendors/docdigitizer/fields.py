"""Documents into plain records: the flat colon keys of v1 and the nested objects of v3 become rows of one form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from docframes.tables.columns import as_text
from docframes.vendors.docdigitizer import tables
from docframes.vendors.docdigitizer.api import KEY_PREFIX
from docframes.vendors.docdigitizer.values import Reading, is_value_object, row

Record = dict[str, Any]
#: An item's field written into the key: ``line_items:0:item_tax``.
_INDEXED = re.compile(r"(?P<table>.+?):(?P<row>\d+):(?P<field>.+)")
_FIELD_COLUMNS = tuple(column.name for column in tables.ANNOTATION_FIELDS.columns if not column.inherited)


def rows_of_v1(data: Mapping[str, Any], reading: Reading) -> list[Record]:
    """The rows of one field map of v1."""
    rows: list[Record] = []
    for key, value in data.items():
        own_class, field = split_key(key)
        for found in _rows_of_key(field, key, value, reading):
            rows.append(_whole({**found, "raw_key": key, "key_class": own_class}))
    return rows


def split_key(key: str) -> tuple[str | None, str]:
    """Class and field of ``document:<class>:<field>``; the field may hold colons.  Any other key is a field itself."""
    prefix, _, rest = key.partition(":")
    own_class, colon, field = rest.partition(":")
    return (own_class, field) if prefix == KEY_PREFIX and colon else (None, key)


def _rows_of_key(field: str, key: str, value: Any, reading: Reading) -> Iterator[Record]:
    indexed = _INDEXED.fullmatch(field)
    if indexed:
        cell = row(indexed["field"], key, value, "v1", reading)
        yield {**cell, "table": indexed["table"], "row_index": int(indexed["row"])}
        return
    yield from walk(field, field, _opened(value), "v1", reading)


def _opened(value: Any) -> Any:
    """A JSON text that holds a list of items is that list; an object of columns is the list of its rows."""
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            found = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
        return found if isinstance(found, list) and all(isinstance(item, dict | list) for item in found) else value
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        longest = max(map(len, value.values()))
        return [{name: column[place] for name, column in value.items() if place < len(column)}
                for place in range(longest)]  # fmt: skip
    return value


def rows_of_v3(extraction: Mapping[str, Any], reading: Reading) -> list[Record]:
    """The rows of the fields of one extraction of v3."""
    return [
        _whole(found)
        for key, value in extraction.items()
        for found in walk(_escaped(key), _escaped(key), value, "v3", reading)
    ]


def walk(name: str, path: str, value: Any, version: str, reading: Reading) -> Iterator[Record]:
    """The rows of *value* and of all that is nested in it; tables below tables have the path of their list."""
    if isinstance(value, dict) and value and not is_value_object(value):
        for key, member in value.items():
            yield from walk(f"{name}.{_escaped(key)}", f"{path}.{_escaped(key)}", member, version, reading)
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            yield from _item(name, path, place, item, version, reading)
    elif value == [] and isinstance(value, list):
        # No item, and yet not absent: the list itself is the row.
        yield {**row(name, path, value, version, reading), "table": name}
    else:
        yield row(name, path, value, version, reading)


def _item(name: str, path: str, place: int, item: Any, version: str, reading: Reading) -> Iterator[Record]:
    where = {"table": name, "row_index": place}
    below = f"{path}[{place}]"
    if isinstance(item, dict) and item and not is_value_object(item):
        cells: Iterator[tuple[str, Any]] = ((_escaped(key), member) for key, member in item.items())
    elif isinstance(item, list):
        # Without names, a cell is known by its place.
        cells = ((str(number), member) for number, member in enumerate(item))
    else:
        yield {**row(name.rpartition(".")[2], below, item, version, reading), **where}
        return
    for key, member in cells:
        for found in walk(key, f"{below}.{key}", member, version, reading):
            # A list within an item is a table of its own, named by its path.
            own = {"table": f"{below}.{found['table']}"} if found.get("table") is not None else where
            yield {**found, **own}


def _escaped(key: str) -> str:
    return key.replace(".", "\\.")


def _whole(found: Record) -> Record:
    """With every declared key, so that a record looks like any other."""
    return {name: found.get(name) for name in _FIELD_COLUMNS}


# --- items --------------------------------------------------------------------------------------------------------

_NUMERIC = frozenset(
    name for column in tables.ITEM_COLUMNS if column.kind == "float64" for name in (column.name, *column.aliases)
)


def items_of(rows: list[Record], table: str | None = None) -> list[Record]:
    """Rows of fields, gathered into one record for each item of each table (or of *table* alone)."""
    items: dict[tuple[str, int], Record] = {}
    for found in rows:
        if found["row_index"] is None or found["table"] is None or table not in (None, found["table"]):
            continue
        place = (found["table"], found["row_index"])
        cells = items.setdefault(place, {})
        name = _free(found["field"], cells)
        cells[name] = _cell(name, found)
        if cells[name] is None and found["value"]:
            cells[f"{name}_as_sent"] = found["value"]
    return [{"table": name, "row_index": number, "cells": cells} for (name, number), cells in items.items()]


def _free(name: str, cells: Record) -> str:
    names = (f"{name} ({number})" for number in range(2, len(cells) + 3))
    return name if name not in cells else next(other for other in names if other not in cells)


def _cell(name: str, found: Record) -> Any:
    # Text for a column of numbers is read here, as the assumptions say, or it is not read at all.
    return found["value_number"] if _snake(name) in _NUMERIC else found["value"]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


# --- documents ----------------------------------------------------------------------------------------------------


def entry(**facts: Any) -> Record:
    """The record of one document, with every declared key."""
    names = [column.name for column in tables.ENTRIES.columns]
    return {**dict.fromkeys(names), **{name: value for name, value in facts.items() if name in (*names, "fields")}}


def pages_text(pages: Any) -> str | None:
    """Pages as a JSON list: from a list, or from a range whose ends both count."""
    if isinstance(pages, Mapping):
        start, end = pages.get("start"), pages.get("end")
        if isinstance(start, int) and isinstance(end, int) and start <= end:
            return as_text(list(range(start, end + 1)))
    return as_text(pages)
