"""The frames of the receivable and payable extracts.  Headers are candidates (A34): the first that is there counts.

Columns bear the names that :func:`.load_receivable_items` and :func:`.load_payable_items` give the same things.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from docframes.tables.schema import Column, Kind, Table

SOURCE = "developer.validis.com, extracts; files assumed, A26, columns A34"
#: Without one of these there are no items.
AMOUNTS = ("amount", "outstanding_amount", "base_amount", "base_outstanding_amount")


@dataclass(frozen=True)
class Side:
    """Receivables or payables: what their files and columns are called."""

    name: Literal["receivable", "payable"]
    short: str  #: in the names of files and ids
    party: str
    tables: Mapping[str, Table]  #: ``items``, ``allocations``, ``parties``
    own: tuple[str, ...]  #: words for the party in names of files


def _guess(name: str, kind: Kind, meaning: str, *headers: str) -> Column:
    return Column(name, kind, meaning, aliases=headers, optional=True)


def _party(party: str) -> tuple[Column, ...]:
    word = party.upper()
    return (
        _guess(f"{party}_id", "str", f"id of the {party}", f"{word}_ID", "CONTACT_ID"),
        _guess(f"{party}_code", "str", f"code of the {party}, kept as text",
               f"{word}_CODE", f"{word}_NUMBER", "CONTACT_CODE"),
        _guess(f"{party}_name", "str", f"name of the {party}", f"{word}_NAME", word, "CONTACT_NAME", "CONTACT"),
    )  # fmt: skip


def _items(short: str, party: str) -> Table:
    columns = (
        _guess("item_id", "str", "id of the item",
               "ITEM_ID", f"{short}_ITEM_ID", f"{short}_TX_ID", "TX_ID", "TRANSACTION_ID", "ID"),
        *_party(party),
        _guess("item_type", "str", "invoice, credit note, payment, refund or journal; an open set",
               "ITEM_TYPE", f"{short}_TX_TYPE", "TX_TYPE", "TRANSACTION_TYPE", "DOCUMENT_TYPE", "TYPE"),
        _guess("reference", "str", "number of the document",
               "REFERENCE", "DOCUMENT_NUMBER", "INVOICE_NUMBER", "INVOICE_REFERENCE", "TX_REFERENCE"),
        _guess("date", "date", "day of the document", "ITEM_DATE", "DOCUMENT_DATE", "INVOICE_DATE",
               f"{short}_TX_DATE", "TX_DATE", "TRANSACTION_DATE", "DATE"),
        _guess("due_date", "date", "day on which it is due", "DUE_DATE", "PAYMENT_DUE_DATE"),
        _guess("period_id", "str", "id of the period", "PERIOD_ID", "FINANCIAL_PERIOD_ID", "PERIOD", "PERIOD_NUMBER"),
        _guess("currency_iso", "str", "currency of `amount`", "CURRENCY_ISO", "CURRENCY", "CURRENCY_CODE"),
        _guess("amount", "float64", "amount, signed as in the file", "AMOUNT", "ORIGINAL_AMOUNT", "TX_AMOUNT",
               "TRANSACTION_AMOUNT", "TX_VALUE", "TRANSACTION_VALUE", "TOTAL", "TOTAL_AMOUNT", "VALUE"),
        _guess("outstanding_amount", "float64", "what is still open of it, signed as in the file",
               "OUTSTANDING_AMOUNT", "OUTSTANDING", "OUTSTANDING_VALUE", "BALANCE", "TRANSACTION_BALANCE",
               "OPEN_AMOUNT"),
        _guess("base_amount", "float64", "amount in the company's currency, signed as in the file",
               "BASE_AMOUNT", "BASE_VALUE"),
        _guess("base_outstanding_amount", "float64", "what is still open, in the company's currency",
               "BASE_OUTSTANDING_AMOUNT", "BASE_OUTSTANDING", "BASE_OUTSTANDING_VALUE", "BASE_BALANCE"),
        _guess("transaction", "str", "id of the general ledger's transaction behind it: joins gl.transactions",
               "GL_TX_ID", "GL_TRANSACTION_ID"),
    )  # fmt: skip
    return Table(f"{short.lower()}_items", f"one row per item of a {party}", (), columns, SOURCE)


def _allocations(short: str, party: str) -> Table:
    columns = (
        _guess("item_id", "str", "id of the item that is set off",
               "FROM_ITEM_ID", f"FROM_{short}_TX_ID", "FROM_TX_ID", "FROM_ID", "ITEM_ID", f"{short}_TX_ID"),
        _guess("other_item_id", "str", "id of the item that it is set off against",
               "TO_ITEM_ID", f"TO_{short}_TX_ID", "TO_TX_ID", "TO_ID", "ALLOCATED_ITEM_ID", f"ALLOCATED_{short}_TX_ID"),
        _guess("date", "date", "day of the allocation", "ALLOCATION_DATE", "DATE"),
        _guess("amount", "float64", "amount set off, signed as in the file",
               "ALLOCATED_AMOUNT", "ALLOCATION_AMOUNT", "AMOUNT", "VALUE"),
    )  # fmt: skip
    return Table(f"{short.lower()}_allocations", f"one row per item of a {party} set off against another", (), columns,
                 SOURCE)  # fmt: skip


def _parties(short: str, party: str) -> Table:
    columns = tuple(
        dataclasses.replace(column, aliases=(*column.aliases, bare))
        for column, bare in zip(_party(party), ("ID", "CODE", "NAME"), strict=True)
    )
    return Table(f"{short.lower()}_parties", f"one row per {party}", (), columns, SOURCE)


def _side(name: Literal["receivable", "payable"], short: str, party: str, *words: str) -> Side:
    made = {"items": _items, "allocations": _allocations, "parties": _parties}
    return Side(name, short, party, {key: make(short, party) for key, make in made.items()}, (party, *words))


RECEIVABLE = _side("receivable", "AR", "customer", "debtor")
PAYABLE = _side("payable", "AP", "supplier", "vendor", "creditor")
NAMES = ("items", "allocations", "parties", "company")
_COLUMNS = [column for side in (RECEIVABLE, PAYABLE) for table in side.tables.values() for column in table.columns]
#: Every column that there is; a customer's and a supplier's bear different names, so one word fits both sides.
COLUMNS = tuple(dict.fromkeys(column.name for column in _COLUMNS))
#: Those of them that are days.
DAYS = tuple(dict.fromkeys(column.name for column in _COLUMNS if column.kind == "date"))

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: What may stand before the word for a file's content; a longer name, such as of another list, does not count.
_BEFORE = "(accounts?)?(ar|ap|receivables?|payables?)?(ledger|open)?"


def table_of(name: str, side: Side) -> str | None:
    """The table that a file of this name holds, or None (A26): its own name counts, then those of zips around it.

    Case, punctuation, ids and dates do not count.
    """
    party = f"({'|'.join(side.own)})s?"
    forms = {
        "allocations": rf"{_BEFORE}({party})?(transactions?|items?)?allocations?",
        "items": rf"{_BEFORE}({party})?(transactions?|items?)",
        "parties": rf"{_BEFORE}{party}(details)?",
        "company": r"company(details)?",
    }
    *above, base = PurePosixPath(name).parts
    for part in (base, *(zipped for zipped in reversed(above) if zipped.lower().endswith(".zip"))):
        plain = re.sub(r"[\W\d_]+", "", _UUID.sub("", PurePosixPath(part).stem.lower()))
        found = next((table for table, form in forms.items() if re.fullmatch(form, plain)), None)
        if found:
            return found
    return None
