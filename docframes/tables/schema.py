"""What a frame looks like, declared once: flattening, dtypes, empty frames and the data dictionary read it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from docframes.errors import ConfigError

#: What a column holds, and so its pandas dtype; see :data:`DTYPES`.
Kind = Literal["str", "timestamp", "date", "Int64", "float64", "boolean", "json", "ordered", "mixed"]

#: The pandas dtype of each kind.  ``mixed`` gives four columns, see :func:`Column.physical`.
DTYPES: Mapping[str, str] = {
    "str": "str",
    "timestamp": "datetime64[us, UTC]",
    "date": "datetime64[us]",
    "Int64": "Int64",
    "float64": "float64",
    "boolean": "boolean",
    "json": "str",
    "ordered": "category",
}


@dataclass(frozen=True)
class Column:
    """One declared column."""

    name: str
    kind: Kind
    meaning: str
    source: str = ""  #: key in the record, dotted below nested objects; ``^`` first: beside the row's own fields
    aliases: tuple[str, ...] = ()  #: other spellings of that key, besides its camelCase one
    unit: str = ""
    optional: bool = False  #: the key may be missing from every record without that being worth a word
    inherited: bool = False  #: taken from the row of the level above, not from the record
    categories: tuple[str, ...] = ()  #: of the kind ``ordered``: the values there are, lowest first, in any case
    elsewhere: tuple[str, ...] = ()  #: other places of the same value: tried in order where nothing stands at the first
    counted: bool = False  #: the record's place in its list, from 1; below the first level only

    @property
    def path(self) -> str:
        """Where the value stands in the record."""
        return self.source or self.name

    def physical(self) -> list[Column]:
        """The columns of the frame: itself, or for ``mixed`` the text as sent and three typed readings beside it."""
        if self.kind != "mixed":
            return [self]
        here = dataclasses.replace(self, source=self.path)
        text = dataclasses.replace(here, kind="str", meaning=f"{self.meaning}; text as sent, a list or object as JSON")
        number = f"{self.meaning}, where it was sent as a number"
        truth = f"{self.meaning}, where it was sent as true or false"
        date = f"{self.meaning}, where the text is an ISO date or date-time (UTC unless it says otherwise)"
        return [
            text,
            dataclasses.replace(here, name=f"{self.name}_number", kind="float64", meaning=number),
            dataclasses.replace(here, name=f"{self.name}_boolean", kind="boolean", meaning=truth),
            dataclasses.replace(here, name=f"{self.name}_date", kind="timestamp", meaning=date),
        ]


@dataclass(frozen=True)
class FileColumns:
    """Which columns of a table name a file that can be fetched."""

    kind: str  #: the vendor's kind of file
    id: str  #: column with the file's id
    name: str = ""  #: column with its name, where there is one


@dataclass(frozen=True)
class Table:
    """One kind of frame."""

    name: str
    grain: str  #: what one row is
    key: tuple[str, ...]  #: columns that tell rows apart
    columns: tuple[Column, ...]
    source: str  #: where in the vendor's documentation it comes from
    file: FileColumns | None = None  #: the file behind each row, where there is one
    open: bool = False  #: other keys than those declared are usual: they become columns without a word
    secret: tuple[str, ...] = ()  #: keys left out on purpose: signed links and what goes with them

    def physical(self) -> list[Column]:
        """The columns of the frame, in order."""
        return [column for declared in self.columns for column in declared.physical()]

    def dtypes(self) -> dict[str, str]:
        """The pandas dtype of each column, in order."""
        return {column.name: DTYPES[column.kind] for column in self.physical()}

    def with_sources(self, changes: Mapping[str, str]) -> Table:
        """This table with some columns read from another key: ``{"status": "state"}``."""
        names = {column.name for column in self.columns}
        for name in changes:
            if name not in names:
                raise ConfigError(f"{self.name} has no column {name!r}; it has {', '.join(sorted(names))}.")
        columns = (
            dataclasses.replace(column, source=changes.get(column.name, column.source)) for column in self.columns
        )
        return dataclasses.replace(self, columns=tuple(columns))


@dataclass(frozen=True)
class Level:
    """Where the rows of a table stand in nested records, and the levels below."""

    table: Table
    items: str = ""  #: key, dotted below nested objects, that holds this level's records; empty at the top
    fields: str = ""  #: key in the record that holds the row's own fields; empty for the record itself
    plain: str = ""  #: key under which a record stands that is a bare value, such as a text, and no object
    children: tuple[Level, ...] = ()
    #: Takes records apart before they become rows, where a row is less than a record; at the top only.
    apart: Callable[[list[Any]], list[Any]] | None = field(default=None, repr=False, compare=False)
    unit: tuple[str, ...] = ()  #: columns that tell the records apart, where a row is less than a record

    def walk(self) -> Iterator[Level]:
        """This level and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def with_sources(self, changes: Mapping[str, Mapping[str, str]]) -> Level:
        """The same levels with corrected tables, by table name.

        Two tables may share a name, as a list's and a detail's do: each takes the corrections of the columns that it
        reads itself.  :func:`check_sources` tells those that no table has.
        """
        own = {column.name for column in self.table.columns if not column.inherited}
        wanted = changes.get(self.table.name, {})
        table = self.table.with_sources({name: source for name, source in wanted.items() if name in own})
        children = tuple(child.with_sources(changes) for child in self.children)
        return dataclasses.replace(self, table=table, children=children)


def check_sources(changes: Mapping[str, Mapping[str, str]], tables: Iterable[Table]) -> None:
    """Raise ConfigError where a correction names a table or column that none of *tables* has."""
    known: dict[str, set[str]] = {}
    for table in tables:
        known.setdefault(table.name, set()).update(column.name for column in table.columns)
    for name, columns in changes.items():
        if name not in known:
            raise ConfigError(f"columns: there is no table {name!r}; there are {', '.join(sorted(known))}.")
        for column in columns:
            if column not in known[name]:
                raise ConfigError(f"{name} has no column {column!r}; it has {', '.join(sorted(known[name]))}.")
