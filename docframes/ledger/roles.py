"""Which column plays which part.

A ledger names its columns as it likes.  Checks ask for roles: ``date``, ``account``, ``amount``.  A column plays
a role when its header is one of the role's candidates, the first candidate that is there; ``roles={...}`` of the
caller goes first.  Headers are compared without regard to case, blanks and punctuation: ``JE_Header_ Description``
is ``JE_HEADER_DESCRIPTION``.

The candidates come from the extract of Validis (assumed there), the AICPA Audit Data Standard and the SIE files of
Swedish bookkeeping programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from docframes.errors import RoleError

Kind = Literal["text", "date", "moment", "amount"]
Candidate = str | tuple[str, ...]
#: What a caller may say of a role: a header, several that make it up together, or None for "not played".
Override = str | Sequence[str] | None

BALANCES = ("period_balances", "period_balances_summarised")
#: The column, folded, that names the upload in every row of every file of an extract of Validis.
UPLOAD = "UPLOAD_ID"


@dataclass(frozen=True)
class Role:
    """A part that a column can play.

    kind : text is kept as sent; date is a day; moment is a day and a time as written; amount is exact money.
    meaning : one line for the data dictionary.  candidates : headers, folded, the first that is there wins;
    several in a tuple make the value together: texts are joined by a blank, a moment is a date and a time.
    tables : where the role is looked for.
    """

    name: str
    kind: Kind
    meaning: str
    candidates: tuple[Candidate, ...]
    tables: tuple[str, ...] = ("transactions",)


_LINES = ("transactions",)
_BOTH = ("transactions", *BALANCES)

_ALL = (
    Role(
        "transaction",
        "text",
        "id of the journal entry or voucher that the line belongs to",
        (
            "GL_TX_ID",
            "TX_ID",
            "TRANSACTION_ID",
            "TRANSACTION",
            # Some programs start a series again within the year, so a number alone names two vouchers.
            ("SERIES", "NUMBER", "DATE"),
            ("SERIES", "NUMBER"),
            "JOURNAL_ENTRY_ID",
            "JOURNAL_ID",
            "VOUCHER",
            "VOUCHER_NUMBER",
        ),
    ),
    Role(
        "line",
        "text",
        "id or number of the line",
        (
            "GL_TX_LINE_ID",
            "GL_LINE_ID",
            "LINE_ID",
            "TX_LINE_ID",
            "JOURNAL_ID_LINE_NUMBER",
            "LINE_NUMBER",
            "LINE",
        ),
    ),
    Role(
        "date",
        "date",
        "day from which the entry counts",
        (
            "GL_TX_DATE",
            "TX_DATE",
            "TRANSACTION_DATE",
            "EFFECTIVE_DATE",
            "DATE",
            "POSTING_DATE",
            "DOCUMENT_DATE",
        ),
    ),
    Role("document_date", "date", "day on the document", ("DOCUMENT_DATE",)),
    Role(
        "entered_at",
        "moment",
        "when the line was keyed in, as written, no time zone",
        (
            "ENTRY_TIMESTAMP",
            "CREATED_TIMESTAMP",
            "CREATED_DATE",
            "POSTED_DATE",
            ("ENTERED_DATE", "ENTERED_TIME"),
            "ENTERED_DATE",
            "REGISTERED",
        ),
    ),
    Role(
        "entered_by",
        "text",
        "who keyed the line in",
        ("ENTRY_USER", "CREATED_BY", "POSTED_USER_NAME", "ENTERED_BY"),
    ),
    Role(
        "modified_at",
        "moment",
        "when the line was last changed, as written, no time zone",
        (
            "MODIFIED_TIMESTAMP",
            "MODIFIED_DATE",
            ("LAST_MODIFIED_DATE", "LAST_MODIFIED_TIME"),
            "LAST_MODIFIED_DATE",
        ),
    ),
    Role(
        "modified_by",
        "text",
        "who last changed the line",
        ("MODIFIED_USER", "MODIFIED_BY", "LAST_MODIFIED_BY"),
    ),
    Role("approved_by", "text", "who approved the entry", ("APPROVED_BY",)),
    Role(
        "period",
        "text",
        "accounting period, as sent",
        ("FINANCIAL_PERIOD_ID", "PERIOD_ID", "PERIOD", "PERIOD_NUMBER"),
        _BOTH,
    ),
    Role("period_start", "date", "first day of the period", ("PERIOD_START_DATE", "PERIOD_START"), BALANCES),
    Role("period_end", "date", "last day of the period", ("PERIOD_END_DATE", "PERIOD_END"), BALANCES),
    Role(
        "year",
        "text",
        "financial year, as sent",
        ("FINANCIAL_YEAR", "FISCAL_YEAR", "YEAR", "YEAR_NUMBER"),
        _BOTH,
    ),
    Role(
        "account",
        "text",
        "account code; '0400' is not 400",
        (
            "ACCOUNT_CODE",
            "ACCOUNT",
            "GL_ACCOUNT_NUMBER",
            "GL_ACCOUNT",
            "ACCOUNT_NUMBER",
            "A_C_CODE",
            "ACCOUNT_ID",
        ),
        _BOTH,
    ),
    Role("account_id", "text", "the program's own id of the account", ("ACCOUNT_ID",), _BOTH),
    Role(
        "account_name",
        "text",
        "name of the account",
        ("ACCOUNT_NAME", "GL_ACCOUNT_NAME", "A_C_NAME"),
        _BOTH,
    ),
    Role("category", "text", "category of the account", ("PRIMARY_CATEGORY", "CATEGORY"), _BOTH),
    Role("tag", "text", "finer category of the account", ("TAG", "ACCOUNT_TAG"), _BOTH),
    Role(
        "journal",
        "text",
        "journal, series or source that the entry was made in",
        ("JOURNAL_ID", "JOURNAL_NUMBER", "JOURNAL", "SOURCE", "SERIES"),
    ),
    Role("type", "text", "kind of entry", ("TX_TYPE", "TRANSACTION_TYPE", "TYPE")),
    Role(
        "reference",
        "text",
        "number of the document or voucher",
        ("REFERENCE", "TX_REFERENCE", "DOCUMENT_NUMBER", "NUMBER"),
    ),
    Role(
        "text",
        "text",
        "what the line is for",
        (
            "DESCRIPTION",
            "DETAILS",
            "NARRATIVE",
            "MEMO",
            "JE_LINE_DESCRIPTION",
            "LINE_DESCRIPTION",
            "TEXT",
            "JE_HEADER_DESCRIPTION",
        ),
    ),
    Role(
        "currency",
        "text",
        "currency of `amount`",
        ("CURRENCY_ISO", "CURRENCY", "CURRENCY_CODE", "AMOUNT_CURRENCY"),
        _BOTH,
    ),
    Role(
        "amount",
        "amount",
        "the line's amount in the company's currency, debit positive",
        ("BASE_VALUE", "BASE_AMOUNT", "AMOUNT", "VALUE", "NET"),
    ),
    Role(
        "transaction_amount",
        "amount",
        "amount in the currency of the transaction, as signed in the file",
        ("TRANSACTION_VALUE", "TX_VALUE", "TX_AMOUNT", "TRANSACTION_AMOUNT"),
    ),
    Role(
        "reporting_amount",
        "amount",
        "amount in the currency of the group, as signed in the file",
        ("REPORTING_VALUE", "REPORTING_AMOUNT"),
    ),
    Role("debit", "amount", "debit side of the line, as sent", ("DEBIT", "DEBIT_AMOUNT", "BASE_DEBIT"), _BOTH),
    Role(
        "credit",
        "amount",
        "credit side of the line, as sent",
        ("CREDIT", "CREDIT_AMOUNT", "BASE_CREDIT"),
        _BOTH,
    ),
    Role(
        "indicator",
        "text",
        "whether the amount is a debit or a credit, as sent",
        (
            "AMOUNT_CREDIT_DEBIT_INDICATOR",
            "CREDIT_DEBIT_INDICATOR",
            "DEBIT_CREDIT_INDICATOR",
            "DEBIT_CREDIT",
            "D_C",
            "DR_CR",
        ),
    ),
    Role("opening", "amount", "balance at the start, debit positive", ("OPENING_BALANCE", "OPENING"), BALANCES),
    Role(
        "movement",
        "amount",
        "change of the balance, debit positive",
        ("MOVEMENT", "BALANCE_CHANGE", "NET_MOVEMENT", "AMOUNT", "NET"),
        BALANCES,
    ),
    Role("closing", "amount", "balance at the end, debit positive", ("CLOSING_BALANCE", "CLOSING"), BALANCES),
    Role("result", "amount", "the year's total of a profit-and-loss account", ("RESULT",), BALANCES),
)

#: Every role, by name, in the order of the columns of a frame.
ROLES: Mapping[str, Role] = {role.name: role for role in _ALL}

Cast = dict[str, tuple[str, ...]]
"""Who plays what: role -> the headers that make it up."""


def fold(header: str) -> str:
    """The header as it is compared: upper case, everything but letters and digits as one underscore."""
    return re.sub(r"[\W_]+", "_", header).strip("_").upper()


def known_headers(roles: Mapping[str, Override] | None = None) -> frozenset[str]:
    """All folded headers that could play a role; *roles* of the caller add theirs."""
    names = {part for role in _ALL for choice in role.candidates for part in _parts(choice)}
    names |= {fold(part) for choice in (roles or {}).values() for part in _parts(choice)}
    return frozenset(names)


def check_overrides(roles: Mapping[str, Override] | None) -> None:
    """Refuse a role that does not exist, and a list of columns where one is needed."""
    for name, choice in (roles or {}).items():
        if name not in ROLES:
            raise RoleError(f"There is no role {name!r}. The roles are: {', '.join(ROLES)}.")
        if len(_parts(choice)) > 1 and ROLES[name].kind in ("amount", "date"):
            raise RoleError(f"The role {name!r} is played by one column; {list(_parts(choice))} were named.")


def assign(headers: Sequence[str], table: str, roles: Mapping[str, Override] | None, *, where: str) -> Cast:
    """Who plays what among *headers*.

    table : ``transactions`` or one of BALANCES.  roles : the caller's word; in the transactions every header it
    names must be there, in the balances those that are there count.  where : the member, for messages.
    A column plays one role, save that one which helps to make up a value of several may play another by itself.
    """
    by_name = _by_name(headers)
    cast: Cast = {}
    for name, choice in (roles or {}).items():
        found = [_find(part, headers, by_name) for part in _parts(choice)]
        if choice is not None and all(found) and table in ROLES[name].tables:
            cast[name] = tuple(part for part in found if part)
        elif choice is not None and table == "transactions" and table in ROLES[name].tables:
            raise RoleError(f"roles[{name!r}] names {choice!r}; {where} has the columns {list(headers)}.")
    spoken_for = {name for name, choice in (roles or {}).items() if choice is None} | set(cast)
    taken = {parts[0] for parts in cast.values() if len(parts) == 1}
    for role in _ALL:
        if table in role.tables and role.name not in spoken_for:
            parts = _first(role.candidates, by_name, taken)
            if parts:
                cast[role.name] = parts
                taken |= set(parts) if len(parts) == 1 else set()
    return {name: cast[name] for name in ROLES if name in cast}


def require(cast: Cast, headers: Sequence[str], *, where: str) -> None:
    """Refuse transactions without a date, or without an amount or a debit and a credit."""
    missing = [] if "date" in cast else ["date"]
    if "amount" not in cast and not {"debit", "credit"} <= set(cast):
        missing.append("amount (or debit and credit)")
    if missing:
        tried = {name: list(ROLES[name].candidates) for name in ("date", "amount") if name not in cast}
        msg = f"No column of {where} plays the role {' nor '.join(missing)}. Its first line says {list(headers)}; "
        msg += f"looked for were {tried}. Name the columns: "
        msg += "read_ledger(..., roles={'date': '...', 'amount': '...'}), or {'debit': '...', 'credit': '...'}."
        raise RoleError(msg)


def plays(headers: Sequence[str], roles: Mapping[str, Override] | None = None) -> bool:
    """Whether the headers could be those of transactions: a date, and an amount or a debit and a credit."""
    try:
        cast = assign(headers, "transactions", roles, where="")
    except RoleError:
        return False
    return "date" in cast and ("amount" in cast or {"debit", "credit"} <= set(cast))


def _parts(choice: Override) -> tuple[str, ...]:
    if choice is None:
        return ()
    return (choice,) if isinstance(choice, str) else tuple(choice)


def _by_name(headers: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for header in headers:
        found.setdefault(fold(header), header)
    return found


def _find(name: str, headers: Sequence[str], by_name: Mapping[str, str]) -> str | None:
    return name if name in headers else by_name.get(fold(name))


def _first(candidates: Iterable[Candidate], by_name: Mapping[str, str], taken: set[str]) -> tuple[str, ...]:
    for choice in candidates:
        parts = tuple(by_name[part] for part in _parts(choice) if part in by_name)
        if len(parts) == len(_parts(choice)) and (len(parts) > 1 or parts[0] not in taken):
            return parts
    return ()
