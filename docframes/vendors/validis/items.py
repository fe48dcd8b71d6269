"""Receivables and payables from their extracts: items, what is set off against what, and the parties."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pandas as pd

from docframes.errors import ConfigError, LedgerError, LedgerWarning, RoleError, TextEncodingWarning, warn
from docframes.ledger.frames import Amounts, to_frame
from docframes.ledger.problems import Problems, problems_frame
from docframes.ledger.roles import UPLOAD, fold
from docframes.ledger.values import AmountForm
from docframes.tables.loads import attach, shown
from docframes.tables.schema import Column, Table
from docframes.vendors.validis.fetching import Book, Fetched, Wanted
from docframes.vendors.validis.item_columns import (
    LINE,
    MEMBER,
    NOT_A_DATE,
    NOT_AN_AMOUNT,
    Headers,
    Shape,
    cast,
    could_be_items,
    known_headers,
    require,
    typed,
)
from docframes.vendors.validis.item_tables import NAMES, PAYABLE, RECEIVABLE, SOURCE, Side, table_of
from docframes.vendors.validis.record import certificate_of, origin_of, record_of
from docframes.vendors.validis.text_files import TextFile, read_texts
from docframes.words import count


@dataclass(frozen=True, repr=False, eq=False)
class ItemsExtract:
    """What :func:`.load_ar_extract` and :func:`.load_ap_extract` give.

    side : receivable or payable.  name : of the company where a file says it.
    items : one row per item.  allocations : one row per item set off against another.  parties : one row per customer
    or supplier.  In each the known columns come first and are always there, then the file's others as text (that of
    dates too), then ``source_line`` and, where several files make up the frame, ``source_member``.
    company : the file's columns, all text.  others : frames of text, by name of the file.
    problems : one row per fault: member, line (from 1), column, rule, value, count, reason.
    sources : one row per file: member, table, encoding, delimiter, header_line, lines, kept_out.
    headers : for each frame, which header of the files plays which column.
    origin : ``engagement``, and ``upload`` where a file names it.
    """

    side: str
    name: str
    items: pd.DataFrame
    allocations: pd.DataFrame
    parties: pd.DataFrame
    company: pd.DataFrame
    problems: pd.DataFrame
    sources: pd.DataFrame
    others: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return ", ".join([f"ItemsExtract {self.side} {self.name}", *self._facts()])

    def _repr_html_(self) -> str:
        own = ("items", "allocations", "parties", "company", "problems")
        frames = {name: getattr(self, name) for name in own}
        frames |= {f"others[{name!r}]": frame for name, frame in self.others.items()}
        return shown(f"ItemsExtract {self.side} {self.name}", frames, self._facts())

    def _facts(self) -> list[str]:
        frames = {"item": self.items, "allocation": self.allocations}
        facts = [count(len(frame), word) for word, frame in frames.items()]
        facts += [f"{len(self.parties):,} parties", *(f"{name} {value}" for name, value in self.origin.items())]
        if len(self.problems):
            facts.append(f"{count(len(self.problems), 'problem')} (see .problems)")
        return facts


@dataclass(frozen=True)
class How:
    """The options of one reading.  headers : column -> header, or several.  members : table -> pattern of names."""

    headers: Headers
    members: Mapping[str, str]
    dates: Mapping[str, str]
    delimiter: str | None
    encoding: str | None
    form: AmountForm
    amounts: Amounts


def read_items(source: Path | Mapping[str, Path], side: Side, how: How) -> ItemsExtract:
    """The files below *source* as frames.

    Raises ArchiveError; RoleError where nothing is recognised or items have no amount; ValueFormatError for dates or
    amounts whose form is not sure.
    """
    known = known_headers(side, how.headers)
    files, problems = read_texts(source, delimiter=how.delimiter, encoding=how.encoding, known=known)
    tables = _sorted(files, side, how)
    headers: dict[str, dict[str, str]] = {name: {} for name in side.tables}
    frames = {}
    for name, table in side.tables.items():
        own = [one for one in files if tables[one.name] == name]
        frames[name] = _frame(own, Shape(table, how.dates, how.form), how, headers[name], items=name == "items")
    company = [one for one in files if tables[one.name] == "company"]
    for one in files:
        _check_lines(one, tables[one.name])
        problems.absorb(one.problems)
        if one.note:
            warn(one.note, TextEncodingWarning)
    _tell(files, tables, problems)
    return ItemsExtract(
        side=side.name,
        name=_company_name(company),
        items=frames["items"],
        allocations=frames["allocations"],
        parties=frames["parties"],
        company=_texts(company),
        problems=problems_frame(problems.rows()),
        sources=_sources(files, tables),
        others={one.name: _texts([one]) for one in files if tables[one.name] is None},
        headers=headers,
    )


# --- which file is which ----------------------------------------------------------------------------------------------


def _sorted(files: list[TextFile], side: Side, how: How) -> dict[str, str | None]:
    """The table of each file: as told, by its name, and the items by their headers where no name says them."""
    names = [one.name for one in files]
    found = {name: table_of(name, side) for name in names}
    for table, pattern in how.members.items():
        matching = [name for name in names if fnmatch(name, pattern)]
        if not matching:
            raise ConfigError(f"A29 says that {table!r} is {pattern!r}; no file is named so among {names}.")
        found = {name: None if one == table else one for name, one in found.items()} | dict.fromkeys(matching, table)
    if "items" not in found.values():
        found |= dict.fromkeys(_by_headers(files, found, side, how), "items")
    return found


def _by_headers(files: list[TextFile], found: Mapping[str, str | None], side: Side, how: How) -> list[str]:
    rest = [one for one in files if found[one.name] is None]
    if len(files) == 1 and rest:
        return [rest[0].name]  # the only file; if it has no amount, the error about it says so
    fitting = [one for one in rest if could_be_items(one.dialect.headers, side, how.headers)]
    if len(fitting) > 1 or not (fitting or any(found.values())):
        what = "Several files could hold the items" if fitting else f"No file is recognised as part of {side.name}s"
        msg = f"{what}: { {one.name: list(one.dialect.headers) for one in fitting or rest} }. "
        raise RoleError(msg + 'Say which: Client(assumptions={"A29": {"items": "*.csv"}}).')
    return [one.name for one in fitting]


# --- frames -----------------------------------------------------------------------------------------------------------


def _frame(files: list[TextFile], shape: Shape, how: How, headers: dict[str, str], *, items: bool) -> pd.DataFrame:
    """The frame of one table; several files are put below one another.  headers : is told who plays what."""
    tables = []
    for one in files:
        played = cast(one.dialect.headers, shape.table, how.headers, must=items, where=one.name)
        if items:
            require(played, one.dialect.headers, where=one.name)
        tables.append(typed(one, shape, played, marked=len(files) > 1))
        headers |= played
    return to_frame(shape.together(tables), amounts=how.amounts).astype({LINE: "Int64"})


def _texts(files: list[TextFile]) -> pd.DataFrame:
    if not files:
        return pd.DataFrame()
    return pd.concat([to_frame([one.table], amounts="float") for one in files], ignore_index=True)


def _check_lines(one: TextFile, table: str | None) -> None:
    """An error for a part of the extract of which no line fits; a read-me beside it is no table and need not be one."""
    if len(one.lines) or not one.kept_out:
        return
    headers = list(one.dialect.headers)
    msg = f"None of its lines has the {len(headers)} fields of its first one, {headers}. "
    if table is not None:
        msg += f'The delimiter {one.dialect.delimiter!r} was found; another: Client(assumptions={{"A35": ";"}}).'
        raise LedgerError(f"{one.name!r} cannot be read. {msg}")
    one.problems.file("not a table", msg)


def _sources(files: list[TextFile], tables: Mapping[str, str | None]) -> pd.DataFrame:
    names = ("member", "table", "encoding", "delimiter", "header_line", "lines", "kept_out")
    dtypes = ("str", "str", "str", "str", "int64", "int64", "int64")
    columns = zip(*(one.source(tables[one.name]) for one in files), strict=True)
    made = zip(names, dtypes, columns, strict=True)
    return pd.DataFrame({name: pd.Series(list(values), dtype=dtype) for name, dtype, values in made})


def _company_name(company: list[TextFile]) -> str:
    for one in company:
        for header in one.dialect.headers:
            if fold(header) == "COMPANY_NAME" and len(one.lines):
                return str(one.table[header][0].as_py() or "")
    return ""


def _tell(files: list[TextFile], tables: Mapping[str, str | None], problems: Problems) -> None:
    if "items" not in tables.values():
        msg = f"No file of the extract holds items, so that frame is empty; there are {[one.name for one in files]}. "
        problems.file("no items", msg)
        warn(msg + 'If one of them does: Client(assumptions={"A29": {"items": "..."}}).', LedgerWarning)
    unread = sum(rule in (NOT_AN_AMOUNT, NOT_A_DATE) for _, _, _, rule, *_ in problems.rows())
    out = sum(one.kept_out for one in files)
    said = [f"{out:,} lines with too few or too many fields were kept out"] if out else []
    said += [f"{unread:,} values could not be read, and are missing"] if unread else []
    if said:
        warn(f"{'; '.join(said)}. They are listed in .problems, with their lines.", LedgerWarning)


# --- the extract ------------------------------------------------------------------------------------------------------


def _uploads(frames: Iterable[pd.DataFrame]) -> list[str]:
    """Every upload that a frame names, sorted."""
    columns = [frame[name] for frame in frames for name in frame.columns if fold(str(name)) == UPLOAD]
    return sorted({str(value) for column in columns for value in column.dropna().unique() if value != ""})


def _told(
    wanted: Wanted[ItemsExtract], extract: ItemsExtract, fetched: Fetched, uploads: list[str], seconds: float
) -> ItemsExtract:
    """The extract, which says where it comes from, and whose frames have their record."""
    side = RECEIVABLE if extract.side == RECEIVABLE.name else PAYABLE
    came = count(len(extract.items), "item")
    certificate = certificate_of(uploads, len(extract.sources), came, "the items with the ledger's control account")
    for name in NAMES:
        frame = getattr(extract, name)
        declared = side.tables.get(name) or Table(
            f"{side.short.lower()}_company", "the company that made the upload", (), (), SOURCE
        )
        table = _described(declared, frame, extract.headers.get(name, {}))
        attach(frame, record_of(table, len(frame), wanted, fetched, uploads, certificate, seconds))
    name = extract.name or f"engagement {wanted.engagement_id}"
    return dataclasses.replace(extract, name=name, origin=origin_of(wanted, uploads))


def _described(table: Table, frame: pd.DataFrame, headers: Mapping[str, str]) -> Table:
    """*table* as the file has it: which header plays each column, and the columns of the file's own."""
    ours = {
        LINE: Column(LINE, "Int64", "line of the file, from 1", source="counted"),
        MEMBER: Column(MEMBER, "str", "file that the line is in", source="name of the file"),
    }
    known = [dataclasses.replace(one, source=headers.get(one.name, "no header plays it")) for one in table.columns]
    names = table.dtypes()
    more = [str(name) for name in frame.columns if name not in names]
    own = [ours.get(name) or Column(name, "str", "a column of the file's own, kept as text") for name in more]
    return dataclasses.replace(table, columns=(*known, *own))


def _book(side: Side) -> Book[ItemsExtract]:
    loader = f"load_{side.short.lower()}_extract"
    mends = (
        f"{loader}() takes columns= and dates=. For every load of this account: "
        'Client(assumptions={"A34": {column: header}}), and likewise A29 (members), A35 (delimiter), A36 (encoding), '
        "A37 (dates), A38 (decimal, thousands)."
    )

    def read(wanted: Wanted[Any], fetched: Fetched, folder: Path) -> tuple[ItemsExtract, list[str]]:
        try:
            extract = read_items(fetched.source(folder), side, wanted.read["how"])
        except LedgerError as error:
            error.add_note(mends)
            raise
        frames = [getattr(extract, name) for name in NAMES]
        return extract, _uploads([*frames, *extract.others.values()])

    guess = f'Its path is assumed (A26); say another: Client(assumptions={{"A26": {{"{side.name}": "/v2/..."}}}}).'
    return Book(loader, f"{side.short.lower()}_extract", f"{side.name}s extract", read, _told, guess)


RECEIVABLES, PAYABLES = _book(RECEIVABLE), _book(PAYABLE)
