"""The company's books as an accounting API tells them: accounts, periods, journals, open items and reports.

All of it comes from the journals of the ledger that ``write_ledger(path, lines=lines, faults=True)`` writes, so it
agrees with that ledger to the penny.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from docframes.sandbox.company.accounts import CHART, CREDITORS, DEBTORS, Account
from docframes.sandbox.company.invoices import bill
from docframes.sandbox.company.journals import YEAR_START, Journal, year
from docframes.sandbox.company.ledger import FINANCIAL_YEAR, PERIODS
from docframes.sandbox.company.ledger_faults import EXTRA_LINES, Numbered, Planter, tx_id
from docframes.sandbox.company.seeds import SECOND, moment, new_id, stream

if TYPE_CHECKING:
    from docframes.sandbox.company import Company

Row = dict[str, Any]

#: Who pays the claims of jobs, and those of advice visits.
CUSTOMERS = {"C0001": "Home Upgrade Grant Office", "C0002": "Energy Advice Fund"}
#: Payment terms that the journals do not tell.
DUE = 30
INCOME_STATEMENT = ("Income", "Direct Costs", "Overheads")
BALANCE_SHEET = ("Fixed Assets", "Current Assets", "Current Liabilities", "Equity")
FLIPPED = ("Income", "Current Liabilities", "Equity")  #: categories that a reader wants to see negated


class Books:
    """The books behind a ledger of *lines* lines with its planted faults; made when they are first asked for."""

    def __init__(self, company: Company, lines: int) -> None:
        self.company = company
        self.lines = lines

    @cached_property
    def numbered(self) -> list[Numbered]:
        """Every journal with its number."""
        return list(Planter().plant(year(self.company, self.lines - EXTRA_LINES)))

    @cached_property
    def account_ids(self) -> dict[str, str]:
        """Account code to the id that the API gives the account."""
        return {account.code: new_id(stream(self.company.seed, "account", account.code)) for account in CHART}

    @cached_property
    def accounts(self) -> list[Row]:
        """The chart of accounts."""
        made = moment("2018-04-01") // SECOND
        return [
            {
                "accountId": self.account_ids[account.code],
                "remotePk": f"NL{number:04d}",
                "code": account.code,
                "name": account.name,
                "primaryCategory": account.category,
                "tag": account.tag,
                "currencyIso": "GBP",
                "createdTimestamp": made + number * 3_600,
                "modifiedTimestamp": made + number * 86_400,
                "status": "ACTIVE",
            }
            for number, account in enumerate(CHART, start=1)
        ]

    @cached_property
    def periods(self) -> list[Row]:
        """The twelve periods of the year; their ids are those of the ledger's PERIOD_ID, as integers."""
        return [
            {
                "id": int(number),
                "number": int(number),
                "startDate": first,
                "endDate": last,
                "financialYear": FINANCIAL_YEAR,
                "status": "CLOSED" if int(number) < 12 else "OPEN",
            }
            for number, first, last in PERIODS.values()
        ]

    @cached_property
    def journals(self) -> list[Row]:
        """Every journal with its lines, amounts in pounds, debit positive."""
        return list(self._journals())

    def _journals(self) -> Iterator[Row]:
        line = 0
        for item in self.numbered:
            journal = item.journal
            lines = []
            for code, pence in journal.postings:
                line += 1
                lines.append(
                    {
                        "id": f"{line:09d}",
                        "accountId": self.account_ids[code],
                        "description": journal.description,
                        "value": pence / 100,
                    }
                )
            yield {
                "id": tx_id(item.number),
                "date": journal.day,
                "description": journal.description,
                "type": journal.kind,
                "periodId": period_of(journal.day),
                "lines": lines,
            }

    @cached_property
    def receivable_items(self) -> list[Row]:
        """Claims and receipts; what is open adds up to the closing balance of the debtors' account."""
        return self._items(DEBTORS, {"SI": "INVOICE", "SR": "PAYMENT"}, 1, self._customer)

    @cached_property
    def payable_items(self) -> list[Row]:
        """Bills and payments, bills positive; what is open is the negated closing balance of the creditors' account."""
        return self._items(CREDITORS, {"PI": "INVOICE", "PP": "PAYMENT"}, -1, self._supplier)

    def _items(self, control: str, kinds: dict[str, str], sign: int, party: Any) -> list[Row]:
        opening = next(account.opening for account in CHART if account.code == control)
        rows = [self._opening_item(control, opening * sign)]
        paying = [item for item in self.numbered if kinds.get(item.journal.kind) == "PAYMENT"]
        waiting: dict[str, list[Numbered]] = defaultdict(list)
        for item in paying:
            waiting[item.journal.reference].append(item)
        settled: dict[int, tuple[int, int]] = {}
        for item in self.numbered:
            if kinds.get(item.journal.kind) == "INVOICE" and waiting[item.journal.reference]:
                payment = waiting[item.journal.reference].pop(0)
                pence = abs(_on(payment.journal, control))
                settled[item.number], settled[payment.number] = (payment.number, pence), (item.number, pence)
        for item in self.numbered:
            if item.journal.kind in kinds:
                pence = _on(item.journal, control) * sign
                other, allocated = settled.get(item.number, (0, 0))
                left = pence - allocated if pence > 0 else pence + allocated
                rows.append(self._item(item, kinds[item.journal.kind], pence, left, other, allocated) | party(item))
        return rows

    def _item(self, item: Numbered, kind: str, pence: int, left: int, other: int, allocated: int) -> Row:
        journal = item.journal
        return {
            "id": f"I{item.number:07d}",
            "itemType": kind,
            "reference": journal.reference,
            "date": journal.day,
            "dueDate": _due(journal.day),
            "periodId": period_of(journal.day),
            "currencyIso": "GBP",
            "amount": pence / 100,
            "outstandingAmount": left / 100,
            "baseAmount": pence / 100,
            "links": [{"glTxId": tx_id(item.number), "amount": pence / 100}],
            "allocations": [{"itemId": f"I{other:07d}", "amount": allocated / 100}] if other else [],
        }

    def _opening_item(self, control: str, pence: int) -> Row:
        day = YEAR_START.isoformat()
        party = ("customerId", "customerName") if control == DEBTORS else ("supplierId", "supplierName")
        return {
            "id": f"OB{control}",
            "itemType": "JOURNAL",
            "reference": "opening balance",
            "date": day,
            "dueDate": day,
            "periodId": 1,
            "currencyIso": "GBP",
            "amount": pence / 100,
            "outstandingAmount": pence / 100,
            "baseAmount": pence / 100,
            "links": [],
            "allocations": [],
            **dict.fromkeys(party),
        }

    def _customer(self, item: Numbered) -> Row:
        code = "C0001" if item.journal.reference.startswith("GC-") else "C0002"
        return {"customerId": code, "customerName": CUSTOMERS[code]}

    @cached_property
    def _billed(self) -> dict[str, str]:
        """Number of an installer's bill to the supplier's code."""
        done = [job for job in self.company.jobs if job["status"] == "completed"]
        bills = [bill(self.company.seed, job, self.company.measure(job)) for job in done]
        return {invoice.number: invoice.supplier for invoice in bills}

    def _supplier(self, item: Numbered) -> Row:
        # Everyday bills carry the supplier's number in front; descriptions are no help, one of them is blank.
        reference = item.journal.reference
        code = self._billed.get(reference) or f"S{reference.partition('-')[0]}"
        name = next(firm.name for firm in self.company.suppliers if firm.code == code)
        return {"supplierId": code, "supplierName": name}

    # --- reports --------------------------------------------------------------------------------------------------

    @cached_property
    def movements(self) -> Counter[tuple[str, int]]:
        """Account code and period to pence."""
        sums: Counter[tuple[str, int]] = Counter()
        for item in self.numbered:
            for code, pence in item.journal.postings:
                sums[code, period_of(item.journal.day)] += pence
        return sums

    def report(self, name: str, spans: dict[str, tuple[int, int]]) -> Row:
        """One of the four reports as a tree: category, tag, and in the detailed ones the account.

        spans : heading of a column to its first and last period.
        """
        income = name.startswith("income")
        categories = INCOME_STATEMENT if income else BALANCE_SHEET
        rows = [self._category(category, income, name.endswith("detailed"), spans) for category in categories]
        return {"report": name, "currencyIso": "GBP", "financialYear": FINANCIAL_YEAR, "rows": rows}

    def _category(self, category: str, income: bool, detailed: bool, spans: dict[str, tuple[int, int]]) -> Row:
        accounts = [account for account in CHART if account.category == category]
        tags = dict.fromkeys(account.tag for account in accounts)
        below = []
        for tag in tags:
            own = [account for account in accounts if account.tag == tag]
            leaves = [self._node(one.name, [one], income, spans) | {"code": one.code} for one in own]
            below.append(self._node(tag, own, income, spans) | ({"children": leaves} if detailed else {}))
        return self._node(category, accounts, income, spans) | {"children": below}

    def _node(self, label: str, accounts: list[Account], income: bool, spans: dict[str, tuple[int, int]]) -> Row:
        values = []
        for heading, (first, last) in spans.items():
            # A balance is what all periods up to the last one have left, on top of what the year opened with.
            since = first if income else 1
            pence = sum(self.movements[one.code, at] for one in accounts for at in range(since, last + 1))
            pence += 0 if income else sum(one.opening for one in accounts)
            values.append({"period": heading, "value": pence / 100})
        return {"label": label, "displayFlipped": accounts[0].category in FLIPPED, "values": values}


def period_of(day: str) -> int:
    """The period that a day lies in."""
    return int(PERIODS[day[:7]][0])


def _on(journal: Journal, account: str) -> int:
    return sum(pence for code, pence in journal.postings if code == account)


def _due(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(DUE)).isoformat()
