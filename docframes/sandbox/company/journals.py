"""The year's journals, day by day: what jobs cost and earn, wages, overheads; every journal balances."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from docframes.sandbox.company import accounts
from docframes.sandbox.company.invoices import VAT_PERCENT, bill
from docframes.sandbox.company.seeds import stream

if TYPE_CHECKING:
    from docframes.sandbox.company import Company

YEAR_START, YEAR_END = date(2025, 4, 1), date(2026, 3, 31)
#: bank holidays of that year, as month and day
HOLIDAYS = {(4, 18), (4, 21), (5, 5), (5, 26), (8, 25), (12, 25), (12, 26), (1, 1)}
OPEN_ITEMS = 200  #: bills and claims kept for a later payment; bounded, so that any number of lines fits in memory

Postings = tuple[tuple[str, int], ...]  # account and pence, debit positive


@dataclass(slots=True)
class Journal:
    """One journal, not yet numbered.  day, entered : ISO text.  user : of the staff."""

    kind: str
    day: str
    reference: str
    description: str
    postings: Postings
    user: str = ""
    entered: str = ""


def working_days() -> list[date]:
    """Days of the year on which the office works."""
    days = (YEAR_START + timedelta(count) for count in range((YEAR_END - YEAR_START).days + 1))
    return [day for day in days if day.weekday() < 5 and (day.month, day.day) not in HOLIDAYS]


def year(company: Company, lines: int) -> Iterator[Journal]:
    """The year's journals in order, together exactly *lines* lines (2 or more).

    What jobs and wages give rise to comes first; everyday trade fills the rest of each day.
    """
    trade = Trade(company)
    users = [person.username for person in company.staff if person.team == "Finance"]
    due = deque(sorted([*_of_jobs(company), *_of_months(company)], key=lambda journal: journal.day))
    days = working_days()
    written = 0
    for number, today in enumerate(days):
        day, quota, before = today.isoformat(), lines * (number + 1) // len(days), written
        while written < quota:
            left = lines - written
            if due and due[0].day <= day and _fits(len(due[0].postings), left):
                journal = due.popleft()
                journal.day = day
            else:
                journal = trade.next(day, left)
            journal.user = users[(len(journal.reference) + len(journal.postings) + written) % len(users)]
            journal.entered = _entered(day, written - before, quota - before)
            written += len(journal.postings)
            yield journal


def _fits(size: int, left: int) -> bool:
    """Whether *size* lines can be taken of *left* ones: a single line would balance with nothing."""
    return left == size or left - size >= 2


def _entered(day: str, done: int, quota: int) -> str:
    """A moment of the working day that advances with the work."""
    seconds = 8 * 3_600 + 10 * 3_600 * done // quota
    return f"{day}T{seconds // 3_600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"


class Trade:
    """Everyday journals: bills of merchants, claims for grants, and the payments of both."""

    def __init__(self, company: Company) -> None:
        self._rng = stream(company.seed, "trade")
        self._sellers = [firm for firm in company.suppliers if firm.trade in accounts.EXPENSE]
        self._unpaid: deque[tuple[str, str, int]] = deque(maxlen=OPEN_ITEMS)
        self._claimed: deque[tuple[str, int]] = deque(maxlen=OPEN_ITEMS)
        self._count = 0

    def next(self, day: str, left: int) -> Journal:
        """A journal of 2 or 3 lines that leaves room for more, or none, of *left* lines."""
        self._count += 1
        chance = self._rng.random()
        if chance < 0.3 and _fits(3, left):
            return self._purchase(day)
        if not _fits(2, left):
            return self._purchase(day)
        if chance < 0.55 and self._unpaid:
            return self._payment(day)
        if chance < 0.75 and self._claimed:
            return self._receipt(day)
        return self._claim(day) if chance < 0.97 else self._bank_charge(day)

    def _purchase(self, day: str) -> Journal:
        firm = self._rng.choice(self._sellers)
        net = _pence(self._rng, 5.1)
        vat = round(net * VAT_PERCENT / 100)
        reference = f"{firm.code[1:]}-{self._count:06d}"
        self._unpaid.append((reference, firm.name, net + vat))
        # Line breaks inside a field are rare, but they do come in exported ledgers.
        note = "\nsee statement" if self._count % 499 == 0 else ""
        postings = (
            (accounts.EXPENSE[firm.trade], net),
            (accounts.INPUT_VAT, vat),
            (accounts.CREDITORS, -net - vat),
        )
        return Journal("PI", day, reference, f"{firm.name}, {firm.trade}{note}", postings)

    def _payment(self, day: str) -> Journal:
        reference, name, total = self._unpaid.popleft()
        return Journal("PP", day, reference, f"Payment to {name}", _pair(accounts.CREDITORS, accounts.BANK, total))

    def _claim(self, day: str) -> Journal:
        amount = _pence(self._rng, 6.4)
        reference = f"GC{self._count:07d}"
        self._claimed.append((reference, amount))
        postings = _pair(accounts.DEBTORS, accounts.GRANTS, amount)
        return Journal("SI", day, reference, "Grant claim, energy advice visit", postings)

    def _receipt(self, day: str) -> Journal:
        reference, amount = self._claimed.popleft()
        return Journal("SR", day, reference, "Grant received", _pair(accounts.BANK, accounts.DEBTORS, amount))

    def _bank_charge(self, day: str) -> Journal:
        postings = _pair(accounts.BANK_CHARGES, accounts.BANK, self._rng.randrange(85, 4_200))
        return Journal("BP", day, f"BC{self._count:06d}", "Bank charges", postings)


def _pair(debit: str, credit: str, pence: int) -> Postings:
    return ((debit, pence), (credit, -pence))


def _pence(rng: random.Random, middle: float) -> int:
    """An amount as trade has them: many small, few large, first digits as Benford says."""
    return 100 + int(rng.lognormvariate(middle, 1.3) * 100)


def _of_jobs(company: Company) -> Iterator[Journal]:
    """Each completed job: the installer's bill, its payment, the grant claimed for it, and its receipt."""
    names = {firm.code: firm.name for firm in company.suppliers}
    for job in company.jobs:
        if job["status"] != "completed":
            continue
        invoice = bill(company.seed, job, company.measure(job))
        works = accounts.WORKS.get(invoice.supplier, accounts.INSULATION)
        text = f"{invoice.measure}, job {invoice.job}, {names[invoice.supplier]}"
        cost = ((works, invoice.net), (accounts.INPUT_VAT, invoice.vat), (accounts.CREDITORS, -invoice.total))
        grant = invoice.net * 108 // 100
        claim = f"GC-{invoice.job}"
        yield Journal("PI", invoice.issued, invoice.number, text, cost)
        paid = _pair(accounts.CREDITORS, accounts.BANK, invoice.total)
        yield Journal("PP", invoice.due, invoice.number, f"Payment to {names[invoice.supplier]}", paid)
        claimed = _pair(accounts.DEBTORS, accounts.GRANTS, grant)
        yield Journal("SI", _later(invoice.issued, 7), claim, f"Grant claim, job {invoice.job}", claimed)
        received = _pair(accounts.BANK, accounts.DEBTORS, grant)
        yield Journal("SR", _later(invoice.issued, 35), claim, f"Grant received, job {invoice.job}", received)


def _of_months(company: Company) -> Iterator[Journal]:
    """Wages and depreciation, on each month's last working day."""
    rng = stream(company.seed, "wages")
    last = {day.isoformat()[:7]: day.isoformat() for day in working_days()}
    for month, day in last.items():
        gross = len(company.staff) * rng.randrange(241_000, 263_000)
        ni, tax = gross * 138 // 1_000, gross * 21 // 100
        wages = (
            (accounts.WAGES, gross),
            (accounts.EMPLOYER_NI, ni),
            (accounts.PAYE, -tax - ni),
            (accounts.WAGES_DUE, tax - gross),
        )
        yield Journal("JE", day, f"PAY-{month}", f"Payroll {month}", wages)
        paid = _pair(accounts.WAGES_DUE, accounts.BANK, gross - tax)
        yield Journal("BP", day, f"BACS-{month}", f"Net wages {month}", paid)
        worn = _pair(accounts.DEPRECIATION, accounts.DEPRECIATED, 80_209)
        yield Journal("JE", day, f"DEP-{month}", f"Depreciation {month}", worn)


def _later(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days)).isoformat()
