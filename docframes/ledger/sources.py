"""The members of a ledger, looked at: how each is written, which table it is, and who plays what in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from docframes.errors import LedgerError
from docframes.ledger.archive import Member
from docframes.ledger.columns import Plan
from docframes.ledger.members import is_text, sort_members
from docframes.ledger.problems import Problems
from docframes.ledger.roles import BALANCES, Cast, Override, assign, known_headers, require
from docframes.ledger.text import Dialect, NotUtf8, encoding_note, guess_encoding, sniff
from docframes.ledger.values import AmountForm

TYPED = ("transactions", *BALANCES)
#: Roles that an absent file of transactions would at least have; its empty frame has them.
LEAST: Cast = {name: (name,) for name in ("transaction", "line", "date", "account", "text", "currency", "amount")}


@dataclass(frozen=True)
class How:
    """The options of one reading; two readings of the same bytes with the same options give the same store."""

    roles: Mapping[str, Override] | None = None
    members: Mapping[str, str] | None = None
    dates: Mapping[str, str] = field(default_factory=dict)
    delimiter: str | None = None
    encoding: str | None = None
    form: AmountForm = field(default_factory=AmountForm)
    signed: bool | None = None


@dataclass
class Source:
    """One member, as it was found and read.  lines : that are in the ledger."""

    member: Member
    dialect: Dialect
    table: str | None = None
    cast: Cast = field(default_factory=dict)
    lines: int = 0
    problems: Problems = field(default_factory=Problems)
    note: str = ""

    def plan(self, how: How) -> Plan:
        """What becomes of its columns."""
        return Plan(
            self.member.name, self.table or "", self.dialect.headers, self.cast, how.form, how.dates, how.signed
        )


def find_sources(members: list[Member], how: How, problems: Problems) -> list[Source]:
    """Every member that is text, with its table and who plays what; the others are listed in *problems*.

    Nothing long is read.  Raises RoleError where nothing is recognised, or a part that is needed is not played.
    """
    sources = list(_looked_at(members, how, problems))
    headers = {one.member.name: one.dialect.headers for one in sources}
    tables = sort_members(headers, how.members, how.roles)
    for source in sources:
        source.table = tables[source.member.name]
        _cast(source, how)
    return sources


def read_otherwise(source: Source, how: How) -> None:
    """Look at *source* again, in another encoding, after it turned out to be no UTF-8.

    Raises LedgerError where its encoding was declared.
    """
    if how.encoding is not None:
        msg = f"{source.member.name!r} is not {how.encoding}. "
        raise LedgerError(msg + "Declare another: read_ledger(..., encoding='cp1252').")
    again = _found(source.member, how, guess_encoding(source.member))
    source.dialect, source.note = again.dialect, again.note
    _cast(source, how)


def _looked_at(members: list[Member], how: How, problems: Problems) -> Iterator[Source]:
    for member in members:
        if len(members) > 1 and not is_text(member.name):
            unread = Problems(member.name)
            unread.file("not read", "the name of the file is none of a CSV")
            problems.absorb(unread)
            continue
        yield _found(member, how, how.encoding)


def _found(member: Member, how: How, encoding: str | None) -> Source:
    """The member, looked at; again in another encoding where it is no UTF-8 and nothing was declared."""
    try:
        dialect = sniff(member, encoding=encoding, delimiter=how.delimiter, known=known_headers(how.roles))
    except NotUtf8:
        return _found(member, how, guess_encoding(member))
    quiet = how.encoding is not None or dialect.encoding == "utf-8"
    return Source(member, dialect, note="" if quiet else encoding_note(member, dialect.encoding))


def _cast(source: Source, how: How) -> None:
    headers, where = source.dialect.headers, repr(source.member.name)
    if source.table in TYPED:
        source.cast = assign(headers, source.table, how.roles, where=where)
    if source.table == "transactions":
        require(source.cast, headers, where=where)
