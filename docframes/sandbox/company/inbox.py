"""The inbox: papers that came in and what was read from them, the bills behind the ledger's creditors among them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from docframes.sandbox.company import accounts
from docframes.sandbox.company.invoices import VAT_PERCENT, Invoice, bill, pounds
from docframes.sandbox.company.journals import year
from docframes.sandbox.company.seeds import DAY, MINUTE, moment, new_id, on_weekday, stamp, stream, working_hour
from docframes.sandbox.company.suppliers import Supplier
from docframes.sandbox.files import File, pdf

if TYPE_CHECKING:
    from docframes.sandbox.company import Company

Row = dict[str, Any]
#: Merchants' bills are kept as documents from this day on, two for each job within these limits; installers' all are.
FIRST_DAY, FEWEST, MOST = "2026-01-01", 60, 400
#: Lines of the ledger whose bills these are: as many as the sandbox writes unless it is asked for others.
LINES, LINES_OF_JOB = 5_000, 15
BILLS = "financial-document"
OWN_VAT_NUMBER = "GB012345678"
PARTS = ("labour", "materials", "access and scaffolding", "removal of waste")
MONTHS = ("2025-10", "2025-11", "2025-12", "2026-01", "2026-02", "2026-03")


@dataclass
class Paper:
    """One paper.  created, updated : milliseconds since 1970.  fields : names without prefix, values as sent.

    changes : what people corrected: field, value before, value after.
    """

    id: str
    task_id: str
    document_class: str
    name: str
    created: int
    updated: int
    state: str = "success"
    reviewed: bool = False
    reject_reason: str | None = None
    tags: list[str] = field(default_factory=list)
    fields: Row = field(default_factory=dict)
    changes: list[tuple[str, Any, Any]] = field(default_factory=list)
    text: tuple[str, ...] = ()

    def file(self) -> File:
        """The paper itself."""
        return File("assets", self.id, self.name, "application/pdf", partial(pdf, self.document_class, self.text))


@dataclass
class Inbox:
    """All papers, oldest first, and the faults planted in them."""

    papers: list[Paper] = field(default_factory=list)
    truth: list[Row] = field(default_factory=list)


def receive(company: Company) -> Inbox:
    """The papers of a company; the same seed gives the same."""
    firms = {firm.code: firm for firm in company.suppliers}
    bills = [_bill(company, invoice, firms[invoice.supplier]) for invoice in _invoices(company)]
    inbox = Inbox(bills)
    _plant(company, inbox)
    inbox.papers += _others(company)
    inbox.papers.sort(key=lambda paper: (paper.created, paper.id))
    _leave_unfinished(inbox)
    return inbox


def _invoices(company: Company) -> Iterator[Invoice]:
    """Bills of installers for completed jobs, and of merchants as the ledger has them."""
    for job in company.jobs:
        if job["status"] == "completed":
            yield bill(company.seed, job, company.measure(job))
    lines = max(LINES, LINES_OF_JOB * len(company.jobs))
    found, most = 0, min(MOST, max(FEWEST, 2 * len(company.jobs)))
    for journal in year(company, lines):
        code, _, rest = journal.reference.partition("-")
        if journal.kind != "PI" or not rest or journal.day < FIRST_DAY or found == most:
            continue
        found += 1
        amounts = dict(journal.postings)
        vat = amounts[accounts.INPUT_VAT]
        net = -amounts[accounts.CREDITORS] - vat
        due = stamp(on_weekday(moment(journal.day) + 30 * DAY))[:10]
        text = journal.description.split("\n")[0]
        yield Invoice(journal.reference, f"S{code}", "", text, journal.day, due, net, vat)


def _bill(company: Company, invoice: Invoice, firm: Supplier) -> Paper:
    rng = stream(company.seed, "inbox", invoice.number)
    created = working_hour(rng, moment(invoice.issued) + rng.randrange(1, 4) * DAY) + rng.randrange(1_000)
    updated = created + rng.randrange(3, 25) * MINUTE
    reviewed = rng.random() < 0.6
    fields = _bill_fields(company, invoice, firm, rng)
    paper = Paper(
        new_id(rng), new_id(rng), BILLS, f"{firm.code}-{invoice.number}.pdf", created, updated, reviewed=reviewed,
        tags=["creditors", invoice.issued[:7]], fields=fields, text=(firm.name, *invoice.lines()),
    )  # fmt: skip
    if reviewed and rng.random() < 0.5:
        paper.changes.append(("due_date", _day(invoice.issued), fields["due_date"]))
    if reviewed and rng.random() < 0.2:
        paper.changes.append(("recipient_tax_number", "", OWN_VAT_NUMBER))
    return paper


def _bill_fields(company: Company, invoice: Invoice, firm: Supplier, rng: random.Random) -> Row:
    fields: Row = {
        "document_type": "Invoice",
        "document_identifier": invoice.number,
        "issue_date": _day(invoice.issued),
        "due_date": _day(invoice.due),
        "supplier_name": firm.name,
        "supplier_tax_number": firm.vat_number,
        "recipient_name": company.name,
        "recipient_tax_number": OWN_VAT_NUMBER,
        "currency": "GBP",
        "amout_base_total": pounds(invoice.net),
        "amount_tax_total": pounds(invoice.vat),
        "amount_total": pounds(invoice.total),
        "amount_rounding": "",
        "amount_due": pounds(invoice.total),
    }
    # Null, empty and absent: amount_paid is null where the paper says nothing, and sometimes it is not there.
    if rng.random() < 0.85:
        fields["amount_paid"] = None
    fields["line_items"] = _items(invoice, rng)
    return fields


def _items(invoice: Invoice, rng: random.Random) -> list[Row]:
    """One to three items that add up to the net amount; few bills of merchants have a table at all."""
    if not invoice.job and rng.random() < 0.3:
        return []
    count = rng.randrange(1, 4)
    parts = [invoice.net // count] * count
    parts[0] += invoice.net - sum(parts)
    name = invoice.measure.partition(",")[2].strip() or invoice.measure
    return [
        {
            "item_description": f"{name}, {PARTS[number]}",
            "item_quantity": "1",
            "item_unit_price": pounds(net),
            "item_rate": str(VAT_PERCENT),
            "item_tax": pounds(round(net * VAT_PERCENT / 100)),
            "item_total": pounds(net),
        }
        for number, net in enumerate(parts)
    ]


def _day(iso: str) -> str:
    """Day first, as the service writes it."""
    return f"{iso[8:10]}/{iso[5:7]}/{iso[:4]}"


# --- what is wrong with them --------------------------------------------------------------------------------------


def _plant(company: Company, inbox: Inbox) -> None:
    """A bill handed in twice, one whose total is not the ledger's, one with another tax number than its supplier."""
    rng = stream(company.seed, "inbox", "faults")
    chosen = rng.sample(inbox.papers, min(3, len(inbox.papers)))
    if len(chosen) < 3:
        return
    twice, wrong, other = chosen
    again = replace(
        twice, id=new_id(rng), task_id=new_id(rng), name=f"scan-{twice.name}", created=twice.created + 9 * DAY,
        updated=twice.updated + 9 * DAY, reviewed=False, changes=[], fields=dict(twice.fields),
    )  # fmt: skip
    inbox.papers.append(again)
    number = twice.fields["document_identifier"]
    _note(inbox, "duplicate_document", [twice.id, again.id], f"bill {number} was handed in twice")
    total = round(float(wrong.fields["amount_total"]) * 100) + 9_000
    wrong.fields |= {"amount_total": pounds(total), "amount_due": pounds(total)}
    number = wrong.fields["document_identifier"]
    _note(inbox, "amount_not_posted", [wrong.id], f"the total of bill {number} is 90.00 above what the ledger has")
    other.fields["supplier_tax_number"] = "GB999000111"
    number = other.fields["document_identifier"]
    _note(inbox, "changed_tax_number", [other.id], f"bill {number} bears a tax number that is not its supplier's")


def _note(inbox: Inbox, fault: str, ids: list[str], reason: str) -> None:
    inbox.truth.append({"fault": fault, "where": "docdigitizer documents", "ids": ids, "reason": reason})


# --- other papers -------------------------------------------------------------------------------------------------


def _others(company: Company) -> Iterator[Paper]:
    rng = stream(company.seed, "inbox", "others")
    for month in MONTHS:
        yield _statement(rng, month)
    firm = company.suppliers[0]
    fields = {"parties": f"{company.name}; {firm.name}", "effective_date": "01/04/2025", "term_months": "24"}
    yield _other(rng, "contract", "framework-agreement.pdf", "2025-04-03", fields)
    credit = {
        "document_type": "Credit Note", "document_identifier": "CN-0007", "issue_date": "11/02/2026",
        "supplier_name": firm.name, "supplier_tax_number": firm.vat_number, "currency": "GBP",
        # Credit notes come with positive amounts.
        "amout_base_total": "150.00", "amount_tax_total": "30.00", "amount_total": "180.00", "line_items": None,
    }  # fmt: skip
    yield _other(rng, BILLS, "credit-note-0007.pdf", "2026-02-12", credit)
    blank = _other(rng, BILLS, "scan0041.tiff", "2026-02-16", {})
    yield replace(blank, state="rejected", reject_reason="no supplier, recipient or values", reviewed=False)
    menu = _other(rng, "contract", "menu.png", "2026-03-09", {})
    yield replace(menu, state="rejected", reject_reason="not in the licence", reviewed=False)


def _statement(rng: random.Random, month: str) -> Paper:
    opening = rng.randrange(4_000_000, 6_000_000)
    movements = [rng.randrange(-90_000, 95_000) for _ in range(3)]
    fields: Row = {
        "bank_name": "Northmoor Mutual",
        "account_number": "00871520",
        "statement_date": f"28/{month[5:]}/{month[:4]}",
        "opening_balance": pounds(opening),
        "closing_balance": pounds(opening + sum(movements)),
        "movements": [
            {"movement_date": f"{7 * (number + 1):02d}/{month[5:]}/{month[:4]}", "movement_amount": pounds(pence)}
            for number, pence in enumerate(movements)
        ],
    }
    return _other(rng, "bank-statement", f"statement-{month}.pdf", f"{month}-28", fields)


def _other(rng: random.Random, document_class: str, name: str, day: str, fields: Row) -> Paper:
    created = working_hour(rng, on_weekday(moment(day) + DAY)) + rng.randrange(1_000)
    return Paper(
        new_id(rng), new_id(rng), document_class, name, created, created + 7 * MINUTE, reviewed=rng.random() < 0.4,
        fields=fields, text=tuple(f"{key}: {value}" for key, value in fields.items() if isinstance(value, str)),
    )  # fmt: skip


def _leave_unfinished(inbox: Inbox) -> None:
    """The three latest bills without a fault are still under way: class known and data partial, or nothing yet."""
    planted = {paper_id for fault in inbox.truth for paper_id in fault["ids"]}
    latest = [paper for paper in inbox.papers if paper.document_class == BILLS and paper.id not in planted]
    latest = [paper for paper in latest if paper.state == "success"][-3:]
    for paper, state in zip(latest, ("classified", "classified", "start"), strict=False):
        paper.state, paper.reviewed, paper.changes = state, False, []
        some = ("document_type", "document_identifier")
        paper.fields = {name: paper.fields[name] for name in some if state == "classified" and name in paper.fields}
