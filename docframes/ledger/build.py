"""Members of a ledger -> the files of its store, and what the manifest says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from docframes.errors import LedgerError, LedgerWarning, TextEncodingWarning
from docframes.ledger.archive import Member
from docframes.ledger.columns import LINE, MEMBER, Converter, Plan, text_table
from docframes.ledger.controls import Tally
from docframes.ledger.parquet import Beside, TableWriter
from docframes.ledger.problems import KEPT_OUT, Problems
from docframes.ledger.roles import ROLES, UPLOAD, fold
from docframes.ledger.rows import TEXT, read_rows, text_schema
from docframes.ledger.sources import LEAST, TYPED, How, Source, find_sources, read_otherwise
from docframes.ledger.text import NotUtf8

OTHERS = "others/"
_COMPANY_NAMES = ("COMPANY_NAME", "NAME", "COMPANY")

Tables = Iterator[pa.Table]


class Build:
    """Reads every member once, straight into files.  Raises at once what the headers alone show."""

    def __init__(self, members: list[Member], how: How) -> None:
        self._how = how
        self._folder = Path()
        self._problems = Problems()
        self._sources = find_sources(members, how, self._problems)
        self._tally = Tally(how.form.scale)
        self._tables: dict[str, tuple[str, int]] = {}
        self._uploads: set[str] = set()

    def run(self, folder: Path) -> dict[str, Any]:
        """Write all tables into *folder*; gives the facts of the manifest."""
        self._folder = folder
        for table in (*TYPED, "company"):
            self._write(table, [source for source in self._sources if source.table == table])
        for number, source in enumerate([one for one in self._sources if one.table is None], start=1):
            self._write(OTHERS + source.member.name, [source], file=f"other-{number:03d}")
        return self._facts()

    # --- one table ----------------------------------------------------------------------------------------------------

    def _write(self, table: str, sources: list[Source], *, file: str = "") -> None:
        if not sources and table != "transactions":
            return
        path = self._folder / f"{file or table}.parquet"
        while True:
            try:
                self._tables[table] = (path.name, self._write_once(table, sources, path))
            except NotUtf8 as error:
                # The headers may be others now, and with them the columns of the table, so it begins anew.
                read_otherwise(next(one for one in sources if one.member.name == error.args[0]), self._how)
            else:
                return

    def _write_once(self, table: str, sources: list[Source], path: Path) -> int:
        tally = Tally(self._how.form.scale)
        schema = self._schema(table, sources)
        writer = TableWriter(path, schema)

        def use(some: pa.Table) -> None:
            if table == "transactions":
                tally.add(some)
            self._note_uploads(some)
            writer.add(some)

        try:
            with Beside(use) as beside:
                for source in sources:
                    for some in self._read(source):
                        beside(_shaped(some, schema, source.member.name))
            writer.close()
        except BaseException:
            writer.abandon()
            raise
        if table == "transactions":
            tally.finish(path)
            self._tally = tally
        return writer.rows

    def _schema(self, table: str, sources: list[Source]) -> pa.Schema:
        if table in TYPED:
            plans = [source.plan(self._how) for source in sources] or [Plan("", table, (), LEAST, self._how.form)]
            return _together([plan.schema for plan in plans])
        return _together([text_schema(source.dialect.headers) for source in sources])

    def _read(self, source: Source) -> Tables:
        source.problems = Problems(source.member.name)
        source.lines = 0
        for some in _typed(source, self._how) if source.table in TYPED else _text(source):
            source.lines += some.num_rows
            yield some
        if not source.lines and source.problems.kept_out()["ragged"]:
            _no_line_fits(source)

    def _note_uploads(self, some: pa.Table) -> None:
        for name in some.column_names:
            if fold(name) == UPLOAD:
                self._uploads |= {value for value in pc.unique(some[name]).to_pylist() if value}

    # --- the manifest -------------------------------------------------------------------------------------------------

    def _facts(self) -> dict[str, Any]:
        for source in self._sources:
            self._problems.absorb(source.problems)
        notes = [(TextEncodingWarning.__name__, source.note) for source in self._sources if source.note]
        told = (_absent(self._sources, self._problems), _kept_out(self._problems))
        notes += [(LedgerWarning.__name__, message) for message in told if message]
        return {
            "name": self._company(),
            "uploads": sorted(self._uploads),
            "scale": self._how.form.scale,
            "tables": self._tables,
            "roles": {source.table: source.cast for source in self._sources if source.table and source.cast},
            "controls": self._tally.rows(),
            "totals": self._tally.total_row(),
            "sources": [_listed(source) for source in self._sources],
            "problems": self._problems.rows(),
            "notes": notes,
        }

    def _company(self) -> str:
        if "company" not in self._tables:
            return ""
        from pyarrow import parquet

        first = parquet.read_table(self._folder / self._tables["company"][0]).slice(0, 1)
        by_name = {fold(name): name for name in reversed(first.column_names)}
        values = (first[by_name[name]].to_pylist() for name in _COMPANY_NAMES if name in by_name)
        return next((str(value[0]) for value in values if value and value[0]), "")


def _typed(source: Source, how: How) -> Tables:
    converter = Converter(source.plan(how), source.problems)
    yield from map(converter.convert, read_rows(source.member, source.dialect, source.problems))
    converter.finish()


def _text(source: Source) -> Tables:
    for some in read_rows(source.member, source.dialect, source.problems):
        yield text_table(source.dialect.headers, [some.batch])


def _no_line_fits(source: Source) -> None:
    """An error for a part of the ledger; a read-me beside it is no table and need not be one."""
    headers = list(source.dialect.headers)
    msg = f"None of its lines has the {len(headers)} fields of its first one, {headers}. "
    if source.table is None:
        source.problems = Problems(source.member.name)
        source.problems.file("not a table", msg)
        return
    msg += f"The delimiter {source.dialect.delimiter!r} was found; declare another: read_ledger(..., delimiter=';')."
    raise LedgerError(f"{source.member.name!r} cannot be read. {msg}")


# --- several members in one table -------------------------------------------------------------------------------------


def _together(schemas: Sequence[pa.Schema]) -> pa.Schema:
    """All columns of all members: roles, then the files' own, then where a line comes from."""
    if len(schemas) == 1:
        return schemas[0]
    types = {column.name: column.type for schema in schemas for column in schema}
    types[MEMBER] = TEXT
    roles = [name for name in ROLES if name in types]
    last = [name for name in (LINE, MEMBER) if name in types]
    own = [name for name in types if name not in {*roles, *last}]
    return pa.schema([(name, types[name]) for name in chain(roles, own, last)])


def _shaped(some: pa.Table, schema: pa.Schema, member: str) -> pa.Table:
    """The columns of *schema*: those that the member lacks are missing, and its name stands in each line."""
    have = set(some.column_names)
    if have == set(schema.names):
        return some
    fill: Mapping[str, Callable[[], pa.Array]] = {
        MEMBER: lambda: pa.repeat(pa.scalar(member, TEXT), some.num_rows),
    }
    columns = [
        some[field.name] if field.name in have
        else fill[field.name]() if field.name in fill
        else pa.nulls(some.num_rows, field.type)
        for field in schema
    ]  # fmt: skip
    return pa.Table.from_arrays(columns, schema=schema)


# --- what is told -----------------------------------------------------------------------------------------------------


def _absent(sources: Iterable[Source], problems: Problems) -> str:
    if any(source.table == "transactions" for source in sources):
        return ""
    files = [source.member.name for source in sources]
    msg = f"No file of the ledger holds transactions, so that frame is empty; there are {files}. "
    problems.file("no transactions", msg)
    return msg + "If one of them does: read_ledger(..., members={'transactions': '...'})."


def _kept_out(problems: Problems) -> str:
    counts = problems.kept_out()
    if not counts:
        return ""
    why = ", ".join(f"{count:,} {KEPT_OUT[rule]}" for rule, count in counts.items())
    total = counts.total()
    return f"{total:,} line{'s were' if total > 1 else ' was'} kept out of the ledger: {why}. See gl.problems."


def _listed(source: Source) -> dict[str, Any]:
    return {
        "member": source.member.name,
        "table": source.table or "others",
        "encoding": source.dialect.encoding,
        "delimiter": source.dialect.delimiter,
        "header_line": max(source.dialect.first_line - 1, 0),
        "lines": source.lines,
        "kept_out": source.problems.kept_out().total(),
    }
