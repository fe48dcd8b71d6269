"""Receivable and payable items as CSV files: the very items that the API lists, under headers of the extracts' kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from docframes.sandbox.company.invoices import pounds
from docframes.sandbox.company.ledger import DETAILS, details, quoted, upload

if TYPE_CHECKING:
    from docframes.sandbox.company.books import Books

Row = dict[str, Any]

HEAD = "UPLOAD_ID,COMPANY_NAME,UPLOAD_DATE"
ITEMS = (
    "ITEM_ID,{0}_ID,{0}_NAME,ITEM_TYPE,REFERENCE,DOCUMENT_DATE,DUE_DATE,PERIOD_ID,CURRENCY_ISO,AMOUNT,"
    "OUTSTANDING_AMOUNT,BASE_AMOUNT,SETTLED,GL_TX_ID"
)
ALLOCATIONS = "FROM_ITEM_ID,TO_ITEM_ID,ALLOCATION_DATE,AMOUNT"


def item_files(books: Books, side: str) -> dict[str, bytes]:
    """Name to content.  side : ``receivable`` or ``payable``."""
    short, party = ("AR", "customer") if side == "receivable" else ("AP", "supplier")
    rows = books.receivable_items if side == "receivable" else books.payable_items
    head = upload(books.company)
    word = party.upper()
    return {
        f"{short}_Transactions.csv": _file(head, ITEMS.format(word), _items(rows, party)),
        f"{short}_Allocations.csv": _file(head, ALLOCATIONS, _allocations(rows)),
        f"{party.title()}s.csv": _file(head, f"{word}_ID,{word}_NAME", _parties(rows, party)),
        "Company_Details.csv": f"{DETAILS}\n{details(head)}".encode(),
    }


def _file(head: str, header: str, lines: Iterator[list[str]]) -> bytes:
    rows = (f"{head},{','.join(map(quoted, line))}\n" for line in lines)
    return f"{HEAD},{header}\n{''.join(rows)}".encode()


def _items(rows: list[Row], party: str) -> Iterator[list[str]]:
    for row in rows:
        amounts = [_pounds(row[name]) for name in ("amount", "outstandingAmount", "baseAmount")]
        yield [
            row["id"],
            *_party(row, party),
            *(str(row[name]) for name in ("itemType", "reference", "date", "dueDate", "periodId", "currencyIso")),
            *amounts,
            "false" if row["outstandingAmount"] else "true",
            next((link["glTxId"] for link in row["links"]), ""),
        ]


def _allocations(rows: list[Row]) -> Iterator[list[str]]:
    """Each item with what it is set off against, on the day of the later of the two."""
    days = {row["id"]: row["date"] for row in rows}
    for row in rows:
        for other in row["allocations"]:
            yield [row["id"], other["itemId"], max(row["date"], days[other["itemId"]]), _pounds(other["amount"])]


def _parties(rows: list[Row], party: str) -> Iterator[list[str]]:
    for known in sorted({tuple(_party(row, party)) for row in rows if row[f"{party}Id"]}):
        yield list(known)


def _party(row: Row, party: str) -> list[str]:
    return [row[f"{party}{part}"] or "" for part in ("Id", "Name")]


def _pounds(amount: float) -> str:
    return pounds(round(amount * 100))
