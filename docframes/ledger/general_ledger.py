"""A general ledger as pandas frames, with its control totals and what was wrong with its files."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from docframes.ledger.controls import ControlTotals
from docframes.words import count, money


@dataclass(frozen=True, repr=False, eq=False)
class GeneralLedger:
    """What :func:`.read_ledger` gives.

    name : of the company where the ledger says it, else of the file.
    transactions : one row per line; roles first (``docframes.ledger.ROLES`` has their meanings), then the file's
    other columns as text, then ``source_line`` and, where several files make up the table, ``source_member``.
    period_balances, period_balances_summarised : likewise; without columns where the ledger has no such file.
    company : the file's columns, all text.  others : frames of text, by name of the file.
    controls : exact totals per currency: lines, transactions, debit, credit, difference, first_date, last_date.
    totals : the same of the whole.
    problems : one row per fault: member, line (from 1), column, rule, value, count, reason.
    sources : one row per file: member, table, encoding, delimiter, header_line, lines, kept_out.
    roles : for each table, which columns play which role.
    origin : where it was fetched, in the words of who fetched it, such as ``engagement`` and ``upload``.
    """

    name: str
    transactions: pd.DataFrame
    period_balances: pd.DataFrame
    period_balances_summarised: pd.DataFrame
    company: pd.DataFrame
    controls: pd.DataFrame
    totals: ControlTotals
    problems: pd.DataFrame
    sources: pd.DataFrame
    others: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    roles: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"GeneralLedger {self.name}, {', '.join(self._facts())}"

    def _repr_html_(self) -> str:
        tables = {
            "transactions": self.transactions,
            "period_balances": self.period_balances,
            "period_balances_summarised": self.period_balances_summarised,
            "company": self.company,
            "problems": self.problems,
        }
        rows = [(name, frame.shape) for name, frame in tables.items()]
        rows += [(f"others[{name!r}]", frame.shape) for name, frame in self.others.items()]
        body = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{lines:,}</td><td>{columns}</td></tr>"
            for name, (lines, columns) in rows
        )
        head = f"<p><b>GeneralLedger {html.escape(self.name)}</b>, {html.escape(', '.join(self._facts()))}</p>"
        return f"{head}<table><tr><th>frame</th><th>rows</th><th>columns</th></tr>{body}</table>"

    def _facts(self) -> list[str]:
        totals = self.totals
        lines = count(totals.lines, "line")
        if totals.transactions is not None:
            lines += f" in {count(totals.transactions, 'transaction')}"
        facts = [lines]
        if totals.first_date and totals.last_date:
            facts.append(f"{totals.first_date:%Y-%m-%d} to {totals.last_date:%Y-%m-%d}")
        facts.append(self._balance())
        kept_out = int(self.sources["kept_out"].sum())
        if kept_out:
            facts.append(f"{count(kept_out, 'line')} kept out (see .problems)")
        return [*facts, *(f"{name} {value}" for name, value in self.origin.items())]

    def _balance(self) -> str:
        gaps = [
            f"{money(gap)} {currency}" if isinstance(currency, str) else money(gap)
            for currency, gap in zip(self.controls["currency"], self.controls["difference"], strict=True)
            if gap
        ]
        return f"out of balance by {' and '.join(gaps)}" if gaps else "balanced to 0.00"
