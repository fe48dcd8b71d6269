"""The general ledger from its extract."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from docframes.errors import ConfigError, LedgerError
from docframes.ledger import GeneralLedger
from docframes.ledger.read import read_into
from docframes.tables.certificates import Certificate
from docframes.tables.schema import Table
from docframes.transport.download import ApiFile, SignedLink
from docframes.vendors.validis.client import Client
from docframes.vendors.validis.fetching import Book, Fetched, Wanted, signed
from docframes.vendors.validis.record import certificate_of, origin_of, record_of
from docframes.vendors.validis.waiting import extract_call, ready

_TABLES = ("transactions", "period_balances", "period_balances_summarised", "company")
_MENDS = (
    "load_gl_extract() takes roles= and dates= as read_ledger() does. For every load of this account: "
    'Client(assumptions={"A31": {role: header}}), and likewise A29 (members), A35 (delimiter), A36 (encoding), '
    "A37 (dates), A38 (decimal, thousands)."
)


def sign(client: Client, engagement_id: str) -> SignedLink | ApiFile:
    """A fresh link to the extract of an engagement, or the way to its bytes where the API sends them itself."""
    call = extract_call(client, GENERAL_LEDGER.endpoint, engagement_id, False)
    name = f"general-ledger/{engagement_id}"
    came = ready(client, call, GENERAL_LEDGER.what, engagement_id)
    if not came.links:
        return ApiFile(name, lambda: client.stream(call))
    if len(came.links) > 1:
        files = ", ".join(link.name for link in came.links)
        msg = f"The general ledger of engagement {engagement_id} comes in {len(came.links)} files ({files}). "
        raise ConfigError(msg + "load_gl_extract() reads them together.")
    return signed(client, came.links[0], name)


def _read(wanted: Wanted[GeneralLedger], fetched: Fetched, folder: Path) -> tuple[GeneralLedger, list[str]]:
    """The ledger in its store, which is kept where the account's answers are, or as long as the ledger."""
    client = wanted.client
    home = None if client.frames_folder is None else client.frames_folder / "ledgers"
    try:
        how, amounts, tell = wanted.read["how"], wanted.read["amounts"], client.trouble.of_files
        ledger = read_into(home, fetched.source(folder), how, amounts=amounts, tell=tell)
    except LedgerError as error:
        error.add_note(_MENDS)
        raise
    return ledger, list(ledger.store.facts["uploads"])


def _told(
    wanted: Wanted[GeneralLedger], ledger: GeneralLedger, fetched: Fetched, uploads: list[str], seconds: float
) -> GeneralLedger:
    """The ledger, which says where it comes from, and whose frames have their record."""
    certificate, store = _certificate(ledger, uploads), ledger.store
    records = {
        name: record_of(_declared(name, ledger), store.rows(name), wanted, fetched, uploads, certificate, seconds)
        for name in _TABLES
        if store.has(name)
    }
    files = {text for piece in fetched.extract.pieces for text in (piece.sha256, piece.name, Path(piece.name).stem)}
    name = f"engagement {wanted.engagement_id}" if ledger.name in files or not ledger.name else ledger.name
    return dataclasses.replace(ledger, name=name, origin=origin_of(wanted, uploads), records=records)


def _certificate(ledger: GeneralLedger, uploads: list[str]) -> Certificate:
    came = f"{ledger.totals.lines:,} lines"
    return certificate_of(uploads, len(ledger.sources), came, "the lines with the period balances")


def _declared(name: str, ledger: GeneralLedger) -> Table:
    return dataclasses.replace(ledger.declared(name), source="developer.validis.com, extracts; roles assumed, A31")


GENERAL_LEDGER = Book("load_gl_extract", "gl_extract", "general ledger", _read, _told)
