"""Documents into plain records: the flat colon keys of v1 and the nested objects of v3 become rows of one form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

import orjson

from docframes.tables.columns import as_text
from docframes.tables.provenance import Made
from docframes.vendors.docdigitizer import tables
from docframes.vendors.docdigitizer.api import KEY_PREFIX
from docframes.vendors.docdigitizer.values import Reading, is_value_object, row

Record = dict[str, Any]
#: An item's field written into the key: ``line_items:0:item_tax``.
_INDEXED = re.compile(r"(?P<table>.+?):(?P<row>\d+):(?P<field>.+)")
#: Keys that lead from a field map to the value of a row, while rows are made.
_PLACE = "place"
_FIELD_COLUMNS = tuple(column.name for column in tables.ANNOTATION_FIELDS.columns if not column.inherited)


def rows_of_v1(data: Mapping[str, Any], reading: Reading, holder: Any = None) -> Made:
    """The rows of one field map of v1, each with its place in *holder*, which has the keys of *data* and maybe more."""
    rows = Made()
    for key, value in data.items():
        own_class, field = split_key(key)
        for found in _rows_of_key(field, key, value, reading):
            rows.append(_whole({**found, "raw_key": key, "key_class": own_class}))
            rows.origins.append((data if holder is None else holder, key, *found[_PLACE]))
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
        yield {**cell, "table": indexed["table"], "row_index": int(indexed["row"]), _PLACE: ()}
        return
    opened = _opened(value)
    for found in walk(field, field, opened, "v1", reading):
        if opened is not value:
            found[_PLACE] = _closed(value, found[_PLACE])
        yield found


def _closed(value: Any, place: tuple[Any, ...]) -> tuple[Any, ...]:
    """A place in what :func:`_opened` gives, in *value* as it was sent: a text has none, columns come before rows."""
    if isinstance(value, str) or len(place) < 2:
        return ()
    number, name, *rest = place
    return (name, number, *rest)


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


def walk(
    name: str, path: str, value: Any, version: str, reading: Reading, place: tuple[Any, ...] = ()
) -> Iterator[Record]:
    """The rows of *value* and of all that is nested in it; tables below tables have the path of their list.

    place : keys that lead to *value*.
    """
    if isinstance(value, dict) and value and not is_value_object(value):
        for key, member in value.items():
            below = (f"{name}.{_escaped(key)}", f"{path}.{_escaped(key)}")
            yield from walk(*below, member, version, reading, (*place, key))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _item(name, path, number, item, version, reading, (*place, number))
    elif value == [] and isinstance(value, list):
        # No item, and yet not absent: the list itself is the row.
        yield {**row(name, path, value, version, reading), "table": name, _PLACE: place}
    else:
        yield {**row(name, path, value, version, reading), _PLACE: place}


def _item(
    name: str, path: str, number: int, item: Any, version: str, reading: Reading, place: tuple[Any, ...]
) -> Iterator[Record]:
    where = {"table": name, "row_index": number}
    below = f"{path}[{number}]"
    if isinstance(item, dict) and item and not is_value_object(item):
        cells: Iterator[tuple[Any, str, Any]] = ((key, _escaped(key), member) for key, member in item.items())
    elif isinstance(item, list):
        # Without names, a cell is known by its place.
        cells = ((column, str(column), member) for column, member in enumerate(item))
    else:
        yield {**row(name.rpartition(".")[2], below, item, version, reading), **where, _PLACE: place}
        return
    for key, called, member in cells:
        for found in walk(called, f"{below}.{called}", member, version, reading, (*place, key)):
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


def items_of(rows: Made, table: str | None = None) -> Made:
    """Rows of fields, gathered into one record for each item of each table (or of *table* alone)."""
    items: dict[tuple[str, int], Record] = {}
    places: dict[tuple[str, int], list[tuple[Any, ...]]] = {}
    for found, origin in zip(rows, rows.origins, strict=True):
        if found["row_index"] is None or found["table"] is None or table not in (None, found["table"]):
            continue
        place = (found["table"], found["row_index"])
        cells = items.setdefault(place, {})
        places.setdefault(place, []).append(origin)
        name = _free(found["field"], cells)
        cells[name] = _cell(name, found)
        if cells[name] is None and found["value"]:
            cells[f"{name}_as_sent"] = found["value"]
    records = ({"table": name, "row_index": number, "cells": cells} for (name, number), cells in items.items())
    return Made(records, map(_together, places.values()))


def _together(places: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The place that holds all of *places*; an item of one cell alone is what holds that cell."""
    if len(places) == 1:
        return places[0] if len(places[0]) < 4 else places[0][:-1]
    levels = zip(*(place[1:] for place in places), strict=False)
    return (places[0][0], *(keys[0] for keys in takewhile(lambda keys: len(set(keys)) == 1, levels)))


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
