"""``read_ledger``: a zip, a folder or a CSV -> GeneralLedger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import pandas as pd
import pyarrow as pa

from docframes.errors import ConfigError, LedgerError, LedgerWarning, RoleError, TextEncodingWarning, warn
from docframes.ledger.archive import Member, open_members
from docframes.ledger.columns import LINE, MEMBER, Converter, Plan, text_table
from docframes.ledger.controls import Tally
from docframes.ledger.frames import Amounts, to_frame
from docframes.ledger.general_ledger import GeneralLedger
from docframes.ledger.members import check_patterns, is_text, sort_members
from docframes.ledger.problems import KEPT_OUT, Problems
from docframes.ledger.roles import (
    BALANCES,
    ROLES,
    Cast,
    Override,
    assign,
    check_overrides,
    fold,
    known_headers,
    require,
)
from docframes.ledger.rows import TEXT, read_rows
from docframes.ledger.text import FALLBACK, Dialect, NotUtf8, encoding_note, sniff
from docframes.ledger.values import AmountForm

_COMPANY_NAMES = ("COMPANY_NAME", "NAME", "COMPANY")
#: Roles that an absent file of transactions would at least have; its empty frame has them.
_LEAST: Cast = {name: (name,) for name in ("transaction", "line", "date", "account", "text", "currency", "amount")}


@dataclass(frozen=True)
class _How:
    """The options of one call."""

    roles: Mapping[str, Override] | None
    dates: Mapping[str, str]
    delimiter: str | None
    encoding: str | None
    form: AmountForm
    signed: bool | None
    amounts: Amounts


@dataclass
class _Source:
    """One member, as it was found and read.  tables : emptied when the frame is made."""

    member: Member
    dialect: Dialect
    table: str | None = None
    cast: Cast = field(default_factory=dict)
    tables: list[pa.Table] = field(default_factory=list)
    lines: int = 0
    problems: Problems = field(default_factory=Problems)
    note: str = ""


def read_ledger(
    path: str | Path | Mapping[str, str | Path],
    *,
    roles: Mapping[str, Override] | None = None,
    members: Mapping[str, str] | None = None,
    dates: str | Mapping[str, str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    decimal: str = ".",
    thousands: str | None = None,
    scale: int = 6,
    signed: bool | None = None,
    amounts: Amounts = "float",
) -> GeneralLedger:
    """Read a ledger from a zip, a folder or one CSV; or from several of them together, ``{name: path}``.

    roles : role -> header, where the headers do not say it: ``{"date": "Document_Date"}``.  Several headers make a
    text together (``{"transaction": ["series", "number"]}``), or a moment, of a date and a time.  None: not played.
    members : table -> pattern of file names, where those do not say it: ``{"transactions": "GL*.csv"}``.
    dates : a ``strptime`` format for every date, or one by role; None reads ISO 8601 and ``yyyymmdd``.
    delimiter, encoding : None looks; an encoding is UTF-8, else cp1252 with a TextEncodingWarning.
    decimal, thousands : marks in amounts.  scale : digits kept after the point, 0 to 18.
    signed : whether amounts beside a debit/credit indicator carry their own sign; None looks at all of them.
    amounts : ``"float"`` for float64 columns, ``"decimal"`` for exact ones.  Control totals are exact in either case.

    Returns : frames of the same columns and dtypes for any rows.  ``amount`` is signed, debit positive.  Lines that
    cannot be read are counted in one LedgerWarning and listed in ``problems``.
    Raises : ArchiveError for a broken or unsafe zip; RoleError without a date or an amount; ValueFormatError for
    dates or amounts whose form is not sure; ConfigError for an option that cannot be.
    """
    how = _How(roles, _formats(dates), delimiter, encoding, AmountForm(decimal, thousands, scale), signed, amounts)
    _check(how, members)
    problems = Problems()
    with open_members(path) as found:
        sources = list(_sources(found, how, problems))
        _sort(sources, members, how)
        for source in sources:
            _read(source, how)
    for source in sources:
        problems.absorb(source.problems)
        if source.note:
            warn(source.note, TextEncodingWarning)
    for message in (_absent(sources, problems), _kept_out(problems)):
        if message:
            warn(message, LedgerWarning)
    return _ledger(next(iter(path), "") if isinstance(path, Mapping) else path, sources, problems, how)


def _formats(dates: str | Mapping[str, str] | None) -> Mapping[str, str]:
    if isinstance(dates, str):
        return {name: dates for name, role in ROLES.items() if role.kind in ("date", "moment")}
    return dates or {}


def _check(how: _How, members: Mapping[str, str] | None) -> None:
    check_overrides(how.roles)
    check_patterns(members)
    if how.amounts not in get_args(Amounts):
        raise ConfigError(f"amounts is one of {get_args(Amounts)}; {how.amounts!r} was given.")
    for name in how.dates:
        if name not in ROLES or ROLES[name].kind not in ("date", "moment"):
            known = [role.name for role in ROLES.values() if role.kind in ("date", "moment")]
            raise RoleError(f"dates names the role {name!r}; roles with dates are {', '.join(known)}.")


def _sources(members: list[Member], how: _How, problems: Problems) -> Iterator[_Source]:
    for member in members:
        if len(members) > 1 and not is_text(member.name):
            problems.absorb(_unread(member))
            continue
        yield _found(member, how, how.encoding)


def _found(member: Member, how: _How, encoding: str | None) -> _Source:
    """The member, looked at; again in the fallback encoding where it is no UTF-8 and nothing was declared."""
    try:
        dialect = sniff(member, encoding=encoding, delimiter=how.delimiter, known=known_headers(how.roles))
    except NotUtf8:
        return _found(member, how, FALLBACK)
    quiet = how.encoding is not None or dialect.encoding == "utf-8"
    return _Source(member, dialect, note="" if quiet else encoding_note(member, dialect.encoding))


def _unread(member: Member) -> Problems:
    problems = Problems(member.name)
    problems.file("not read", "the name of the file is none of a CSV")
    return problems


def _sort(sources: list[_Source], members: Mapping[str, str] | None, how: _How) -> None:
    """Give every source its table, and its columns their roles, before anything long is read."""
    tables = sort_members({one.member.name: one.dialect.headers for one in sources}, members, how.roles)
    for source in sources:
        source.table = tables[source.member.name]
        _cast(source, how)


def _cast(source: _Source, how: _How) -> None:
    headers, where = source.dialect.headers, repr(source.member.name)
    if source.table in ("transactions", *BALANCES):
        source.cast = assign(headers, source.table, how.roles, where=where)
    if source.table == "transactions":
        require(source.cast, headers, where=where)


def _read(source: _Source, how: _How) -> None:
    try:
        _read_once(source, how)
    except NotUtf8 as error:
        if how.encoding is not None:
            msg = f"{source.member.name!r} is not {how.encoding}. "
            raise LedgerError(msg + "Declare another: read_ledger(..., encoding='cp1252').") from error
        again = _found(source.member, how, FALLBACK)
        source.dialect, source.note = again.dialect, again.note
        _cast(source, how)
        _read_once(source, how)


def _read_once(source: _Source, how: _How) -> None:
    source.problems = Problems(source.member.name)
    if source.table in ("transactions", *BALANCES):
        plan = _plan(source, how)
        converter = Converter(plan, source.problems)
        rows = read_rows(source.member, source.dialect, source.problems)
        source.tables = [plan.schema.empty_table(), *(converter.convert(some) for some in rows)]
        converter.finish()
    else:
        rows = read_rows(source.member, source.dialect, source.problems)
        source.tables = [text_table(source.dialect.headers, [some.batch for some in rows])]
    source.lines = sum(table.num_rows for table in source.tables)
    if not source.lines and source.problems.kept_out()["ragged"]:
        _no_line_fits(source)


def _no_line_fits(source: _Source) -> None:
    """An error for a part of the ledger; a read-me beside it is no table and need not be one."""
    headers = list(source.dialect.headers)
    msg = f"None of its lines has the {len(headers)} fields of its first one, {headers}. "
    if source.table is None:
        source.problems = Problems(source.member.name)
        source.problems.file("not a table", msg)
        return
    msg += f"The delimiter {source.dialect.delimiter!r} was found; declare another: read_ledger(..., delimiter=';')."
    raise LedgerError(f"{source.member.name!r} cannot be read. {msg}")


def _plan(source: _Source, how: _How) -> Plan:
    return Plan(
        source.member.name,
        source.table or "",
        source.dialect.headers,
        source.cast,
        how.form,
        how.dates,
        how.signed,
    )


def _absent(sources: list[_Source], problems: Problems) -> str:
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


def _ledger(path: str | Path, sources: list[_Source], problems: Problems, how: _How) -> GeneralLedger:
    tally = Tally(how.form.scale)
    for source in sources:
        if source.table == "transactions":
            for table in source.tables:
                tally.add(table)
    listing = _listing(sources)
    by_table = {name: _frame([s for s in sources if s.table == name], how) for name in (*BALANCES, "company")}
    return GeneralLedger(
        name=_name(by_table["company"]) or Path(path).stem,
        transactions=_transactions([s for s in sources if s.table == "transactions"], how),
        **by_table,
        controls=tally.frame(),
        totals=tally.totals(),
        problems=problems.frame(),
        sources=listing,
        others={s.member.name: to_frame(s.tables, amounts=how.amounts) for s in sources if s.table is None},
        roles={s.table: s.cast for s in sources if s.table and s.cast},
        origin={},
    )


def _transactions(sources: list[_Source], how: _How) -> pd.DataFrame:
    if sources:
        return _frame(sources, how)
    plan = Plan("", "transactions", (), _LEAST, how.form)
    return to_frame([plan.schema.empty_table()], amounts=how.amounts)


def _frame(sources: list[_Source], how: _How) -> pd.DataFrame:
    """The frame of one table; several members are put below one another, in order of name."""
    if not sources:
        return pd.DataFrame()
    tables = [table for source in sources for table in _marked(source, len(sources) > 1)]
    if len(sources) > 1:
        order = _order(tables)
        tables = [_filled(table, order) for table in tables]
    for source in sources:
        source.tables.clear()
    return to_frame(tables, amounts=how.amounts)


def _marked(source: _Source, several: bool) -> list[pa.Table]:
    if not several:
        return source.tables
    name = pa.scalar(source.member.name, TEXT)
    return [table.append_column(MEMBER, pa.repeat(name, table.num_rows)) for table in source.tables]


def _order(tables: list[pa.Table]) -> dict[str, pa.DataType]:
    """All columns of all tables: roles, then the files' own, then where a line comes from."""
    types = {column.name: column.type for table in tables for column in table.schema}
    roles = [name for name in ROLES if name in types]
    last = [name for name in (LINE, MEMBER) if name in types]
    own = [name for name in types if name not in {*roles, *last}]
    return {name: types[name] for name in (*roles, *own, *last)}


def _filled(table: pa.Table, order: Mapping[str, pa.DataType]) -> pa.Table:
    have = set(table.column_names)
    columns = [table[name] if name in have else pa.nulls(table.num_rows, type_) for name, type_ in order.items()]
    return pa.table(columns, names=list(order))


def _listing(sources: list[_Source]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "member": pd.Series([s.member.name for s in sources], dtype="str"),
            "table": pd.Series([s.table or "others" for s in sources], dtype="str"),
            "encoding": pd.Series([s.dialect.encoding for s in sources], dtype="str"),
            "delimiter": pd.Series([s.dialect.delimiter for s in sources], dtype="str"),
            "header_line": pd.Series([max(s.dialect.first_line - 1, 0) for s in sources], dtype="int64"),
            "lines": pd.Series([s.lines for s in sources], dtype="int64"),
            "kept_out": pd.Series([s.problems.kept_out().total() for s in sources], dtype="int64"),
        }
    )


def _name(company: pd.DataFrame) -> str:
    by_name = {fold(str(column)): column for column in company.columns}
    for wanted in _COMPANY_NAMES:
        if wanted in by_name and len(company) and isinstance(company[by_name[wanted]].iloc[0], str):
            return str(company[by_name[wanted]].iloc[0])
    return ""
