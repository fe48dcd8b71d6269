"""Faults planted in a ledger, each written down as it is planted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from docframes.sandbox.company.journals import Journal

#: Lines that the faults add: the purchase that is posted twice.
EXTRA_LINES = 3
#: Account, period and pence by which the balances misstate a movement.
MISSTATED = ("7502", "08", 25_000)


@dataclass
class Numbered:
    """A journal with its number in the series."""

    number: int
    journal: Journal


@dataclass
class Planter:
    """Numbers journals and plants the faults on the way; *truth* fills up as they pass."""

    truth: list[dict[str, Any]] = field(default_factory=list)
    _next: int = 1
    _twin: tuple[str, Journal, int] | None = None

    def plant(self, journals: Iterator[Journal]) -> Iterator[Numbered]:
        """The journals, numbered; each fault takes the first purchase on or after its day."""
        waiting = list(self._plan())
        for journal in journals:
            if self._twin is not None and journal.day >= self._twin[0]:
                yield self._post_again(*self._twin[1:], beside=journal)
                self._twin = None
            if waiting and journal.kind == "PI" and journal.day >= waiting[0][0]:
                journal = waiting.pop(0)[1](journal)
            yield self._number(journal)

    def misstate(self) -> tuple[str, str, int]:
        """The account, period and pence by which the period balances are wrong."""
        account, period, pence = MISSTATED
        reason = f"movement and closing balance are {pence / 100:.2f} above what the lines add up to"
        self._note("balance_mismatch", "GL_Period_Balances", [account, period], reason)
        return account, period, pence

    def _plan(self) -> Iterator[tuple[str, Callable[[Journal], Journal]]]:
        yield "2025-05-13", self._unbalance
        yield "2025-07-08", self._leave_gap
        yield "2025-09-09", self._on_saturday
        yield "2025-10-14", self._remember_twin
        yield "2026-01-13", self._late_and_blank

    def _number(self, journal: Journal) -> Numbered:
        self._next += 1
        return Numbered(self._next - 1, journal)

    def _unbalance(self, journal: Journal) -> Journal:
        (account, pence), *rest = journal.postings
        ids = [tx_id(self._next)]
        self._note("unbalanced_journal", "GL_TX_ID", ids, "debits are 100.00 above credits")
        return replace(journal, postings=((account, pence + 10_000), *rest))

    def _leave_gap(self, journal: Journal) -> Journal:
        ids = [journal_id(self._next)]
        self._note("number_gap", "JOURNAL_ID", ids, "the number was never used")
        self._next += 1
        return journal

    def _on_saturday(self, journal: Journal) -> Journal:
        day = date.fromisoformat(journal.day)
        saturday = (day + timedelta(5 - day.weekday())).isoformat()
        self._note("weekend_posting", "GL_TX_ID", [tx_id(self._next)], f"dated and entered on {saturday}, 23:41")
        return replace(journal, day=saturday, entered=f"{saturday}T23:41:07Z")

    def _remember_twin(self, journal: Journal) -> Journal:
        again = (date.fromisoformat(journal.day) + timedelta(9)).isoformat()
        self._twin = (again, journal, self._next)
        return journal

    def _post_again(self, journal: Journal, first: int, *, beside: Journal) -> Numbered:
        ids = [tx_id(first), tx_id(self._next)]
        reason = f"one bill, {journal.reference}, of one supplier was posted twice"
        self._note("duplicate_invoice", "GL_TX_ID", ids, reason)
        return self._number(replace(journal, day=beside.day, entered=beside.entered))

    def _late_and_blank(self, journal: Journal) -> Journal:
        late = (date.fromisoformat(journal.day) + timedelta(41)).isoformat()
        ids = [tx_id(self._next)]
        self._note("late_entry", "GL_TX_ID", ids, "entered 41 days late, after its period, with no description")
        return replace(journal, entered=f"{late}T17:02:55Z", description="")

    def _note(self, fault: str, where: str, ids: list[str], reason: str) -> None:
        self.truth.append({"fault": fault, "where": f"ledger {where}", "ids": ids, "reason": reason})


def numbered(journals: Iterator[Journal]) -> Iterator[Numbered]:
    """The journals with numbers that have no gap."""
    for number, journal in enumerate(journals, start=1):
        yield Numbered(number, journal)


def tx_id(number: int) -> str:
    """GL_TX_ID of the journal of that number."""
    return str(500_000 + number)


def journal_id(number: int) -> str:
    """JOURNAL_ID of the journal of that number."""
    return f"J{number:07d}"
