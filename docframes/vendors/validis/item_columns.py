"""Columns of text -> the columns of receivable and payable frames: exact amounts, sure dates, all else as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from docframes.errors import RoleError, ValueFormatError
from docframes.ledger.roles import fold
from docframes.ledger.rows import TEXT
from docframes.ledger.values import MOMENT, PLACEHOLDERS, AmountForm, other_dates, parse_amounts, parse_moments
from docframes.tables.schema import Column, Table
from docframes.vendors.validis.item_tables import AMOUNTS, Side
from docframes.vendors.validis.text_files import TextFile

#: What a caller says of columns: a header, several of which the first that is there counts, or None for none.
Headers = Mapping[str, str | Sequence[str] | None]

LINE, MEMBER = "source_line", "source_member"
NOT_AN_AMOUNT, NOT_A_DATE, PLACEHOLDER = "not an amount", "unreadable date", "placeholder date"
_REASONS = {
    NOT_AN_AMOUNT: "not an amount; the line stays, without it",
    NOT_A_DATE: "not a date; the line stays, without it",
    PLACEHOLDER: "stands for no date, so the date is missing; its text is beside it",
}


@dataclass(frozen=True)
class Shape:
    """What a table's columns are made of.  dates : column -> declared format.  form : how amounts are written."""

    table: Table
    dates: Mapping[str, str]
    form: AmountForm

    def type_of(self, column: Column) -> pa.DataType:
        """Its Arrow type."""
        return {"date": MOMENT, "float64": self.form.type}.get(column.kind, TEXT)

    def together(self, tables: list[pa.Table]) -> list[pa.Table]:
        """The tables with the same columns, in one order; one empty table where there is none."""
        types = {column.name: self.type_of(column) for column in self.table.columns}
        own = {name: TEXT for table in tables for name in table.column_names if name not in (*types, LINE, MEMBER)}
        marks = {MEMBER: TEXT} if len(tables) > 1 else {}
        schema = pa.schema({**types, **own, LINE: pa.int64(), **marks})
        return [schema.empty_table(), *(_filled(table, schema) for table in tables)]


def known_headers(side: Side, headers: Headers) -> frozenset[str]:
    """All folded headers that could play a part."""
    guessed = {header for table in side.tables.values() for column in table.columns for header in column.aliases}
    return frozenset(guessed | {fold(header) for choice in headers.values() for header in _choices(choice)})


def cast(headers: Sequence[str], table: Table, told: Headers, *, must: bool, where: str) -> dict[str, str]:
    """Which header plays which column of *table*; each plays one.

    told : the caller's word, which goes first.  must : each of its headers has to be there.
    Raises RoleError.
    """
    by_name = {fold(header): header for header in reversed(headers)}
    played: dict[str, str] = {}
    names = {column.name for column in table.columns}
    for name, choice in told.items():
        found = [header for one in _choices(choice) if (header := one if one in headers else by_name.get(fold(one)))]
        if name in names and found:
            played[name] = found[0]
        elif name in names and choice is not None and must:
            raise RoleError(f"The column {name!r} was to be {choice!r}; {where!r} has the columns {list(headers)}.")
    for column in table.columns:
        if column.name not in told or (told[column.name] is not None and column.name not in played):
            free = (by_name[one] for one in column.aliases if one in by_name and by_name[one] not in played.values())
            header = next(free, None)
            if header is not None:
                played[column.name] = header
    return played


def require(played: Mapping[str, str], headers: Sequence[str], *, where: str) -> None:
    """Refuse items without any amount."""
    if not set(AMOUNTS) & played.keys():
        msg = f"No column of {where!r} is an amount of the items. Its first line says {list(headers)}. Name it: "
        raise RoleError(msg + f"columns={{'amount': '...'}}; the amounts are {', '.join(AMOUNTS)}.")


def could_be_items(headers: Sequence[str], side: Side, told: Headers) -> bool:
    """Whether the headers are those of items: an amount, and a due date, a kind or what is open."""
    played = cast(headers, side.tables["items"], told, must=False, where="").keys()
    return bool(set(AMOUNTS) & played) and bool({"due_date", "item_type", "outstanding_amount"} & played)


def typed(file: TextFile, shape: Shape, played: Mapping[str, str], *, marked: bool) -> pa.Table:
    """The rows of *file* with every column of the table, then the file's others as text.

    A value that cannot be read is missing, and listed in the file's problems with its line and text.
    marked : with the name of the file beside each line.
    """
    reader = _Reader(file, shape)
    columns: dict[str, Any] = {}
    for column in shape.table.columns:
        header = played.get(column.name)
        columns[column.name] = (
            pa.nulls(len(file.lines), shape.type_of(column)) if header is None else reader.read(column, header)
        )
    # The text of a date stays: a placeholder is a text and no day.
    unchanged = {header for name, header in played.items() if _column(shape.table, name).kind != "date"}
    taken = {*columns, LINE, MEMBER}
    for header in file.dialect.headers:
        if header not in unchanged:
            columns[_free(header, taken)] = file.table[header]
    columns[LINE] = pa.array(file.lines)
    if marked:
        columns[MEMBER] = pa.repeat(pa.scalar(file.name, TEXT), len(file.lines))
    return pa.table(columns)


class _Reader:
    """Reads the columns of one file, and lists what it cannot read."""

    def __init__(self, file: TextFile, shape: Shape) -> None:
        self._file = file
        self._shape = shape

    def read(self, column: Column, header: str) -> pa.Array:
        texts = self._file.table[header].combine_chunks()
        if column.kind == "str":
            return texts
        where = f"{self._file.name!r}, column {header!r} ({column.name}),"
        if column.kind == "date":
            return self._days(column.name, header, texts, where)
        found, unreadable = parse_amounts(texts, self._shape.form, where=where)
        bad = self._list(NOT_AN_AMOUNT, header, texts, unreadable)
        if bad and found.null_count == len(found):
            raise ValueFormatError(f"No amount of {where} can be read, for instance {bad[:3]}.")
        return found

    def _days(self, name: str, header: str, texts: pa.Array, where: str) -> pa.Array:
        declared = self._shape.dates.get(name)
        found, unreadable = parse_moments(texts, declared, where=where)
        bad = self._list(NOT_A_DATE, header, texts, unreadable)
        if bad and found.null_count == len(found):
            raise other_dates(bad[:3], declared, where)
        placeholders = pa.array([np.datetime64(day, "us") for day in PLACEHOLDERS], MOMENT)
        none = pc.is_in(found, value_set=placeholders)
        self._list(PLACEHOLDER, header, texts, none)
        return pc.floor_temporal(pc.if_else(none, pa.scalar(None, MOMENT), found), unit="day")

    def _list(self, rule: str, header: str, texts: pa.Array, hit: pa.Array) -> list[str]:
        """Put the values that are *hit* into the problems, each with its line; gives them."""
        places = np.flatnonzero(pc.fill_null(hit, False).to_numpy(zero_copy_only=False))
        values: list[str] = texts.take(pa.array(places)).to_pylist()
        for line, value in zip(self._file.lines[places].tolist(), values, strict=True):
            self._file.problems.line(rule, line, column=header, value=value, reason=_REASONS[rule])
        return values


def _filled(table: pa.Table, schema: pa.Schema) -> pa.Table:
    have = set(table.column_names)
    columns = [table[one.name] if one.name in have else pa.nulls(table.num_rows, one.type) for one in schema]
    return pa.table(columns, schema=schema)


def _column(table: Table, name: str) -> Column:
    return next(column for column in table.columns if column.name == name)


def _choices(choice: str | Sequence[str] | None) -> tuple[str, ...]:
    return () if choice is None else (choice,) if isinstance(choice, str) else tuple(choice)


def _free(header: str, taken: set[str]) -> str:
    name = header
    while name.casefold() in taken:
        name += "_source"
    taken.add(name.casefold())
    return name
